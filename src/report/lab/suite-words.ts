// The words of a test suite's report, said once for every reporter: verdicts, reasons, evidence, replay commands.

import { clock, count, counted, percent } from "../../kernel/format.js";
import type { Decision } from "../../engines/decision.js";
import { isWorse, regressionFor, type BaselineResult } from "../../lab/against.js";
import type { ClaimResult } from "../../lab/claims.js";
import type { RunRow } from "../../lab/run-row.js";
import type { ScenarioResult, SuiteResult } from "../../lab/suite.js";
import type { Outcome } from "../../sim/outcome.js";
import { checkWords } from "../explain.js";
import { planWords } from "../words.js";
import { changeWords, verdictWords, worseWords } from "./regression-words.js";
import { runCommandWords } from "./replay.js";

/** The command that plays just this run. */
export const replayCommand = ({ file, fidelity, allowPaths }: Pick<ScenarioResult, "file" | "fidelity" | "allowPaths">, seed: number): string =>
  runCommandWords({ file, seed, fidelity, allowPaths });

/** `18 of 20 runs passed, and 19 are needed (95%)`. */
export function runsWords({ passedRuns, rows, lost, planned, needed, expectIn, stoppedEarly, interrupted, expectations }: ScenarioResult): string {
  const done = rows.length + lost.length;
  if (interrupted && done === 0) return `not reached: interrupted before the first of ${counted(planned, "run")}`;
  const ended = interrupted ? `, interrupted after ${count(done)} of ${count(planned)}` : stoppedEarly ? `, certain after ${count(done)} of ${count(planned)}` : "";
  const asked = expectations.length === 0 ? "" : `; ${count(needed)} needed (${percent(expectIn)})`;
  return `${count(passedRuns)} of ${counted(done, "run")} passed${asked}${ended}`;
}

/** A claim's own verdict; an interruption leaves open what more of the planned runs might have told. */
export const claimEnd = ({ verdict }: ClaimResult, { interrupted }: Pick<ScenarioResult, "interrupted">): ScenarioResult["verdict"] =>
  interrupted && verdict === "not enough runs" ? "interrupted" : verdict;

/** What a claim came to: `caught in at least 99% of runs: 400 of 400 runs (99.1% to 100%)`. */
export function claimWords({ claim, hits, runs, interval, verdict, more }: ClaimResult): string {
  const found = `${claim.text}: ${count(hits)} of ${counted(runs, "run")} (${percent(interval.low)} to ${percent(interval.high)})`;
  if (verdict !== "not enough runs") return found;
  return `${found}; not enough runs: ${more === null ? "the share is at its very limit, and no number of runs is likely to tell" : `about ${count(more)} more would tell if the share stays as it is`}`;
}

/** How often each classification came, most frequent first: `caught 18, missed 2`. */
export function classificationCounts(rows: readonly RunRow[]): readonly { readonly name: string; readonly count: number }[] {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const name = row.releases.map(({ classification, unscoredWhy }) => unscoredWhy ?? classification).join(" + ") || "no release";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, number]) => ({ name, count: number })).sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
}

export const countsWords = (rows: readonly RunRow[]): string => classificationCounts(rows).map(({ name, count: number }) => `${name} ${count(number)}`).join(", ");

/** Why a run failed, one line for each thing that did not hold. */
export const failureWords = (row: RunRow): readonly string[] => row.failures.map(({ text, reason }) => `${text}: ${reason}`);

const ACTS: ReadonlySet<string> = new Set(["disable-flag", "shift-traffic", "roll-back", "finish"]);
const MOST_DECISIONS = 2;

/** The decisions that made the run what it was: those that acted or let the release through; else the last one. */
export function crucialDecisions({ decisions }: Outcome): readonly Decision[] {
  const acting = decisions.filter(({ actions }) => actions.some((action) => ACTS.has(action)));
  return acting.length > 0 ? acting.slice(0, MOST_DECISIONS) : decisions.slice(-1);
}

/** A decision's evidence in a few lines. */
export function evidenceLines(decision: Decision): readonly string[] {
  const deciding = decision.checks.filter(({ check, fired }) => fired || check === decision.decidingCheck);
  return [
    `decision ${decision.id} at ${clock(decision.at)}: ${planWords(decision.actions)}`,
    `why: ${decision.reason}`,
    ...deciding.map((check) => `${check.check}: ${checkWords(check)}`),
  ];
}

