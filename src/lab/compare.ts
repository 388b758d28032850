// Two strategies on the same scenarios and seeds: what differs, by how much, how surely, and what the pairing was worth.

import { leadTimeToTheEnd, reachedIn, type TimeName } from "./reached.js";
import type { RunRow } from "./run-row.js";
import { jobsOf, type Job, type RunManyOptions, type Runner } from "./runner.js";
import { pairedShare, stratifiedDifference, type PairedDifference, type PairedShare } from "./statistics/paired.js";
import { pairedTimes, type PairedTimes } from "./statistics/paired-times.js";
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
export type MeanName = "cost" | TimeName | "pages";

export interface ShareComparison extends PairedShare {
  readonly name: ShareName;
  /** Whether more is better. */
  readonly good: "more" | "less";
}

export interface MeanComparison extends PairedDifference {
  readonly name: MeanName;
  readonly unit: "euro" | "micros" | "count";
  /** Seeds on which only A, and only B, has the figure at all. */
  readonly onlyA: number;
  readonly onlyB: number;
}

/** A time by its median; what never happened by the scenario's end is later than any. */
export interface TimeComparison extends PairedTimes {
  readonly name: TimeName;
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
  /** Each where the question arises: lead time where a good release was made, detection and mitigation where a bad one was. */
  readonly times: readonly TimeComparison[];
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
  ["good releases promoted", "more", (row) => promotedIn(row)],
];

function promotedIn(row: RunRow): boolean | null {
  const reached = reachedIn(row, "lead time");
  return reached === null ? null : reached.after !== null;
}

const TIMES: readonly TimeName[] = ["lead time", "detection", "mitigation"];

type Mean = readonly [name: MeanName, unit: MeanComparison["unit"], figure: (row: RunRow) => number | null];

const MEANS: readonly Mean[] = [
  ["cost", "euro", (row) => row.cost],
  // Until the end where it was not promoted: a mean that the time of the scenario restricts, for both in the same way.
  ["lead time", "micros", leadTimeToTheEnd],
  ["detection", "micros", (row) => reachedIn(row, "detection")?.after ?? null],
  ["mitigation", "micros", (row) => reachedIn(row, "mitigation")?.after ?? null],
  ["pages", "count", (row) => row.pages],
];

/**
 * Harm begins when it pleases, so up to the end is not the same for both; and without those that never were, the mean
 * is better for whoever misses the hard ones. It says something where there is a time on every seed.
 */
const hasMean = (name: MeanName, times: readonly TimeComparison[]): boolean =>
  (name !== "detection" && name !== "mitigation") || times.some((time) => time.name === name && time.openA + time.openB === 0);

/** `groups` are the pairs of each scenario. */
function comparisonOf(name: string | null, file: string | null, groups: readonly (readonly Pair[])[], lost: number, lostWhy: string | null): ScenarioComparison {
  const pairs = groups.flat();
  const times = TIMES.flatMap((time) => timesOf(time, pairs));
  return {
    name,
    file,
    pairs: pairs.length,
    lost,
    lostWhy,
    shares: SHARES.flatMap(([share, good, holds]) => shareOf(share, good, holds, pairs)),
    means: MEANS.filter(([mean]) => hasMean(mean, times)).flatMap((mean) => meanOf(mean, groups)),
    times,
    identical: pairs.filter(({ a, b }) => a.digest === b.digest).length,
  };
}

const isBoth = <T>(pair: { readonly a: T | null; readonly b: T | null }): pair is { readonly a: T; readonly b: T } => pair.a !== null && pair.b !== null;

function shareOf(name: ShareName, good: ShareComparison["good"], holds: (row: RunRow) => boolean | null, pairs: readonly Pair[]): readonly ShareComparison[] {
  const both = pairs.map(({ a, b }) => ({ a: holds(a), b: holds(b) })).filter(isBoth);
  return both.length === 0 ? [] : [{ name, good, ...pairedShare(both.map(({ a }) => a), both.map(({ b }) => b)) }];
}

function timesOf(name: TimeName, pairs: readonly Pair[]): readonly TimeComparison[] {
  const both = pairs.map(({ a, b }) => ({ a: reachedIn(a, name), b: reachedIn(b, name) })).filter(isBoth);
  return both.length === 0 ? [] : [{ name, ...pairedTimes(both.map(({ a }) => a.after), both.map(({ b }) => b.after)) }];
}

function meanOf([name, unit, figure]: Mean, groups: readonly (readonly Pair[])[]): readonly MeanComparison[] {
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

/** Whether a difference is beyond chance at 5 %. */
export const isClear = (found: ShareComparison | MeanComparison | TimeComparison): boolean => ("pValue" in found ? found.pValue < 0.05 : found.low > 0 || found.high < 0);
