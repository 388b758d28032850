// Holds an observed value against its limit: static, relative to a baseline, or a share with an allowance for chance.

import { unreachable } from "../../kernel/assert.js";
import { percent } from "../../kernel/format.js";
import type { Band, CheckMetric, Comparison } from "../evidence.js";
import { CHANCE_ALPHA, isSignificantlyBelow, shareAllowance } from "./chance.js";
import type { Measured } from "./measure.js";

/**
 * A baseline below its floor counts as the floor: twice next to nothing is still next to nothing, and one failed
 * request in a thousand must not read as an explosion.
 */
export const BASELINE_FLOOR: Readonly<Partial<Record<CheckMetric, number>>> = {
  "error-rate": 0.001,
  p50: 0.001,
  p95: 0.001,
  p99: 0.001,
  cpu: 0.05,
  memory: 0.05,
  "query-timeouts": 1,
  restarts: 1,
};

/** A relative error check needs at least this many failed requests before it may be a breach. */
export const FEWEST_FAILURES = 3;

/** What a comparison found; `note` adds to the reason what the numbers do not say. */
export interface Finding {
  readonly breach: boolean;
  /** False when the difference is past the limit, but chance alone explains it. */
  readonly conclusive: boolean;
  readonly threshold: number;
  readonly note: string | null;
}

type Value = Extract<Measured, { kind: "value" }>;

const settled = (breach: boolean, threshold: number, note: string | null = null): Finding => ({ breach, conclusive: true, threshold, note });

/** Whether the comparison needs a baseline (a measured one; throughput's is its weight). */
export function needsBaseline(compare: Comparison, metric: CheckMetric): boolean {
  if (metric === "throughput") return false;
  return compare.kind === "times-baseline" || compare.kind === "drops" || compare.kind === "within";
}

/** Holds `observed` against a limit, and against `baseline` where the comparison is relative. */
export function compareValues(metric: CheckMetric, compare: Comparison, observed: Value, baseline: Value | null): Finding {
  switch (compare.kind) {
    case "below":
      return settled(!(observed.value < compare.value), compare.value);
    case "above":
      return settled(observed.value > compare.value, compare.value);
    case "at-least":
      return settled(observed.value < compare.value, compare.value);
    case "times-baseline":
      return timesBaseline(metric, compare.factor, observed, baseline?.value ?? 0);
    case "within": {
      const expected = baseline?.value ?? 0;
      const allowed = compare.ratio * expected;
      return settled(Math.abs(observed.value - expected) > allowed, expected + (observed.value < expected ? -allowed : allowed));
    }
    case "drops":
      return drops(metric, compare.ratio, observed, baseline);
    default:
      return unreachable(compare);
  }
}

function timesBaseline(metric: CheckMetric, factor: number, observed: Value, baseline: number): Finding {
  const floor = BASELINE_FLOOR[metric] ?? 0;
  const threshold = factor * Math.max(baseline, floor);
  const above = observed.value > threshold;
  const note = baseline < floor ? "a smaller baseline counts as its floor" : null;
  if (above && metric === "error-rate" && observed.hits < FEWEST_FAILURES) {
    return settled(false, threshold, `fewer than ${FEWEST_FAILURES} failed requests`);
  }
  return settled(above, threshold, note);
}

function drops(metric: CheckMetric, ratio: number, observed: Value, baseline: Value | null): Finding {
  const threshold = (1 - ratio) * (baseline?.value ?? 0);
  if (!(observed.value < threshold)) return settled(false, threshold);
  if (metric !== "conversion" || baseline === null) return settled(true, threshold);
  const significant = isSignificantlyBelow({ hits: observed.hits, trials: observed.sample }, { hits: baseline.hits, trials: baseline.sample });
  return significant
    ? settled(true, threshold, `more than chance explains at ${percent(CHANCE_ALPHA)}`)
    : { breach: false, conclusive: false, threshold, note: `no more than chance explains at ${percent(CHANCE_ALPHA)}` };
}

/** Both edges of `within`, as wide as the comparison allows: a share of requests gets its allowance for chance. */
export function bandOf(metric: CheckMetric, compare: Comparison, baseline: number | null, requests: number): Band | null {
  if (compare.kind !== "within" || baseline === null) return null;
  const half = compare.ratio * baseline + (metric === "throughput" ? shareAllowance(baseline, requests) : 0);
  return { low: Math.max(0, baseline - half), high: baseline + half };
}

/**
 * The canary's share of requests against its set weight. Chance moves a share of n requests; only what lies
 * outside the limit and its allowance is a breach.
 */
export function compareShare(compare: Comparison, share: number, weight: number, requests: number): Finding {
  const allowance = shareAllowance(weight, requests);
  const ratio = compare.kind === "within" || compare.kind === "drops" ? compare.ratio : 0;
  const low = (1 - ratio) * weight;
  const high = (1 + ratio) * weight;
  const tooLow = share < low - allowance;
  const tooHigh = compare.kind === "within" && share > high + allowance;
  return settled(tooLow || tooHigh, share > weight && compare.kind === "within" ? high : low);
}
