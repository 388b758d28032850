// The Pareto distribution: heavy tails, as of file sizes and stuck requests.

import { exactExp, exactLog } from "../exact.js";

/**
 * The Pareto variable (type I) at the uniform draw u, increasing in u, by inversion:
 * F(x) = 1 - (minimum / x)^shape for x >= minimum. The mean is shape minimum / (shape - 1), finite for
 * shape > 1 only. Source: Johnson, Kotz, Balakrishnan, Continuous Univariate Distributions 1 (1994), ch. 20.
 */
export function paretoFrom(u: number, shape: number, minimum: number): number {
  return minimum * exactExp(-exactLog(1 - u) / shape);
}
