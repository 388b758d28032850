// Two strategies on the same scenarios and seeds: what differs, by how much, how surely, and what the pairing was worth.

import type { Micros } from "../kernel/units.js";
import { timeReachedBy } from "./detect/reading.js";
import type { RunRelease, RunRow } from "./run-row.js";
import { jobsOf, type Job, type RunManyOptions, type Runner } from "./runner.js";
import { mcNemar, pairedShare, stratifiedDifference, type PairedDifference, type PairedShare } from "./statistics/paired.js";
import type { Bundle } from "./bundle.js";
import type { Fidelity } from "../world/world.js";

/** One scenario under both strategies. */
export interface ComparePlan {
  readonly name: string;
  readonly file: string;
  readonly fidelity: Fidelity;
  readonly a: Bundle;
  readonly b: Bundle;
}

export type ShareName = "runs passed" | "right decisions" | "missed or late" | "false rollbacks" | "good releases promoted";
export type MeanName = "cost" | "lead time" | "detection" | "mitigation" | "pages";

export interface ShareComparison extends PairedShare {
  readonly name: ShareName;
  /** Whether more is better. */
  readonly good: "more" | "less";
}

export interface MeanComparison extends PairedDifference {
  readonly name: MeanName;
  readonly unit: "euro" | "micros" | "count";
  /** Seeds on which only A, and only B, has the figure at all: who is never detected has no time. */
  readonly onlyA: number;
  readonly onlyB: number;
}

/** From release to promotion, by its median; who is not promoted by the scenario's end is later than any. */
export interface LeadTimeComparison {
  readonly pairs: number;
  /** Null when so few were promoted by the end. */
  readonly medianA: Micros | null;
  readonly medianB: Micros | null;
  /** Runs in which a good release was not promoted by the end. */
  readonly openA: number;
  readonly openB: number;
  /** Seeds on which A, and B, was the sooner one. */
  readonly soonerA: number;
  readonly soonerB: number;
}

export interface ScenarioComparison {
  /** Null for all scenarios together. */
  readonly name: string | null;
  readonly file: string | null;
  readonly pairs: number;
  /** Runs that could not be played, with the first reason. */
  readonly lost: number;
  readonly lostWhy: string | null;
  readonly shares: readonly ShareComparison[];
  readonly means: readonly MeanComparison[];
  /** Null where no good release was made. */
  readonly leadTime: LeadTimeComparison | null;
  /** Pairs whose runs were the same to the last event: the strategies never differed there. */
  readonly identical: number;
}

export interface Comparison {
  readonly a: string;
  readonly b: string;
  readonly seeds: readonly number[];
  readonly scenarios: readonly ScenarioComparison[];
  /** All pairs of all scenarios together; null for one scenario. */
  readonly together: ScenarioComparison | null;
  readonly interrupted: boolean;
}

interface Pair {
  readonly a: RunRow;
  readonly b: RunRow;
}

/** Plays each seed with A, then with B, so that an interrupted comparison is still paired. */
export async function compareStrategies(
  names: { readonly a: string; readonly b: string },
  plans: readonly ComparePlan[],
  seeds: readonly number[],
  runner: Runner,
  options: RunManyOptions & { readonly onRun?: (plan: ComparePlan, row: RunRow | null) => void } = {},
): Promise<Comparison> {
  const scenarios: ScenarioComparison[] = [];
  const all: (readonly Pair[])[] = [];
  for (const plan of plans) {
    const { pairs, lost, lostWhy } = await pairsOf(plan, seeds, runner, options);
    if (pairs.length > 0 || lost > 0) scenarios.push(comparisonOf(plan.name, plan.file, [pairs], lost, lostWhy));
    if (pairs.length > 0) all.push(pairs);
  }
  const lost = scenarios.reduce((sum, scenario) => sum + scenario.lost, 0);
  return {
    ...names,
    seeds,
    scenarios,
    together: scenarios.length > 1 ? comparisonOf(null, null, all, lost, scenarios.find(({ lostWhy }) => lostWhy !== null)?.lostWhy ?? null) : null,
    interrupted: options.signal?.aborted === true,
  };
}

interface Pairs {
  readonly pairs: readonly Pair[];
  readonly lost: number;
  readonly lostWhy: string | null;
}

async function pairsOf(plan: ComparePlan, seeds: readonly number[], runner: Runner, options: RunManyOptions & { readonly onRun?: (plan: ComparePlan, row: RunRow | null) => void }): Promise<Pairs> {
  const pairs: Pair[] = [];
  let lost = 0;
  let lostWhy: string | null = null;
  let a: RunRow | null = null;
  await runner.run(alternating(plan, seeds), (result, index) => {
    const row = result.ok ? result.row : null;
    if (!result.ok) {
      lost += 1;
      lostWhy ??= `seed ${result.job.seed}: ${result.failure.message}`;
    }
    options.onRun?.(plan, row);
    if (index % 2 === 0) a = row;
    else if (a !== null && row !== null) pairs.push({ a, b: row });
  }, options);
  return { pairs, lost, lostWhy };
}

function* alternating({ a, b, fidelity }: ComparePlan, seeds: readonly number[]): Generator<Job> {
  for (const seed of seeds) {
    yield* jobsOf(a, [seed], { fidelity });
    yield* jobsOf(b, [seed], { fidelity });
  }
}

const classifiedAs = (...names: readonly string[]) => (row: RunRow): boolean => row.releases.some(({ classification }) => names.includes(classification));

