// A law seen through buckets: probability and mean duration per release mask, code and bucket, computed once per law.

import { firstMoment, GRID_SECONDS, GRID_POINTS, massUpTo, type Mass } from "./grid.js";
import type { Law } from "./law.js";

/** Flat by (part, code, bucket); code 0 is success. */
export interface Projection {
  readonly masks: readonly number[];
  readonly blames: readonly number[];
  readonly probability: Float64Array;
  readonly seconds: Float64Array;
}

/** Buckets by upper edges in seconds; one more follows for everything above. */
export class Buckets {
  readonly count: number;
  readonly #known = new Map<number, Projection>();

  constructor(readonly edges: Float64Array) {
    this.count = edges.length + 1;
  }

  of(law: Law): Projection {
    let projection = this.#known.get(law.id);
    if (projection !== undefined) return projection;
    projection = this.#project(law);
    if (this.#known.size > 20_000) this.#known.clear();
    this.#known.set(law.id, projection);
    return projection;
  }

  #project(law: Law): Projection {
    const size = 2 * this.count;
    const probability = new Float64Array(law.parts.length * size);
    const seconds = new Float64Array(law.parts.length * size);
    law.parts.forEach((part, p) => {
      this.#spread(part.ok, probability, seconds, p * size);
      this.#spread(part.fail, probability, seconds, p * size + this.count);
    });
    return { masks: law.parts.map((part) => part.mask), blames: law.parts.map((part) => part.blame), probability, seconds };
  }

  #spread(mass: Mass, probability: Float64Array, seconds: Float64Array, at: number): void {
    if (mass.total <= 0) return;
    const { edges } = this;
    let below = 0;
    let momentBelow = 0;
    let moment = 0;
    for (let b = 0; b < this.count; b += 1) {
      const upTo = b < edges.length ? massUpTo(mass, edges[b]) : mass.total;
      const momentUpTo = b < edges.length ? momentTo(mass, edges[b]) : momentTo(mass, Infinity);
      probability[at + b] = Math.max(0, upTo - below);
      seconds[at + b] = Math.max(0, momentUpTo - momentBelow);
      moment += seconds[at + b];
      below = upTo;
      momentBelow = momentUpTo;
    }
    // Spreading a point's mass over its surroundings moves the mean a little; the exact mean is put back.
    const fix = moment > 0 ? firstMoment(mass) / moment : 0;
    for (let b = 0; b < this.count; b += 1) seconds[at + b] *= fix;
  }
}

/** Summed durations of the mass at or below `seconds`, spread as `massUpTo` spreads it. */
function momentTo(mass: Mass, seconds: number): number {
  let sum = 0;
  for (let k = mass.first; k <= mass.last; k += 1) {
    const from = k === 0 ? 0 : (GRID_SECONDS[k - 1] + GRID_SECONDS[k]) / 2;
    const to = k + 1 < GRID_POINTS ? (GRID_SECONDS[k] + GRID_SECONDS[k + 1]) / 2 : GRID_SECONDS[k];
    if (k === 0) continue;
    if (seconds <= from) break;
    const end = Math.min(to, seconds);
    const share = to > from ? (end - from) / (to - from) : 1;
    sum += mass.at[k] * share * ((from + end) / 2);
  }
  return sum;
}
