// What a game day is compared with: the report's data, and how it comes out of an observed run and simulated ones.

import { millis, type Micros } from "../../kernel/units.js";
import { bandOf, isInside, type Band } from "./band.js";
import { METRICS, type Metric, type ReleaseFigures, type RunFigures, type StretchFigures, type Subject, type Window } from "./figures.js";

/**
 * `inside` and `outside` are claims; the others are none: the game day's own measurement was bad, its sample is too
 * small, or too few of the seeds have anything there.
 */
export type Verdict = "inside" | "outside" | "not comparable" | "too small" | "no band";

export interface ComparedFigure {
  readonly metric: Metric;
  readonly observed: number | null;
  readonly band: Band | null;
  readonly verdict: Verdict;
  /** Standard error of what was observed; null where it has none to tell. */
  readonly standardError: number | null;
}

export interface ComparedWindow extends Window {
  readonly subject: Subject;
  readonly requests: number;
  readonly figures: readonly ComparedFigure[];
  /** Why it is not comparable; empty when it is. */
  readonly why: string;
}

/** A subject over all windows that were measured well. */
export interface ComparedWhole {
  readonly subject: Subject;
  readonly requests: number;
  readonly figures: readonly ComparedFigure[];
}

export interface ComparedTime {
  readonly release: string;
  readonly what: "time to detect" | "decided at" | "finished at";
  /** Null: it never came. */
  readonly observed: Micros | null;
  /** Infinity where it never came in so many seeds. */
  readonly band: Band;
  /** A claim only where all windows of it were measured well. */
  readonly restsOn: Window;
  readonly verdict: Verdict;
}

export interface ComparedWord {
  readonly release: string;
  readonly what: "decision" | "result";
  readonly observed: string;
  /** What the seeds have, the most frequent first. */
  readonly predicted: readonly { readonly text: string; readonly seeds: number }[];
  /** A claim only where all windows of it were measured well. */
  readonly restsOn: Window;
  readonly verdict: Verdict;
}

export interface PredictedReport {
  readonly scenario: string;
  readonly seed: number;
  readonly seeds: number;
  /** The world that was simulated. */
  readonly world: string;
  readonly hopSeconds: number;
  readonly width: Micros;
  readonly duration: Micros;
  readonly windows: readonly ComparedWindow[];
  readonly whole: readonly ComparedWhole[];
  readonly times: readonly ComparedTime[];
  readonly words: readonly ComparedWord[];
  /** Client pages that failed in windows that were measured well. */
  readonly failed: { readonly observed: number; readonly band: Band; readonly verdict: Verdict };
}

/** Fewer requests than these make no claim about a figure; a p95 needs several beyond it. */
const FEWEST: Readonly<Record<Metric, number>> = { "error-rate": 30, p50: 30, p95: 100, throughput: 0 };
/** A band of fewer seeds than this share of them is none. */
const ENOUGH_SEEDS = 0.8;
/**
 * Decisions fall on the ticks of the strategy's evaluation, in the simulator to the microsecond; a real timer is some
 * milliseconds late, and a busy machine's a few tens.
 */
export const TIMER_SLACK: Micros = millis(100);
/** What fewer of the seeds do is outside of what the simulator says. */
export const RARE = 0.05;

export interface Observed {
  readonly figures: RunFigures;
  readonly windows: readonly (Window & { readonly comparable: boolean; readonly why: string })[];
}

export type ReportHead = Pick<PredictedReport, "scenario" | "seed" | "world" | "hopSeconds" | "width" | "duration">;

/** Lays an observed run over simulated ones; all figures are of the same windows. */
export function compare(head: ReportHead, { figures, windows }: Observed, runs: readonly RunFigures[]): PredictedReport {
  const anyComparable = windows.some(({ comparable }) => comparable);
  return {
    ...head, seeds: runs.length,
    windows: figures.subjects.flatMap(({ subject, windows: seen }, s) => windows.flatMap(({ from, to, comparable, why }, w): ComparedWindow[] => {
      const compared = compareStretch(seen[w], runs.map((run) => run.subjects[s].windows[w]), comparable);
      return compared === null ? [] : [{ subject, from, to, requests: seen[w].requests, figures: compared, why: comparable ? "" : why }];
    })),
    whole: figures.subjects.flatMap(({ subject, whole }, s): ComparedWhole[] => {
      const compared = compareStretch(whole, runs.map((run) => run.subjects[s].whole), anyComparable);
      return compared === null ? [] : [{ subject, requests: whole.requests, figures: compared }];
    }),
    times: figures.releases.flatMap((release, r) => compareTimes(release, runs.map((run) => run.releases[r]), windows)),
    words: figures.releases.flatMap((release, r) => compareWords(release, runs.map((run) => run.releases[r]), windows)),
    failed: compareFailed(figures.failed, runs.map(({ failed }) => failed), anyComparable),
  };
}

