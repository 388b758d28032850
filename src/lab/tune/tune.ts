// Tuning: candidates race, the best is recommended, and it must hold on seeds and scenarios that nobody chose it by.

import type { Fidelity } from "../../world/world.js";
import type { LoadResult } from "../../scenario/problem.js";
import { minutes, type Micros } from "../../kernel/units.js";
import { scenarioOf, type Bundle } from "../bundle.js";
import type { Job, Runner } from "../runner.js";
import { lowerLimit, upperLimit } from "../statistics/clopper-pearson.js";
import { pairedDifference, type PairedDifference } from "../statistics/paired.js";
import { writtenValue, type Axis } from "../sweep/axis.js";
import { designPoints } from "../sweep/design.js";
import type { FieldValue } from "../sweep/quantity.js";
import { variantOf } from "../variant.js";
import { heldOutCases, slowestSchedule, testCases, type CaseOptions, type TestCase } from "./cases.js";
import { goalWords, type Goal } from "./goal.js";
import { byRank, costDifferences, race, type Candidate, type Racer, type RaceResult } from "./race.js";
import { recommendedText } from "./recommended.js";
import { caseScore, observe, scoreOf, type CaseScore, type Observation, type Score } from "./score.js";

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
  readonly heldOutSeeds: number;
}

export interface TuneOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (stage: string, runs: number) => void;
}

/** A candidate at the end of the race, as data. */
export interface CandidateResult {
  readonly id: number;
  readonly values: readonly string[];
  readonly score: Score;
  readonly seeds: number;
  readonly dropped: Racer["dropped"];
  /** No other candidate is better in detection, false rollbacks and cost at once. */
  readonly pareto: boolean;
}

/** One held-out case: the recommended strategy and the one as it was, on the same fresh seeds. */
export interface HeldOutCase {
  readonly name: string;
  readonly kind: "bad" | "good";
  /** Whether the goal speaks of this very case; the others only show how it carries over. */
  readonly decides: boolean;
  readonly recommended: CaseScore;
  readonly baseline: CaseScore;
  /** Exact bounds (95 %, one-sided) for the share that the goal limits. */
  readonly bound: number;
  readonly holds: boolean | null;
}

export interface TuneResult {
  readonly goal: readonly string[];
  readonly objective: Goal["objective"];
  readonly detectShare: number;
  readonly falseRollbackLimit: number;
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
  /** Whether it also does so on fresh seeds; null when that was not played. */
  readonly holds: boolean | null;
  /** Cost of a release: recommended less as it was, on the held-out seeds, paired. */
  readonly saving: PairedDifference | null;
  readonly strategy: string;
}

/** Everything but the files. Problems are those of the scenarios or the strategy. */
export async function tune(input: TuneInput, runner: Runner, options: TuneOptions = {}): Promise<LoadResult<TuneResult>> {
  const prepared = prepare(input);
  if (!prepared.ok) return prepared;
  const { cases, candidates, refused, caseOptions } = prepared.value;
  const raced = await race(candidates, runner, {
    goal: input.goal, cases, fidelity: input.fidelity, seeds: input.seeds, budget: input.budget,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onRun: (runs, alive) => options.onProgress?.(`race of ${alive}`, runs),
  });
  const best = raced.looks.length === 0 ? null : bestOf(raced.racers, input.goal);
  const checked = best === null || raced.ended === "interrupted" ? null : await holdOut(input, caseOptions, cases, best, candidates[0], runner, options);
  return { ok: true, value: resultOf(input, cases, raced, refused, best, checked) };
}

interface Prepared {
  readonly cases: readonly TestCase[];
  readonly candidates: readonly Candidate[];
  readonly refused: TuneResult["refused"];
  readonly caseOptions: CaseOptions;
}

/** Candidates as bundles: the strategy as it was, then points that fill the box evenly. */
function prepare(input: TuneInput): LoadResult<Prepared> {
  const { scenarios, axes, goal } = input;
  const options: CaseOptions = { fidelity: input.fidelity, rate: input.rate };
  const first = testCases(scenarios, goal, options);
  if (!first.ok) return first;
  const design = designPoints(axes, { name: "sobol", points: input.candidates, seed: 1 });
  const points: readonly (readonly FieldValue[])[] = design.ok ? design.points : [];
  const made = points.map((values, k) => ({ id: k + 1, values, bundles: changed(first.value, axes, values, input.fidelity) }));
  const duration = lastingFor(first.value, made.flatMap(({ bundles }) => (bundles.ok ? bundles.value : [])));
  const caseOptions = { ...options, duration };
  const cases = duration === undefined ? first : testCases(scenarios, goal, caseOptions);
  if (!cases.ok) return cases;
  const before = axes.map(({ path }): FieldValue => ({ text: writtenValue(scenarios[0], path), number: null }));
  const candidates: Candidate[] = [{ id: 0, values: before, bundles: cases.value.map(({ bundle }) => bundle) }];
  const refused: { id: number; values: readonly string[]; why: string }[] = [];
  for (const { id, values, bundles: tried } of made) {
    const bundles = tried.ok && duration !== undefined ? changed(cases.value, axes, values, input.fidelity) : tried;
    if (bundles.ok) candidates.push({ id, values, bundles: bundles.value });
    else refused.push({ id, values: values.map(({ text }) => text), why: bundles.problems[0].message });
  }
  return { ok: true, value: { cases: cases.value, candidates, refused, caseOptions } };
}

