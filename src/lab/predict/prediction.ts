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
  readonly verdict: Verdict;
}

export interface ComparedWord {
  readonly release: string;
  readonly what: "decision" | "result";
  readonly observed: string;
  /** What the seeds have, the most frequent first. */
  readonly predicted: readonly { readonly text: string; readonly seeds: number }[];
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
const RARE = 0.05;

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
    words: figures.releases.flatMap((release, r) => compareWords(release, runs.map((run) => run.releases[r]))),
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

/** What kept the load from being sent kept engines and platform waiting as well. */
function compareTimes(observed: ReleaseFigures, predicted: readonly ReleaseFigures[], windows: Observed["windows"]): readonly ComparedTime[] {
  const measuredWell = (at: Micros | null): boolean => at === null || windows.find(({ from, to }) => at >= from && at < to)?.comparable !== false;
  const times = [["time to detect", "detection"], ["decided at", "decidedAt"], ["finished at", "finishedAt"]] as const;
  return times.flatMap(([what, field]): ComparedTime[] => {
    const values = predicted.map((each) => each[field] ?? Infinity);
    if (observed[field] === null && values.every((value) => value === Infinity)) return [];
    const band = bandOf(values);
    const comparable = measuredWell(field === "detection" ? observed.decidedAt : observed[field]);
    const verdict = !comparable ? "not comparable" : isInside(observed[field] ?? Infinity, band, TIMER_SLACK) ? "inside" : "outside";
    return [{ release: `${observed.service} ${observed.version}`, what, observed: observed[field], band, verdict }];
  });
}

function compareWords(observed: ReleaseFigures, predicted: readonly ReleaseFigures[]): readonly ComparedWord[] {
  return (["decision", "result"] as const).map((what): ComparedWord => {
    const counts = new Map<string, number>();
    for (const each of predicted) counts.set(each[what], (counts.get(each[what]) ?? 0) + 1);
    const same = counts.get(observed[what]) ?? 0;
    return {
      release: `${observed.service} ${observed.version}`, what, observed: observed[what],
      predicted: [...counts].map(([text, seeds]) => ({ text, seeds })).sort((a, b) => b.seeds - a.seeds),
      verdict: same >= RARE * predicted.length && same > 0 ? "inside" : "outside",
    };
  });
}

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
