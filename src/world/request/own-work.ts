// A hop's own work: its demand, and what warm-up, effects, CPU and cache make of it.

import { EventClass } from "../../kernel/clock.js";
import { uniform } from "../../kernel/draws.js";
import { exactExp } from "../../kernel/exact.js";
import type { Micros } from "../../kernel/units.js";
import type { EffectModel } from "../active-effects.js";
import type { EndpointModel } from "../model.js";
import type { Core } from "./core.js";
import { EventKind } from "./event-kinds.js";
import { FrameState } from "./frames.js";
import { drawIndex, Purpose } from "./hop-draws.js";
import type { Replica } from "./replica.js";

/** After this many fill times a cache is full for all purposes (e^-20). */
const CACHE_FULL_AFTER = 20;

export class OwnWork {
  readonly #core: Core;
  readonly #endpointCount: number;
  /** Work being drawn: what is multiplied, and what is added. An array, so that no double is boxed. */
  readonly #own = new Float64Array(2);

  constructor(core: Core) {
    this.#core = core;
    this.#endpointCount = core.model.endpoints.length;
  }

  /** A slot is the frame's: draws its own work and what goes wrong in it. */
  begin(frame: number, replica: Replica, endpoint: EndpointModel): void {
    const core = this.#core;
    const { frames, time } = core;
    frames.state[frame] = FrameState.working;
    const own = this.#own;
    own[0] = this.#demand(frame, endpoint);
    own[1] = 0;
    let slow = 0;
    const life = time[0] - replica.readyAt;
    if (life < replica.warmUpFor) {
      const { factor } = replica.service.spec.warmUp;
      own[0] *= factor + ((1 - factor) * life) / replica.warmUpFor;
      if (factor > 1) slow = replica.coldMask;
    }
    const list = core.effects.onWork[replica.version.index * this.#endpointCount + endpoint.index];
    if (list !== null) slow |= this.#sufferEffects(frame, replica, list);
    const cpu = replica.cpuIdle + replica.cpuPerWork * (replica.workingBy[0] + 1) + replica.cpuAdd;
    if (cpu > 1) {
      own[0] *= cpu;
      if (replica.cpuAdd > 0) slow |= replica.cpuMask();
    }
    if (replica.service.cacheMiss !== null) slow |= this.#useCache(frame, replica);
    if (slow !== 0) core.taint.addSlow(frame, slow);
    replica.beginWork(time, frames.slow[frame]);
    core.queue.time[0] = time[0] + Math.round(own[0] + own[1]);
    core.queue.push(EventClass.world, EventKind.workDone, frame);
  }

  /** The service time that the request brings along, and whether it is one of the endpoint's base errors. */
  #demand(frame: number, endpoint: EndpointModel): Micros {
    const { frames, model, probe } = this.#core;
    const key = model.traffic[frames.stream[frame]].pageKey;
    const entity = frames.entity[frame];
    const base = frames.base[frame];
    const demand = endpoint.time.from(uniform(key, entity, drawIndex(base, Purpose.demand)));
    const { errors } = endpoint.spec;
    let errorDraw = NaN;
    if (errors > 0) {
      errorDraw = uniform(key, entity, drawIndex(base, Purpose.baseError));
      if (errorDraw < errors) frames.fails[frame] = 1;
    }
    if (probe !== null) probe.hop(frames.stream[frame], entity, base, demand, errorDraw);
    return demand;
  }

  /** Errors and latency of effects, into `fails`, `blame` and `#own`; returns the releases that changed its time. */
  #sufferEffects(frame: number, replica: Replica, list: readonly EffectModel[]): number {
    const { frames, effects, replicas, time } = this.#core;
    const callerId = frames.callerReplica[frame];
    const caller = callerId < 0 ? null : replicas[callerId];
    let slow = 0;
    for (let i = 0; i < list.length; i++) {
      const effect = list[i];
      if (!effects.actsOnWork(effect, replica, caller, frames.user[frame], time[0])) continue;
      const { what } = effect.effect;
      if (what.kind === "latency") {
        this.#own[0] *= what.factor;
        this.#own[1] += what.add;
        slow |= effect.bit;
      } else if (what.kind === "errors" && frames.fails[frame] === 0 &&
        uniform(effects.errorKeys[effect.index], frames.entity[frame], frames.base[frame]) < what.ratio) {
        frames.fails[frame] = 1;
        frames.blame[frame] = effect.bit;
      }
    }
    return slow;
  }

  /** Adds the time of a cache miss; returns the releases to blame for it. */
  #useCache(frame: number, replica: Replica): number {
    const { frames, model, time } = this.#core;
    const cold = this.#missesCache(frame, replica, time[0]);
    if (cold < 0) return 0;
    const key = model.traffic[frames.stream[frame]].pageKey;
    const draw = uniform(key, frames.entity[frame], drawIndex(frames.base[frame], Purpose.cacheMiss));
    this.#own[1] += replica.service.cacheMiss!.from(draw);
    return cold;
  }

  /** -1 for a hit; for a miss the releases that emptied the cache, as far as a full one would have hit. */
  #missesCache(frame: number, replica: Replica, now: Micros): number {
    const { frames, model } = this.#core;
    const cache = replica.service.spec.cache!;
    const draw = uniform(model.traffic[frames.stream[frame]].pageKey, frames.entity[frame], drawIndex(frames.base[frame], Purpose.cacheHit));
    const age = now - replica.cacheSince;
    const filled = age > CACHE_FULL_AFTER * cache.fill ? 1 : 1 - exactExp(-age / cache.fill);
    if (draw < cache.hit * filled) return -1;
    return draw < cache.hit ? replica.cacheMask : 0;
  }
}