function changed(cases: readonly TestCase[], axes: readonly Axis[], values: readonly FieldValue[], fidelity: Fidelity): LoadResult<readonly Bundle[]> {
  const bundles: Bundle[] = [];
  for (const { bundle } of cases) {
    const made = variantOf(bundle, axes.map(({ path }, k) => ({ path, value: values[k].text })), { fidelity });
    if (!made.ok) return made;
    bundles.push(made.value);
  }
  return { ok: true, value: bundles };
}

/** Long enough for the slowest schedule with some holding; undefined when the scenario's own time is. */
function lastingFor(cases: readonly TestCase[], bundles: readonly Bundle[]): Micros | undefined {
  const loaded = scenarioOf(cases[0].bundle);
  if (!loaded.ok) return undefined;
  const releasedAt = loaded.value.script.find(({ kind }) => kind === "release")?.at ?? 0;
  const needed = releasedAt + minutes(15) + Math.round(1.1 * slowestSchedule([cases[0].bundle, ...bundles]));
  const whole = Math.ceil(needed / minutes(1)) * minutes(1);
  return whole > loaded.value.duration ? whole : undefined;
}

/** Proven to meet the goal comes before seen to meet it; then what the goal wants small. */
function bestOf(racers: readonly Racer[], goal: Goal): Racer {
  const running = racers.filter(({ dropped }) => dropped === null);
  const most = Math.max(...running.map(({ seen }) => seen[0].length));
  const whole = running.filter(({ seen }) => seen[0].length === most);
  return [...whole].sort((a, b) => Number(isProven(b.score, goal)) - Number(isProven(a.score, goal)) || byRank(a, b, goal))[0];
}

const isProven = (score: Score, goal: Goal): boolean => score.violation === 0 && score.cases.every((each) => boundOf(each).meets(goal));

/** The exact one-sided bound of a case's share, and whether it stays within the goal. */
function boundOf({ kind, well, runs }: CaseScore): { readonly bound: number; meets(goal: Goal): boolean } {
  if (kind === "bad") {
    const bound = lowerLimit(well, runs, 0.05);
    return { bound, meets: ({ detect }) => bound >= detect.share };
  }
  const bound = upperLimit(runs - well, runs, 0.05);
  return { bound, meets: ({ falseRollbacks }) => bound <= falseRollbacks };
}

interface Checked {
  readonly cases: readonly HeldOutCase[];
  readonly runs: number;
  readonly saving: PairedDifference | null;
}

/** Seeds that no candidate was chosen by. */
async function holdOut(input: TuneInput, caseOptions: CaseOptions, cases: readonly TestCase[], best: Racer, baseline: Candidate, runner: Runner, options: TuneOptions): Promise<Checked | null> {
  const { goal, axes, fidelity } = input;
  const others = heldOutCases(input.scenarios, goal, caseOptions);
  const all = [...cases, ...others];
  const same = best.candidate.id === 0;
  const bundles = changed(others, axes, best.candidate.values, fidelity);
  const tried = [...(same ? baseline.bundles : best.candidate.bundles), ...(same || !bundles.ok ? others.map(({ bundle }) => bundle) : bundles.value)];
  const top = Math.max(...input.seeds);
  const seeds = Array.from({ length: input.heldOutSeeds }, (_, k) => top + 1 + k);
  const strategies = [tried, [...baseline.bundles, ...others.map(({ bundle }) => bundle)]];
  const places = all.flatMap((_, k) => strategies.flatMap((_each, s) => seeds.map((seed) => ({ k, s, seed }))));
  const seen: Observation[][][] = strategies.map(() => all.map(() => []));
  function* jobs(): Generator<Job> {
    for (const { k, s, seed } of places) yield { bundle: strategies[s][k], seed, fidelity, detail: "row" };
  }
  const { aborted } = await runner.run(
    jobs(),
    (result, index) => {
      if (!result.ok) throw new Error(`the run ${result.key} gave no result: ${result.failure.message}`);
      const { k, s } = places[index];
      seen[s][k].push(observe(result.row, all[k], goal));
      options.onProgress?.("held-out check", index + 1);
    },
    options.signal === undefined ? {} : { signal: options.signal },
  );
  if (aborted) return null;
  const differences = costDifferences({ seen: seen[1].slice(0, cases.length) }, { seen: seen[0].slice(0, cases.length) }, goal, cases);
  return {
    runs: places.length,
    saving: same || differences.length < 2 ? null : pairedDifference(differences.map(() => 0), differences),
    cases: all.map(({ name, kind }, k) => heldOutCase(name, kind, k < cases.length, caseScore(name, kind, seen[0][k], goal), caseScore(name, kind, seen[1][k], goal), goal)),
  };
}

