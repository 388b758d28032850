// Carries out the script's faults on real processes: each is in the journal before, and reverted at its end at the latest.

import { MICROS_PER_MILLI, type Micros } from "../../kernel/units.js";
import { streamKey, uniform } from "../../kernel/draws.js";
import { EventClass } from "../../kernel/clock.js";
import type { ScriptClock } from "../../sim/stage.js";
import type { Model } from "../../world/model.js";
import type { Effect } from "../../world/effect.js";
import type { Common, Order } from "../process/protocol.js";
import type { FaultLease, GameDayGuard } from "../safety/guard.js";
import { signalIf } from "../safety/identity.js";
import type { LiveScraper } from "../telemetry/scrape.js";
import { Child } from "./child.js";
import type { EventLog } from "./event-log.js";
import type { FaultAct } from "./fault-acts.js";
import type { ReplicaProcess } from "./replica-process.js";
import type { Supervisor } from "./supervisor.js";

export interface FaultsOptions {
  readonly acts: readonly FaultAct[];
  readonly model: Model;
  readonly common: Common;
  readonly clock: ScriptClock;
  readonly guard: GameDayGuard;
  readonly supervisor: Supervisor;
  readonly scraper: LiveScraper;
  readonly events: EventLog;
  readonly log: number;
  /** A fault could not be begun: the game day ends. */
  readonly onTrouble: (error: unknown) => void;
}

export class Faults {
  readonly #options: FaultsOptions;
  /** Faults that are on, with when they end. */
  readonly #on = new Map<FaultAct, Micros>();
  #leases = 0;
  #stopped = false;

  constructor(options: FaultsOptions) {
    this.#options = options;
    options.supervisor.onReady = (replica) => this.#reach(replica);
  }

