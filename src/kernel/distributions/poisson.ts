// The Poisson distribution: how many arrivals, errors or conversions a tick brings.

import { assert } from "../assert.js";
import { exactExp } from "../exact.js";
import { gammaLower, gammaUpper } from "../incomplete.js";
import {
  MAX_COUNT_MEAN,
  NEGLIGIBLE_CHANCE,
  UPPER_TAIL,
  countOrGuess,
  countOrGuessAt,
  expand,
  guessIn,
  isExpandable,
  newExpansion,
  smallestReaching,
  type CountExpansion,
  type CountOrGuess,
} from "./count-quantile.js";

/**
 * The Poisson count at the uniform draw u: the smallest k with F(k) >= u, so increasing in u and in the mean.
 * Means below 10 add up the chances from zero; larger ones take the normal quantile and, within a sliver
 * around each integer, the incomplete gamma function. Source: Giles (2016), ACM TOMS 42, algorithm 955.
 */
export function poissonFrom(u: number, mean: number): number {
  assert(mean >= 0 && mean <= MAX_COUNT_MEAN, "a Poisson mean lies between 0 and 1e12");
  // e^-mean >= 1 - mean: most draws of a rare event need no exponential.
  if (u <= 1 - mean) return 0;
  if (!isExpandable(mean, 0)) return countUp(u, mean, exactExp(-mean));
  return settled(u, mean, countOrGuessAt(u, mean, 0));
}

/**
 * `poissonFrom` of many: a count for each uniform draw, with the mean that lies as far behind `from` in `means`. A mean of
 * zero or less has none, and one that is no number is refused. The rare events' zeros, most of all counts, are found here.
 */
export function poissonCounts(uniforms: Float64Array, means: Float64Array, from: number, counts: Float64Array): void {
  for (let i = 0; i < counts.length; i += 1) {
    const mean = means[from + i];
    counts[i] = mean <= 0 || uniforms[i] <= 1 - mean ? 0 : poissonFrom(uniforms[i], mean);
  }
}

/** Draws of one mean, with its constants kept: the same counts as `poissonFrom`, faster. */
export class PoissonSampler {
  readonly #expansion: CountExpansion | null;
  readonly #chanceOfNone: number;

  constructor(readonly mean: number) {
    assert(mean >= 0 && mean <= MAX_COUNT_MEAN, "a Poisson mean lies between 0 and 1e12");
    this.#expansion = isExpandable(mean, 0) ? newExpansion() : null;
    if (this.#expansion !== null) expand(mean, 0, this.#expansion);
    this.#chanceOfNone = exactExp(-mean);
  }

  /** The Poisson count at the uniform draw u. */
  from(u: number): number {
    if (this.#expansion === null) return countUp(u, this.mean, this.#chanceOfNone);
    return settled(u, this.mean, countOrGuess(this.#expansion, u));
  }
}

const settled = (u: number, mean: number, answer: CountOrGuess): number => (answer >= 0 ? answer : search(u, mean, guessIn(answer)));

/** Asks the distribution function itself, in the tail that keeps the digits. */
function search(u: number, mean: number, guess: number): number {
  const reaches =
    u < 0.5
      ? (k: number): boolean => gammaUpper(k + 1, mean) >= u
      : (k: number): boolean => gammaLower(k + 1, mean) <= 1 - u;
  return smallestReaching(guess, Infinity, reaches);
}

function countUp(u: number, mean: number, chanceOfNone: number): number {
  if (u > UPPER_TAIL) return search(u, mean, Math.ceil(mean));
  let chance = chanceOfNone;
  let reached = chance;
  let k = 0;
  while (reached < u) {
    k += 1;
    chance *= mean / k;
    reached += chance;
    if (chance < NEGLIGIBLE_CHANCE && k > mean) break;
  }
  return k;
}
