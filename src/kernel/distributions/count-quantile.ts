// Where a count's quantile lies: one expansion for Poisson, binomial and negative binomial, with its error bound.

import { normalQuantile } from "../exact.js";

/**
 * The three count distributions share a form (Morris 1982): variance V = m + s m^2 with s = 0 (Poisson),
 * -1/n (binomial) or 1/size (negative binomial), and every cumulant follows from V: k3 = V d, k4 = V (d^2 + 2 s V),
 * k5 = V d (d^2 + 8 s V) with d = 1 + 2 s m.
 *
 * The quantile is the integer part of a real x that solves F(x) = u for the smooth continuation of the
 * distribution function. The Cornish-Fisher expansion of x, with Sheppard's correction for the lattice, is a
 * polynomial of degree four in w, the normal quantile of u. For Poisson it is the expansion of Giles (2016, ACM
 * TOMS 42, algorithm 955). Only when x lies within the error bound of an integer must the distribution
 * function itself be asked, so that the result is exact and the cost is that of a normal quantile.
 */
export type CountExpansion = Float64Array;

/** Where the expansion keeps, after the coefficients of w^0 ... w^4, the scale of its last term: it bounds the rest. */
const SCALE = 5;
/** And after it, what rounding may add to x: more than the neglected term where the mean exceeds 1e7. */
const ROUNDING = 6;
const ROUNDING_SHARE = 1e-15;
/** Above this the expansion is only a guess: the variance is below 10, or the skewness above 0.316. */
const MAX_SCALE = 0.1;
/** The error bound is checked (in the tests) up to this size of w; the 0.3 % beyond go the exact way. */
const MAX_W = 3;
/** The same for a scale below a thousandth, where 5 in ten million go the exact (and longer) way. */
const MAX_W_FINE = 5;
const FINE_SCALE = 0.001;

/** Room for one expansion. */
export function newExpansion(): CountExpansion {
  return new Float64Array(ROUNDING + 1);
}

/** Whether the distribution with mean m and the s above is wide and even enough for the expansion. */
export function isExpandable(m: number, s: number): boolean {
  const d = 1 + 2 * s * m;
  return Math.max(1, d * d) <= MAX_SCALE * (m + s * m * m);
}

/** Fills in the coefficients for the count distribution with mean m and the s above. */
export function expand(m: number, s: number, into: CountExpansion): void {
  const V = m + s * m * m;
  const d = 1 + 2 * s * m;
  const t = s * V;
  const sd = Math.sqrt(V);
  const g3 = d * (d * d + 8 * t);
  const g2 = d * d + 2 * t;
  // With w-polynomials He3/24 - w/24 (Sheppard) and -(2 w^3 - 5 w)/36, in units of 1 / sd.
  const linear = (-3 * g2 - 1) / 24 + (5 * d * d) / 36;
  const cubic = g2 / 24 - (d * d) / 18;
  // In units of 1 / V: He4/120, -(w^4 - 5 w^2 + 2)/24, (12 w^4 - 53 w^2 + 17)/324, and Sheppard's part of the
  // term in w^2 - 1, which is d (w^2 - 1) / 6 * (+1/12).
  const dd = d * g2;
  const ddd = d * d * d;
  const fourth = g3 / 120 - dd / 24 + (12 * ddd) / 324;
  const second = -g3 / 20 + (5 * dd) / 24 - (53 * ddd) / 324 + d / 72;
  const zeroth = g3 / 40 - dd / 12 + (17 * ddd) / 324 - d / 72;
  into[0] = m + 0.5 - d / 6 + zeroth / V;
  into[1] = sd + linear / sd;
  into[2] = d / 6 + second / V;
  into[3] = cubic / sd;
  into[4] = fourth / V;
  into[SCALE] = Math.max(1, Math.abs(d * d * d)) / V;
  into[ROUNDING] = Math.max(m + 8 * sd, s < 0 ? -1 / s : 0) * ROUNDING_SHARE;
}

/** The real x of which the quantile at normal quantile w is the integer part. */
export function position(expansion: CountExpansion, w: number): number {
  return (
    expansion[0] + w * (expansion[1] + w * (expansion[2] + w * (expansion[3] + w * expansion[4])))
  );
}

/** How far `position` may be off; Infinity where nothing is promised. */
export function positionError(expansion: CountExpansion, w: number): number {
  const ww = w * w;
  const limit = expansion[SCALE] <= FINE_SCALE ? MAX_W_FINE : MAX_W;
  if (!(ww <= limit * limit)) return Infinity;
  return expansion[SCALE] * (0.025 + ww * (0.0125 + ww * 0.00625)) + expansion[ROUNDING];
}

/** What an expansion says of a quantile: the count itself, or that it is only a guess. */
export type CountOrGuess = number;

/** The guess that stands behind a negative answer. */
export const guessIn = (answer: CountOrGuess): number => -1 - answer;

/**
 * The quantile at u when the expansion settles it (99 % of calls and more); else -1 - its guess, from which the
 * distribution function is to be asked. One number, so that the hottest draws allocate nothing.
 */
export function countOrGuess(expansion: CountExpansion, u: number): CountOrGuess {
  const w = normalQuantile(u);
  const x = position(expansion, w);
  const k = Math.floor(x);
  const error = positionError(expansion, w);
  if (x - k > error && k + 1 - x > error) return k;
  return -1 - Math.max(0, Number.isFinite(x) ? k : Math.floor(expansion[0]));
}

const scratch = newExpansion();

/** The same for the distribution with mean m and the s above, which `isExpandable` allows. */
export function countOrGuessAt(u: number, m: number, s: number): CountOrGuess {
  expand(m, s, scratch);
  return countOrGuess(scratch, u);
}

/**
 * The smallest k in 0 ... max for which `reaches(k)`, searched outwards from a guess in growing steps and then
 * by halving; `reaches` is false below some k and true from there on, and true at max.
 */
export function smallestReaching(guess: number, max: number, reaches: (k: number) => boolean): number {
  let high = Math.max(0, Math.min(max, guess));
  let low: number;
  let step = 1;
  if (reaches(high)) {
    for (low = high - step; low >= 0 && reaches(low); low = high - step) {
      high = low;
      step *= 2;
    }
    low = Math.max(-1, low);
  } else {
    low = high;
    for (high = Math.min(max, low + step); high < max && !reaches(high); high = Math.min(max, low + step)) {
      low = high;
      step *= 2;
    }
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (reaches(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** Chances below this add nothing to a distribution function in doubles. */
export const NEGLIGIBLE_CHANCE = 1e-17;
/** Above this a sum of chances is too coarse for what is left to one, and the upper tail is asked itself. */
export const UPPER_TAIL = 1 - 1e-9;
/** The largest mean of a count: beyond it doubles no longer tell its quantiles apart. */
export const MAX_COUNT_MEAN = 1e12;
