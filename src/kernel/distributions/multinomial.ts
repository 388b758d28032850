// The multinomial distribution: how n requests fall into buckets, endpoints or versions.

import { assert } from "../assert.js";
import { binomialFrom } from "./binomial.js";

/** Scratch: the weight from each bucket to the last. */
let weightLeft = new Float64Array(64);

/**
 * Shares n trials out over buckets with these weights (not all zero; they need not sum to one), one uniform draw per
 * bucket but the last, as successive binomials of what is left. Writes the counts into `out`, which sum to n.
 * Source: Devroye, Non-Uniform Random Variate Generation (1986), XI.1.
 */
export function multinomialFrom(
  draws: ArrayLike<number>,
  n: number,
  weights: ArrayLike<number>,
  out: { [index: number]: number; readonly length: number },
): void {
  const last = weights.length - 1;
  assert(draws.length >= last && out.length > last, "a draw and a place for every bucket");
  if (weightLeft.length <= last) weightLeft = new Float64Array(2 * last + 2);
  // The weight left is summed from the end, so that rounding never leaves a chance above one.
  for (let i = last, sum = 0; i >= 0; i -= 1) {
    assert(weights[i] >= 0, "a weight is not negative");
    sum += weights[i];
    weightLeft[i] = sum;
  }
  assert(n === 0 || weightLeft[0] > 0, "some weight is positive");
  let left = n;
  for (let i = 0; i <= last; i += 1) {
    const share = weightLeft[i] > 0 ? weights[i] / weightLeft[i] : 1;
    const count = i === last ? left : binomialFrom(draws[i], left, share);
    out[i] = count;
    left -= count;
  }
}
