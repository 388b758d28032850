// The statistics of a comparison: standard errors, jackknife, Clopper-Pearson intervals, two-sample Kolmogorov-Smirnov.

import { mean, sampleVariance } from "simple-statistics";
import { betaLower } from "../../kernel/incomplete.js";
import type { Ratio } from "../../kernel/units.js";

/** A figure with its standard error over seeds. */
export interface Estimate {
  readonly value: number;
  readonly standardError: number;
}

/** The mean of one value per seed. */
export function meanEstimate(values: readonly number[]): Estimate {
  return { value: mean([...values]), standardError: values.length < 2 ? Infinity : Math.sqrt(sampleVariance([...values]) / values.length) };
}

/** How many bits of a series' rows are needed to know its spread: rows are seeds, columns window positions. */
export type WindowMatrix = readonly (readonly (number | null)[])[];

/**
 * The standard deviation of a window's value between runs, pooled over positions: what moves with the script (a surge)
 * is no variation, what a run does by chance is, however slowly. Its standard error is the jackknife's, by run.
 */
export function variation(matrix: WindowMatrix): Estimate {
  const columns = Array.from({ length: matrix[0]?.length ?? 0 }, (_, k) => new Column(matrix.map((row) => row[k])));
  const without = (row: number): number => pooledDeviation(columns, row);
  const runs = matrix.length;
  const deleted = matrix.map((_, row) => without(row));
  const centre = mean(deleted);
  const spread = deleted.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return { value: without(-1), standardError: runs < 3 ? Infinity : Math.sqrt(((runs - 1) / runs) * spread) };
}

/** One window position's values over runs, ready to leave one out. */
class Column {
  readonly values: readonly (number | null)[];
  readonly #centre: number;
  readonly #count: number;
  readonly #sum: number;
  readonly #squares: number;

  constructor(values: readonly (number | null)[]) {
    this.values = values;
    const known = values.filter((value) => value !== null);
    this.#centre = known.length === 0 ? 0 : mean(known);
    this.#count = known.length;
    this.#sum = known.reduce((sum, value) => sum + (value - this.#centre), 0);
    this.#squares = known.reduce((sum, value) => sum + (value - this.#centre) ** 2, 0);
  }

  /** Sum of squares around the mean and degrees of freedom, without that run (-1: with all). */
  spreadWithout(run: number): { squares: number; freedom: number } {
    const left = run < 0 ? null : this.values[run];
    const off = left === null ? 0 : left - this.#centre;
    const count = left === null ? this.#count : this.#count - 1;
    if (count < 2) return { squares: 0, freedom: 0 };
    const sum = this.#sum - off;
    return { squares: Math.max(0, this.#squares - off * off - (sum * sum) / count), freedom: count - 1 };
  }
}

function pooledDeviation(columns: readonly Column[], without: number): number {
  let [squares, freedom] = [0, 0];
  for (const column of columns) {
    const spread = column.spreadWithout(without);
    squares += spread.squares;
    freedom += spread.freedom;
  }
  return freedom === 0 ? NaN : Math.sqrt(squares / freedom);
}

/** The exact interval of a share that was `hits` of `n`, at 1 - alpha. */
export function clopperPearson(hits: number, n: number, alpha: Ratio): { readonly low: Ratio; readonly high: Ratio } {
  return {
    low: hits === 0 ? 0 : betaQuantile(alpha / 2, hits, n - hits + 1),
    high: hits === n ? 1 : betaQuantile(1 - alpha / 2, hits + 1, n - hits),
  };
}

/** By bisection: an interval is asked for a few times per table. */
function betaQuantile(p: Ratio, a: number, b: number): Ratio {
  let [low, high] = [0, 1];
  for (let i = 0; i < 60; i += 1) {
    const middle = (low + high) / 2;
    if (betaLower(middle, 1 - middle, a, b) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

export interface KolmogorovSmirnov {
  /** Largest distance of the two empirical distributions. */
  readonly distance: number;
  /** The distance that two samples of these sizes of one distribution exceed with chance alpha. */
  readonly critical: number;
  /** Chance of such a distance when both are one distribution; with ties it is rather larger. */
  readonly p: Ratio;
}

/** Two samples of one distribution? Infinity stands for never and sorts last. */
export function kolmogorovSmirnov(a: readonly number[], b: readonly number[], alpha: Ratio): KolmogorovSmirnov {
  const [left, right] = [sorted(a), sorted(b)];
  let [i, j, distance] = [0, 0, 0];
  while (i < left.length && j < right.length) {
    const value = Math.min(left[i], right[j]);
    while (i < left.length && left[i] === value) i += 1;
    while (j < right.length && right[j] === value) j += 1;
    distance = Math.max(distance, Math.abs(i / left.length - j / right.length));
  }
  const root = Math.sqrt((left.length * right.length) / (left.length + right.length));
  // Stephens' correction brings small samples to the limit's law.
  const scale = root + 0.12 + 0.11 / root;
  return { distance, critical: Math.sqrt(-Math.log(alpha / 2) / 2) / scale, p: kolmogorovTail(distance * scale) };
}

const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

/** P(K > x) of Kolmogorov's law. */
function kolmogorovTail(x: number): Ratio {
  if (x < 0.2) return 1;
  let sum = 0;
  for (let k = 1; k <= 100; k += 1) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * x * x);
  return Math.min(1, Math.max(0, sum));
}
