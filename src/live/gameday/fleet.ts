// Keeps as many replicas of each version as there should be, and starts again what died, as Kubernetes would.

import type { Clock } from "../../kernel/clock.js";
import { MICROS_PER_MILLI, type Micros } from "../../kernel/units.js";
import { platformSchema, serviceSchema, type PlatformSchema, type ServiceSchema } from "../../telemetry/schema.js";
import type { Target } from "../../telemetry/target.js";
import type { Model, VersionModel } from "../../world/model.js";
import { flagDraw, replicaStream, startupDraw, startupFailureDraw } from "../../world/replicas.js";
import type { WorldEvent, WorldInput } from "../../world/world.js";
import type { Backend, Common } from "../process/protocol.js";
import { signalIf } from "../safety/identity.js";
import { Child, type ChildExit, type Spawner } from "./child.js";
import { deathOf, ownDeaths, startFailureOf } from "./deaths.js";
import type { EventLog } from "./event-log.js";
import type { LiveBooks } from "./live-books.js";
import { isAnswering } from "./liveness.js";
import { ReplicaProcess } from "./replica-process.js";
import type { Scraped } from "./scraped.js";

/** Where replicas find what they call. */
export interface Addresses {
  readonly services: Readonly<Record<string, number>>;
  readonly databases: Readonly<Record<string, number>>;
  readonly flags: number | null;
}

export interface FleetOptions {
  readonly input: WorldInput;
  readonly model: Model;
  readonly common: Common;
  readonly clock: Clock;
  readonly spawner: Spawner;
  readonly log: number;
  readonly scraped: Scraped;
  /** Where main shows the platform's figures of a version; null while only the built-in scraper asks. */
  readonly figuresUrl: (id: string) => string | null;
  readonly books: LiveBooks;
  readonly events: EventLog;
  readonly flagOn: (flag: string) => boolean;
  readonly onBackends: (service: string, backends: readonly Backend[]) => void;
  /** Releases that keep replicas of a version down. */
  readonly onLoss: (service: string, version: string, mask: number) => void;
  /** A replica began to serve: faults that are on reach it, too. */
  readonly onReady: (replica: ReplicaProcess) => void;
  /** A replica can't be started (the journal is lost, the machine is full). */
  readonly onTrouble: (error: unknown) => void;
}

interface VersionFleet {
  readonly model: VersionModel;
  readonly schema: ServiceSchema;
  readonly platform: Target<PlatformSchema>;
  readonly replicas: ReplicaProcess[];
  desired: number;
  numbers: number;
  /** Releases that keep some of them down, as everybody was told. */
  loss: number;
}

/** A draining replica that has not gone this long after its limit is ended. */
const DRAIN_GRACE: Micros = 1_000 * MICROS_PER_MILLI;

