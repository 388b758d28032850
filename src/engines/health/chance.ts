// What chance alone explains: the allowance a check makes before it calls a difference a difference.

import { normalQuantile } from "../../kernel/exact.js";
import type { Ratio } from "../../kernel/units.js";

/** Chance of calling a true difference of zero a difference, per evaluation (one-sided). */
export const CHANCE_ALPHA = 0.01;
/** The standard normal's quantile at 1 - CHANCE_ALPHA. */
export const CHANCE_Z = normalQuantile(1 - CHANCE_ALPHA);

/**
 * How far below or above the expected share a share of `n` requests may lie by chance alone
 * (normal approximation of the binomial at CHANCE_ALPHA).
 */
export function shareAllowance(expected: Ratio, n: number): Ratio {
  if (n <= 0) return 1;
  return CHANCE_Z * Math.sqrt((expected * (1 - expected)) / n);
}

/** Hits out of trials. */
export interface Proportion {
  readonly hits: number;
  readonly trials: number;
}

/**
 * The pooled two-proportion z statistic: how many standard errors `low` lies below `high`.
 * Zero when there is nothing to compare.
 */
export function proportionsZ(low: Proportion, high: Proportion): number {
  if (low.trials <= 0 || high.trials <= 0) return 0;
  const pooled = (low.hits + high.hits) / (low.trials + high.trials);
  const variance = pooled * (1 - pooled) * (1 / low.trials + 1 / high.trials);
  if (!(variance > 0)) return 0;
  return (high.hits / high.trials - low.hits / low.trials) / Math.sqrt(variance);
}

/** Whether `low` lies below `high` by more than chance explains at CHANCE_ALPHA. */
export function isSignificantlyBelow(low: Proportion, high: Proportion): boolean {
  return proportionsZ(low, high) > CHANCE_Z;
}
