// Tuning: candidates race, the best is recommended, and it must hold on seeds and scenarios that nobody chose it by.

import type { Fidelity } from "../../world/world.js";
import type { LoadResult } from "../../scenario/problem.js";
import type { Bundle } from "../bundle.js";
import { money, percent } from "../../kernel/format.js";
import type { Runner } from "../runner.js";
import type { PairedDifference } from "../statistics/paired.js";
import { writtenValue, type Axis } from "../sweep/axis.js";
import type { FieldValue } from "../sweep/quantity.js";
import { bundlesWith, slowestSchedule, testCases, type CaseOptions, type TestCase } from "./cases.js";
import { goalWords, type Goal } from "./goal.js";
import { holdOut, keepsByBounds, type Checked, type HeldOutCase, type HeldOutCost } from "./held-out.js";
import { byRank, race, type Candidate, type Racer, type RaceResult } from "./race.js";
import { recommendedText } from "./recommended.js";
import { candidateSettings } from "./settings.js";
import { scoreOf, type Score } from "./score.js";

export interface TuneInput {
  readonly goal: Goal;
  /** With the strategy that is tuned in each. */
  readonly scenarios: readonly Bundle[];
  readonly axes: readonly Axis[];
  readonly rate?: string | undefined;
  readonly fidelity: Fidelity;
  readonly candidates: number;
  readonly seeds: readonly number[];
  readonly budget: number;
  /** 0 leaves the check out. */
  readonly heldOutSeeds: number;
}

export interface TuneOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TuneProgress) => void;
}

/** How far it is: runs of this stage, and how it looks so far. */
export interface TuneProgress {
  readonly stage: string;
  readonly done: number;
  readonly of: number;
  readonly interim: string;
}

/** A candidate at the end of the race, as data. */
export interface CandidateResult {
  readonly id: number;
  readonly values: readonly string[];
  readonly score: Score;
  readonly seeds: number;
  readonly dropped: Racer["dropped"];
  /** Whether the bounds of what the race shows stay within the goal. */
  readonly proven: boolean;
  /** No other candidate is better in detection, false rollbacks and cost at once. */
  readonly pareto: boolean;
}

export interface TuneResult {
  readonly goal: readonly string[];
  readonly objective: Goal["objective"];
  readonly detectShare: number;
  readonly falseRollbackLimit: number;
  /** Null where the goal does not limit it, as `costLimit`. */
  readonly promoteShare: number | null;
  readonly costLimit: number | null;
  readonly axes: readonly { readonly path: string; readonly written: string; readonly before: string }[];
  readonly candidates: readonly CandidateResult[];
  readonly refused: readonly { readonly id: number; readonly values: readonly string[]; readonly why: string }[];
  readonly looks: RaceResult["looks"];
  readonly runs: number;
  readonly ended: RaceResult["ended"];
  /** The best candidate; null when the race was interrupted before its first look. */
  readonly best: number | null;
  /** Whether what was seen in the race meets the goal. */
  readonly met: boolean;
  readonly heldOut: readonly HeldOutCase[];
  /** Null when the goal does not limit it, or nothing was played on fresh seeds. */
  readonly heldOutCost: HeldOutCost | null;
  /** Whether it also does so on fresh seeds; null when that was not played. */
  readonly holds: boolean | null;
  /** Whether the bounds of what the fresh seeds show stay within the goal too. */
  readonly proven: boolean;
  /** Cost of a release: recommended less as it was, on the held-out seeds, paired. */
  readonly saving: PairedDifference | null;
  readonly strategy: string;
}

/** Whether nothing is left to doubt; without a check on fresh seeds, by the race alone. */
export const isSettled = ({ met, holds, proven }: Pick<TuneResult, "met" | "holds" | "proven">): boolean => met && (holds === null || proven);

