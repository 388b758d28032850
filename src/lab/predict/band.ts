// The band in which 95 % of runs lie, from a sample of seeds.

import type { Ratio } from "../../kernel/units.js";

export interface Band {
  readonly low: number;
  readonly middle: number;
  readonly high: number;
  /** How many seeds it rests on. */
  readonly seeds: number;
}

export const COVERAGE: Ratio = 0.95;

/**
 * The k-th smallest of n lies, on average, above k / (n + 1) of all runs: so a further run falls into this band with a
 * chance of 95 %, also when there are only 50 seeds (with fewer than 39 the ends are the smallest and the largest).
 * Infinity stands for what never came.
 */
export function bandOf(values: readonly number[]): Band {
  const sorted = [...values].sort((a, b) => a - b);
  const tail = (1 - COVERAGE) / 2;
  return { low: orderStatistic(sorted, tail), middle: orderStatistic(sorted, 0.5), high: orderStatistic(sorted, 1 - tail), seeds: sorted.length };
}

function orderStatistic(sorted: readonly number[], p: Ratio): number {
  const place = Math.min(sorted.length, Math.max(1, p * (sorted.length + 1))) - 1;
  const [lower, upper] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  if (lower === upper) return lower;
  return lower + (place - Math.floor(place)) * (upper - lower);
}

/** Rounding is no difference. */
const ROUNDING = 1e-9;

/** Whether the value lies in the band; `slack` is what its own measurement may be off by. */
export function isInside(value: number, { low, high }: Band, slack = 0): boolean {
  // Never is in a band of never, where rounding would be infinite.
  if (value === low || value === high) return true;
  return value >= low - slack - ROUNDING * Math.abs(low) && value <= high + slack + ROUNDING * Math.abs(high);
}
