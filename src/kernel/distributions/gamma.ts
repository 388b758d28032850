// The gamma distribution: service times of several phases, and rates that vary from slot to slot.

import { assert } from "../assert.js";
import { exactExp, exactLog, logGamma, normalQuantile } from "../exact.js";
import { gammaLower, gammaUpper, poissonMass } from "../incomplete.js";
import { exponentialFrom } from "./exponential.js";
import { QuantileTable } from "./quantile-table.js";

const MAX_STEPS = 100;
const PRECISION = 1e-14;

/**
 * The gamma variable with mean shape * scale at the uniform draw u, increasing in u, by inversion of the
 * incomplete gamma function: the Wilson-Hilferty guess, then Halley's steps kept inside a bracket.
 * Source: DLMF 8.2, 8.11; Wilson and Hilferty (1931).
 */
export function gammaFrom(u: number, shape: number, scale: number): number {
  assert(shape > 0 && scale >= 0, "a gamma variable has a positive shape and a scale");
  if (shape === 1) return exponentialFrom(u, scale);
  if (u <= 0) return 0;
  return scale * standardGamma(u, shape);
}

function standardGamma(u: number, shape: number): number {
  let x = guess(u, shape);
  if (x === 0) return 0;
  let low = 0;
  let high = Infinity;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const excess = u < 0.5 ? gammaLower(shape, x) - u : 1 - u - gammaUpper(shape, x);
    if (excess > 0) high = x;
    else low = x;
    const slope = (poissonMass(shape, x) * shape) / x;
    const newton = excess / slope;
    const bend = 0.5 * newton * ((shape - 1) / x - 1);
    const halley = newton / (1 - Math.min(0.5, bend));
    if (Math.abs(halley) <= PRECISION * x) return x - halley;
    let next = x - halley;
    // Outside the bracket (or not a number, where the slope vanishes): halve what is left of it instead.
    if (!(next > low && next < high)) next = high === Infinity ? 2 * x : 0.5 * (low + high);
    if (high - low <= PRECISION * x) break;
    x = next;
  }
  return x;
}

function guess(u: number, shape: number): number {
  const ninth = 1 / (9 * shape);
  const cubeRoot = 1 - ninth + normalQuantile(u) * Math.sqrt(ninth);
  const x = shape * cubeRoot * cubeRoot * cubeRoot;
  if (cubeRoot > 0.3 && shape > 0.3) return x;
  // In the lower tail P(a, x) is nearly x^a / gamma(a + 1).
  return exactExp((exactLog(u) + logGamma(shape + 1)) / shape);
}

/** The gamma distribution with its quantiles tabulated, for many draws of the same shape and scale. */
export class GammaTable extends QuantileTable {
  constructor(shape: number, scale: number) {
    super((u) => gammaFrom(u, shape, scale), shape * scale);
  }
}