/** Everything but the files. Problems are those of the scenarios or the strategy. */
export async function tune(input: TuneInput, runner: Runner, options: TuneOptions = {}): Promise<LoadResult<TuneResult>> {
  const prepared = prepare(input);
  if (!prepared.ok) return prepared;
  const { cases, candidates, refused, caseOptions } = prepared.value;
  const raced = await race(candidates, runner, {
    goal: input.goal, cases, fidelity: input.fidelity, seeds: input.seeds, budget: input.budget,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onRun: (done, of, alive, seeds, leader) => options.onProgress?.({ stage: `race of ${alive} to seed ${seeds}`, done, of, interim: leader === null ? "" : `the best detects ${percent(leader.detected)} in time, false rollbacks ${percent(leader.falseRollbacks)}` }),
  });
  const best = raced.looks.length === 0 ? null : bestOf(raced.racers, input.goal, cases);
  const checked = best === null || raced.ended === "interrupted" || input.heldOutSeeds === 0 ? null : await holdOut(input, { options: caseOptions, cases, best: best.candidate, baseline: candidates[0] }, runner, options);
  return { ok: true, value: resultOf(input, cases, raced, refused, best, checked) };
}

interface Prepared {
  readonly cases: readonly TestCase[];
  readonly candidates: readonly Candidate[];
  readonly refused: TuneResult["refused"];
  readonly caseOptions: CaseOptions;
}

/** Candidates as bundles: the strategy as it was, then settings that fill the box evenly. */
function prepare(input: TuneInput): LoadResult<Prepared> {
  const { scenarios, axes, goal, fidelity } = input;
  const options: CaseOptions = { fidelity, rate: input.rate };
  const first = testCases(scenarios, goal, options);
  if (!first.ok) return first;
  const { taken, refused } = candidateSettings(axes, input.candidates, (values) => {
    const made = bundlesWith(first.value, axes, values, fidelity);
    return made.ok ? null : made.problems[0].message;
  });
  const settings = taken.map(({ id, values }) => ({ id, values, bundles: bundlesWith(first.value, axes, values, fidelity) }));
  const schedule = slowestSchedule([...first.value.map(({ bundle }) => bundle), ...settings.flatMap(({ bundles }) => (bundles.ok ? bundles.value : []))]);
  const caseOptions = { ...options, schedule };
  const cases = testCases(scenarios, goal, caseOptions);
  if (!cases.ok) return cases;
  const asLong = cases.value.every(({ bundle }, k) => bundle.hash === first.value[k].bundle.hash);
  const before = axes.map(({ path }): FieldValue => ({ text: writtenValue(scenarios[0], path), number: null }));
  const candidates: Candidate[] = [{ id: 0, values: before, bundles: cases.value.map(({ bundle }) => bundle) }];
  for (const { id, values, bundles: shorter } of settings) {
    const bundles = asLong ? shorter : bundlesWith(cases.value, axes, values, fidelity);
    if (!bundles.ok) return bundles;
    candidates.push({ id, values, bundles: bundles.value });
  }
  return { ok: true, value: { cases: cases.value, candidates, refused, caseOptions } };
}

/** Proven to meet the goal comes before seen to meet it; then what the goal wants small. */
function bestOf(racers: readonly Racer[], goal: Goal, cases: readonly TestCase[]): Racer {
  const running = racers.filter(({ dropped }) => dropped === null);
  const most = Math.max(...running.map(({ seen }) => seen[0].length));
  const whole = running.filter(({ seen }) => seen[0].length === most);
  return [...whole].sort((a, b) => Number(isProven(b, goal, cases)) - Number(isProven(a, goal, cases)) || byRank(a, b, goal))[0];
}

const isProven = (racer: Racer, goal: Goal, cases: readonly TestCase[]): boolean => racer.score.violation === 0 && keepsByBounds(racer, goal, cases);