export class Fleet {
  readonly #options: FleetOptions;
  readonly #versions: readonly VersionFleet[];
  #addresses: Addresses = { services: {}, databases: {}, flags: null };
  #closing = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    const { model, scraped, figuresUrl } = options;
    const { bucketEdgesSeconds: edgesSeconds, init } = model.spec.telemetry;
    this.#versions = model.versions.map((version) => {
      const { spec } = model.services[version.service];
      const labels = { service: spec.name, version: version.name };
      const id = `platform-${spec.name}-${version.name}`;
      return {
        model: version,
        schema: serviceSchema({ ...labels, endpoints: spec.endpoints.map(({ name }) => name), edgesSeconds, init }),
        platform: scraped.addFigures({ id, labels, schema: platformSchema(labels), url: figuresUrl(id) }),
        replicas: [], desired: 0, numbers: 0, loss: 0,
      };
    });
  }

  /** Starts the stable versions' replicas, warm and with full caches; resolves when all listen. */
  async begin(addresses: Addresses): Promise<void> {
    this.#addresses = addresses;
    const started = this.#options.model.services.flatMap(({ versions, spec }) => {
      const version = this.#versions[versions[0]];
      version.desired = spec.replicas;
      return Array.from({ length: spec.replicas }, () => this.#start(this.#create(version), true));
    });
    for (const fleet of this.#versions) this.#refresh(fleet);
    await Promise.all(started.flatMap((child) => (child === null ? [] : [child.listening])));
    for (const { spec } of this.#options.model.services) this.#watchLives(spec.name, spec.liveness);
  }

  /** Every replica that is not gone, service by service and version by version. */
  get replicas(): readonly ReplicaProcess[] {
    return this.#versions.flatMap(({ replicas }) => replicas);
  }

  desired(version: number): number {
    return this.#versions[version].desired;
  }

  /** Sets the number of replicas of a version: more start, or the youngest drain. */
  scale(version: VersionModel, count: number): void {
    const fleet = this.#versions[version.index];
    fleet.desired = count;
    const current = fleet.replicas.filter(({ state }) => state !== "draining");
    for (let i = current.length; i < count; i += 1) {
      const replica = this.#create(fleet);
      this.#note("replica-started", replica, "starts");
      this.#start(replica, false);
    }
    // Those that are not ready yet go first, then the youngest.
    const leaving = [...current].sort((a, b) => Number(a.serving) - Number(b.serving) || b.number - a.number);
    for (const replica of leaving.slice(0, Math.max(0, current.length - count))) this.#drain(replica);
    this.#refresh(fleet);
  }

  /** From now on an end is no accident. */
  close(): void {
    this.#closing = true;
  }

  #create(fleet: VersionFleet): ReplicaProcess {
    const replica = new ReplicaProcess(this.#options.model.services[fleet.model.service], fleet.model, fleet.numbers++);
    fleet.replicas.push(replica);
    return replica;
  }

  #start(replica: ReplicaProcess, warm: boolean): Child | null {
    const { input, model, common, clock, spawner, log, books } = this.#options;
    const { service: { spec, startup }, version, number, name } = replica;
    const key = replicaStream(input.seed, spec.name, version.name);
    const start = replica.starts++;
    const life = replica.newLife();
    replica.state = "starting";
    const flag = this.#flagOf(version);
    const takes = warm ? 0 : Math.round(startup.from(startupDraw(key, number, start)));
    replica.startFailure = warm ? null : startFailureOf(model, {
      replica, draw: startupFailureDraw(key, number, start), readyAt: clock.now() + takes, flagIsOn: flag !== null && this.#options.flagOn(flag),
    });
    const { min, max } = input.spec.flags.propagation;
    try {
      replica.child = new Child({
        spawner, log, name,
        setup: {
          ...common, role: "replica", service: spec, version: version.name, replica: name, zone: replica.zone, flag,
          bucketEdgesSeconds: input.spec.telemetry.bucketEdgesSeconds, seriesInit: input.spec.telemetry.init, slowAfterSeconds: input.slowAfterSeconds,
          startup: takes, warm, failsToStart: replica.startFailure !== null, effects: input.effects,
          servicePorts: this.#addresses.services, databasePorts: this.#addresses.databases, flagPort: this.#addresses.flags,
          flagDelay: Math.round(min + (max - min) * flagDraw(key, number, 1)),
        },
        onReport: (report) => {
          if (report.type === "listening") this.#listens(replica);
          if (report.type === "ready") this.#isReady(replica, warm);
          if (report.type === "replica-books") books.hearReplica(life, report);
          if (report.type === "failed") this.#options.onTrouble(new Error(`${name}: ${report.why}`));
        },
        onExit: (exit) => this.#ended(replica, exit),
      });
    } catch (error) {
      replica.state = "down";
      this.#options.onTrouble(error);
    }
    return replica.child;
  }

  #flagOf(version: VersionModel): string | null {
    return version.flag < 0 ? null : this.#options.model.flags[version.flag];
  }

  #listens(replica: ReplicaProcess): void {
    const { labels } = this.#versions[replica.version.index].schema;
    replica.port = replica.child?.port ?? 0;
    this.#options.scraped.addProcess({ id: replica.name, labels: { ...labels, replica: replica.name }, schema: this.#versions[replica.version.index].schema, port: replica.port });
    this.#tellBackends(replica);
  }

  #isReady(replica: ReplicaProcess, warm: boolean): void {
    if (replica.state !== "starting") return;
    replica.state = "ready";
    replica.unanswered = 0;
    replica.downMask = 0;
    const fleet = this.#versions[replica.version.index];
    this.#tellLoss(fleet);
    replica.child?.order({ type: "loss", mask: fleet.loss });
    if (!warm) this.#note("replica-ready", replica, "is ready");
    this.#refresh(fleet);
    this.#options.onReady(replica);
  }

  #drain(replica: ReplicaProcess): void {
    const { clock, input } = this.#options;
    const wasDown = replica.state === "down";
    replica.state = "draining";
    this.#tellBackends(replica);
    if (wasDown || replica.child === null) return this.#remove(replica);
    const { child } = replica;
    child.order({ type: "drain", limit: input.spec.drain });
    clock.setTimer(input.spec.drain + DRAIN_GRACE, () => void (child.gone || signalIf(child.identity, "SIGKILL")));
  }

  #remove(replica: ReplicaProcess): void {
    const { replicas } = this.#versions[replica.version.index];
    replica.state = "gone";
    replicas.splice(replicas.indexOf(replica), 1);
    this.#options.scraped.remove(replica.name);
    this.#note("replica-stopped", replica, "stopped");
    this.#tellLoss(this.#versions[replica.version.index]);
    this.#refresh(this.#versions[replica.version.index]);
  }

  #ended(replica: ReplicaProcess, exit: ChildExit): void {
    if (this.#closing || replica.state === "gone") return;
    if (replica.state === "draining") return this.#remove(replica);
    const fleet = this.#versions[replica.version.index];
    const failure = replica.state === "starting" && exit.signal === null ? replica.startFailure : null;
    replica.state = "down";
    replica.child = null;
    const blame = failure?.mask ?? (exit.signal === null ? ownDeaths(this.#options.input.effects, replica) : 0);
    replica.downMask |= blame;
    this.#tellLoss(fleet);
    if (failure !== null) {
      this.#count(fleet, fleet.platform.schema.startupFailuresIndex, blame);
      this.#note("startup-failed", replica, "failed to start");
    } else {
      const [kind, why] = deathOf(exit);
      this.#count(fleet, fleet.platform.schema.restartsIndex, blame);
      this.#note(kind, replica, why);
    }
    this.#refresh(fleet);
    this.#options.clock.setTimer(failure?.retryAfter ?? 0, () => {
      if (!this.#closing && replica.state === "down") this.#start(replica, false);
    });
  }

  /** Kubernetes' liveness probes: a replica that does not answer so often in a row is killed, and starts again. */
  #watchLives(service: string, { interval, failures }: { readonly interval: Micros; readonly failures: number }): void {
    const look = async (replica: ReplicaProcess): Promise<void> => {
      const { child } = replica;
      if (child === null || replica.state !== "ready" || replica.unwatched) return;
      const alive = await isAnswering(child.port, "/livez", interval);
      if (this.#closing || replica.child !== child) return;
      replica.unanswered = alive ? 0 : replica.unanswered + 1;
      if (replica.unanswered < failures) return;
      this.#note("replica-killed", replica, "did not answer its liveness probe");
      signalIf(child.identity, "SIGKILL");
    };
    const round = (): void => {
      if (this.#closing) return;
      for (const replica of this.replicas) if (replica.service.spec.name === service) void look(replica);
      this.#options.clock.setTimer(interval, round);
    };
    this.#options.clock.setTimer(interval, round);
  }

  /** Who suffers from the missing replicas suffers from these releases: the proxy and the version's other replicas say so. */
  #tellLoss(fleet: VersionFleet): void {
    const mask = fleet.replicas.reduce((all, { downMask }) => all | downMask, 0);
    if (this.#closing || mask === fleet.loss) return;
    fleet.loss = mask;
    const { services } = this.#options.model;
    this.#options.onLoss(services[fleet.model.service].spec.name, fleet.model.name, mask);
    for (const { child, state } of fleet.replicas) if (state === "ready") child?.order({ type: "loss", mask });
  }

  #tellBackends({ service }: ReplicaProcess): void {
    if (this.#closing) return;
    const here = this.replicas.filter((replica) => replica.service === service && replica.state !== "draining" && replica.state !== "gone");
    const backends = here.flatMap(({ name, version, port }): Backend[] => (port === 0 ? [] : [{ replica: name, version: version.name, port }]));
    this.#options.onBackends(service.spec.name, backends);
  }

  #refresh({ platform, replicas, desired }: VersionFleet): void {
    for (const live of platform.live) {
      live[platform.schema.readyIndex] = replicas.filter(({ state }) => state === "ready").length;
      live[platform.schema.desiredIndex] = desired;
    }
  }

  /** Counts in every lane but those of the releases to blame. */
  #count({ platform }: VersionFleet, column: number, blame: number): void {
    platform.live.forEach((live, lane) => {
      if (lane === 0 || (blame & (1 << (lane - 1))) === 0) live[column] += 1;
    });
  }

  #note(kind: WorldEvent["kind"], replica: ReplicaProcess, what: string): void {
    this.#options.events.note(kind, replica.service.spec.name, replica.version.name, `${replica.name} ${what}`);
  }
}
