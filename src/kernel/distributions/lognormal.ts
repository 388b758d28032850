// The lognormal distribution: latencies as they are met in the field, given by their p50 and p95.

import { assert } from "../assert.js";
import { exactExp, exactLog, normalQuantile } from "../exact.js";
import { QuantileTable } from "./quantile-table.js";

/** The 95th percentile of the standard normal distribution. */
const NORMAL_P95 = 1.6448536269514722;

export interface Lognormal {
  /** The mean of the logarithm. */
  readonly mu: number;
  /** The standard deviation of the logarithm. */
  readonly sigma: number;
  readonly mean: number;
  /** The variable at the uniform draw u, increasing in u. */
  from(u: number): number;
}

/**
 * The lognormal distribution with this median and 95th percentile; a constant when they are equal.
 * Source: Johnson, Kotz, Balakrishnan, Continuous Univariate Distributions 1 (1994), ch. 14.
 */
export function lognormal(quantiles: { readonly p50: number; readonly p95: number }): Lognormal {
  const { p50, p95 } = quantiles;
  assert(p50 > 0 && p95 >= p50 && p95 < Infinity, "a lognormal has 0 < p50 <= p95");
  const mu = exactLog(p50);
  const sigma = exactLog(p95 / p50) / NORMAL_P95;
  return {
    mu,
    sigma,
    mean: p50 * exactExp((sigma * sigma) / 2),
    from: (u) => p50 * exactExp(sigma * normalQuantile(u)),
  };
}

/** The same distribution with its quantiles tabulated, for many draws. */
export class LognormalTable extends QuantileTable {
  constructor(distribution: Lognormal) {
    super(distribution.from, distribution.mean);
  }
}