function resultOf(input: TuneInput, cases: readonly TestCase[], raced: RaceResult, refused: TuneResult["refused"], best: Racer | null, checked: Checked | null): TuneResult {
  const { goal, axes, scenarios } = input;
  const played = raced.racers.filter(({ seen }) => seen[0].length > 0);
  const candidates = played.map((racer): CandidateResult => {
    const { candidate, score, seen, dropped } = racer;
    return {
      id: candidate.id, values: candidate.values.map(({ text }) => text), score, seeds: seen[0].length, dropped, proven: isProven(racer, goal, cases),
      pareto: !played.some((other) => dominates(other.score, score)),
    };
  });
  const met = best !== null && best.score.violation === 0;
  const decided = checked?.cases.filter(({ decides }) => decides) ?? [];
  const limited = [...decided, ...decided.map(({ promotion }) => promotion), checked?.cost ?? null];
  const holds = checked === null ? null : scoreOf(decided.map(({ recommended }) => recommended), goal).violation === 0;
  const changes = best === null ? [] : axes.map(({ path }, k) => ({ path, from: writtenValue(scenarios[0], path), to: best.candidate.values[k].text }));
  const result = {
    goal: goalWords(goal), objective: goal.objective, detectShare: goal.detect.share, falseRollbackLimit: goal.falseRollbacks, promoteShare: goal.promote?.share ?? null, costLimit: goal.costBelow,
    axes: axes.map(({ path, written }) => ({ path, written, before: writtenValue(scenarios[0], path) })),
    candidates, refused, looks: raced.looks, runs: raced.runs + (checked?.runs ?? 0), ended: raced.ended,
    best: best?.candidate.id ?? null, met, heldOut: checked?.cases ?? [], heldOutCost: checked?.cost ?? null, holds, saving: checked?.saving ?? null,
    proven: holds === true && limited.every((each) => each === null || each.shown === true),
  };
  if (best === null) return { ...result, strategy: "" };
  // The tested strategy itself, without the test's own scenario around it.
  const bundle = best.candidate.id === 0 ? cases[0].bundle : best.candidate.bundles[0];
  return { ...result, strategy: recommendedText(bundle, best.candidate.id === 0 ? [] : changes, whyLines(result, best)) };
}

function whyLines({ goal, met, holds, proven, heldOut, heldOutCost }: Pick<TuneResult, "goal" | "met" | "holds" | "proven" | "heldOut" | "heldOutCost">, best: Racer): readonly string[] {
  const check = holds === null ? "It meets the goal in the race; it was not checked on fresh seeds." : proven ? "It meets the goal, and fresh seeds prove it." : "It meets the goal so far as the fresh seeds can tell, which are too few to prove it.";
  return [
    `Goal: ${goal.join("; ")}.`,
    met ? (holds === false ? "It met the goal in the race, but not on fresh seeds: look at the report." : check) : "Nothing that was tried meets the goal; this comes nearest.",
    `In the race (${best.seen[0].length} seeds): detected in time ${percent(best.score.detected)}, false rollbacks ${percent(best.score.falseRollbacks)}.`,
    ...heldOut.filter(({ decides }) => decides).map(({ name, kind, recommended, baseline, promotion }) =>
      `On ${recommended.runs} fresh seeds, ${name}: ${kind === "bad" ? `detected in time ${percent(recommended.wellShare)} (before: ${percent(baseline.wellShare)})` : `rolled back ${percent(1 - recommended.wellShare)} (before: ${percent(1 - baseline.wellShare)})`}${promotion === null ? "" : `, with everybody in time ${percent(recommended.inTime / recommended.runs)} (before: ${percent(baseline.inTime / baseline.runs)})`}.`),
    ...(heldOutCost === null ? [] : [`On fresh seeds a release costs ${money(heldOutCost.mean)} (before: ${money(heldOutCost.before)}).`]),
  ];
}

/** At least as good in everything, and better in something. */
export function dominates(a: Score, b: Score): boolean {
  const noWorse = a.detected >= b.detected && a.falseRollbacks <= b.falseRollbacks && a.cost <= b.cost;
  return noWorse && (a.detected > b.detected || a.falseRollbacks < b.falseRollbacks || a.cost < b.cost);
}
