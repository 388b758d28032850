// The race: candidates play the same seeds in rounds, and at fixed looks those that cannot win any more drop out.

import { exactLog } from "../../kernel/exact.js";
import type { Euro, Ratio } from "../../kernel/units.js";
import { money, percent } from "../../kernel/format.js";
import type { Fidelity } from "../../world/world.js";
import type { Bundle } from "../bundle.js";
import { rowIn } from "../detect/reading.js";
import type { Job, Runner } from "../runner.js";
import { sideOf } from "../statistics/confidence-sequence.js";
import type { FieldValue } from "../sweep/quantity.js";
import type { TestCase } from "./cases.js";
import type { Goal } from "./goal.js";
import { caseScore, objectiveOf, observe, scoreOf, type Observation, type Score } from "./score.js";

/** A setting of the varied fields; number 0 is the strategy as it was. */
export interface Candidate {
  readonly id: number;
  readonly values: readonly FieldValue[];
  /** Per test case. */
  readonly bundles: readonly Bundle[];
}

export interface Racer {
  readonly candidate: Candidate;
  /** Per test case, in the order of the seeds. */
  readonly seen: readonly Observation[][];
  score: Score;
  /** Why and after how many seeds it left; null while it runs. */
  dropped: { readonly after: number; readonly why: string } | null;
}

export interface RaceOptions {
  readonly goal: Goal;
  readonly cases: readonly TestCase[];
  readonly fidelity: Fidelity;
  readonly seeds: readonly number[];
  /** Runs at most; a round that does not fit is not begun. */
  readonly budget: number;
  readonly signal?: AbortSignal;
  /** Runs of this round so far and in all, how many candidates race, up to which seed, and who leads since the last look. */
  readonly onRun?: (done: number, of: number, alive: number, seeds: number, leader: Score | null) => void;
}

export interface RaceResult {
  readonly racers: readonly Racer[];
  readonly runs: number;
  readonly looks: readonly { readonly seeds: number; readonly alive: number }[];
  readonly ended: "all seeds" | "budget" | "interrupted";
}

/** Seeds at the first look; each further look is at twice as many. */
const FIRST_LOOK = 10;
/** The chance with which a candidate is wrongly found to miss the goal, or to cost more than the leader, ever. */
const ALPHA = 0.01;
/** How many may go on after each look: the race is short of time, not of candidates. */
const MOST_AFTER = [Infinity, 20, 12, 8, 6, 4] as const;
/** So many stay even when all miss the goal: somebody must come nearest. */
const LEAST_ALIVE = 2;

/** Plays the race. Looks are at fixed counts in seed order, so that the result does not depend on who was ready first. */
export async function race(candidates: readonly Candidate[], runner: Runner, options: RaceOptions): Promise<RaceResult> {
  const { goal, cases, seeds, budget } = options;
  const racers = candidates.map((candidate): Racer => ({ candidate, seen: cases.map(() => []), score: scoreOf([], goal), dropped: null }));
  const looks: { seeds: number; alive: number }[] = [];
  let runs = 0;
  for (let [from, to] = [0, Math.min(FIRST_LOOK, seeds.length)]; from < seeds.length; [from, to] = [to, Math.min(2 * to, seeds.length)]) {
    const alive = racers.filter(({ dropped }) => dropped === null);
    const round = alive.length * cases.length * (to - from);
    if (runs + round > budget && from > 0) return { racers, runs, looks, ended: "budget" };
    const leader = looks.length === 0 ? null : [...alive].sort((a, b) => byRank(a, b, goal))[0].score;
    const done = await playRound(alive, seeds.slice(from, to), runner, options, (played) => options.onRun?.(played, round, alive.length, to, leader));
    if (!done) return { racers, runs, looks, ended: "interrupted" };
    runs += round;
    for (const racer of alive) racer.score = scoreOf(cases.map(({ name, kind }, k) => caseScore(name, kind, racer.seen[k], goal)), goal);
    judge(alive, to, MOST_AFTER[Math.min(looks.length, MOST_AFTER.length - 1)], to < seeds.length, options);
    looks.push({ seeds: to, alive: racers.filter(({ dropped }) => dropped === null).length });
  }
  return { racers, runs, looks, ended: "all seeds" };
}

/** Every candidate in every case on these seeds; false when it was interrupted, and then nothing of the round counts. */
async function playRound(alive: readonly Racer[], seeds: readonly number[], runner: Runner, { cases, goal, fidelity, signal }: RaceOptions, onRun: (played: number) => void): Promise<boolean> {
  const places = cases.flatMap((_, k) => alive.flatMap((racer) => seeds.map((seed) => ({ k, racer, seed }))));
  const found: Observation[] = [];
  function* jobs(): Generator<Job> {
    for (const { k, racer, seed } of places) yield { bundle: racer.candidate.bundles[k], seed, fidelity, detail: "row" };
  }
  const { aborted } = await runner.run(
    jobs(),
    (result, index) => {
      const { k } = places[index];
      found.push(observe(rowIn(result), cases[k], goal));
      onRun(index + 1);
    },
    signal === undefined ? {} : { signal },
  );
  if (aborted) return false;
  places.forEach(({ k, racer }, index) => racer.seen[k].push(found[index]));
  return true;
}

