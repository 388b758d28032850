// What came of holding a suite against its baseline, and whether all is well with both.

import type { ScenarioResult, SuiteResult } from "./suite.js";

export interface FigureChange {
  readonly metric: "runs passed" | "right decisions" | "cost";
  readonly direction: "worse" | "better";
  readonly before: number;
  readonly after: number;
  /** After less before, with its interval. */
  readonly difference: number;
  readonly low: number;
  readonly high: number;
}

/** Of releases that are bad now, by their medians in seconds: never is later than any, and null when half never were. */
export interface DetectionChange {
  readonly metric: "detection";
  readonly direction: "worse" | "better";
  readonly before: number | null;
  readonly after: number | null;
  readonly seeds: number;
  /** Seeds on which it comes later now, and sooner: what the sign test goes by. */
  readonly later: number;
  readonly sooner: number;
  /** Seeds on which it was never detected before, and is never now. */
  readonly neverBefore: number;
  readonly neverNow: number;
}

export type Change = FigureChange | DetectionChange;

export interface Regression {
  readonly name: string;
  readonly file: string;
  readonly fidelity: string;
  /** Seeds in both. */
  readonly seeds: number;
  readonly verdict: "identical" | "same within noise" | "better" | "worse" | "not in the baseline" | "no seed in common" | "only in the baseline";
  readonly changes: readonly Change[];
}

/** A suite against a stored baseline; of an interrupted one nothing is compared, since a part is no better and no worse than the whole of another. */
export interface BaselineResult {
  /** The baseline's file, as it was named. */
  readonly baseline: string;
  readonly regressions: readonly Regression[];
}

export const isWorse = ({ verdict }: Regression): boolean => verdict === "worse";

/** Whether all is well: every scenario passed, and none is worse than it was. The exit code and every report say the same. */
export const isWell = ({ passed }: SuiteResult, against: BaselineResult | null): boolean => passed && against?.regressions.some(isWorse) !== true;

/** How one scenario of the suite compares; null when it was not held against anything. */
export const regressionFor = ({ file, fidelity }: ScenarioResult, against: BaselineResult | null): Regression | null =>
  against?.regressions.find((each) => each.file === file && each.fidelity === fidelity && each.verdict !== "only in the baseline") ?? null;
