// Predicted against observed in words: figures, bands and marks as a reader sees them.

import { clock, count, counted, duration, latency, NOTHING, percent, perSecond, significant } from "../../kernel/format.js";
import { METRICS, type Metric, type Subject } from "../../lab/predict/figures.js";
import { tallyOf, TIMER_SLACK, windowTally, type ComparedFigure, type ComparedTime, type ComparedWindow, type ComparedWord, type PredictedReport, type Tally, type Verdict } from "../../lab/predict/prediction.js";

export const METRIC_NAMES: Readonly<Record<Metric, string>> = { "error-rate": "error rate", p50: "p50", p95: "p95", throughput: "throughput" };

/** A tick and a cross are claims; a dot and a question mark are none. */
export const VERDICT_MARKS: Readonly<Record<Verdict, string>> = { inside: "✓", outside: "✗", "not comparable": "·", "too small": "?", "no band": "?" };

export const MARKS_EXPLAINED = "✓ inside the simulator's 95% band, ✗ outside; no claim: · measured badly (not comparable), ? too few requests, or too few seeds with any";

export const subjectName = ({ service, version }: Subject): string => (version === null ? service : `${service} ${version}`);

export function figureWords(metric: Metric, value: number | null): string {
  if (value === null || !Number.isFinite(value)) return NOTHING;
  switch (metric) {
    case "error-rate":
      return percent(value);
    case "throughput":
      return perSecond(value);
    case "p50":
    case "p95":
      return latency(value);
  }
}

export const bandWords = ({ metric, band }: ComparedFigure): string => (band === null ? NOTHING : `${figureWords(metric, band.low)} to ${figureWords(metric, band.high)}`);

/** Why there is no claim, or how far off a claim is; empty for a tick. */
export function noteWords(figure: ComparedFigure, { requests, why }: Pick<ComparedWindow, "requests" | "why">): string {
  const { verdict, metric, standardError } = figure;
  switch (verdict) {
    case "inside":
      return "";
    case "outside":
      return offWords(figure);
    case "not comparable":
      return why;
    case "too small":
      return `${counted(requests, "request")} ${requests === 1 ? "is" : "are"} too few${standardError === null ? "" : `: standard error ${figureWords(metric, standardError)}`}`;
    case "no band":
      return "too few of the seeds have requests here";
  }
}

function offWords({ metric, observed, band }: ComparedFigure): string {
  if (observed === null || band === null) return "";
  const off = observed < band.low ? observed - band.low : observed - band.high;
  const sign = off < 0 ? "below" : "above";
  return `${metric === "error-rate" ? `${significant(Math.abs(off) * 100, 2)} points` : figureWords(metric, Math.abs(off))} ${sign} the band`;
}

/** How far the observed figure is from the middle of the predicted ones: in points for shares, relative for the others. */
export function differenceOf({ metric, observed, band }: ComparedFigure): { readonly value: number; readonly text: string } | null {
  if (observed === null || band === null) return null;
  if (metric === "error-rate") {
    const value = observed - band.middle;
    return { value, text: `${value < 0 ? "-" : "+"}${significant(Math.abs(value) * 100, 2)} points` };
  }
  const value = band.middle === 0 ? 0 : observed / band.middle - 1;
  return { value, text: `${value < 0 ? "-" : "+"}${significant(Math.abs(value) * 100, 2)}%` };
}

export const isWholeRun = ({ words }: PredictedReport): boolean => words.length === 0;

const timeText = (what: ComparedTime["what"], at: number | null): string =>
  at === null || at === Infinity ? "never" : what === "time to detect" ? duration(at) : `${clock(at)}${tenths(at)}`;

/** `+00:00:39` with the tenths of the second, which the clock leaves out. */
const tenths = (at: number): string => `.${Math.floor(at / 100_000) % 10}`;

export interface Line {
  readonly mark: Verdict;
  readonly name: string;
  readonly observed: string;
  readonly predicted: string;
}

/** Decisions, results, times and failed pages. */
export function releaseLines({ words, times, failed, seeds }: PredictedReport): readonly Line[] {
  return [
    ...words.map((word): Line => ({ mark: word.verdict, name: `${word.release}: ${word.what}`, observed: word.observed, predicted: wordsOf(word, seeds) })),
    ...times.map(({ release, what, observed, band, verdict }): Line => ({
      mark: verdict, name: `${release}: ${what}`, observed: timeText(what, observed), predicted: `${timeText(what, band.low)} to ${timeText(what, band.high)}`,
    })),
    { mark: failed.verdict, name: "failed pages", observed: count(failed.observed), predicted: `${count(Math.round(failed.band.low))} to ${count(Math.round(failed.band.high))}` },
  ];
}

const wordsOf = ({ predicted }: ComparedWord, seeds: number): string => predicted.slice(0, 3).map(({ text, seeds: some }) => `${text} in ${some} of ${seeds}`).join("; ");

export interface TallyLine {
  readonly name: string;
  readonly tally: Tally;
}

/** How often the observed version-windows were inside, by metric and together. */
export function tallyLines(report: PredictedReport): readonly TallyLine[] {
  return [...METRICS.map((metric) => ({ name: METRIC_NAMES[metric], tally: windowTally(report, metric) })), { name: "all", tally: windowTally(report) }];
}

export function tallyWords({ inside, outside, notComparable, unclaimed }: Tally): string {
  const claims = inside + outside;
  const rest = [...(notComparable > 0 ? [`${notComparable} not comparable`] : []), ...(unclaimed > 0 ? [`${unclaimed} without a claim`] : [])];
  return `${claims === 0 ? "no claim" : `${inside} of ${claims} inside (${percent(inside / claims)})`}${rest.length === 0 ? "" : `; ${rest.join(", ")}`}`;
}

/** In one sentence. */
export function answerWords(report: PredictedReport): string {
  const all = windowTally(report);
  const lines = tallyOf(releaseLines(report).map(({ mark }) => mark));
  return `Of the figures of all versions and windows, ${tallyWords(all)}. Of decisions, times and failed pages, ${tallyWords(lines)}.`;
}

export function methodWords({ seeds, world, hopSeconds, width }: PredictedReport): readonly string[] {
  return [
    `The same scenario was simulated over ${counted(seeds, "seed")} in request fidelity, with the world ${world}. The band is where 95% of such runs lie: between order statistics of the seeds, so a perfect simulator would have one figure in twenty outside.`,
    `Windows are ${duration(width)} long. Versions are compared by their replicas' own books, clients by what they waited for from the intended start${hopSeconds > 0 ? `; ${latency(hopSeconds)} is added to the simulated clients' latencies for the way by the proxy, as calibrated` : ""}.`,
    `Times count as inside within ${duration(TIMER_SLACK)}: decisions fall on ticks of the evaluation, and a real timer is late by milliseconds.`,
    "Windows in which the load was sent late, or not sent, are shown without tick or cross, and so are those with too few requests. A decision, a result and a time rest on all windows from the release until then: one that was measured badly among them, and they are no claim either.",
  ];
}
