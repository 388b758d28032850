// Where the traffic's curves have corners or jumps: time is cut there.

import { MICROS_PER_SECOND, type Micros } from "../../kernel/units.js";
import type { RateCurve } from "../traffic.js";

export class CurveCuts {
  readonly #cuts: readonly Micros[];
  #next = 0;

  constructor(curves: readonly RateCurve[]) {
    this.#cuts = cutsOf(curves);
  }

  /** The first cut after `now`, which never goes back; Infinity when there is none. */
  after(now: Micros): Micros {
    while (this.#next < this.#cuts.length && this.#cuts[this.#next] <= now) this.#next += 1;
    return this.#next < this.#cuts.length ? this.#cuts[this.#next] : Infinity;
  }
}

/** Where a rate has a corner or a jump; pieces shorter than a second are averaged. */
function cutsOf(curves: readonly RateCurve[]): Micros[] {
  const cuts = [...new Set(curves.flatMap((curve) => [...curve.starts]))].sort((a, b) => a - b);
  const kept: Micros[] = [];
  for (const cut of cuts) if (kept.length === 0 || cut - kept[kept.length - 1] >= MICROS_PER_SECOND) kept.push(Math.round(cut));
  return kept;
}
