// The gamma distribution's distribution function, for service times and for waits of many departures.

import { exactExp, exactLog, logGamma } from "../../kernel/exact.js";

const TERMS_MAX = 500;
const ENOUGH = 1e-13;

/** P(X <= x) for a gamma variable with the given shape and scale 1. */
export function gammaCdf(x: number, shape: number): number {
  if (x <= 0) return 0;
  const front = exactExp(shape * exactLog(x) - x - logGamma(shape));
  if (x < shape + 1) return Math.min(1, front * lowerSeries(x, shape));
  return Math.max(0, 1 - front * upperFraction(x, shape));
}

function lowerSeries(x: number, shape: number): number {
  let term = 1 / shape;
  let sum = term;
  for (let n = 1; n < TERMS_MAX && term > sum * ENOUGH; n += 1) {
    term *= x / (shape + n);
    sum += term;
  }
  return sum;
}

/** Lentz's continued fraction. */
function upperFraction(x: number, shape: number): number {
  let b = x + 1 - shape;
  let c = 1e300;
  let d = 1 / b;
  let value = d;
  for (let n = 1; n < TERMS_MAX; n += 1) {
    const a = -n * (n - shape);
    b += 2;
    d = 1 / (a * d + b);
    c = b + a / c;
    const factor = d * c;
    value *= factor;
    if (Math.abs(factor - 1) < ENOUGH) break;
  }
  return value;
}
