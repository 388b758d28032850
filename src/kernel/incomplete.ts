// Incomplete gamma and beta functions: the distribution functions behind every count and gamma variable.

import { exactExp, exactLog, log1p, logGamma, stirlingError } from "./exact.js";

const TWO_PI = 6.283185307179586;
const HALF_LN_TWO_PI = 0.9189385332046728;
const EPSILON = 1.1102230246251565e-16;
const TINY = 1e-300;
/** Both expansions need about 10 sqrt(a) terms near the mean; beyond this the arguments make no sense. */
const MAX_TERMS = 10_000_000;

/** log x! - ((x + 1/2) log x - x + log(2 pi) / 2), for x > 0. */
function factorialError(x: number): number {
  if (x >= 10) return stirlingError(x);
  return logGamma(x + 1) - ((x + 0.5) * exactLog(x) - x + HALF_LN_TWO_PI);
}

/** x log(x / mean) + mean - x without cancellation near x = mean (Loader 2000, the deviance part bd0). */
function deviance(x: number, mean: number): number {
  const difference = x - mean;
  if (Math.abs(difference) > 0.1 * (x + mean)) return x * exactLog(x / mean) - difference;
  const v = difference / (x + mean);
  const vv = v * v;
  let term = 2 * x * v;
  let sum = difference * v;
  for (let j = 3; ; j += 2) {
    term *= vv;
    const next = sum + term / j;
    if (next === sum) return sum;
    sum = next;
  }
}

/**
 * mean^x e^-mean / x!, the chance that a Poisson variable equals x; x may be any real number >= 0.
 * Source: C. Loader, Fast and Accurate Computation of Binomial Probabilities (2000).
 */
export function poissonMass(x: number, mean: number): number {
  if (mean === 0) return x === 0 ? 1 : 0;
  if (x === 0) return exactExp(-mean);
  if (x < 1) return exactExp(x * exactLog(mean) - mean - logGamma(x + 1));
  return exactExp(-factorialError(x) - deviance(x, mean)) / Math.sqrt(TWO_PI * x);
}

/**
 * The chance of x successes in n trials with success chance p = 1 - q; x and n may be any real numbers with
 * 0 <= x <= n. Source as above.
 */
export function binomialMass(x: number, n: number, p: number, q: number): number {
  if (p === 0 || q === 0) return (p === 0 ? x === 0 : x === n) ? 1 : 0;
  if (x === 0) return exactExp(p < 0.1 ? n * log1p(-p) : n * exactLog(q));
  if (x === n) return exactExp(q < 0.1 ? n * log1p(-q) : n * exactLog(p));
  const rest = n - x;
  const error = factorialError(n) - factorialError(x) - factorialError(rest);
  const exponent = error - deviance(x, n * p) - deviance(rest, n * q);
  return exactExp(exponent) * Math.sqrt(n / (TWO_PI * x * rest));
}

/** P(a, x): the chance that a gamma variable of shape a is at most x. */
export function gammaLower(a: number, x: number): number {
  if (x <= 0) return 0;
  return x < a + 1 ? gammaSeries(a, x) : 1 - gammaFraction(a, x);
}

/** Q(a, x) = 1 - P(a, x), accurate in the upper tail. */
export function gammaUpper(a: number, x: number): number {
  if (x <= 0) return 1;
  return x < a + 1 ? 1 - gammaSeries(a, x) : gammaFraction(a, x);
}

/** DLMF 8.11.4. */
function gammaSeries(a: number, x: number): number {
  let term = 1;
  let sum = 1;
  for (let n = 1; n < MAX_TERMS && term > sum * EPSILON; n += 1) {
    term *= x / (a + n);
    sum += term;
  }
  return poissonMass(a, x) * sum;
}

/** DLMF 8.9.2, by Lentz's method. */
function gammaFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = 1 / TINY;
  let d = 1 / b;
  let h = d;
  for (let n = 1; n < MAX_TERMS; n += 1) {
    const an = -n * (n - a);
    b += 2;
    d = 1 / notZero(an * d + b);
    c = notZero(b + an / c);
    const step = d * c;
    h *= step;
    if (Math.abs(step - 1) <= 2 * EPSILON) break;
  }
  return poissonMass(a, x) * a * h;
}

/** I_x(a, b): the chance that a beta variable is at most x = 1 - y; give both x and y, so that neither is rounded. */
export function betaLower(x: number, y: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (y <= 0) return 1;
  return x < (a + 1) / (a + b + 2) ? betaFraction(x, y, a, b) : 1 - betaFraction(y, x, b, a);
}

/** DLMF 8.17.22, by Lentz's method. */
function betaFraction(x: number, y: number, a: number, b: number): number {
  const front = (binomialMass(a, a + b, x, y) * b) / (a + b);
  let c = 1;
  let d = 1 / notZero(1 - ((a + b) * x) / (a + 1));
  let h = d;
  for (let m = 1; m < MAX_TERMS; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / notZero(1 + even * d);
    c = notZero(1 + even / c);
    h *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / notZero(1 + odd * d);
    c = notZero(1 + odd / c);
    const step = d * c;
    h *= step;
    if (Math.abs(step - 1) <= 2 * EPSILON) break;
  }
  return front * h;
}

/** Lentz's guard against a denominator that vanishes. */
function notZero(value: number): number {
  return Math.abs(value) < TINY ? TINY : value;
}
