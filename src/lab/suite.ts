// A test suite: scenarios over their seeds, each with a verdict on its expectations and on its claims about many runs.

import type { OverallClaim, Scenario } from "../scenario/compiled.js";
import type { Ratio } from "../kernel/units.js";
import type { Outcome } from "../sim/outcome.js";
import type { Fidelity } from "../world/world.js";
import type { Bundle } from "./bundle.js";
import { CLAIM_ALPHA, claimVerdict, happens, judgeClaim, LOOK_EVERY, type ClaimResult, type Looking } from "./claims.js";
import type { RunRow } from "./run-row.js";
import { jobsOf, type JobFailure, type Runner } from "./runner.js";
import { sideOf } from "./statistics/confidence-sequence.js";

/** Failing runs of a scenario that are played once more, for the evidence of their decisions. */
export const SHOWN_FAILURES = 3;

/** A scenario and how it is to be tested. */
export interface TestPlan {
  readonly bundle: Bundle;
  readonly scenario: Scenario;
  readonly fidelity: Fidelity;
  readonly seeds: readonly number[];
  /** Folders outside the project that its files lie in. */
  readonly allowPaths?: readonly string[];
  /** Ends before the last seed when every verdict is certain. */
  readonly stopEarly: boolean;
}

/** A run that could not be played. */
export interface LostRun {
  readonly seed: number;
  readonly failure: JobFailure;
}

export interface ScenarioResult {
  readonly name: string;
  readonly file: string;
  readonly about: string;
  readonly strategy: string;
  readonly fidelity: Fidelity;
  readonly allowPaths: readonly string[];
  readonly modelVersion: string | null;
  readonly planned: number;
  readonly rows: readonly RunRow[];
  readonly lost: readonly LostRun[];
  readonly expectIn: Ratio;
  /** Runs that must pass: of those planned, or of those played where it ended early. */
  readonly needed: number;
  readonly passedRuns: number;
  /** On the expectations alone; an interruption leaves it open unless the runs that are left could not save it. */
  readonly runsVerdict: "pass" | "fail" | "interrupted";
  readonly expectations: readonly { readonly text: string; readonly file: string; readonly line: number; readonly failed: number }[];
  /** The first failing runs in detail. */
  readonly shown: readonly Outcome[];
  readonly claims: readonly ClaimResult[];
  readonly verdict: "pass" | "fail" | "not enough runs" | "interrupted";
  readonly stoppedEarly: boolean;
  readonly interrupted: boolean;
}

export interface SuiteEvents {
  /** After each run: how many of its scenario are done. */
  readonly onRun?: (plan: TestPlan, done: number, passed: number) => void;
}

/** Tests one scenario: plays its seeds in order, stops where it may, and plays its first failures again in detail. */
export async function testScenario(plan: TestPlan, runner: Runner, { onRun, signal }: SuiteEvents & { readonly signal?: AbortSignal } = {}): Promise<ScenarioResult> {
  const rows: RunRow[] = [];
  const lost: LostRun[] = [];
  const enough = new AbortController();
  const stop = signal === undefined ? enough.signal : AbortSignal.any([signal, enough.signal]);
  let passed = 0;
  await runner.run(jobsOf(plan.bundle, plan.seeds, { fidelity: plan.fidelity }), (result) => {
    if (result.ok) rows.push(result.row);
    else lost.push({ seed: result.job.seed, failure: result.failure });
    if (result.ok && result.row.passed) passed += 1;
    const done = rows.length + lost.length;
    onRun?.(plan, done, passed);
    const left = plan.seeds.length - done;
    if (plan.stopEarly && left > 0 && done % LOOK_EVERY === 0 && isCertain(plan, rows, passed, left)) enough.abort();
  }, { signal: stop });
  const interrupted = signal?.aborted === true && !enough.signal.aborted && rows.length + lost.length < plan.seeds.length;
  const failing = rows.filter((row) => !row.passed).slice(0, SHOWN_FAILURES).map(({ seed }) => seed);
  const shown = interrupted ? [] : await outcomesOf(plan, failing, runner);
  return resultOf(plan, { rows, lost, passed, shown, interrupted });
}

/** A scenario that an interruption came before: it is named all the same, since nobody may take it for passed. */
export const notReached = (plan: TestPlan): ScenarioResult => resultOf(plan, { rows: [], lost: [], passed: 0, shown: [], interrupted: true });

