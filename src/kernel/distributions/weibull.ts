// The Weibull distribution: lifetimes whose hazard rises or falls with age.

import { exactLog, exactPow } from "../exact.js";

/**
 * The Weibull variable at the uniform draw u, increasing in u, by inversion: F(x) = 1 - e^(-(x / scale)^shape).
 * Its mean is scale gamma(1 + 1 / shape). Source: Weibull (1951); Devroye (1986), IX.
 */
export function weibullFrom(u: number, shape: number, scale: number): number {
  return scale * exactPow(-exactLog(1 - u), 1 / shape);
}
