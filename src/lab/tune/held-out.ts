// The check on what nobody chose the best by: fresh seeds, other sizes and rates, and weather that frightens.

import { mean, sampleStandardDeviation } from "simple-statistics";
import type { Euro, Ratio } from "../../kernel/units.js";
import { lowerLimit, upperLimit } from "../statistics/clopper-pearson.js";
import { moreRunsUntil } from "../statistics/more-runs.js";
import { pairedDifference, studentQuantile, type PairedDifference } from "../statistics/paired.js";
import { rowIn } from "../detect/reading.js";
import type { Bundle } from "../bundle.js";
import type { Job, Runner } from "../runner.js";
import { bundlesWith, heldOutCases, type CaseOptions, type TestCase } from "./cases.js";
import type { Goal } from "./goal.js";
import { costDifferences, costsOf, type Candidate, type Racer } from "./race.js";
import { caseScore, observe, type CaseScore, type Observation } from "./score.js";
import type { TuneInput, TuneOptions } from "./tune.js";

/** Something that the goal limits, as fresh seeds show it. */
export interface Shown {
  /** Bound (95 %, one-sided) for what the goal limits: exact for a share, Student's for a mean. */
  readonly bound: number;
  /** Whether what was seen keeps the goal; null where the goal does not speak of this case. */
  readonly holds: boolean | null;
  /** Whether the bound keeps the goal too: then these runs show it. */
  readonly shown: boolean | null;
  /** Runs that would show it if it stays as it is; null when it is shown or missed, or lies at the very limit. */
  readonly more: number | null;
}

/** One held-out case: the recommended strategy and the one as it was, on the same fresh seeds. Of itself it shows what is detected, or taken back. */
export interface HeldOutCase extends Shown {
  readonly name: string;
  readonly kind: "bad" | "good";
  /** Whether the goal speaks of this very case; the others only show how it carries over. */
  readonly decides: boolean;
  readonly recommended: CaseScore;
  readonly baseline: CaseScore;
  /** Good releases that are with everybody in time; null for bad ones, and where the goal asks for no time. */
  readonly promotion: Shown | null;
}

/** The mean cost of a release on the fresh seeds of the goal's own cases. */
export interface HeldOutCost extends Shown {
  readonly mean: Euro;
  readonly before: Euro;
}

export interface Checked {
  readonly cases: readonly HeldOutCase[];
  /** Null when the goal does not limit it. */
  readonly cost: HeldOutCost | null;
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
    cost: goal.costBelow === null ? null : heldOutCost(costsOf(of(0), goal, cases), costsOf(of(1), goal, cases), goal.costBelow),
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
  const [main, promotion = null] = limitsOf(recommended, goal).map((limit) => shownBy(limit, recommended.runs, decides));
  return { name, kind, decides, recommended, baseline: caseScore(name, kind, before, goal), ...main, promotion };
}

function heldOutCost(costs: readonly Euro[], before: readonly Euro[], below: Euro): HeldOutCost {
  return { mean: mean([...costs]), before: mean([...before]), ...shownBy(meanLimit(costs, below), costs.length, true) };
}

/** Something that the goal limits. */
interface Limit {
  readonly holds: boolean;
  /** The bound after this many runs, when it stays as it is. */
  bound(runs: number): number;
  isKept(bound: number): boolean;
}

/** The shares that the goal limits in a case: detected or taken back, then promoted in time. */
function limitsOf({ kind, well, runs, wellShare, inTime }: CaseScore, { detect, falseRollbacks, promote }: Goal): readonly Limit[] {
  if (kind === "bad") return [atLeast(well, runs, detect.share)];
  const takenBack: Limit = {
    holds: 1 - wellShare <= falseRollbacks,
    bound: (total) => upperLimit(total - grown(well, runs, total), total, 0.05),
    isKept: (bound) => bound <= falseRollbacks,
  };
  return promote === null ? [takenBack] : [takenBack, atLeast(inTime, runs, promote.share)];
}

const atLeast = (hits: number, runs: number, share: Ratio): Limit => ({
  holds: hits / runs >= share,
  bound: (total) => lowerLimit(grown(hits, runs, total), total, 0.05),
  isKept: (bound) => bound >= share,
});

/** The mean of costs, of which no bound is known: Student's, like the interval of what is saved. */
function meanLimit(costs: readonly Euro[], below: Euro): Limit {
  const centre = mean([...costs]);
  const deviation = costs.length < 2 ? Infinity : sampleStandardDeviation([...costs]);
  return {
    holds: centre <= below,
    bound: (total) => (total < 2 ? Infinity : centre + (studentQuantile(0.95, total - 1) * deviation) / Math.sqrt(total)),
    isKept: (bound) => bound <= below,
  };
}

const grown = (hits: number, runs: number, total: number): number => (total === runs ? hits : Math.round((hits / runs) * total));

function shownBy({ holds, bound, isKept }: Limit, runs: number, decides: boolean): Shown {
  const open = decides && holds && !isKept(bound(runs));
  return { bound: bound(runs), holds: decides ? holds : null, shown: decides ? holds && !open : null, more: open ? moreRunsUntil(runs, (total) => isKept(bound(total))) : null };
}

/** Whether the bounds of all that the goal limits keep it; asked of whoever was seen to meet it. */
export function keepsByBounds({ score, seen }: Pick<Racer, "score" | "seen">, goal: Goal, cases: readonly TestCase[]): boolean {
  const keeps = (limit: Limit, runs: number): boolean => limit.isKept(limit.bound(runs));
  if (!score.cases.every((each) => limitsOf(each, goal).every((limit) => keeps(limit, each.runs)))) return false;
  if (goal.costBelow === null) return true;
  const costs = costsOf({ seen }, goal, cases);
  return keeps(meanLimit(costs, goal.costBelow), costs.length);
}
