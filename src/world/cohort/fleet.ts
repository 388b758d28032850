// The replicas of one version over time: starts, probes, kills, memory, drains. Everything here is an event, nothing a rate.

import { EventClass, type VirtualClock } from "../../kernel/clock.js";
import type { StreamKey } from "../../kernel/draws.js";
import { MICROS_PER_MINUTE, toSeconds, type Micros } from "../../kernel/units.js";
import { concernsReplica, concernsVersion, inWindow, type EffectModel } from "../active-effects.js";
import type { Model, ServiceModel, VersionModel } from "../model.js";
import { replicaStream, startupDraw, startupFailureDraw } from "../replicas.js";
import type { WorldEvent } from "../world.js";
import { LONG_AGO, Replica } from "./replica.js";

/** What a fleet tells the world. */
export interface FleetOwner {
  readonly model: Model;
  readonly agenda: VirtualClock;
  readonly drain: Micros;
  readonly noiseFree: boolean;
  /** Called before membership changes, so that what accrued so far is booked under the old state. */
  changing(fleet: Fleet): void;
  note(kind: WorldEvent["kind"], fleet: Fleet, text: string): void;
  /** The share of the fleet's replicas that see the effect's flag on (1 without a flag). */
  flagShare(effect: EffectModel): number;
  /** The replica's process is gone and another will come, or it is up, or it left: its scrape target follows. */
  down(replica: Replica): void;
  up(replica: Replica): void;
  left(replica: Replica): void;
  singledOut(replica: Replica): void;
}

const MEDIAN = 0.5;

export class Fleet {
  readonly replicas: Replica[] = [];
  desired = 0;
  restarts = 0;
  startupFailures = 0;
  /** Effects that can act on replicas of this version, whatever the endpoint. */
  readonly effects: readonly EffectModel[];
  readonly #owner: FleetOwner;
  readonly #key: StreamKey;
  #numbers = 0;

