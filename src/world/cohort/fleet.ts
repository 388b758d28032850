// The replicas of one version over time: starts, probes, kills, memory, drains. Everything here is an event, nothing a rate.

import { alike } from "../../kernel/alike.js";
import { EventClass } from "../../kernel/clock.js";
import type { StreamKey } from "../../kernel/draws.js";
import type { Micros } from "../../kernel/units.js";
import { concernsReplica, concernsVersion, inWindow, isRemote, type EffectModel } from "../active-effects.js";
import type { ServiceModel, VersionModel } from "../model.js";
import { replicaStream, startupDraw, startupFailureDraw } from "../replicas.js";
import type { WorldEvent } from "../world.js";
import { carries, type FleetOwner } from "./fleet-owner.js";
import { accrueMemory, growthMask, growthOf } from "./memory-growth.js";
import { Replica } from "./replica.js";

/** Adds one in every lane that the releases in `mask` do not leave out. */
function countInLanes(counts: Float64Array, mask: number): void {
  for (let lane = 0; lane < counts.length; lane += 1) if (lane === 0 || (mask & (1 << (lane - 1))) === 0) counts[lane] += 1;
}

const MEDIAN = 0.5;

export class Fleet {
  readonly replicas: Replica[] = [];
  desired = 0;
  /** Counted by lane: lane 1 + r leaves out what release r did. */
  readonly restarts: Float64Array;
  readonly startupFailures: Float64Array;
  /** Effects that can act on replicas of this version, whatever the endpoint. */
  readonly effects: readonly EffectModel[];
  readonly #owner: FleetOwner;
  readonly #key: StreamKey;
  #numbers = 0;

  constructor(readonly service: ServiceModel, readonly version: VersionModel, owner: FleetOwner) {
    this.#owner = owner;
    this.effects = alike(owner.model.effects.filter((effect) => concernsVersion(effect, version, -1) && !isRemote(effect)));
    this.restarts = new Float64Array(owner.model.lanes);
    this.startupFailures = new Float64Array(owner.model.lanes);
    this.#key = replicaStream(owner.model.seed, service.spec.name, version.name);
  }

