// How effects let a replica's memory grow: how fast now, whose growth it is, and what has come together since last asked.

import { MICROS_PER_MINUTE, type Micros } from "../../kernel/units.js";
import { concernsReplica, type EffectModel } from "../active-effects.js";
import type { Fleet } from "./fleet.js";
import { carries } from "./fleet-owner.js";
import type { Replica } from "./replica.js";

/** Bytes per microsecond by all effects. */
export function growthOf(fleet: Fleet, replica: Replica): number {
  let growth = 0;
  for (const effect of fleet.effects) {
    const { what } = effect.effect;
    if (what.kind !== "memory-growth" || !fleet.acts(effect, replica)) continue;
    growth += what.bytesPerMinute / MICROS_PER_MINUTE;
  }
  return growth;
}

/** Releases that let the replica's memory grow. */
export function growthMask(effects: readonly EffectModel[], replica: Replica): number {
  let mask = 0;
  for (const effect of effects) if (effect.release >= 0 && replica.grown[1 + effect.release] > 0) mask |= effect.bit;
  return mask;
}

/** Adds what has grown up to `now`. */
export function accrueMemory(effects: readonly EffectModel[], replica: Replica, now: Micros): void {
  const since = replica.grownAt;
  replica.grownAt = now;
  if (replica.phase !== "ready" || since >= now) return;
  for (const effect of effects) {
    const { what } = effect.effect;
    if (what.kind !== "memory-growth" || !carries(effect, replica) || !concernsReplica(effect, replica.number, replica.zone)) continue;
    const elapsed = Math.min(now, effect.to) - Math.max(since, effect.from, replica.readyAt + effect.afterWarmLife);
    if (elapsed <= 0) continue;
    const grown = (what.bytesPerMinute / MICROS_PER_MINUTE) * elapsed;
    replica.grown[0] += grown;
    if (effect.release >= 0) replica.grown[1 + effect.release] += grown;
  }
}
