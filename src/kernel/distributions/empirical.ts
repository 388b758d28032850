// The empirical distribution: samples of a real system, replayed with their own frequencies.

import { assert } from "../assert.js";

/**
 * A distribution given by observed values, interpolated between neighbours, so that its quantiles are those
 * of the sample (Hyndman and Fan 1996, type 7; the default of R and NumPy).
 */
export class Empirical {
  readonly #sorted: Float64Array;

  constructor(values: Iterable<number>) {
    this.#sorted = Float64Array.from(values).sort();
    assert(this.#sorted.length > 0, "an empirical distribution has at least one value");
    assert(this.#sorted.every(Number.isFinite), "observed values are finite");
  }

  /** The mean of the interpolated distribution: each end counts half. */
  get mean(): number {
    const sorted = this.#sorted;
    if (sorted.length === 1) return sorted[0];
    let sum = -0.5 * (sorted[0] + sorted[sorted.length - 1]);
    for (const value of sorted) sum += value;
    return sum / (sorted.length - 1);
  }

  /** The value at the uniform draw u, increasing in u. */
  from(u: number): number {
    const sorted = this.#sorted;
    const position = u * (sorted.length - 1);
    const below = Math.min(Math.floor(position), sorted.length - 1);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
  }
}
