// The suite for programs: verdicts, counts, claims and failures as JSON; the runs themselves are in no report.

import { isWell, isWorse, type BaselineResult } from "../../lab/against.js";
import type { ScenarioResult, SuiteResult } from "../../lab/suite.js";
import type { AgainstOption } from "./regression-words.js";
import { classificationCounts, evidenceOf, failureWords, replayCommand } from "./suite-words.js";

export const SUITE_SCHEMA_VERSION = 1;

/** One JSON document. Like the exit code, `passed` is false where a scenario is worse than the baseline. */
export function suiteJson(suite: SuiteResult, { against = null }: AgainstOption = {}): string {
  const { interrupted, scenarios } = suite;
  return JSON.stringify({ schemaVersion: SUITE_SCHEMA_VERSION, passed: isWell(suite, against), interrupted, against: against === null ? null : againstJson(against, interrupted), scenarios: scenarios.map(scenarioJson) }, null, 1);
}

/** Shares from 0 to 1, cost in euros; a difference is now less before, with its interval. Detection by its medians in seconds. */
const againstJson = ({ baseline, regressions }: BaselineResult, interrupted: boolean): Readonly<Record<string, unknown>> =>
  ({ baseline, compared: !interrupted, worse: regressions.filter(isWorse).length, scenarios: regressions });

const scenarioJson = (result: ScenarioResult): Readonly<Record<string, unknown>> => ({
  name: result.name,
  file: result.file,
  strategy: result.strategy,
  fidelity: result.fidelity,
  modelVersion: result.modelVersion,
  verdict: result.verdict,
  interrupted: result.interrupted,
  planned: result.planned,
  runs: result.rows.length,
  passed: result.passedRuns,
  needed: result.needed,
  stoppedEarly: result.stoppedEarly,
  classifications: Object.fromEntries(classificationCounts(result.rows).map(({ name, count }) => [name, count])),
  claims: result.claims.map(({ claim, hits, runs, interval, verdict, more }) => ({ text: claim.text, line: claim.source.line, verdict, hits, runs, low: interval.low, high: interval.high, more })),
  lost: result.lost,
  failures: result.rows.filter((row) => !row.passed).map((row) => ({ seed: row.seed, reasons: failureWords(row), evidence: evidenceOf(result, row.seed), replay: replayCommand(result, row.seed) })),
});