/** The evidence of a failing run, if it was played again for it. */
export function evidenceOf(result: ScenarioResult, seed: number): readonly string[] {
  const outcome = result.shown.find((shown) => shown.seed === seed);
  if (outcome === undefined) return [];
  const lines = crucialDecisions(outcome).flatMap(evidenceLines);
  return lines.length > 0 ? lines : ["nothing was decided in this run"];
}

const playedOf = ({ rows, lost }: ScenarioResult): number => rows.length + lost.length;

/** `2 scenarios: 1 failed, 1 passed`; `1 scenario: 1 passed; 1 worse than ref.json`; `2 scenarios: 1 interrupted, 1 not reached; interrupted after 10 of 800 runs`. */
export function suiteWords({ scenarios, interrupted }: SuiteResult, against: BaselineResult | null): string {
  const of = (verdict: ScenarioResult["verdict"]): number => scenarios.filter((each) => each.verdict === verdict).length;
  const notReached = scenarios.filter((each) => each.verdict === "interrupted" && playedOf(each) === 0).length;
  const begun = of("interrupted") - notReached;
  const parts = [
    ...(of("fail") > 0 ? [`${count(of("fail"))} failed`] : []),
    ...(of("not enough runs") > 0 ? [`${count(of("not enough runs"))} without enough runs`] : []),
    ...(begun > 0 ? [`${count(begun)} interrupted`] : []),
    ...(notReached > 0 ? [`${count(notReached)} not reached`] : []),
    ...(of("pass") > 0 ? [`${count(of("pass"))} passed`] : []),
  ];
  return `${counted(scenarios.length, "scenario")}: ${parts.join(", ") || "none was played"}${worseWords(against)}${interrupted ? `; ${interruptedWords(scenarios)}` : ""}`;
}

/** How far it came: runs that an early end made needless are no part of it. */
export function interruptedWords(scenarios: readonly ScenarioResult[]): string {
  const played = scenarios.reduce((sum, each) => sum + playedOf(each), 0);
  const owed = scenarios.reduce((sum, each) => sum + (each.stoppedEarly ? playedOf(each) : each.planned), 0);
  return `interrupted after ${count(played)} of ${counted(owed, "run")}`;
}

/** A line that failed or could not be decided, for reporters that point at files. */
export interface Finding {
  readonly title: string;
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** Everything that keeps a scenario from passing or makes it worse than it was, each with its place in the user's files. */
export function findingsOf(result: ScenarioResult, against: BaselineResult | null): readonly Finding[] {
  const { name, file, rows, lost, claims, expectations, runsVerdict, verdict } = result;
  const found: Finding[] = lost.slice(0, 1).map(({ seed, failure }) => ({ title: name, file, line: 1, message: `${counted(lost.length, "run")} could not be played (${failure.kind}); seed ${seed}: ${failure.message}` }));
  if (verdict === "interrupted") found.push({ title: name, file, line: 1, message: `no verdict: ${runsWords(result)}` });
  if (runsVerdict === "fail") {
    for (const { text, file: at, line, failed } of expectations) {
      if (failed > 0) found.push({ title: name, file: at, line, message: `${text}: failed in ${count(failed)} of ${counted(rows.length, "run")}. ${firstFailure(result, text)}` });
    }
    const broken = rows.find((row) => row.failures.some((failure) => failure.file === null));
    if (broken !== undefined) found.push({ title: name, file, line: 1, message: `${failureWords(broken).join("; ")}. ${replayCommand(result, broken.seed)}` });
  }
  for (const claim of claims) {
    if (claim.verdict === "fail" || (claim.verdict !== "pass" && !result.interrupted)) found.push({ title: name, file: claim.claim.source.file, line: claim.claim.source.line, message: claimWords(claim) });
  }
  const regression = regressionFor(result, against);
  if (against !== null && regression !== null && isWorse(regression)) found.push({ title: name, file, line: 1, message: [verdictWords(regression, against), ...regression.changes.map(changeWords)].join("\n") });
  return found;
}

function firstFailure(result: ScenarioResult, text: string): string {
  for (const row of result.rows) {
    const failure = row.failures.find((each) => each.text === text);
    if (failure !== undefined) return `Seed ${row.seed}: ${failure.reason}. Replay: ${replayCommand(result, row.seed)}`;
  }
  return "";
}
