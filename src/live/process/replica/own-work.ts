// A request's own work: its demand, and what warm-up, effects, CPU and cache make of it, drawn as the simulator draws.

import { uniform } from "../../../kernel/draws.js";
import { exactExp } from "../../../kernel/exact.js";
import type { Micros } from "../../../kernel/units.js";
import { durationSampler } from "../../../world/durations.js";
import { drawIndex, Purpose } from "../../../world/request/hop-draws.js";
import type { ReplicaSetup } from "../protocol.js";
import { PageKeys } from "../shared/identity.js";
import type { EffectsHere } from "./effects-here.js";
import type { Hop } from "./hop.js";
import type { Self } from "./self.js";

/** After this many fill times a cache is full for all purposes (e^-20). */
const CACHE_FULL_AFTER = 20;

export class OwnWork {
  readonly #keys: PageKeys;

  constructor(readonly setup: ReplicaSetup, readonly effects: EffectsHere, readonly self: Self) {
    this.#keys = new PageKeys(setup.seed);
  }

  /** The time that the hop's own work takes; sets whether it fails, and adds the releases that changed its time. */
  begin(hop: Hop, working: number, now: Micros): Micros {
    const { service } = this.setup;
    const { entity, base, stream } = hop.identity;
    const key = this.#keys.of(stream);
    const { time: spec, errors } = hop.endpoint;
    let time = durationSampler(spec).from(uniform(key, entity, drawIndex(base, Purpose.demand)));
    if (errors > 0 && uniform(key, entity, drawIndex(base, Purpose.baseError)) < errors) hop.fails = true;
    const life = now - this.self.readyAt;
    const { for: warmUpFor, factor } = service.warmUp;
    if (life < warmUpFor) time *= factor + ((1 - factor) * life) / warmUpFor;
    let add = 0;
    for (const state of this.effects.onWork(hop.endpoint.name)) {
      if (!this.effects.actsOnWork(state, hop.caller, hop.identity.user, now)) continue;
      const { what } = state.effect;
      if (what.kind === "latency") {
        time *= what.factor;
        add += what.add;
        hop.slow |= state.bit;
      } else if (what.kind === "errors" && !hop.fails && uniform(state.errorKey, entity, base) < what.ratio) {
        hop.fails = true;
        hop.blame = state.bit;
      }
    }
    const cpu = service.cpu.idle + (service.cpu.busy / service.slots) * (working + 1) + this.self.cpuAdd;
    if (cpu > 1) {
      time *= cpu;
      hop.slow |= this.self.cpuMask;
    }
    return time + add + this.#cacheMiss(hop, now);
  }

  /** The extra time of a cache miss, 0 for a hit; blames who emptied the cache as far as a full one would have hit. */
  #cacheMiss(hop: Hop, now: Micros): Micros {
    const { cache } = this.setup.service;
    if (cache === null) return 0;
    const { entity, base, stream } = hop.identity;
    const key = this.#keys.of(stream);
    const draw = uniform(key, entity, drawIndex(base, Purpose.cacheHit));
    const age = now - this.self.cacheSince;
    const filled = age > CACHE_FULL_AFTER * cache.fill ? 1 : 1 - exactExp(-age / cache.fill);
    if (draw < cache.hit * filled) return 0;
    if (draw < cache.hit) hop.slow |= this.self.cacheMask;
    return durationSampler(cache.miss).from(uniform(key, entity, drawIndex(base, Purpose.cacheMiss)));
  }
}
