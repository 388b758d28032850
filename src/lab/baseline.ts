// A stored baseline of a suite, and whether today's runs on the same seeds are worse than it beyond noise.

import { z } from "zod";
import { MODEL_VERSION } from "../world/model-version.js";
import type { Change, DetectionChange, FigureChange, Regression } from "./against.js";
import { reachedIn } from "./reached.js";
import type { RunRow } from "./run-row.js";
import type { ScenarioResult, SuiteResult } from "./suite.js";
import { pairedDifference, pairedShare } from "./statistics/paired.js";
import { pairedTimes } from "./statistics/paired-times.js";

/** The chance that an unchanged strategy is called worse or better anywhere in the suite. */
const SUITE_ALPHA = 0.05;
/** What moved by less than this share of the baseline's is no change that anybody needs to hear of. */
const IMMATERIAL = 0.01;
const METRICS = 4;

const storedRun = z.strictObject({
  seed: z.int(),
  passed: z.boolean(),
  /** Every release caught or clean. */
  right: z.boolean(),
  cost: z.number(),
  /** From harm to detection of the slowest bad release, in seconds; null when one never was, or none is bad. */
  detection: z.number().nullable(),
  digest: z.string(),
});

export const baselineSchema = z.strictObject({
  kind: z.literal("shakedown-baseline"),
  version: z.literal(1),
  modelVersion: z.string(),
  scenarios: z.array(z.strictObject({ name: z.string(), file: z.string(), fidelity: z.enum(["cohort", "request"]), runs: z.array(storedRun).max(1_000_000) })).max(10_000),
});

export type Baseline = z.infer<typeof baselineSchema>;
export type StoredScenario = Baseline["scenarios"][number];
type StoredRun = StoredScenario["runs"][number];

/** The name by which a baseline knows a scenario's file, however its path was written. */
export type KeyOf = (file: string) => string;
const asWritten: KeyOf = (file) => file;

/** What is kept of a suite. */
export function baselineOf({ scenarios }: SuiteResult, keyOf: KeyOf = asWritten): Baseline {
  return {
    kind: "shakedown-baseline",
    version: 1,
    modelVersion: MODEL_VERSION,
    scenarios: [...scenarios]
      .map(({ name, file, fidelity, rows }) => ({ name, file: keyOf(file), fidelity, runs: rows.map(storedOf) }))
      .sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0)),
  };
}

function storedOf(row: RunRow): StoredRun {
  const detected = reachedIn(row, "detection")?.after ?? null;
  return {
    seed: row.seed,
    passed: row.passed,
    right: row.releases.every(({ classification }) => classification === "caught" || classification === "clean"),
    cost: row.cost,
    detection: detected === null ? null : detected / 1e6,
    digest: row.digest,
  };
}

/** The baseline's scenario that a result is held against: of the same file and fidelity. */
export const storedFor = (baseline: Baseline, key: string, fidelity: string): StoredScenario | null =>
  baseline.scenarios.find((stored) => stored.file === key && stored.fidelity === fidelity) ?? null;

/** Whether any run that is planned stands in the baseline. */
export const isComparable = (baseline: Baseline, plans: readonly { readonly key: string; readonly fidelity: string; readonly seeds: readonly number[] }[]): boolean =>
  plans.some(({ key, fidelity, seeds }) => {
    const planned = new Set(seeds);
    return storedFor(baseline, key, fidelity)?.runs.some(({ seed }) => planned.has(seed)) === true;
  });

/** Each scenario against the baseline, on the seeds that both played; then what stands in the baseline alone. */
export function againstBaseline({ scenarios }: SuiteResult, baseline: Baseline, keyOf: KeyOf = asWritten): readonly Regression[] {
  const alpha = SUITE_ALPHA / (METRICS * Math.max(1, scenarios.length));
  const known = scenarios.map((result) => storedFor(baseline, keyOf(result.file), result.fidelity));
  const compared = scenarios.map((result, index) => regressionOf(result, known[index], alpha));
  const alone = baseline.scenarios.filter((stored) => !known.includes(stored));
  return [...compared, ...alone.map(({ name, file, fidelity }): Regression => ({ name, file, fidelity, seeds: 0, verdict: "only in the baseline", changes: [] }))];
}

function regressionOf({ name, file, fidelity, rows }: ScenarioResult, stored: StoredScenario | null, alpha: number): Regression {
  const known = new Map((stored?.runs ?? []).map((run) => [run.seed, run]));
  const pairs = rows.flatMap((row) => {
    const before = known.get(row.seed);
    return before === undefined ? [] : [{ before, after: storedOf(row), isBad: reachedIn(row, "detection") !== null }];
  });
  if (pairs.length === 0) return { name, file, fidelity, seeds: 0, verdict: stored === null ? "not in the baseline" : "no seed in common", changes: [] };
  if (pairs.every(({ before, after }) => before.digest === after.digest && before.passed === after.passed)) return { name, file, fidelity, seeds: pairs.length, verdict: "identical", changes: [] };
  const changes = [
    shareChange("runs passed", pairs.map(({ before }) => before.passed), pairs.map(({ after }) => after.passed), alpha),
    shareChange("right decisions", pairs.map(({ before }) => before.right), pairs.map(({ after }) => after.right), alpha),
    meanChange("cost", pairs.map(({ before, after }) => [before.cost, after.cost]), alpha),
    detectionChange(pairs.filter(({ isBad }) => isBad), alpha),
  ].filter((change) => change !== null);
  const verdict = changes.some(({ direction }) => direction === "worse") ? "worse" : changes.length > 0 ? "better" : "same within noise";
  return { name, file, fidelity, seeds: pairs.length, verdict, changes };
}

function shareChange(metric: FigureChange["metric"], before: readonly boolean[], after: readonly boolean[], alpha: number): Change | null {
  const { pairs, hitsA, hitsB, difference, low, high, pValue } = pairedShare(before, after, { confidence: 1 - alpha });
  if (pValue >= alpha) return null;
  return { metric, direction: difference < 0 ? "worse" : "better", before: hitsA / pairs, after: hitsB / pairs, difference, low, high };
}

function meanChange(metric: FigureChange["metric"], pairs: readonly (readonly [number, number])[], alpha: number): Change | null {
  if (pairs.length < 2) return null;
  const { meanA, meanB, mean, low, high } = pairedDifference(pairs.map(([before]) => before), pairs.map(([, after]) => after), { confidence: 1 - alpha });
  const least = IMMATERIAL * Math.abs(meanA);
  const direction = low > least ? "worse" : high < -least ? "better" : null;
  return direction === null ? null : { metric, direction, before: meanA, after: meanB, difference: mean, low, high };
}

/** A strategy that misses the slow cases must not look quicker for it: never is later than any. */
function detectionChange(pairs: readonly { readonly before: StoredRun; readonly after: StoredRun }[], alpha: number): DetectionChange | null {
  if (pairs.length === 0) return null;
  const { medianA, medianB, openA, openB, soonerA, soonerB, pValue } = pairedTimes(pairs.map(({ before }) => before.detection), pairs.map(({ after }) => after.detection), { material: IMMATERIAL });
  if (pValue >= alpha) return null;
  return { metric: "detection", direction: soonerA > soonerB ? "worse" : "better", before: medianA, after: medianB, seeds: pairs.length, later: soonerA, sooner: soonerB, neverBefore: openA, neverNow: openB };
}
