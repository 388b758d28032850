// The check on what nobody chose the best by: fresh seeds, other sizes and rates, and weather that frightens.

import { lowerLimit, upperLimit } from "../statistics/clopper-pearson.js";
import { moreRunsUntil } from "../statistics/more-runs.js";
import { pairedDifference, type PairedDifference } from "../statistics/paired.js";
import { rowIn } from "../detect/reading.js";
import type { Bundle } from "../bundle.js";
import type { Job, Runner } from "../runner.js";
import { bundlesWith, heldOutCases, type CaseOptions, type TestCase } from "./cases.js";
import type { Goal } from "./goal.js";
import { costDifferences, type Candidate } from "./race.js";
import { caseScore, observe, type CaseScore, type Observation } from "./score.js";
import type { TuneInput, TuneOptions } from "./tune.js";

/** One held-out case: the recommended strategy and the one as it was, on the same fresh seeds. */
export interface HeldOutCase {
  readonly name: string;
  readonly kind: "bad" | "good";
  /** Whether the goal speaks of this very case; the others only show how it carries over. */
  readonly decides: boolean;
  readonly recommended: CaseScore;
  readonly baseline: CaseScore;
  /** Exact bound (95 %, one-sided) for the share that the goal limits. */
  readonly bound: number;
  readonly holds: boolean | null;
  /** Whether the bound keeps the goal too: then these runs show it. */
  readonly shown: boolean | null;
  /** Runs that would show it if the share stays as it is; null when it is shown or missed, or lies at the very limit. */
  readonly more: number | null;
}

export interface Checked {
  readonly cases: readonly HeldOutCase[];
  readonly runs: number;
  readonly saving: PairedDifference | null;
}

/** Who is checked, and on what the race was. */
export interface Contest {
  readonly options: CaseOptions;
  readonly cases: readonly TestCase[];
  readonly best: Candidate;
  readonly baseline: Candidate;
}

/** The cases that decide are played this many times as often as those that only show how it carries over. */
const DECIDING_SEEDS = 4;

interface Entry {
  readonly test: TestCase;
  readonly decides: boolean;
  readonly seeds: readonly number[];
  /** Recommended, and as it was. */
  readonly bundles: readonly [Bundle, Bundle];
}

/** Plays best and baseline on seeds that no candidate was chosen by; null when interrupted. */
export async function holdOut(input: TuneInput, contest: Contest, runner: Runner, { signal, onProgress }: TuneOptions): Promise<Checked | null> {
  const { goal, fidelity } = input;
  const { cases, best, baseline } = contest;
  const entries = entriesOf(input, contest);
  const places = entries.flatMap((entry) => ([0, 1] as const).flatMap((side) => entry.seeds.map((seed) => ({ entry, side, seed }))));
  const seen = new Map<Entry, readonly [Observation[], Observation[]]>(entries.map((entry) => [entry, [[], []]]));
  function* jobs(): Generator<Job> {
    for (const { entry, side, seed } of places) yield { bundle: entry.bundles[side], seed, fidelity, detail: "row" };
  }
  let well = 0;
  const { aborted } = await runner.run(
    jobs(),
    (result, index) => {
      const { entry: { test, ...entry }, side } = places[index];
      const mine = seen.get(places[index].entry)?.[side] ?? [];
      well = mine.length === 0 ? 0 : well;
      const found = observe(rowIn(result), test, goal);
      mine.push(found);
      well += found.well ? 1 : 0;
      onProgress?.({ stage: "held-out check", done: index + 1, of: places.length, interim: `${test.name}: ${test.kind === "bad" ? "detected" : "left alone"} in ${well} of ${mine.length} (of ${entry.seeds.length})` });
    },
    signal === undefined ? {} : { signal },
  );
  if (aborted) return null;
  const of = (side: 0 | 1) => ({ seen: entries.filter(({ decides }) => decides).map((entry) => seen.get(entry)?.[side] ?? []) });
  const differences = costDifferences(of(1), of(0), goal, cases);
  return {
    runs: places.length,
    saving: best.id === baseline.id || differences.length < 2 ? null : pairedDifference(differences.map(() => 0), differences),
    cases: entries.map((entry) => heldOutCase(entry, seen.get(entry) ?? [[], []], goal)),
  };
}

/** The goal's own cases, then the variations; those that the best's settings cannot play are left out. */
function entriesOf(input: TuneInput, { options, cases, best, baseline }: Contest): readonly Entry[] {
  const { axes, fidelity, goal, scenarios } = input;
  const top = Math.max(...input.seeds);
  const seeds = Array.from({ length: input.heldOutSeeds }, (_, k) => top + 1 + k);
  const fewer = seeds.slice(0, Math.ceil(seeds.length / DECIDING_SEEDS));
  const deciding = cases.map((test, k): Entry => ({ test, decides: true, seeds, bundles: [best.bundles[k], baseline.bundles[k]] }));
  const others = heldOutCases(scenarios, goal, options).flatMap((test): readonly Entry[] => {
    const made = best.id === baseline.id ? { ok: true as const, value: [test.bundle] } : bundlesWith([test], axes, best.values, fidelity);
    return made.ok ? [{ test, decides: false, seeds: fewer, bundles: [made.value[0], test.bundle] }] : [];
  });
  return [...deciding, ...others];
}

function heldOutCase({ test: { name, kind }, decides }: Entry, [tried, before]: readonly [readonly Observation[], readonly Observation[]], goal: Goal): HeldOutCase {
  const recommended = caseScore(name, kind, tried, goal);
  const { bound, meets } = boundOf(recommended);
  const holds = kind === "bad" ? recommended.wellShare >= goal.detect.share : 1 - recommended.wellShare <= goal.falseRollbacks;
  const open = decides && holds && !meets(goal);
  return { name, kind, decides, recommended, baseline: caseScore(name, kind, before, goal), bound, holds: decides ? holds : null, shown: decides ? holds && !open : null, more: open ? moreToShow(recommended, goal) : null };
}

function moreToShow(score: CaseScore, goal: Goal): number | null {
  return moreRunsUntil(score.runs, (runs) => boundOf({ ...score, runs, well: Math.round(score.wellShare * runs) }).meets(goal));
}

/** The exact one-sided bound of a case's share, and whether it stays within the goal. */
export function boundOf({ kind, well, runs }: CaseScore): { readonly bound: number; meets(goal: Goal): boolean } {
  if (kind === "bad") {
    const bound = lowerLimit(well, runs, 0.05);
    return { bound, meets: ({ detect }) => bound >= detect.share };
  }
  const bound = upperLimit(runs - well, runs, 0.05);
  return { bound, meets: ({ falseRollbacks }) => bound <= falseRollbacks };
}