/** Null where neither world has anything. */
function compareStretch(observed: StretchFigures, predicted: readonly StretchFigures[], comparable: boolean): readonly ComparedFigure[] | null {
  if (observed.requests === 0 && predicted.every(({ requests }) => requests === 0)) return null;
  return METRICS.map((metric): ComparedFigure => {
    const values = predicted.flatMap((each) => (each[metric] === null || each.requests < FEWEST[metric] ? [] : [each[metric]]));
    const band = values.length < ENOUGH_SEEDS * predicted.length ? null : bandOf(values);
    const value = observed[metric];
    const figure = { metric, observed: value, band, standardError: standardError(metric, observed) };
    if (!comparable) return { ...figure, verdict: "not comparable" };
    if (value === null || observed.requests < FEWEST[metric]) return { ...figure, verdict: "too small" };
    if (band === null) return { ...figure, verdict: "no band" };
    return { ...figure, verdict: isInside(value, band) ? "inside" : "outside" };
  });
}

/** Of a share by Laplace's rule, so that no error among few is not sure to be none; of a rate as of a Poisson count. */
function standardError(metric: Metric, { requests, errors, throughput, quantileErrors }: StretchFigures): number | null {
  if (requests === 0) return null;
  const share = (errors + 1) / (requests + 2);
  if (metric === "error-rate") return Math.sqrt((share * (1 - share)) / requests);
  if (metric === "throughput") return throughput === null ? null : throughput / Math.sqrt(requests);
  return quantileErrors[metric];
}

/**
 * All that happened to a release until then: each look of the engines was one at which they could have decided, and what
 * comes late moves what follows. What kept the load from being sent kept engines and platform waiting as well.
 */
function stretchUntil(until: Micros | null, { releasedAt, finishedAt }: ReleaseFigures, windows: Observed["windows"]): Window {
  return { from: releasedAt, to: until ?? finishedAt ?? Math.max(releasedAt, ...windows.map(({ to }) => to)) };
}

const measuredWell = (stretch: Window, windows: Observed["windows"]): boolean =>
  windows.every(({ from, to, comparable }) => comparable || to <= stretch.from || from > stretch.to);

function compareTimes(observed: ReleaseFigures, predicted: readonly ReleaseFigures[], windows: Observed["windows"]): readonly ComparedTime[] {
  const times = [["time to detect", "detection", "decidedAt"], ["decided at", "decidedAt", "decidedAt"], ["finished at", "finishedAt", "finishedAt"]] as const;
  return times.flatMap(([what, field, until]): ComparedTime[] => {
    const values = predicted.map((each) => each[field] ?? Infinity);
    if (observed[field] === null && values.every((value) => value === Infinity)) return [];
    const band = bandOf(values);
    const restsOn = stretchUntil(observed[until], observed, windows);
    const verdict = !measuredWell(restsOn, windows) ? "not comparable" : isInside(observed[field] ?? Infinity, band, TIMER_SLACK) ? "inside" : "outside";
    return [{ release: `${observed.service} ${observed.version}`, what, observed: observed[field], band, restsOn, verdict }];
  });
}

function compareWords(observed: ReleaseFigures, predicted: readonly ReleaseFigures[], windows: Observed["windows"]): readonly ComparedWord[] {
  return ([["decision", "decidedAt"], ["result", "finishedAt"]] as const).map(([what, until]): ComparedWord => {
    const counts = new Map<string, number>();
    for (const each of predicted) counts.set(each[what], (counts.get(each[what]) ?? 0) + 1);
    const seeds = counts.get(observed[what]) ?? 0;
    const restsOn = stretchUntil(observed[until], observed, windows);
    return {
      release: `${observed.service} ${observed.version}`, what, observed: observed[what],
      predicted: [...counts].map(([text, some]) => ({ text, seeds: some })).sort((a, b) => b.seeds - a.seeds),
      restsOn, verdict: !measuredWell(restsOn, windows) ? "not comparable" : isUsual(seeds, predicted.length) ? "inside" : "outside",
    };
  });
}

const isUsual = (some: number, seeds: number): boolean => some > 0 && some >= RARE * seeds;

/** Whether the seeds have what was observed, also where that is no claim. */
export const isPredicted = ({ observed, predicted }: ComparedWord, seeds: number): boolean =>
  isUsual(predicted.find(({ text }) => text === observed)?.seeds ?? 0, seeds);

function compareFailed(observed: number, predicted: readonly number[], comparable: boolean): PredictedReport["failed"] {
  const band = bandOf(predicted);
  return { observed, band, verdict: !comparable ? "not comparable" : isInside(observed, band) ? "inside" : "outside" };
}

/** How many claims there are, and how many came true; those without a claim are counted apart. */
export interface Tally {
  readonly inside: number;
  readonly outside: number;
  readonly notComparable: number;
  readonly unclaimed: number;
}

export function tallyOf(verdicts: readonly Verdict[]): Tally {
  const count = (...of: Verdict[]): number => verdicts.filter((each) => of.includes(each)).length;
  return { inside: count("inside"), outside: count("outside"), notComparable: count("not comparable"), unclaimed: count("too small", "no band") };
}

/** Of all figures of all version-windows; the clients' are apart, since no version is theirs. */
export const windowTally = ({ windows }: PredictedReport, metric: Metric | null = null): Tally =>
  tallyOf(windows.filter(({ subject }) => subject.version !== null).flatMap(({ figures }) => figures.filter((each) => metric === null || each.metric === metric).map(({ verdict }) => verdict)));
