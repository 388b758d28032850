// Two strategies on the same seeds: the mean difference with its interval, and what the pairing was worth.

import { sampleCovariance, sampleVariance, mean } from "simple-statistics";
import { assert } from "../../kernel/assert.js";
import { normalQuantile } from "../../kernel/exact.js";
import { betaLower } from "../../kernel/incomplete.js";
import type { Ratio } from "../../kernel/units.js";
import { clopperPearson, type Interval } from "./clopper-pearson.js";

export interface PairedDifference {
  readonly pairs: number;
  readonly meanA: number;
  readonly meanB: number;
  /** B - A. */
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** The difference in standard deviations of the differences; 0 when all are 0. */
  readonly effectSize: number;
  /** Between A's and B's values on the same seed; null when one of them never varies. */
  readonly correlation: number | null;
  /** Variance of the paired difference over that of unpaired runs; null when nothing varies. */
  readonly varianceRatio: number | null;
  /** Runs of each strategy that unpaired seeds would have taken for an interval this narrow, less those taken; null likewise. */
  readonly seedsSaved: number | null;
}

/** Two strategies' values on the same seeds of one scenario. */
export interface PairedValues {
  readonly a: readonly number[];
  readonly b: readonly number[];
}

/** The differences of two strategies' values, seed by seed, with Student's interval for their mean. */
export const pairedDifference = (a: readonly number[], b: readonly number[], options: { readonly confidence?: Ratio } = {}): PairedDifference => stratifiedDifference([{ a, b }], options);

/**
 * The mean over several scenarios of the paired difference, each scenario counting the same. Scenarios are given, seeds
 * are drawn: only what varies within a scenario makes the mean unsure, and only that correlates by common random numbers.
 */
export function stratifiedDifference(groups: readonly PairedValues[], { confidence = 0.95 }: { readonly confidence?: Ratio } = {}): PairedDifference {
  assert(groups.length > 0 && groups.every(({ a, b }) => a.length === b.length && a.length >= 2), "at least two seeds of each scenario were played with both strategies");
  const strata = groups.map(({ a, b }) => {
    const [x, y] = [[...a], [...b]];
    const differences = x.map((value, index) => y[index] - value);
    return {
      pairs: x.length, meanA: mean(x), meanB: mean(y), centre: mean(differences), variance: sampleVariance(differences),
      varianceA: sampleVariance(x), varianceB: sampleVariance(y), covariance: sampleCovariance(x, y),
    };
  });
  const average = (of: (stratum: (typeof strata)[number]) => number): number => mean(strata.map(of));
  const pairs = strata.reduce((sum, stratum) => sum + stratum.pairs, 0);
  const centre = average((stratum) => stratum.centre);
  const variance = average((stratum) => stratum.variance);
  const error = Math.sqrt(average((stratum) => stratum.variance / stratum.pairs) / strata.length);
  const half = studentQuantile((1 + confidence) / 2, pairs - strata.length) * error;
  const [varianceA, varianceB] = [average((stratum) => stratum.varianceA), average((stratum) => stratum.varianceB)];
  const ratio = varianceA + varianceB > 0 ? variance / (varianceA + varianceB) : null;
  return {
    pairs,
    meanA: average((stratum) => stratum.meanA),
    meanB: average((stratum) => stratum.meanB),
    mean: centre,
    low: centre - half,
    high: centre + half,
    effectSize: variance > 0 ? centre / Math.sqrt(variance) : 0,
    correlation: varianceA > 0 && varianceB > 0 ? average((stratum) => stratum.covariance) / Math.sqrt(varianceA * varianceB) : null,
    varianceRatio: ratio,
    seedsSaved: ratio === null || ratio === 0 ? null : Math.round(pairs / ratio) - pairs,
  };
}

export interface PairedShare {
  readonly pairs: number;
  readonly hitsA: number;
  readonly hitsB: number;
  /** Seeds on which only A, and only B, has it. */
  readonly onlyA: number;
  readonly onlyB: number;
  /** Share of B less share of A. */
  readonly difference: Ratio;
  readonly low: Ratio;
  readonly high: Ratio;
  /** The exact two-sided probability of a split this uneven by chance alone (McNemar's exact test). */
  readonly pValue: Ratio;
}

/**
 * Whether something happens, seed by seed, under both strategies. The interval holds both shares of seeds that differ,
 * each in an exact interval at half the error: it is never too narrow.
 */
export function pairedShare(a: readonly boolean[], b: readonly boolean[], { confidence = 0.95 }: { readonly confidence?: Ratio } = {}): PairedShare {
  assert(a.length === b.length && a.length >= 1, "each seed was played with both strategies");
  const count = (holds: (index: number) => boolean): number => a.reduce((sum, _, index) => sum + (holds(index) ? 1 : 0), 0);
  const pairs = a.length;
  const onlyA = count((index) => a[index] && !b[index]);
  const onlyB = count((index) => !a[index] && b[index]);
  const { low, high } = discordantInterval(onlyA, onlyB, pairs, 1 - confidence);
  return {
    pairs,
    hitsA: count((index) => a[index]),
    hitsB: count((index) => b[index]),
    onlyA,
    onlyB,
    difference: (onlyB - onlyA) / pairs,
    low,
    high,
    pValue: mcNemar(onlyA, onlyB),
  };
}

/** The chance of "only B" less that of "only A": each by its own exact interval at half the error. */
function discordantInterval(onlyA: number, onlyB: number, pairs: number, alpha: Ratio): Interval {
  const ofA = clopperPearson(onlyA, pairs, { confidence: 1 - alpha / 2 });
  const ofB = clopperPearson(onlyB, pairs, { confidence: 1 - alpha / 2 });
  return { low: Math.max(-1, ofB.low - ofA.high), high: Math.min(1, ofB.high - ofA.low) };
}

/** Exact and two-sided: twice the binomial tail at one half of the seeds that differ. */
export function mcNemar(onlyA: number, onlyB: number): Ratio {
  const differ = onlyA + onlyB;
  if (differ === 0) return 1;
  const most = Math.max(onlyA, onlyB);
  // P(X >= most) for a fair coin tossed `differ` times is the incomplete beta function at one half.
  return Math.min(1, 2 * betaLower(0.5, 0.5, most, differ - most + 1));
}

/** Student's t quantile above one half, from the incomplete beta function by halving. */
export function studentQuantile(probability: Ratio, freedom: number): number {
  const tail = 2 * (1 - probability);
  const upperTail = (t: number): number => betaLower(freedom / (freedom + t * t), (t * t) / (freedom + t * t), freedom / 2, 0.5);
  let low = 0;
  let high = normalQuantile(probability) + 1;
  while (upperTail(high) > tail) high *= 2;
  for (let step = 0; step < 100 && high - low > 1e-12 * high; step += 1) {
    const middle = (low + high) / 2;
    if (upperTail(middle) > tail) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