/** Who drops out at this look, and why. The strategy as it was stays: the others are held against it. */
function judge(alive: readonly Racer[], seeds: number, most: number, more: boolean, options: RaceOptions): void {
  const ranked = [...alive].sort((a, b) => byRank(a, b, options.goal));
  const [leader] = ranked;
  const contenders = ranked.filter(({ candidate }) => candidate.id !== 0);
  let left = contenders.length;
  // From the last on, so that the nearest stay when all would go.
  for (const racer of [...contenders].reverse()) {
    if (left <= LEAST_ALIVE || racer === leader) continue;
    const why = missesGoal(racer, options) ?? worseThan(leader, racer, options);
    if (why === null) continue;
    racer.dropped = { after: seeds, why };
    left -= 1;
  }
  if (!more) return;
  const going = contenders.filter(({ dropped }) => dropped === null);
  for (const [place, racer] of going.entries()) if (place >= most) racer.dropped = { after: seeds, why: `rank ${place + 1} of ${going.length}; the first ${most} went on` };
}

/** The goal met first, then what the goal wants small; ties go to the earlier candidate. */
export function byRank(a: Pick<Racer, "score" | "candidate">, b: Pick<Racer, "score" | "candidate">, goal: Goal): number {
  return a.score.violation - b.score.violation || objectiveOf(a.score, goal) - objectiveOf(b.score, goal) || a.candidate.id - b.candidate.id;
}

/** A share that the goal asks for and that the runs exclude, at every look at once. */
function missesGoal({ score }: Racer, { goal }: RaceOptions): string | null {
  for (const { kind, well, runs, wellShare, inTime } of score.cases) {
    const wanted = kind === "bad" ? goal.detect.share : 1 - goal.falseRollbacks;
    if (sideOf(wanted, well, runs, { alpha: ALPHA }) === "below") {
      return kind === "bad" ? `detects in time in ${percent(wellShare)} of runs only (${well} of ${runs})` : `rolls back ${percent(1 - wellShare)} of good releases (${runs - well} of ${runs})`;
    }
    if (kind === "good" && goal.promote !== null && sideOf(goal.promote.share, inTime, runs, { alpha: ALPHA }) === "below") return `promotes in time in ${percent(inTime / runs)} of runs only (${inTime} of ${runs})`;
  }
  return null;
}

/** Dearer than the leader beyond doubt, seed by seed, and better in nothing that the goal asks for. */
function worseThan(leader: Racer, racer: Racer, { goal, cases }: RaceOptions): string | null {
  if (racer.score.detected > leader.score.detected || racer.score.falseRollbacks < leader.score.falseRollbacks) return null;
  const extra = costDifferences(leader, racer, goal, cases);
  const { mean, low } = asymptoticSequence(extra, ALPHA);
  return low > 0 ? `costs ${money(mean)} more per release than no. ${leader.candidate.id} on the same seeds (at least ${money(low)})` : null;
}

/** What share of an average release each case stands for. */
function weightsOf(goal: Goal, cases: readonly Pick<TestCase, "kind">[]): readonly Ratio[] {
  const bad = cases.filter(({ kind }) => kind === "bad").length;
  return cases.map(({ kind }) => (kind === "bad" ? goal.badShare / Math.max(1, bad) : (1 - goal.badShare) / Math.max(1, cases.length - bad)));
}

/** What an average release costs, seed by seed. */
export function costsOf({ seen }: Pick<Racer, "seen">, goal: Goal, cases: readonly Pick<TestCase, "kind">[]): readonly Euro[] {
  const weights = weightsOf(goal, cases);
  return Array.from({ length: Math.min(...seen.map((each) => each.length)) }, (_, seed) => weights.reduce((sum, weight, k) => sum + weight * seen[k][seed].cost, 0));
}

/** What an average release costs more, seed by seed. */
export function costDifferences(a: Pick<Racer, "seen">, b: Pick<Racer, "seen">, goal: Goal, cases: readonly Pick<TestCase, "kind">[]): readonly Euro[] {
  const weights = weightsOf(goal, cases);
  const pairs = Math.min(...a.seen.map((each) => each.length), ...b.seen.map((each) => each.length));
  return Array.from({ length: pairs }, (_, seed) => weights.reduce((sum, weight, k) => sum + weight * (b.seen[k][seed].cost - a.seen[k][seed].cost), 0));
}

/** Tightest at about this many pairs: where most candidates leave. */
const TIGHTEST_AT = 40;

/**
 * A bound for a mean that may be looked at after every pair: asymptotically, since costs have no known bound.
 * Source: I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy, A. Ramdas, Time-uniform central limit theory and
 * asymptotic confidence sequences, Ann. Stat. 52 (2024), theorem 2.2 with its rho for a given time.
 */
export function asymptoticSequence(values: readonly number[], alpha: Ratio): { readonly mean: number; readonly low: number; readonly high: number } {
  const n = values.length;
  if (n < 2) return { mean: values[0] ?? 0, low: -Infinity, high: Infinity };
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const variance = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / (n - 1);
  const logs = -2 * exactLog(alpha);
  const rho2 = (logs + exactLog(logs + 1)) / TIGHTEST_AT;
  const grown = n * rho2 + 1;
  const half = Math.sqrt(variance) * Math.sqrt(((2 * grown) / (n * n * rho2)) * (0.5 * exactLog(grown) - exactLog(alpha / 2)));
  return { mean, low: mean - half, high: mean + half };
}