  /** Puts every fault on the clock. */
  schedule(): void {
    const { acts, clock } = this.#options;
    for (const act of acts) {
      clock.at(act.at, EventClass.world, () => this.#begin(act));
      clock.at(act.at + act.lasts, EventClass.world, () => this.#end(act));
    }
  }

  /** No further fault begins. */
  stop(): void {
    this.#stopped = true;
  }

  /** Faults that are on, in words. */
  get active(): readonly string[] {
    return [...this.#on.keys()].map(({ what, victim }) => `${what} on ${victim}`);
  }

  #begin(fault: FaultAct): void {
    if (this.#stopped) return;
    const { clock, events } = this.#options;
    this.#on.set(fault, clock.now() + fault.lasts);
    events.note("effect-started", null, null, fault.effect.id);
    this.#act(fault).catch((error: unknown) => this.#options.onTrouble(error));
  }

  #end(fault: FaultAct): void {
    if (!this.#on.delete(fault)) return;
    this.#options.events.note("effect-ended", null, null, fault.effect.id);
    this.#setTelemetry(fault);
    if (fault.act.do === "stop-replicas") this.#setWatches();
  }

  /** Looks at all faults that are on, since two may overlap: the end of one is not the end of the other. */
  #setTelemetry({ act }: FaultAct): void {
    const { scraper } = this.#options;
    if (act.do !== "silence-metrics" && act.do !== "slow-metrics" && act.do !== "lag") return;
    const { service } = act;
    const acts = [...this.#on.keys()].map((fault) => fault.act);
    scraper.setGap(service, acts.some((other) => other.do === "silence-metrics" && other.service === service));
    scraper.setLag(acts.reduce((sum, other) => sum + (other.do === "lag" && other.service === service ? other.add : 0), 0), service);
    if (service === null) scraper.setLag(acts.reduce((sum, other) => sum + (other.do === "slow-metrics" && other.service === null ? other.delay : 0), 0), null, "figures");
  }

  /** Nobody restarts what is in a zone that is gone. */
  #setWatches(): void {
    const zones = [...this.#on.keys()].filter(({ act }) => act.do === "stop-replicas" && !act.watched);
    for (const replica of this.#options.supervisor.fleet.replicas) replica.unwatched = zones.some(({ effect }) => this.#isVictim(effect, replica));
  }

  /** A replica that began to serve meets what is on. */
  #reach(replica: ReplicaProcess): void {
    for (const [fault, until] of this.#on) {
      const { act } = fault;
      const left = until - this.#options.clock.now();
      if (this.#stopped || left <= 0) continue;
      if (act.do === "stop-replicas" && this.#isVictim(fault.effect, replica)) this.#stopProcess(fault, replica, left).catch((error: unknown) => this.#options.onTrouble(error));
      if (act.do === "order-replicas" || act.do === "silence-metrics" || act.do === "slow-metrics") this.#orderReplicas(fault, [replica], left).catch((error: unknown) => this.#options.onTrouble(error));
    }
  }

  async #act(fault: FaultAct): Promise<void> {
    const { supervisor, common } = this.#options;
    const { act, effect, lasts } = fault;
    const { id } = effect;
    const { replicas } = supervisor.fleet;
    switch (act.do) {
      case "kill":
        for (const replica of this.#lot(fault).slice(0, act.count)) await this.#kill(fault, replica);
        return;
      case "stop-replicas":
        await Promise.all(replicas.filter((replica) => this.#isVictim(effect, replica)).map((replica) => this.#stopProcess(fault, replica, lasts)));
        return;
      case "stop-flag-service": {
        const { flags } = supervisor;
        if (flags !== null) await this.#lease(fault, lasts, { how: "continue", victim: flags.identity }, () => void signalIf(flags.identity, "SIGSTOP"));
        return;
      }
      case "order-replicas":
      case "silence-metrics":
      case "slow-metrics":
        this.#setTelemetry(fault);
        await this.#orderReplicas(fault, replicas, lasts);
        if (act.do === "order-replicas" && act.burner !== null) {
          const burner = new Child({
            spawner: this.#options.guard, name: `burner for ${fault.victim}`, log: this.#options.log,
            setup: { ...common, role: "burner", share: act.burner, ttl: lasts }, onReport: () => undefined, onExit: () => undefined,
          });
          await this.#lease(fault, lasts, { how: "end-process", token: burner.token }, () => undefined);
        }
        return;
      case "order-database":
        await this.#tell(fault, lasts, [supervisor.database(act.database)], { type: "effect", id, on: true, ttl: lasts }, { type: "effect", id, on: false });
        return;
      case "refuse":
        await this.#tell(fault, lasts, [supervisor.proxy], { type: "refuse", id, from: act.from, to: act.to, ttl: lasts }, { type: "allow", id, to: act.to });
        return;
      case "surge":
        await this.#tell(fault, lasts, [supervisor.load], { type: "surge", id, factor: act.factor, ttl: lasts }, { type: "surge", id, factor: 1, ttl: 0 });
        return;
      case "lag":
        await this.#lease(fault, lasts, { how: "nothing", why: "it is main's own scraper that is late" }, () => this.#setTelemetry(fault));
    }
  }

  async #kill(fault: FaultAct, { child, name }: ReplicaProcess): Promise<void> {
    if (child === null) return;
    await this.#lease({ ...fault, victim: name }, 0, { how: "nothing", why: "the platform starts it again" }, () => void signalIf(child.identity, "SIGKILL"));
  }

  async #stopProcess(fault: FaultAct, replica: ReplicaProcess, lasts: Micros): Promise<void> {
    const { child, name } = replica;
    if (child === null || fault.act.do !== "stop-replicas") return;
    this.#setWatches();
    await this.#lease({ ...fault, victim: name }, lasts, { how: "continue", victim: child.identity }, () => void signalIf(child.identity, "SIGSTOP"));
  }

  /** Tells those replicas that the fault concerns; each knows by itself when it ends. */
  async #orderReplicas(fault: FaultAct, replicas: readonly ReplicaProcess[], lasts: Micros): Promise<void> {
    const concerned = replicas.filter((replica) => concerns(fault, replica)).map(({ child }) => child);
    const { act, effect: { id } } = fault;
    const delay = act.do === "silence-metrics" ? "silent" : act.do === "slow-metrics" ? act.delay : null;
    if (delay !== null) await this.#tell(fault, lasts, concerned, { type: "metrics", id, delay, ttl: lasts }, { type: "metrics", id, delay: 0, ttl: 0 });
    else await this.#tell(fault, lasts, concerned, { type: "effect", id, on: true, ttl: lasts }, { type: "effect", id, on: false });
  }

  async #tell(fault: FaultAct, lasts: Micros, children: readonly (Child | null)[], on: Order, off: Order): Promise<void> {
    const told = children.filter((child) => child !== null && !child.gone);
    const all = (order: Order): void => told.forEach((child) => child?.order(order));
    const victims = told.flatMap((child) => (child === null ? [] : [child.identity]));
    if (victims.length > 0) await this.#lease(fault, lasts, { how: "tell", victims }, () => all(on), () => all(off));
  }

  async #lease({ effect, what, victim }: FaultAct, lasts: Micros, revert: FaultLease["revert"], apply: () => void, tell?: () => void): Promise<void> {
    if (this.#stopped) return;
    this.#leases += 1;
    await this.#options.guard.beginFault({ fault: `${this.#leases} ${effect.id}`, what, victim, forMs: lasts / MICROS_PER_MILLI, revert, ...(tell === undefined ? {} : { tell }) }, apply);
  }

  /** Ready victims, in the order of their lots: the simulator draws the same ones. */
  #lot({ effect }: FaultAct): readonly ReplicaProcess[] {
    const key = streamKey(this.#options.common.seed, `effect/${effect.id}/lot`);
    const lot = ({ number, version }: ReplicaProcess): number => uniform(key, number, version.index);
    return this.#options.supervisor.fleet.replicas
      .filter((replica) => replica.state === "ready" && this.#isVictim(effect, replica))
      .sort((a, b) => lot(a) - lot(b));
  }

  #isVictim({ target }: Effect, { service: { spec }, version, number, zone }: ReplicaProcess): boolean {
    if (target.on === "zone") return target.zone === zone;
    if (target.on !== "service" || target.service !== spec.name) return false;
    if (target.version !== undefined && target.version !== version.name) return false;
    return (target.replica === undefined || target.replica === number) && (target.zone === undefined || target.zone === zone);
  }
}

/** Whether a replica is told of a fault; its process knows which of its requests the effect is for. */
function concerns({ act }: FaultAct, { service: { spec } }: ReplicaProcess): boolean {
  if (act.do === "order-replicas") return act.services === null || act.services.includes(spec.name);
  return (act.do === "silence-metrics" || act.do === "slow-metrics") && (act.service === null || act.service === spec.name);
}
