// Holds the two fidelities' samples of a cell against the tolerances, and tells a miss from mere noise.

import type { Ratio } from "../../kernel/units.js";
import { SOURCES, type Sample, type Source } from "./measure.js";
import { clopperPearson, kolmogorovSmirnov, meanEstimate, variation, type Estimate } from "./statistics.js";

/** How far `cohort` may be from `request`. The figures are fixed: a cell beyond them is refused, never forgiven. */
export const TOLERANCES = {
  errorRate: 0.0005,
  mean: 0.03,
  p95: 0.05,
  variation: 0.15,
} as const;
/** Rollback rates lie inside each other's interval of this confidence; distributions are tested at 1 %. */
export const CONFIDENCE: Ratio = 0.99;
export const KS_ALPHA: Ratio = 0.01;
/** A difference beyond its tolerance by less than this many standard errors may be chance (two-sided 1 %). */
const NOISE_Z = 2.576;

/** The table's columns. */
export const COLUMNS = ["error rate", "mean", "p95", "variation of error rate", "variation of p95", "rollback rate", "delay"] as const;
export type Column = (typeof COLUMNS)[number];

/**
 * - `agrees`: inside the tolerance.
 * - `noise`: outside, but so little that chance alone may have done it; more seeds would tell.
 * - `misses`: outside by more than chance explains.
 */
export type Verdict = "agrees" | "noise" | "misses";

/** One figure of one cell, at both fidelities. */
export interface Finding {
  readonly column: Column;
  readonly what: string;
  readonly request: number;
  readonly cohort: number;
  /** cohort - request, in `unit`: absolute, or relative to request. */
  readonly difference: number;
  readonly unit: "absolute" | "relative";
  readonly tolerance: number;
  /** Of the difference, over seeds (the fidelities share no draws); null where a test stands in its place. */
  readonly standardError: number | null;
  readonly verdict: Verdict;
  /** What a test said, in words; empty where the figures say it all. */
  readonly note: string;
}

export interface CellComparison {
  readonly cell: string;
  readonly about: string;
  readonly seeds: { readonly request: number; readonly cohort: number };
  readonly findings: readonly Finding[];
}

/** Compares the samples of one cell. */
export function compareSamples(cell: { readonly name: string; readonly about: string; readonly defect: boolean }, request: readonly Sample[], cohort: readonly Sample[]): CellComparison {
  return {
    cell: cell.name,
    about: cell.about,
    seeds: { request: request.length, cohort: cohort.length },
    findings: [
      ...SOURCES.flatMap((source) => [
        level("error rate", source, request, cohort, ({ errorRate }) => errorRate[source]),
        level("mean", source, request, cohort, ({ meanSeconds }) => meanSeconds[source]),
        level("p95", source, request, cohort, ({ p95Seconds }) => p95Seconds[source]),
        ...spread("variation of error rate", source, request, cohort, ({ windows }) => windows[source]?.errorRate),
        ...spread("variation of p95", source, request, cohort, ({ windows }) => windows[source]?.p95Seconds),
      ]),
      rollbackRate(cell.defect, request, cohort),
      ...delays(cell.defect, request, cohort),
    ],
  };
}

/** The worst verdict of a column, or null where the cell has no figure for it. */
export function verdictOf({ findings }: CellComparison, column: Column): Verdict | null {
  const verdicts = findings.filter((finding) => finding.column === column).map(({ verdict }) => verdict);
  if (verdicts.length === 0) return null;
  return verdicts.includes("misses") ? "misses" : verdicts.includes("noise") ? "noise" : "agrees";
}

/** Whether nothing in the cell is beyond its tolerance by more than chance. */
export const agrees = (comparison: CellComparison): boolean => comparison.findings.every(({ verdict }) => verdict !== "misses");

type Samples = readonly Sample[];

function level(column: "error rate" | "mean" | "p95", source: Source, request: Samples, cohort: Samples, read: (sample: Sample) => number | null): Finding {
  // A seed without the figure makes it none for all: agreement about the rest would mean little.
  const [r, c] = [request, cohort].map((samples) => meanEstimate(samples.map((sample) => read(sample) ?? NaN)));
  const absolute = column === "error rate";
  const tolerance = column === "error rate" ? TOLERANCES.errorRate : TOLERANCES[column];
  return difference(column, source, r, c, absolute ? "absolute" : "relative", tolerance);
}

