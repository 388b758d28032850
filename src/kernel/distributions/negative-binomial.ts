// The negative binomial distribution: counts that vary more than Poisson's, as bursty arrivals do.

import { assert } from "../assert.js";
import { exactExp, log1p } from "../exact.js";
import { betaLower } from "../incomplete.js";
import { MAX_COUNT_MEAN, NEGLIGIBLE_CHANCE, UPPER_TAIL, countOrGuessAt, guessIn, isExpandable, smallestReaching } from "./count-quantile.js";
import { gammaFrom } from "./gamma.js";
import { poissonFrom } from "./poisson.js";

/** Below this variance the chances are added up from zero. */
const SMALL_VARIANCE = 10;
/** Above this size the distribution differs from Poisson's by less than a double shows. */
const POISSON_SIZE = 1e17;

/**
 * The negative binomial count with this mean and variance mean + mean^2 / size at the uniform draw u: a Poisson
 * count whose rate is a gamma variable of shape `size`. The smallest k with F(k) >= u, so increasing in u.
 * Source: Johnson, Kemp, Kotz, Univariate Discrete Distributions (2005), ch. 5; F is an incomplete beta function.
 */
export function negativeBinomialFrom(u: number, mean: number, size: number): number {
  assert(mean >= 0 && mean <= MAX_COUNT_MEAN && size > 0, "a negative binomial has a mean and a positive size");
  if (mean === 0) return 0;
  if (size >= POISSON_SIZE) return poissonFrom(u, mean);
  const s = 1 / size;
  const variance = mean + s * mean * mean;
  if (variance < SMALL_VARIANCE && u <= UPPER_TAIL) return countUp(u, mean, size);
  // Too skewed for the expansion: the gamma variable that stands behind the count is near enough to start from.
  if (!isExpandable(mean, s)) return search(u, mean, size, Math.floor(gammaFrom(u, size, mean / size)));
  const answer = countOrGuessAt(u, mean, s);
  return answer >= 0 ? answer : search(u, mean, size, guessIn(answer));
}

/** Asks the distribution function itself, in the tail that keeps the digits. */
function search(u: number, mean: number, size: number, guess: number): number {
  const success = size / (size + mean);
  const failure = mean / (size + mean);
  const reaches =
    u < 0.5
      ? (k: number): boolean => betaLower(success, failure, size, k + 1) >= u
      : (k: number): boolean => betaLower(failure, success, k + 1, size) <= 1 - u;
  return smallestReaching(guess, Infinity, reaches);
}

function countUp(u: number, mean: number, size: number): number {
  const failure = mean / (size + mean);
  let chance = exactExp(-size * log1p(mean / size));
  let reached = chance;
  let k = 0;
  while (reached < u) {
    chance *= ((size + k) / (k + 1)) * failure;
    k += 1;
    reached += chance;
    if (chance < NEGLIGIBLE_CHANCE && k > mean) break;
  }
  return k;
}
