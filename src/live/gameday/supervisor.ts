// Starts the processes of a game day, tells them about each other, and is the cluster that the control plane commands.

import type { Micros, Ratio } from "../../kernel/units.js";
import type { TargetSchema } from "../../telemetry/schema.js";
import { databaseSchema, flagServiceSchema, type FlagServiceSchema } from "../../telemetry/schema.js";
import type { Target } from "../../telemetry/target.js";
import type { Cluster } from "../../sim/control-plane.js";
import type { ScriptClock } from "../../sim/stage.js";
import type { Model } from "../../world/model.js";
import type { VersionStatus, WorldInput } from "../../world/world.js";
import type { Common, Report } from "../process/protocol.js";
import { Child, firstLine, type ChildExit, type Spawner } from "./child.js";
import type { EventLog } from "./event-log.js";
import { Fleet } from "./fleet.js";
import type { LiveBooks } from "./live-books.js";
import { isAnswering } from "./liveness.js";
import type { Quality } from "./quality.js";
import type { ReplicaProcess } from "./replica-process.js";
import type { Scraped } from "./scraped.js";

export interface SupervisorOptions {
  readonly input: WorldInput;
  readonly model: Model;
  readonly clock: ScriptClock;
  readonly epochMillis: number;
  readonly spawner: Spawner;
  /** An open file that takes what the processes print. */
  readonly log: number;
  readonly scraped: Scraped;
  readonly figuresUrl: (id: string) => string | null;
  readonly books: LiveBooks;
  readonly events: EventLog;
  readonly quality: Quality;
  /** The game day can't go on: a process that it needs is gone or failed. */
  readonly onLost: (why: string) => void;
}

/** How long the flag service may take to accept a change, and how long its answer may be on its way. */
const FLAG_PATIENCE: Micros = 2_000_000;
const FLAG_ANSWERS: Micros = 500_000;
/** How often it is looked whether it still answers. */
const FLAG_LOOK: Micros = 1_000_000;
/** How often it is looked whether the proxy admits every replica. */
const ADMISSION_LOOK: Micros = 100_000;

export class Supervisor implements Cluster {
  readonly fleet: Fleet;
  /** Told when a replica begins to serve. */
  onReady: (replica: ReplicaProcess) => void = () => undefined;
  readonly #options: SupervisorOptions;
  readonly #common: Common;
  readonly #databases = new Map<string, Child>();
  readonly #weights = new Map<string, Readonly<Record<string, Ratio>>>();
  readonly #flagsOn = new Map<string, boolean>();
  /** By the number of the change. */
  readonly #flagAnswers = new Map<number, (accepted: boolean) => void>();
  #flagChanges = 0;
  #proxy: Child | null = null;
  #load: Child | null = null;
  #flags: Child | null = null;
  #flagTarget: Target<FlagServiceSchema> | null = null;
  #admitted: Readonly<Record<string, readonly string[]>> = {};
  #closing = false;

  constructor(options: SupervisorOptions) {
    const { input, model, epochMillis } = options;
    this.#options = options;
    this.#common = { seed: input.seed, epochMillis, releases: model.releases };
    for (const flag of model.flags) this.#flagsOn.set(flag, true);
    for (const { spec } of model.services) this.#weights.set(spec.name, { [spec.version]: 1 });
    this.fleet = new Fleet({
      ...options, common: this.#common,
      flagOn: (flag) => this.#flagsOn.get(flag) ?? true,
      onBackends: (service, backends) => this.#proxy?.order({ type: "backends", service, backends }),
      onLoss: (service, version, mask) => this.#proxy?.order({ type: "losses", service, version, mask }),
      onReady: (replica) => this.onReady(replica),
      onTrouble: (error) => options.onLost(error instanceof Error ? error.message : String(error)),
    });
  }

