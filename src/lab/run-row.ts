// The compact record of one run: what tests, sweeps and searches reckon with, a kilobyte instead of an Outcome.

import type { Micros, Ratio } from "../kernel/units.js";
import type { Cost, Impact, Outcome, ReleaseOutcome, ReleaseTimes } from "../sim/outcome.js";

export const RUN_ROW_VERSION = 2;

/** One release of the run, in script order. */
export interface RunRelease
  extends Pick<ReleaseOutcome, "service" | "version" | "truth" | "result" | "by" | "cause" | "classification" | "unscoredWhy" | "action" | "rightAction" | "tookRightAction" | "afterFullExposure"> {
  readonly times: ReleaseTimes;
  readonly impact: Impact;
  readonly cost: Cost;
}

/** Something that did not hold: an expectation, or an invariant (which stands in no file). */
export interface RunFailure {
  readonly text: string;
  readonly reason: string;
  readonly file: string | null;
  readonly line: number | null;
}

/** Data only, and the same bytes wherever the run was played. */
export interface RunRow {
  readonly rowVersion: typeof RUN_ROW_VERSION;
  readonly key: string;
  readonly bundle: string;
  readonly scenario: string;
  readonly strategy: string;
  readonly seed: number;
  readonly fidelity: "request" | "cohort" | "live";
  readonly modelVersion: string;
  readonly digest: string;
  readonly duration: Micros;
  readonly passed: boolean;
  /** Whether each expectation held, in the order of the file. */
  readonly expectations: readonly boolean[];
  readonly failures: readonly RunFailure[];
  readonly releases: readonly RunRelease[];
  /** Of all releases together. */
  readonly cost: number;
  /** How often a person was woken: what the cost counts as pages. */
  readonly pages: number;
  readonly incidents: number;
  readonly totals: Outcome["totals"];
}

/** Everything of the outcome that a row keeps. */
export function rowOf(outcome: Outcome, key: string, bundle: string): RunRow {
  const releases = outcome.releases.map(releaseRow);
  return {
    rowVersion: RUN_ROW_VERSION,
    key,
    bundle,
    scenario: outcome.scenario.name,
    strategy: outcome.scenario.strategy,
    seed: outcome.seed,
    fidelity: outcome.fidelity,
    modelVersion: outcome.modelVersion,
    digest: outcome.digest,
    duration: outcome.duration,
    passed: outcome.passed,
    expectations: outcome.expectations.map(({ passed }) => passed),
    failures: failuresOf(outcome),
    releases,
    cost: releases.reduce((sum, { cost }) => sum + cost.total, 0),
    pages: outcome.releases.reduce((sum, { pages }) => sum + pages, 0),
    incidents: outcome.incidents.length,
    totals: outcome.totals,
  };
}

const releaseRow = (release: ReleaseOutcome): RunRelease => ({
  service: release.service,
  version: release.version,
  truth: release.truth,
  result: release.result,
  by: release.by,
  cause: release.cause,
  classification: release.classification,
  unscoredWhy: release.unscoredWhy,
  action: release.action,
  rightAction: release.rightAction,
  tookRightAction: release.tookRightAction,
  afterFullExposure: release.afterFullExposure,
  times: release.times,
  impact: release.impact,
  cost: release.cost,
});

/** Failed expectations and broken invariants, in the outcome's own words. */
export function failuresOf(outcome: Outcome): readonly RunFailure[] {
  const expectations = outcome.expectations.filter(({ passed }) => !passed).map(({ text, reason, file, line }) => ({ text, reason, file, line }));
  const invariants = outcome.invariants.filter(({ held }) => !held).map(({ name, reason }) => ({ text: `invariant: ${name}`, reason, file: null, line: null }));
  return [...expectations, ...invariants];
}

/** Share of a release's harm that users felt: failed and slow pages over all of them. */
export const harmedShare = (row: RunRow): Ratio => Math.max(0, ...row.releases.map(({ impact }) => impact.shareOfRequests));