  constructor(readonly service: ServiceModel, readonly version: VersionModel, owner: FleetOwner) {
    this.#owner = owner;
    this.effects = owner.model.effects.filter((effect) => concernsVersion(effect, version, -1));
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
      this.#owner.up(replica);
      this.#scheduleLife(replica);
    }
  }

  scaleTo(count: number): void {
    this.#owner.changing(this);
    this.desired = count;
    const kept = this.replicas.filter((replica) => replica.phase === "starting" || replica.phase === "ready");
    for (let i = kept.length; i < count; i += 1) this.#start(this.#create());
    // The newest leave first; those that are still booting before all others.
    const leaving = kept.slice(count).reverse();
    for (const replica of leaving) this.#stop(replica);
  }

  count(phase: Replica["phase"]): number {
    let count = 0;
    for (const replica of this.replicas) if (replica.phase === phase) count += 1;
    return count;
  }

  /** Ready and admitted: what has capacity. */
  get ready(): number {
    let count = 0;
    for (const replica of this.replicas) if (replica.phase === "ready" && replica.admitted) count += 1;
    return count;
  }

  /** Something about the effect's window changed: kills, outages, cold caches and memory follow. */
  effectStarted(effect: EffectModel): void {
    const { what } = effect.effect;
    if (what.kind === "kill") return this.#killSome(effect, what.count);
    for (const replica of this.replicas) {
      if (!concernsReplica(effect, replica.number, replica.zone)) continue;
      if (what.kind === "cache-cold" && this.#carried(effect)) {
        replica.cacheSince = this.#now;
        replica.cacheMask = effect.bit;
      } else if (what.kind === "outage") this.#silence(replica, effect);
      else if (what.kind === "memory-growth" || what.kind === "restart-loop") this.#scheduleLife(replica);
      if (effect.replica >= 0 || effect.zone >= 0) this.#owner.singledOut(replica);
    }
  }

  effectEnded(effect: EffectModel): void {
    for (const replica of this.replicas) {
      if (!concernsReplica(effect, replica.number, replica.zone)) continue;
      if (effect.kind === "outage" && replica.silent) {
        replica.silent = false;
        replica.life += 1;
        if (replica.phase === "ready") {
          this.#owner.up(replica);
          if (!replica.admitted) this.#admitLater(replica);
          this.#scheduleLife(replica);
        }
      } else if (effect.kind === "memory-growth") {
        this.memory(replica);
        this.#scheduleLife(replica);
      }
    }
  }

  /** Bytes in use: base and what effects let grow. */
  memory(replica: Replica, lane = 0): number {
    this.#accrueMemory(replica);
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
    const failing = this.#failingStart(replica, start);
    this.#owner.note("replica-started", this, `${replica.name} starts`);
    if (failing === null) this.#after(replica, boot, () => this.#becomeReady(replica));
    else this.#after(replica, boot, () => this.#failStart(replica, failing));
  }

  /** How long until the next try when this start fails; null when it works. */
  #failingStart(replica: Replica, start: number): Micros | null {
    for (const effect of this.effects) {
      const { what } = effect.effect;
      if (what.kind !== "startup-failure" || !this.#acts(effect, replica)) continue;
      const u = this.#owner.noiseFree ? MEDIAN : startupFailureDraw(this.#key, replica.number, start);
      if (u < what.share) {
        replica.downMask = effect.bit;
        return what.retryAfter;
      }
    }
    return null;
  }

  #failStart(replica: Replica, retryAfter: Micros): void {
    this.#owner.changing(this);
    this.startupFailures += 1;
    this.#owner.note("startup-failed", this, `${replica.name} failed to start`);
    this.#after(replica, retryAfter, () => this.#start(replica));
  }

  #becomeReady(replica: Replica): void {
    this.#owner.changing(this);
    replica.phase = "ready";
    replica.life += 1;
    replica.readyAt = this.#now;
    replica.cacheSince = this.#now;
    replica.cacheMask = 0;
    replica.downMask = 0;
    replica.grown.fill(0);
    replica.grownAt = this.#now;
    this.#owner.note("replica-ready", this, `${replica.name} is ready`);
    this.#owner.up(replica);
    if (!replica.admitted) this.#admitLater(replica);
    this.#scheduleLife(replica);
    for (const effect of this.effects) {
      if (effect.kind === "outage" && this.#acts(effect, replica)) this.#silence(replica, effect);
    }
  }

  /** Probes come at multiples of the interval. */
  #admitLater(replica: Replica): void {
    const { interval, healthyAfter } = this.service.spec.healthCheck;
    const at = (Math.floor(this.#now / interval) + healthyAfter) * interval;
    this.#after(replica, at - this.#now, () => {
      this.#owner.changing(this);
      replica.admitted = true;
    });
  }

  #dismissLater(replica: Replica): void {
    const { interval, unhealthyAfter } = this.service.spec.healthCheck;
    const at = (Math.floor(this.#now / interval) + unhealthyAfter) * interval;
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
    this.#owner.note("replica-stopped", this, `${replica.name} stops`);
    const leave = (): void => {
      this.#owner.changing(this);
      replica.phase = "gone";
      this.replicas.splice(this.replicas.indexOf(replica), 1);
      this.#owner.left(replica);
    };
    if (wasReady) this.#after(replica, this.#owner.drain, leave);
    else leave();
  }

  /** The process ends at once and starts again; the balancer notices after its probes. */
  kill(replica: Replica, mask: number): void {
    if (replica.phase !== "ready") return;
    this.#owner.changing(this);
    this.restarts += 1;
    replica.downMask = mask;
    replica.silent = false;
    this.#owner.down(replica);
    this.#start(replica);
    if (replica.admitted) this.#dismissLater(replica);
  }

  #killSome(effect: EffectModel, count: number): void {
    if (!this.#carried(effect)) return;
    let left = count;
    for (const replica of [...this.replicas]) {
      if (left === 0) return;
      if (replica.phase !== "ready" || !concernsReplica(effect, replica.number, replica.zone)) continue;
      this.#owner.note("replica-killed", this, `${replica.name} is killed`);
      this.kill(replica, effect.bit);
      left -= 1;
    }
  }

  #silence(replica: Replica, effect: EffectModel): void {
    if (!this.#carried(effect) || replica.phase !== "ready" || replica.silent) return;
    this.#owner.changing(this);
    replica.silent = true;
    replica.downMask = effect.bit;
    replica.life += 1;
    this.#owner.down(replica);
    if (replica.admitted) this.#dismissLater(replica);
    const { interval, failures } = this.service.spec.liveness;
    this.#after(replica, interval * failures, () => this.kill(replica, effect.bit));
  }

  /** Crashes of this life: of a restart loop, or when memory reaches its limit. */
  #scheduleLife(replica: Replica): void {
    if (replica.phase !== "ready") return;
    for (const effect of this.effects) {
      const { what } = effect.effect;
      if (what.kind === "restart-loop" && this.#acts(effect, replica)) {
        const ready = Math.max(replica.readyAt, effect.from);
        this.#after(replica, ready + what.every - this.#now, () => {
          if (!this.#acts(effect, replica)) return;
          this.#owner.note("replica-killed", this, `${replica.name} crashed`);
          this.kill(replica, effect.bit);
        });
      }
    }
    this.#scheduleOutOfMemory(replica);
  }

  #scheduleOutOfMemory(replica: Replica): void {
    this.#accrueMemory(replica);
    const growth = this.#growth(replica);
    if (growth <= 0) return;
    const { base, limit } = this.service.spec.memory;
    const left = Math.max(0, limit - base - replica.grown[0]);
    this.#after(replica, Math.ceil(left / growth), () => {
      const memory = this.memory(replica);
      if (memory < limit * 0.9999) return;
      this.#owner.note("out-of-memory", this, `${replica.name} is killed at its memory limit`);
      this.kill(replica, this.#growthMask(replica));
    });
  }

  /** Bytes per microsecond by all effects. */
  #growth(replica: Replica): number {
    let growth = 0;
    for (const effect of this.effects) {
      const { what } = effect.effect;
      if (what.kind !== "memory-growth" || !this.#acts(effect, replica)) continue;
      growth += (what.bytesPerMinute / MICROS_PER_MINUTE) * this.#owner.flagShare(effect);
    }
    return growth;
  }

  #growthMask(replica: Replica): number {
    let mask = 0;
    for (const effect of this.effects) if (effect.kind === "memory-growth" && this.#acts(effect, replica)) mask |= effect.bit;
    return mask;
  }

  #accrueMemory(replica: Replica): void {
    const since = replica.grownAt;
    replica.grownAt = this.#now;
    if (replica.phase !== "ready" || since >= this.#now) return;
    for (const effect of this.effects) {
      const { what } = effect.effect;
      if (what.kind !== "memory-growth" || !concernsReplica(effect, replica.number, replica.zone)) continue;
      const elapsed = Math.min(this.#now, effect.to) - Math.max(since, effect.from);
      if (elapsed <= 0) continue;
      const grown = (what.bytesPerMinute / MICROS_PER_MINUTE) * elapsed * this.#owner.flagShare(effect);
      replica.grown[0] += grown;
      if (effect.release >= 0) replica.grown[1 + effect.release] += grown;
    }
  }

  /** Growth is about to change (a flag moved, an effect began or ended): memory so far is kept, the limit planned anew. */
  memoryChanging(): void {
    for (const replica of this.replicas) this.#accrueMemory(replica);
  }

  memoryChanged(): void {
    for (const replica of this.replicas) if (replica.phase === "ready") this.#scheduleOutOfMemory(replica);
  }

  #carried(effect: EffectModel): boolean {
    return this.#owner.flagShare(effect) > 0;
  }

  #acts(effect: EffectModel, replica: Replica): boolean {
    return inWindow(effect, this.#now) && this.#carried(effect) && concernsReplica(effect, replica.number, replica.zone);
  }

  /** Mean warm-up factor of the given replicas, and their cache's hit share, at `now`. */
  warmUp(replica: Replica): number {
    const { factor, for: lasts } = this.service.spec.warmUp;
    if (factor === 1 || lasts <= 0) return 1;
    const life = this.#now - replica.readyAt;
    return life >= lasts ? 1 : factor + (1 - factor) * (Math.max(0, life) / lasts);
  }

  /** Seconds that the replica's cache has been filling. */
  cacheLife(replica: Replica): number {
    return replica.cacheSince === LONG_AGO ? Infinity : toSeconds(this.#now - replica.cacheSince);
  }
}