function heldOutCase(name: string, kind: "bad" | "good", decides: boolean, recommended: CaseScore, baseline: CaseScore, goal: Goal): HeldOutCase {
  const { bound } = boundOf(recommended);
  const holds = kind === "bad" ? recommended.wellShare >= goal.detect.share : 1 - recommended.wellShare <= goal.falseRollbacks;
  return { name, kind, decides, recommended, baseline, bound, holds: decides ? holds : null };
}

function resultOf(input: TuneInput, cases: readonly TestCase[], raced: RaceResult, refused: TuneResult["refused"], best: Racer | null, checked: Checked | null): TuneResult {
  const { goal, axes, scenarios } = input;
  const played = raced.racers.filter(({ seen }) => seen[0].length > 0);
  const candidates = played.map(({ candidate, score, seen, dropped }): CandidateResult => ({
    id: candidate.id, values: candidate.values.map(({ text }) => text), score, seeds: seen[0].length, dropped,
    pareto: !played.some((other) => dominates(other.score, score)),
  }));
  const met = best !== null && best.score.violation === 0;
  const decided = checked?.cases.filter(({ decides }) => decides) ?? [];
  const holds = checked === null ? null : scoreOf(decided.map(({ recommended }) => recommended), goal).violation === 0;
  const changes = best === null ? [] : axes.map(({ path }, k) => ({ path, from: writtenValue(scenarios[0], path), to: best.candidate.values[k].text }));
  const result = {
    goal: goalWords(goal), objective: goal.objective, detectShare: goal.detect.share, falseRollbackLimit: goal.falseRollbacks,
    axes: axes.map(({ path, written }) => ({ path, written, before: writtenValue(scenarios[0], path) })),
    candidates, refused, looks: raced.looks, runs: raced.runs + (checked?.runs ?? 0), ended: raced.ended,
    best: best?.candidate.id ?? null, met, heldOut: checked?.cases ?? [], holds, saving: checked?.saving ?? null,
  };
  if (best === null) return { ...result, strategy: "" };
  // The tested strategy itself, without the test's own scenario around it.
  const bundle = best.candidate.id === 0 ? cases[0].bundle : best.candidate.bundles[0];
  return { ...result, strategy: recommendedText(bundle, best.candidate.id === 0 ? [] : changes, whyLines(result, best)) };
}

function whyLines({ goal, met, holds, heldOut }: Pick<TuneResult, "goal" | "met" | "holds" | "heldOut">, best: Racer): readonly string[] {
  const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`;
  return [
    `Goal: ${goal.join("; ")}.`,
    met ? (holds === false ? "It met the goal in the race, but not on fresh seeds: look at the report." : "It meets the goal.") : "Nothing that was tried meets the goal; this comes nearest.",
    `In the race (${best.seen[0].length} seeds): detected in time ${percent(best.score.detected)}, false rollbacks ${percent(best.score.falseRollbacks)}.`,
    ...heldOut.filter(({ decides }) => decides).map(({ name, kind, recommended, baseline }) =>
      `On ${recommended.runs} fresh seeds, ${name}: ${kind === "bad" ? `detected in time ${percent(recommended.wellShare)} (before: ${percent(baseline.wellShare)})` : `rolled back ${percent(1 - recommended.wellShare)} (before: ${percent(1 - baseline.wellShare)})`}.`),
  ];
}

/** At least as good in everything, and better in something. */
export function dominates(a: Score, b: Score): boolean {
  const noWorse = a.detected >= b.detected && a.falseRollbacks <= b.falseRollbacks && a.cost <= b.cost;
  return noWorse && (a.detected > b.detected || a.falseRollbacks < b.falseRollbacks || a.cost < b.cost);
}
