// The binomial distribution: how many of n independent requests fail, convert or go to the canary.

import { assert } from "../assert.js";
import { exactExp, log1p } from "../exact.js";
import { betaLower } from "../incomplete.js";
import { MAX_COUNT_MEAN, NEGLIGIBLE_CHANCE, UPPER_TAIL, countOrGuessAt, guessIn, isExpandable, smallestReaching } from "./count-quantile.js";

/**
 * The count of successes in n trials of chance p at the uniform draw u: the smallest k with F(k) >= u, so
 * increasing in u, in n and in p. Variances below 10 add up the chances from the nearer end; larger ones take
 * the normal quantile and, within a sliver around each integer, the incomplete beta function.
 * Source: as for Poisson; Giles and Beentjes (2024), ACM TOMS 50.
 */
export function binomialFrom(u: number, n: number, p: number): number {
  assert(n >= 0 && n <= MAX_COUNT_MEAN && Math.floor(n) === n, "a binomial counts a whole number of trials below 1e12");
  assert(p >= 0 && p <= 1, "a chance lies between 0 and 1");
  if (p === 0 || n === 0) return 0;
  if (p === 1) return n;
  // From the nearer end: the failures are at most n - k exactly when the successes are at least k.
  return p > 0.5 ? n - fewer(1 - u, n, 1 - p, p) : fewer(u, n, p, 1 - p);
}

function fewer(u: number, n: number, p: number, q: number): number {
  const mean = n * p;
  // (1 - p)^n >= 1 - n p: most draws of a rare event need no logarithm.
  if (u <= 1 - mean) return 0;
  if (!isExpandable(mean, -1 / n)) return countUp(u, n, p, q);
  const answer = countOrGuessAt(u, mean, -1 / n);
  return answer >= 0 ? answer : search(u, n, p, q, guessIn(answer));
}

/** Asks the distribution function itself, in the tail that keeps the digits. */
function search(u: number, n: number, p: number, q: number, guess: number): number {
  const reaches =
    u < 0.5
      ? (k: number): boolean => k >= n || betaLower(q, p, n - k, k + 1) >= u
      : (k: number): boolean => k >= n || betaLower(p, q, k + 1, n - k) <= 1 - u;
  return smallestReaching(guess, n, reaches);
}

function countUp(u: number, n: number, p: number, q: number): number {
  if (u > UPPER_TAIL) return search(u, n, p, q, Math.ceil(n * p));
  const odds = p / q;
  let chance = exactExp(n * log1p(-p));
  let reached = chance;
  let k = 0;
  while (reached < u && k < n) {
    chance *= ((n - k) / (k + 1)) * odds;
    k += 1;
    reached += chance;
    if (chance < NEGLIGIBLE_CHANCE && k > n * p) break;
  }
  return k;
}