function spread(column: "variation of error rate" | "variation of p95", source: Source, request: Samples, cohort: Samples, read: (sample: Sample) => readonly (number | null)[] | undefined): Finding[] {
  const matrix = (samples: Samples): (readonly (number | null)[])[] => samples.map(read).filter((row) => row !== undefined);
  const [left, right] = [matrix(request), matrix(cohort)];
  if (left.length === 0 || right.length === 0) return [];
  return [difference(column, source, variation(left), variation(right), "relative", TOLERANCES.variation)];
}

function difference(column: Column, what: string, r: Estimate, c: Estimate, unit: Finding["unit"], tolerance: number): Finding {
  const scale = unit === "absolute" ? 1 : r.value;
  const value = (c.value - r.value) / scale;
  // A ratio's error, to first order: request's own error moves it by the ratio.
  const ratio = unit === "absolute" ? 1 : c.value / r.value;
  const standardError = Math.hypot(c.standardError / scale, (ratio * r.standardError) / scale);
  return {
    column, what, request: r.value, cohort: c.value, difference: value, unit, tolerance, standardError,
    verdict: verdictAt(Math.abs(value), tolerance, standardError), note: "",
  };
}

/** A figure that is no number agrees with nothing. */
function verdictAt(distance: number, tolerance: number, standardError: number): Verdict {
  if (distance <= tolerance) return "agrees";
  return distance - tolerance <= NOISE_Z * standardError ? "noise" : "misses";
}

function rollbackRate(defect: boolean, request: Samples, cohort: Samples): Finding {
  const hits = (samples: Samples): number => samples.filter(({ acted }) => acted !== null).length;
  const [a, b, n, m] = [hits(request), hits(cohort), request.length, cohort.length];
  const [left, right] = [clopperPearson(a, n, 1 - CONFIDENCE), clopperPearson(b, m, 1 - CONFIDENCE)];
  const [p, q] = [a / n, b / m];
  const inside = p >= right.low && p <= right.high && q >= left.low && q <= left.high;
  const pooled = (a + b) / (n + m);
  const standardError = Math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m));
  const chance = Math.abs(p - q) <= NOISE_Z * standardError;
  return {
    column: "rollback rate",
    what: defect ? "rolled back" : "rolled back for nothing",
    request: p,
    cohort: q,
    difference: q - p,
    unit: "absolute",
    tolerance: Math.max(...[left, right].map(({ low, high }) => (high - low) / 2)),
    standardError,
    verdict: inside ? "agrees" : chance ? "noise" : "misses",
    note: `99 % intervals: request ${percents(left)}, cohort ${percents(right)}`,
  };
}

/** From the first harm to the decision, where there is harm; and in any case from the release on. */
function delays(defect: boolean, request: Samples, cohort: Samples): Finding[] {
  const acted = sameDistribution(defect ? "release to decision" : "release to false rollback", request, cohort, ({ acted: at }) => at);
  return defect ? [sameDistribution("first harm to decision", request, cohort, ({ detection }) => detection), acted] : [acted];
}

function sameDistribution(what: string, request: Samples, cohort: Samples, read: (sample: Sample) => number | null): Finding {
  const values = (samples: Samples): number[] => samples.map((sample) => read(sample) ?? Infinity);
  const [left, right] = [values(request), values(cohort)];
  const { distance, critical, p } = kolmogorovSmirnov(left, right, KS_ALPHA);
  return {
    column: "delay", what, request: median(left), cohort: median(right), difference: distance, unit: "absolute", tolerance: critical,
    standardError: null, verdict: p < KS_ALPHA ? "misses" : "agrees", note: `Kolmogorov-Smirnov distance ${distance.toFixed(3)}, p = ${p.toFixed(4)}`,
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

const percents = ({ low, high }: { readonly low: Ratio; readonly high: Ratio }): string => `${(low * 100).toFixed(1)}..${(high * 100).toFixed(1)} %`;
