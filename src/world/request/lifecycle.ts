// The life of replicas: start, ready, killed, restarted, drained, gone.

import type { StreamKey } from "../../kernel/draws.js";
import type { Micros } from "../../kernel/units.js";
import { replicaStream, startupDraw, startupFailureDraw } from "../replicas.js";
import type { EffectModel } from "../active-effects.js";
import type { WorldEvent } from "../world.js";
import type { Core } from "./core.js";
import { FrameState } from "./frames.js";
import { LONG_AGO, Replica, ReplicaState } from "./replica.js";

export class Lifecycle {
  /** How many replicas there should be, by version. */
  readonly desired: Int32Array;
  /** Replicas that are not gone, by version, in the order of their numbers. */
  readonly byVersion: readonly Replica[][];
  /** Kills that happened, by effect: each happens once, however often its rate is met. */
  readonly #killed: Uint8Array;
  readonly #numbers: Int32Array;
  readonly #keys: readonly StreamKey[];
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
    const { versions, services, seed, effects } = core.model;
    this.desired = new Int32Array(versions.length);
    this.#killed = new Uint8Array(effects.length);
    this.#numbers = new Int32Array(versions.length);
    this.byVersion = versions.map(() => []);
    this.#keys = versions.map((version) => replicaStream(seed, services[version.service].spec.name, version.name));
  }

  /** The stable version's replicas at time 0: ready long ago, caches full, admitted; then the balancers' probes. */
  start(): void {
    for (const service of this.#core.model.services) {
      const version = service.versions[0];
      this.desired[version] = service.spec.replicas;
      for (let i = 0; i < service.spec.replicas; i++) {
        const replica = this.#create(version);
        replica.startedAt = LONG_AGO;
        this.#becomeReady(replica, LONG_AGO);
        this.#core.healthChecks.admit(replica);
      }
      this.#core.healthChecks.start(service);
    }
  }

  /** Sets the number of replicas of a version: more start, or the youngest drain. */
  scale(version: number, count: number): void {
    const core = this.#core;
    this.desired[version] = count;
    core.digest.add(core.now);
    core.digest.add(version);
    core.digest.add(count);
    const current = this.byVersion[version].filter((replica) => replica.state !== ReplicaState.draining);
    for (let i = current.length; i < count; i++) this.#startFresh(this.#create(version));
    // Those that are not ready yet go first, then the youngest.
    const leaving = [...current].sort((a, b) => a.state - b.state || b.number - a.number);
    for (let i = 0; i < current.length - count; i++) this.#stop(leaving[i]);
  }

  /** Releases whose effects keep replicas of the version down or silent: whoever suffers from the missing capacity inherits them. */
  lossMask(version: number): number {
    const replicas = this.byVersion[version];
    let mask = 0;
    for (let i = 0; i < replicas.length; i++) mask |= replicas[i].out ? replicas[i].downMask | replicas[i].outMask : replicas[i].downMask;
    return mask;
  }

  readyCount(version: number): number {
    return this.byVersion[version].reduce((sum, replica) => sum + (replica.state === ReplicaState.ready ? 1 : 0), 0);
  }

  #create(version: number): Replica {
    const { model, replicas, meter } = this.#core;
    const versionModel = model.versions[version];
    const replica = new Replica(replicas.length, model.services[versionModel.service], versionModel, this.#numbers[version]++, {
      releases: model.releases, flags: model.flags.length, effects: model.effects.length,
    });
    replicas.push(replica);
    this.byVersion[version].push(replica);
    meter.addReplica(replica);
    replica.gaugedAt = replica.scaledAt = replica.grownAt = this.#core.now;
    return replica;
  }

  #startFresh(replica: Replica): void {
    replica.startedAt = this.#core.now;
    this.#note("replica-started", replica, "starts");
    this.#boot(replica, 0);
  }

  /** Boots after `delay`: ready after its startup time, unless the start fails. */
  #boot(replica: Replica, delay: Micros): void {
    const core = this.#core;
    const start = replica.starts++;
    const key = this.#keys[replica.version.index];
    const life = ++replica.life;
    const takes = replica.service.startup.from(startupDraw(key, replica.number, start));
    replica.state = ReplicaState.starting;
    core.agenda.at(core.now + Math.round(delay + takes), () => {
      if (replica.life !== life) return;
      const failure = this.#failureOf(replica, startupFailureDraw(key, replica.number, start));
      if (failure === null) this.#becomeReady(replica, core.now);
      else this.#startFailed(replica, failure);
    });
  }

  #failureOf(replica: Replica, draw: number): EffectModel | null {
    const { effects, time } = this.#core;
    for (const effect of effects.onReplica[replica.version.index] ?? []) {
      const { what } = effect.effect;
      if (what.kind !== "startup-failure" || draw >= what.share) continue;
      // A starting replica reads its flags now, as it would at its first request.
      this.#core.flags.readAtStart(replica);
      if (effects.actsOnReplica(effect, replica, time[0])) return effect;
    }
    return null;
  }

  #startFailed(replica: Replica, effect: EffectModel): void {
    const { what } = effect.effect;
    const target = this.#core.meter.platform[replica.version.index];
    this.#core.meter.count(target, target.schema.startupFailuresIndex, effect.bit);
    this.#note("startup-failed", replica, "failed to start");
    replica.downMask |= effect.bit;
    this.#boot(replica, what.kind === "startup-failure" ? what.retryAfter : 0);
  }

  #becomeReady(replica: Replica, readyAt: Micros): void {
    const core = this.#core;
    replica.state = ReplicaState.ready;
    replica.readyAt = readyAt;
    replica.cacheSince = readyAt;
    replica.cacheMask = replica.coldMask;
    replica.downMask = 0;
    replica.goodProbes = 0;
    replica.badProbes = 0;
    replica.acting.fill(0);
    core.flags.readAtStart(replica);
    if (replica.target !== null) replica.target.responding = true;
    if (readyAt !== LONG_AGO) this.#note("replica-ready", replica, "is ready");
    core.replicaEffects.refresh(replica);
    core.replicaEffects.refreshWhenWarm(replica);
    core.databases.refresh();
  }

  /** Kills the replica and starts it again: what it worked on fails, its counters begin at 0. */
  restart(replica: Replica, kind: WorldEvent["kind"], why: string, blame: number): void {
    if (!replica.serving) return;
    const core = this.#core;
    const wasDraining = replica.state === ReplicaState.draining;
    this.#note(kind, replica, why);
    const target = core.meter.platform[replica.version.index];
    core.meter.count(target, target.schema.restartsIndex, blame);
    replica.downMask |= blame;
    replica.coldMask = blame;
    this.#takeDown(replica, blame);
    if (wasDraining) this.#remove(replica);
    else this.#boot(replica, 0);
    core.databases.refresh();
  }

  /** Everything in it fails; nothing of its state survives. */
  #takeDown(replica: Replica, blame: number): void {
    const core = this.#core;
    const { frames } = core;
    replica.state = ReplicaState.starting;
    replica.life += 1;
    replica.dropWork(core.now);
    const doomed: number[] = [];
    for (let frame = 0; frame < frames.highWater; frame++) {
      const state = frames.state[frame];
      const isHop = state >= FrameState.queued && state <= FrameState.backingOff;
      if (isHop && frames.replica[frame] === replica.id) doomed.push(frame);
    }
    replica.busy = replica.queued = replica.inFlight = 0;
    replica.slowInSlots.clear();
    replica.grown.fill(0);
    replica.growth.fill(0);
    replica.cpuAdd = 0;
    replica.cpuAddBy.fill(0);
    replica.out = false;
    replica.silentSince = NaN;
    replica.target?.restart();
    if (replica.target !== null) replica.target.responding = false;
    const tokens = new Map(doomed.map((frame) => [frame, frames.token[frame]]));
    for (const frame of doomed) {
      for (const one of this.#callersFirst(frame)) if (frames.token[one] === tokens.get(one)) core.walk.kill(one, blame);
    }
  }

  /** The frame after all that wait for it, directly or not: one that dies as well must not live on with its failure. */
  #callersFirst(frame: number): number[] {
    const { parent, parentToken, token } = this.#core.frames;
    const waiting = [frame];
    for (let one = frame; parent[one] >= 0 && token[parent[one]] === parentToken[one]; one = parent[one]) waiting.unshift(parent[one]);
    return waiting;
  }

  /** Kills some ready replicas that the effect concerns, chosen by their own draws. */
  killSome(effect: EffectModel, count: number): void {
    if (this.#killed[effect.index] === 1) return;
    this.#killed[effect.index] = 1;
    const core = this.#core;
    const candidates = core.replicas.filter((replica) =>
      replica.state === ReplicaState.ready && this.#isKillTarget(effect, replica));
    candidates.sort((a, b) => core.flags.lot(effect, a) - core.flags.lot(effect, b) || a.id - b.id);
    for (const replica of candidates.slice(0, count)) this.restart(replica, "replica-killed", "was killed", effect.bit);
  }

  #isKillTarget(effect: EffectModel, replica: Replica): boolean {
    if (effect.service >= 0 && effect.service !== replica.version.service) return false;
    if (effect.version >= 0 && effect.version !== replica.version.index) return false;
    return this.#core.effects.actsOnReplica(effect, replica, this.#core.now);
  }

  /** Leaves the balancer at once; goes when its last request is done, or when the drain time is over. */
  #stop(replica: Replica): void {
    const core = this.#core;
    core.healthChecks.expel(replica);
    if (replica.state === ReplicaState.starting || replica.inFlight === 0) {
      this.#remove(replica);
      return;
    }
    replica.state = ReplicaState.draining;
    core.databases.refresh();
    const life = replica.life;
    core.agenda.at(core.now + core.model.spec.drain, () => {
      if (replica.life !== life || replica.state !== ReplicaState.draining) return;
      this.#takeDown(replica, 0);
      this.#remove(replica);
    });
  }

  /** A draining replica has answered its last request. */
  drained(replica: Replica): void {
    this.#remove(replica);
  }

  #remove(replica: Replica): void {
    const core = this.#core;
    if (replica.state === ReplicaState.gone) return;
    replica.state = ReplicaState.gone;
    replica.downMask = 0;
    replica.life += 1;
    const replicas = this.byVersion[replica.version.index];
    replicas.splice(replicas.indexOf(replica), 1);
    core.healthChecks.expel(replica);
    core.meter.removeReplica(replica);
    this.#note("replica-stopped", replica, "stopped");
    core.databases.refresh();
  }

  #note(kind: WorldEvent["kind"], replica: Replica, what: string): void {
    this.#core.note(kind, replica.service.spec.name, replica.version.name, `${replica.name} ${what}`);
  }
}