  get #now(): Micros {
    return this.#owner.agenda.now();
  }

  /** The stable version's replicas at the start: ready long ago and admitted. */
  settle(count: number): void {
    this.desired = count;
    for (let i = 0; i < count; i += 1) {
      const replica = this.#create();
      replica.phase = "ready";
      replica.admitted = true;
      replica.starts = 1;
      replica.flagOn = true;
      this.#owner.up(replica);
      this.#scheduleLife(replica);
      this.#scheduleWarmth(replica);
    }
  }

  scaleTo(count: number): void {
    this.#owner.changing(this);
    this.desired = count;
    const kept = this.replicas.filter((replica) => replica.phase === "starting" || replica.phase === "ready");
    for (let i = kept.length; i < count; i += 1) {
      const replica = this.#create();
      this.#note("replica-started", replica, "starts");
      this.#start(replica);
    }
    // Those that are not ready yet go first, then the youngest.
    const rank = (replica: Replica): number => (replica.phase === "starting" ? 0 : 1);
    const leaving = [...kept].sort((a, b) => rank(a) - rank(b) || b.number - a.number);
    for (const replica of leaving.slice(0, Math.max(0, kept.length - count))) this.#stop(replica);
  }

  count(phase: Replica["phase"]): number {
    let count = 0;
    for (const replica of this.replicas) if (replica.phase === phase) count += 1;
    return count;
  }

  /** Releases whose effects keep replicas down: whoever suffers from the missing capacity blames them. */
  get lossMask(): number {
    let mask = 0;
    for (const replica of this.replicas) mask |= replica.downMask;
    return mask;
  }

  /** Ready and admitted: what has capacity. */
  get ready(): number {
    let count = 0;
    for (const replica of this.replicas) if (replica.serving && replica.admitted) count += 1;
    return count;
  }

  /** Something about the effect's window changed: kills, outages, cold caches and memory follow. */
  effectStarted(effect: EffectModel): void {
    const { what } = effect.effect;
    if (what.kind === "kill") return;
    for (const replica of this.replicas) {
      if (!concernsReplica(effect, replica.number, replica.zone)) continue;
      if (what.kind === "cache-cold" && this.acts(effect, replica)) this.#emptyCache(replica, effect);
      else if (what.kind === "outage") this.#refreshOutage(replica);
      else if (what.kind === "memory-growth" || what.kind === "restart-loop") this.#scheduleLife(replica);
      if (effect.replica >= 0 || effect.zone >= 0) this.#owner.singledOut(replica);
    }
  }

  effectEnded(effect: EffectModel): void {
    for (const replica of this.replicas) {
      if (!concernsReplica(effect, replica.number, replica.zone)) continue;
      if (effect.kind === "outage") this.#refreshOutage(replica);
      else if (effect.kind === "memory-growth") {
        this.memory(replica);
        this.#scheduleLife(replica);
      }
    }
  }

  /** Bytes in use: base and what effects let grow. */
  memory(replica: Replica, lane = 0): number {
    accrueMemory(this.effects, replica, this.#now);
    const left = lane === 0 ? 0 : replica.grown[lane];
    return this.service.spec.memory.base + replica.grown[0] - left;
  }

  #create(): Replica {
    const replica = new Replica(this.service, this.version, this.#numbers++, this.#owner.model.releases);
    this.replicas.push(replica);
    return replica;
  }

  #after(replica: Replica, delay: Micros, act: () => void): void {
    const { life } = replica;
    this.#owner.agenda.at(this.#now + Math.max(0, Math.round(delay)), EventClass.world, () => {
      if (replica.life === life) act();
    });
  }

  #start(replica: Replica): void {
    replica.phase = "starting";
    replica.life += 1;
    replica.startedAt = this.#now;
    const start = replica.starts++;
    const u = this.#owner.noiseFree ? MEDIAN : startupDraw(this.#key, replica.number, start);
    const boot = Math.max(1, this.service.startup.from(u));
    this.#after(replica, boot, () => {
      replica.flagOn = this.version.flag < 0 || this.#owner.flagIsOn(this.version.flag);
      const failing = this.#failureOf(replica, start);
      if (failing === null) this.#becomeReady(replica);
      else this.#failStart(replica, failing);
    });
    // Its balancer goes on probing it, however often it starts.
    if (replica.admitted) this.#dismissLater(replica);
  }

  /** What makes this start fail; null when it works. */
  #failureOf(replica: Replica, start: number): EffectModel | null {
    for (const effect of this.effects) {
      const { what } = effect.effect;
      if (what.kind !== "startup-failure" || !this.acts(effect, replica)) continue;
      const u = this.#owner.noiseFree ? MEDIAN : startupFailureDraw(this.#key, replica.number, start);
      if (u < what.share) return effect;
    }
    return null;
  }

  #failStart(replica: Replica, effect: EffectModel): void {
    this.#owner.changing(this);
    countInLanes(this.startupFailures, effect.bit);
    replica.downMask |= effect.bit;
    this.#note("startup-failed", replica, "failed to start");
    const { what } = effect.effect;
    this.#after(replica, what.kind === "startup-failure" ? what.retryAfter : 0, () => this.#start(replica));
  }

  #becomeReady(replica: Replica): void {
    this.#owner.changing(this);
    replica.phase = "ready";
    replica.life += 1;
    replica.readyAt = this.#now;
    replica.lifelessSince = NaN;
    replica.cacheSince = this.#now;
    replica.cacheMask = replica.coldMask;
    replica.downMask = 0;
    replica.grown.fill(0);
    replica.grownAt = this.#now;
    this.#note("replica-ready", replica, "is ready");
    replica.badSince = NaN;
    this.#owner.up(replica);
    if (!replica.admitted) this.#admitLater(replica);
    this.#scheduleLife(replica);
    this.#scheduleWarmth(replica);
    this.#refreshOutage(replica);
  }

  #emptyCache(replica: Replica, { bit }: EffectModel): void {
    replica.cacheSince = this.#now;
    replica.cacheMask = bit;
  }

  /** Probes come at multiples of the interval; one at this very instant sees what has just happened. */
  #admitLater(replica: Replica): void {
    const { interval, healthyAfter } = this.service.spec.healthCheck;
    const at = (Math.ceil(this.#now / interval) + healthyAfter - 1) * interval;
    this.#after(replica, at - this.#now, () => {
      this.#owner.changing(this);
      replica.admitted = true;
    });
  }

  /** It has not answered since `badSince`. */
  #dismissLater(replica: Replica): void {
    if (!(replica.badSince <= this.#now)) replica.badSince = this.#now;
    const { interval, unhealthyAfter } = this.service.spec.healthCheck;
    const at = (Math.ceil(replica.badSince / interval) + unhealthyAfter - 1) * interval;
    this.#after(replica, at - this.#now, () => {
      this.#owner.changing(this);
      replica.admitted = false;
    });
  }

  #stop(replica: Replica): void {
    replica.life += 1;
    replica.admitted = false;
    const wasReady = replica.phase === "ready";
    replica.phase = wasReady ? "draining" : "gone";
    const leave = (): void => {
      this.#owner.changing(this);
      replica.phase = "gone";
      this.replicas.splice(this.replicas.indexOf(replica), 1);
      this.#owner.left(replica);
      this.#note("replica-stopped", replica, "stopped");
    };
    if (wasReady) this.#after(replica, Math.min(this.#owner.drain, this.#owner.finishing(this)), leave);
    else leave();
  }

  /** The process ends at once and starts again; the balancer notices after its probes. */
  kill(replica: Replica, mask: number): void {
    if (replica.phase !== "ready") return;
    this.#owner.changing(this);
    countInLanes(this.restarts, mask);
    replica.downMask |= mask;
    replica.coldMask = mask;
    replica.silent = false;
    this.#owner.down(replica);
    this.#start(replica);
  }

  /** Whether it answers follows from all effects together: with the end of one outage another may still be on. */
  #refreshOutage(replica: Replica): void {
    if (replica.phase !== "ready") return;
    const outages = this.effects.filter((effect) => effect.kind === "outage" && this.acts(effect, replica));
    const downMask = outages.reduce((mask, { bit }) => mask | bit, 0);
    if (outages.length === 0) {
      if (replica.silent) this.#answerAgain(replica);
    } else if (!replica.silent) {
      this.#silence(replica, downMask);
    } else if (replica.downMask !== downMask) {
      this.#owner.changing(this);
      replica.downMask = downMask;
    }
    // A whole zone that is gone has nobody left to restart containers in it.
    this.#probeLiveness(replica, outages.some(({ zone }) => zone < 0));
  }

  /** Restarts the replica when its probes have failed in a row. */
  #probeLiveness(replica: Replica, failing: boolean): void {
    if (!failing) replica.lifelessSince = NaN;
    if (!failing || !Number.isNaN(replica.lifelessSince)) return;
    const since = this.#now;
    replica.lifelessSince = since;
    const { interval, failures } = this.service.spec.liveness;
    this.#after(replica, interval * failures, () => {
      if (replica.lifelessSince !== since) return;
      this.#note("replica-killed", replica, "did not answer its liveness probe");
      this.kill(replica, replica.downMask);
    });
  }

  #answerAgain(replica: Replica): void {
    this.#owner.changing(this);
    replica.silent = false;
    replica.downMask = 0;
    replica.badSince = NaN;
    replica.life += 1;
    this.#owner.up(replica);
    if (!replica.admitted) this.#admitLater(replica);
    this.#scheduleLife(replica);
  }

  #silence(replica: Replica, downMask: number): void {
    this.#owner.changing(this);
    replica.silent = true;
    replica.downMask = downMask;
    replica.life += 1;
    this.#owner.down(replica);
    if (replica.admitted) this.#dismissLater(replica);
  }

  /** Crashes of this life: of a restart loop, or when memory reaches its limit. */
  #scheduleLife(replica: Replica): void {
    if (replica.phase !== "ready") return;
    for (const effect of this.effects) {
      const { what } = effect.effect;
      if (what.kind === "restart-loop" && this.acts(effect, replica)) {
        const ready = Math.max(replica.readyAt + effect.afterWarmLife, effect.from);
        this.#after(replica, ready + what.every - this.#now, () => {
          if (!this.acts(effect, replica)) return;
          this.#note("replica-killed", replica, "crashed");
          this.kill(replica, effect.bit);
        });
      }
    }
    this.#scheduleOutOfMemory(replica);
  }

  /** Effects that wait for warm life are looked at again when it is reached, whatever else became of the replica since it was ready. */
  #scheduleWarmth(replica: Replica): void {
    const { readyAt } = replica;
    for (const effect of this.effects) {
      const at = readyAt + effect.afterWarmLife;
      if (effect.afterWarmLife === 0 || at <= this.#now) continue;
      this.#owner.agenda.at(at, EventClass.world, () => {
        if (replica.phase === "ready" && replica.readyAt === readyAt) this.#warmLifeReached(replica, effect);
      });
    }
  }

  #warmLifeReached(replica: Replica, effect: EffectModel): void {
    this.#owner.changing(this);
    if (effect.kind === "cache-cold" && this.acts(effect, replica)) this.#emptyCache(replica, effect);
    this.#scheduleLife(replica);
    this.#refreshOutage(replica);
  }

  #scheduleOutOfMemory(replica: Replica): void {
    accrueMemory(this.effects, replica, this.#now);
    const growth = growthOf(this, replica);
    if (growth <= 0) return;
    const { base, limit } = this.service.spec.memory;
    const left = Math.max(0, limit - base - replica.grown[0]);
    this.#after(replica, Math.ceil(left / growth), () => {
      const memory = this.memory(replica);
      if (memory < limit * 0.9999) return;
      this.#note("out-of-memory", replica, "ran out of memory");
      this.kill(replica, growthMask(this.effects, replica));
    });
  }

  /** The flag reaches a replica. */
  flagReached(replica: Replica, on: boolean): void {
    if (replica.flagOn === on || replica.phase === "gone") return;
    this.#owner.changing(this);
    accrueMemory(this.effects, replica, this.#now);
    replica.flagOn = on;
    this.#scheduleLife(replica);
    this.#refreshOutage(replica);
  }

  /** Share of the ready replicas that see the version's flag on; the flag itself when none is ready. */
  get flagShare(): number {
    let [ready, on] = [0, 0];
    for (const replica of this.replicas) {
      if (replica.phase !== "ready") continue;
      ready += 1;
      if (replica.flagOn) on += 1;
    }
    return ready > 0 ? on / ready : this.#owner.flagIsOn(this.version.flag) ? 1 : 0;
  }

  /** Ready replicas that a kill may choose from. */
  killable(effect: EffectModel): Replica[] {
    if (!this.effects.includes(effect)) return [];
    return this.replicas.filter((replica) => replica.phase === "ready" && this.acts(effect, replica));
  }

  /** Whether the effect acts on the replica as such now. */
  acts(effect: EffectModel, replica: Replica): boolean {
    return inWindow(effect, this.#now) && carries(effect, replica) && concernsReplica(effect, replica.number, replica.zone) &&
      (effect.afterWarmLife === 0 || this.#now - replica.readyAt >= effect.afterWarmLife);
  }

  #note(kind: WorldEvent["kind"], replica: Replica, what: string): void {
    this.#owner.note(kind, this, `${replica.name} ${what}`);
  }
}
