// Clopper and Pearson's exact interval for a proportion: right for a number of runs that was fixed beforehand.

import { assert } from "../../kernel/assert.js";
import { betaLower } from "../../kernel/incomplete.js";
import type { Ratio } from "../../kernel/units.js";

export interface Interval {
  readonly low: Ratio;
  readonly high: Ratio;
}

/**
 * The two-sided interval that covers the true chance at least as often as `confidence` says.
 * Source: C. Clopper and E. S. Pearson, Biometrika 26 (1934).
 */
export function clopperPearson(hits: number, runs: number, { confidence = 0.95 }: { readonly confidence?: Ratio } = {}): Interval {
  const tail = (1 - confidence) / 2;
  return { low: lowerLimit(hits, runs, tail), high: upperLimit(hits, runs, tail) };
}

/** The chance below which so many hits or more would come with a probability under `alpha`. */
export function lowerLimit(hits: number, runs: number, alpha: Ratio): Ratio {
  assert(hits >= 0 && hits <= runs, "hits are counted among the runs");
  return hits === 0 ? 0 : betaQuantile(alpha, hits, runs - hits + 1);
}

/** The chance above which so few hits or fewer would come with a probability under `alpha`. */
export function upperLimit(hits: number, runs: number, alpha: Ratio): Ratio {
  assert(hits >= 0 && hits <= runs, "hits are counted among the runs");
  return hits === runs ? 1 : betaQuantile(1 - alpha, hits + 1, runs - hits);
}

/** The x at which a beta variable is at most x with this probability; by halving, to the last bit of x. */
function betaQuantile(probability: Ratio, a: number, b: number): Ratio {
  let low = 0;
  let high = 1;
  for (let step = 0; step < 200; step += 1) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) break;
    if (betaLower(middle, 1 - middle, a, b) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