/** Null where the question does not arise. */
const SHARES: readonly (readonly [ShareName, ShareComparison["good"], (row: RunRow) => boolean | null])[] = [
  ["runs passed", "more", (row) => row.passed],
  ["right decisions", "more", (row) => row.releases.every(({ classification }) => classification === "caught" || classification === "clean")],
  ["missed or late", "less", classifiedAs("missed", "late")],
  ["false rollbacks", "less", classifiedAs("false-rollback")],
  ["good releases promoted", "more", (row) => leadTimeOf(row)?.promoted ?? null],
];

/** What costs when it is late: it does no harm of its own, and nobody called it off. */
const isGood = ({ truth, result }: RunRelease): boolean => (truth === "harmless" || truth === "strategy-harm") && result !== "invalidated";

/** From release to promotion of the run's slowest good release, or to the end when it was not promoted; null without one. */
function leadTimeOf({ releases, duration }: RunRow): { readonly promoted: boolean; readonly time: Micros } | null {
  const times = releases.filter(isGood).map(({ result, times: { releasedAt, finishedAt } }) => {
    const promotedAt = result === "promoted" ? finishedAt : null;
    return { promoted: promotedAt !== null, time: (promotedAt ?? duration) - releasedAt };
  });
  return times.length === 0 ? null : { promoted: times.every(({ promoted }) => promoted), time: Math.max(...times.map(({ time }) => time)) };
}

/** The first release's time that is known; null when none is. */
const timeOf = (time: "detection" | "mitigation") => (row: RunRow): number | null => row.releases.map(({ times }) => times[time]).find((found) => found !== null) ?? null;

const MEANS: readonly (readonly [MeanName, MeanComparison["unit"], (row: RunRow) => number | null])[] = [
  ["cost", "euro", (row) => row.cost],
  // Until the end where it was not promoted: a mean that the time of the scenario restricts, for both in the same way.
  ["lead time", "micros", (row) => leadTimeOf(row)?.time ?? null],
  ["detection", "micros", timeOf("detection")],
  ["mitigation", "micros", timeOf("mitigation")],
  ["pages", "count", (row) => row.pages],
];

/** `groups` are the pairs of each scenario. */
function comparisonOf(name: string | null, file: string | null, groups: readonly (readonly Pair[])[], lost: number, lostWhy: string | null): ScenarioComparison {
  const pairs = groups.flat();
  return {
    name,
    file,
    pairs: pairs.length,
    lost,
    lostWhy,
    shares: SHARES.flatMap(([share, good, holds]) => shareOf(share, good, holds, pairs)),
    means: MEANS.flatMap(([mean, unit, figure]) => meanOf(mean, unit, figure, groups)),
    leadTime: leadTimesOf(pairs),
    identical: pairs.filter(({ a, b }) => a.digest === b.digest).length,
  };
}

const isBoth = <T>(pair: { readonly a: T | null; readonly b: T | null }): pair is { readonly a: T; readonly b: T } => pair.a !== null && pair.b !== null;

function shareOf(name: ShareName, good: ShareComparison["good"], holds: (row: RunRow) => boolean | null, pairs: readonly Pair[]): readonly ShareComparison[] {
  const both = pairs.map(({ a, b }) => ({ a: holds(a), b: holds(b) })).filter(isBoth);
  return both.length === 0 ? [] : [{ name, good, ...pairedShare(both.map(({ a }) => a), both.map(({ b }) => b)) }];
}

function leadTimesOf(pairs: readonly Pair[]): LeadTimeComparison | null {
  const reached = (row: RunRow): { readonly at: Micros | null } | null => {
    const found = leadTimeOf(row);
    return found === null ? null : { at: found.promoted ? found.time : null };
  };
  const both = pairs.map(({ a, b }) => ({ a: reached(a), b: reached(b) })).filter(isBoth).map(({ a, b }) => ({ a: a.at, b: b.at }));
  if (both.length === 0) return null;
  const late = (time: Micros | null): number => time ?? Infinity;
  return {
    pairs: both.length,
    medianA: timeReachedBy(both.map(({ a }) => a), 0.5),
    medianB: timeReachedBy(both.map(({ b }) => b), 0.5),
    openA: both.filter(({ a }) => a === null).length,
    openB: both.filter(({ b }) => b === null).length,
    soonerA: both.filter(({ a, b }) => late(a) < late(b)).length,
    soonerB: both.filter(({ a, b }) => late(b) < late(a)).length,
  };
}

function meanOf(name: MeanName, unit: MeanComparison["unit"], figure: (row: RunRow) => number | null, groups: readonly (readonly Pair[])[]): readonly MeanComparison[] {
  const figures = groups.map((pairs) => pairs.map(({ a, b }) => ({ a: figure(a), b: figure(b) })));
  const both = figures.map((each) => each.filter(isBoth)).filter((each) => each.length >= 2);
  if (both.length === 0) return [];
  return [{
    name,
    unit,
    ...stratifiedDifference(both.map((each) => ({ a: each.map(({ a }) => a), b: each.map(({ b }) => b) }))),
    onlyA: figures.flat().filter(({ a, b }) => a !== null && b === null).length,
    onlyB: figures.flat().filter(({ a, b }) => a === null && b !== null).length,
  }];
}

/** Whether a difference is beyond chance at 5 %; for medians by the sign test, which is McNemar's on who was sooner. */
export function isClear(found: ShareComparison | MeanComparison | LeadTimeComparison): boolean {
  if ("soonerA" in found) return mcNemar(found.soonerA, found.soonerB) < 0.05;
  return "pValue" in found ? mcNemar(found.onlyA, found.onlyB) < 0.05 : found.low > 0 || found.high < 0;
}