  /** Starts everything; resolves when all listen and the proxy admits every replica of the stable versions. */
  async begin(): Promise<void> {
    const { input, model } = this.#options;
    this.#proxy = this.#spawn("proxy", { ...this.#common, role: "proxy", services: input.spec.services });
    for (const database of input.spec.databases) {
      this.#databases.set(database.name, this.#spawn(`database-${database.name}`, { ...this.#common, role: "database", database, effects: input.effects }));
    }
    if (model.flags.length > 0) this.#flags = this.#spawn("flag-service", { ...this.#common, role: "flags", flags: model.flags });
    const services = await this.#proxy.listening;
    const databases = Object.fromEntries(await Promise.all([...this.#databases].map(async ([name, child]) => [name, (await child.listening)["http"]] as const)));
    await this.#flags?.listening;
    await this.fleet.begin({ services, databases, flags: this.#flags?.port ?? null });
    this.#load = this.#spawn("load", {
      ...this.#common, role: "load", world: input.spec, versions: input.versions, effects: input.effects,
      slowAfterSeconds: input.slowAfterSeconds, servicePorts: services, duration: input.horizon,
    });
    await this.#load.listening;
    this.#scrapeTheRest();
    await this.#untilAdmitted();
  }

  /** What is not up yet of what a game day begins with. */
  get missing(): readonly string[] {
    const { services, versions } = this.#options.model;
    const replicas = services.flatMap(({ spec, versions: [stable] }) => {
      const ready = this.status(spec.name).find(({ version }) => version === versions[stable].name)?.ready ?? 0;
      return ready < spec.replicas ? [`${spec.replicas - ready} of ${spec.replicas} replicas of ${spec.name}`] : [];
    });
    return replicas.length > 0 || this.#load !== null ? replicas : ["the load generator"];
  }

  /** Begins to send at run time 0. */
  sendTraffic(): void {
    this.#load?.order({ type: "begin", at: 0 });
  }

  /** From now on no end of a process is an accident. */
  close(): void {
    this.#closing = true;
    this.fleet.close();
    this.#load?.order({ type: "end" });
  }

  // The cluster.

  status(service: string): readonly VersionStatus[] {
    const { model } = this.#options;
    const admitted = this.#admitted[service] ?? [];
    const weights = this.#weights.get(service) ?? {};
    const found = model.services.find(({ spec }) => spec.name === service);
    return (found?.versions ?? []).map((index): VersionStatus => {
      const version = model.versions[index];
      const replicas = this.fleet.replicas.filter((replica) => replica.version === version);
      const ready = replicas.filter((replica) => replica.state === "ready" && admitted.includes(replica.name)).length;
      const draining = replicas.filter(({ state }) => state === "draining").length;
      return { version: version.name, desired: this.fleet.desired(index), starting: replicas.length - ready - draining, ready, draining, weight: weights[version.name] ?? 0 };
    });
  }

  scale(service: string, version: string, replicas: number): void {
    const { model } = this.#options;
    const found = model.versions.find((each) => each.name === version && model.services[each.service].spec.name === service);
    if (found !== undefined) this.fleet.scale(found, replicas);
  }

  setWeights(service: string, weights: Readonly<Record<string, Ratio>>): void {
    const { clock, input, events } = this.#options;
    clock.setTimer(input.spec.splitPropagation, () => {
      this.#weights.set(service, weights);
      this.#proxy?.order({ type: "weights", service, weights });
      const shares = Object.entries(weights).map(([version, weight]) => `${version} ${Math.round(weight * 100)}%`);
      events.note("split-changed", service, null, `${service}: ${shares.join(", ")}`);
    });
  }

  setFlag(flag: string, on: boolean, heard: (accepted: boolean) => void): void {
    const { clock, events } = this.#options;
    const change = (this.#flagChanges += 1);
    let isHeard = false;
    const tell = (accepted: boolean): void => {
      if (isHeard) return;
      isHeard = true;
      clock.clearTimer(patience);
      heard(accepted);
    };
    const patience = clock.setTimer(FLAG_PATIENCE, () => tell(false));
    this.#flagAnswers.set(change, (accepted) => {
      this.#flagAnswers.delete(change);
      // However late it is heard of: what was accepted is what users get.
      if (accepted) {
        this.#flagsOn.set(flag, on);
        events.note("flag-changed", null, null, `flag ${flag} ${on ? "on" : "off"}`);
      }
      tell(accepted);
    });
    // It accepts nothing that would be heard of too late: what was reported as failed must not come true afterwards.
    this.#flags?.order({ type: "flag", change, flag, on, until: clock.now() + FLAG_PATIENCE - FLAG_ANSWERS });
  }

  // What faults take hold of.

  get proxy(): Child | null {
    return this.#proxy;
  }

  get flags(): Child | null {
    return this.#flags;
  }

  database(name: string): Child | null {
    return this.#databases.get(name) ?? null;
  }

  get load(): Child | null {
    return this.#load;
  }

  #spawn(name: string, setup: ConstructorParameters<typeof Child>[0]["setup"]): Child {
    const { spawner, log } = this.#options;
    return new Child({
      spawner, log, name, setup,
      onReport: (report) => this.#hear(name, report),
      onExit: (exit) => this.#ended(name, exit),
    });
  }

  #hear(name: string, report: Report): void {
    const { books, quality } = this.#options;
    switch (report.type) {
      case "proxy-state":
        this.#admitted = report.admitted;
        quality.hearProxy(report);
        return;
      case "load-books":
        books.hearLoad(report);
        quality.hearLoad(report);
        return;
      case "flag-set":
        this.#flagAnswers.get(report.change)?.(report.accepted);
        return;
      case "failed":
        if (!this.#closing) this.#options.onLost(`${name} failed: ${firstLine(report.why)}`);
        return;
      default:
        return;
    }
  }

  /** Replicas come and go; these are there from beginning to end. */
  #ended(name: string, { code, signal }: ChildExit): void {
    if (!this.#closing) this.#options.onLost(`${name} ended (${signal ?? `exit ${code}`})`);
  }

  /** Databases show their own figures; whether the flag service answers is looked at from here. */
  #scrapeTheRest(): void {
    const { scraped, input, figuresUrl } = this.#options;
    for (const { name } of input.spec.databases) {
      this.#scrapeProcess(`database-${name}`, databaseSchema({ database: name }), this.#databases.get(name)?.port ?? 0);
    }
    this.#flagTarget = scraped.addFigures({ id: "flag-service", labels: {}, schema: flagServiceSchema(), url: figuresUrl("flag-service") });
    this.#showFlagService(true);
    if (this.#flags !== null) this.#watchFlagService(this.#flags.port);
  }

  #scrapeProcess(id: string, schema: TargetSchema, port: number): void {
    this.#options.scraped.addProcess({ id, labels: schema.labels, schema, port });
  }

  #watchFlagService(port: number): void {
    if (this.#closing) return;
    void isAnswering(port, "/healthz", FLAG_LOOK).then((up) => {
      this.#showFlagService(up);
      this.#options.clock.setTimer(FLAG_LOOK, () => this.#watchFlagService(port));
    });
  }

  #showFlagService(up: boolean): void {
    const target = this.#flagTarget;
    for (const live of target?.live ?? []) live[target!.schema.upIndex] = up ? 1 : 0;
  }

  async #untilAdmitted(): Promise<void> {
    const { clock } = this.#options;
    while (this.missing.length > 0) await new Promise<void>((resolve) => void clock.setTimer(ADMISSION_LOOK, resolve));
  }
}