/** How many of so many runs must pass. */
export const neededOf = (runs: number, share: Ratio): number => Math.max(0, Math.ceil(share * runs - 1e-9));

/** Whether every verdict is certain: no number of runs that are left is likely to change one. */
function isCertain({ scenario, seeds }: TestPlan, rows: readonly RunRow[], passed: number, left: number): boolean {
  const done = seeds.length - left;
  const needed = neededOf(seeds.length, scenario.expectIn);
  // Where nothing is expected of a run, there is nothing to wait for while none has failed.
  const settled = passed >= needed || passed + left < needed || (scenario.expectations.length === 0 && passed === done)
    || sideOf(scenario.expectIn, passed, done, { alpha: CLAIM_ALPHA }) !== "open";
  return settled && (scenario.overall ?? []).every((claim) => claimVerdict(claim, hitsOf(claim, rows), rows.length, "sequential") !== "not enough runs");
}

function claimsOf(scenario: Scenario, rows: readonly RunRow[], looking: Looking): readonly ClaimResult[] {
  return (scenario.overall ?? []).map((claim) => judgeClaim(claim, hitsOf(claim, rows), rows.length, looking));
}

const hitsOf = (claim: OverallClaim, rows: readonly RunRow[]): number => rows.filter((row) => happens(claim.event, claim.release, row)).length;

async function outcomesOf(plan: TestPlan, seeds: readonly number[], runner: Runner): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  await runner.run(jobsOf(plan.bundle, seeds, { fidelity: plan.fidelity, detail: "light" }), (result) => {
    if (result.ok && result.outcome !== null) outcomes.push(result.outcome);
  });
  return outcomes;
}

interface Played {
  readonly rows: readonly RunRow[];
  readonly lost: readonly LostRun[];
  readonly passed: number;
  readonly shown: readonly Outcome[];
  readonly interrupted: boolean;
}

function resultOf(plan: TestPlan, { rows, lost, passed, shown, interrupted }: Played): ScenarioResult {
  const { scenario, fidelity, seeds, stopEarly } = plan;
  const done = rows.length + lost.length;
  const stoppedEarly = !interrupted && done < seeds.length;
  // Each way to be certain early implies the same verdict on the runs that were played.
  const needed = neededOf(stoppedEarly ? done : seeds.length, scenario.expectIn);
  const left = interrupted ? seeds.length - done : 0;
  const runsVerdict = passed + left < needed ? "fail" : interrupted ? "interrupted" : passed < needed ? "fail" : "pass";
  const claims = claimsOf(scenario, rows, stopEarly || interrupted ? "sequential" : "fixed");
  const fails = lost.length > 0 || runsVerdict === "fail" || claims.some(({ verdict }) => verdict === "fail");
  const open = claims.some(({ verdict }) => verdict === "not enough runs");
  return {
    name: scenario.name,
    file: scenario.file,
    about: scenario.about,
    strategy: scenario.strategy.name,
    fidelity,
    allowPaths: plan.allowPaths ?? [],
    modelVersion: rows[0]?.modelVersion ?? null,
    planned: seeds.length,
    rows,
    lost,
    expectIn: scenario.expectIn,
    needed,
    passedRuns: passed,
    runsVerdict,
    expectations: scenario.expectations.map(({ text, source }, index) => ({
      text,
      file: source.file,
      line: source.line,
      failed: rows.filter((row) => row.expectations[index] === false).length,
    })),
    shown,
    claims,
    verdict: fails ? "fail" : interrupted ? "interrupted" : open ? "not enough runs" : "pass",
    stoppedEarly,
    interrupted,
  };
}

/** The whole suite: the worst verdict counts. */
export interface SuiteResult {
  readonly scenarios: readonly ScenarioResult[];
  readonly passed: boolean;
  /** Whether planned runs were left out by an interruption; one that came after the last run changes nothing. */
  readonly interrupted: boolean;
}

export const suiteOf = (scenarios: readonly ScenarioResult[]): SuiteResult => ({
  // Failures first; those of one verdict stay in the order in which they were named.
  scenarios: [...scenarios].sort((a, b) => RANK[a.verdict] - RANK[b.verdict]),
  passed: scenarios.every(({ verdict }) => verdict === "pass"),
  interrupted: scenarios.some(({ interrupted }) => interrupted),
});

const RANK: Readonly<Record<ScenarioResult["verdict"], number>> = { fail: 0, "not enough runs": 1, interrupted: 2, pass: 3 };
