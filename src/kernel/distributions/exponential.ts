// The exponential distribution: gaps of a Poisson process, service of the memoryless kind.

import { exactLog } from "../exact.js";

/**
 * The exponential variable with this mean at the uniform draw u, increasing in u, by inversion:
 * F(x) = 1 - e^(-x / mean). Source: Devroye, Non-Uniform Random Variate Generation (1986), II.2.
 */
export function exponentialFrom(u: number, mean: number): number {
  return -mean * exactLog(1 - u);
}
