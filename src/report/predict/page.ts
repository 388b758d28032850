// Predicted against observed as one HTML page: the answer, pictures of band and observed line, and every window.

import { clock, count, counted, NOTHING } from "../../kernel/format.js";
import { METRICS, type Metric } from "../../lab/predict/figures.js";
import type { ComparedWindow, PredictedReport, Verdict } from "../../lab/predict/prediction.js";
import { html, type Markup } from "../escape.js";
import { renderSvg } from "../charts/render.js";
import { figure, labPage, table, type Picture } from "../lab/page.js";
import { plotSpec, type Plot } from "../lab/plot.js";
import { answerWords, bandWords, differenceOf, figureWords, MARKS_EXPLAINED, METRIC_NAMES, methodWords, noteWords, releaseLines, subjectName, tallyLines, tallyWords, VERDICT_MARKS } from "./words.js";

/** One file that opens offline. */
export async function predictedHtml(report: PredictedReport): Promise<string> {
  const names = [...new Set(report.windows.map(({ subject }) => subjectName(subject)))];
  const pictures = await Promise.all(names.map(async (name) => ({ name, pictures: await picturesOf(report, name) })));
  return labPage({
    title: `${report.scenario}: predicted against observed`, kind: "game day against simulator",
    lead: html`<p>${answerWords(report)}</p>`,
    sections: [
      { id: "release", title: "Decisions and times", content: releaseTable(report) },
      { id: "inside", title: "How often inside", content: tallyTable(report) },
      { id: "whole", title: "All windows together", content: wholeTable(report) },
      ...pictures.map(({ name, pictures: drawn }, k) => ({ id: `pictures-${k + 1}`, title: name, content: html`${drawn.map(figure)}` })),
      { id: "windows", title: "Every window", content: html`<p class="muted small">${MARKS_EXPLAINED}.</p>${windowTable(report)}` },
      { id: "method", title: "How it was found", content: html`${methodWords(report).map((line) => html`<p>${line}</p>`)}` },
    ],
    footer: html`Game day of ${report.scenario}, seed ${report.seed}, against ${counted(report.seeds, "simulated run")}`,
  });
}

const MARK_CLASSES: Readonly<Partial<Record<Verdict, string>>> = { inside: "good-text", outside: "bad-text" };

const mark = (verdict: Verdict): Markup => html`<span class="${MARK_CLASSES[verdict] ?? "muted"}" title="${verdict}">${VERDICT_MARKS[verdict]}</span>`;

function releaseTable(report: PredictedReport): Markup {
  return table([{ head: "" }, { head: "" }, { head: "observed" }, { head: "simulated" }], releaseLines(report).map((line) => [mark(line.mark), line.name, line.observed, line.predicted]));
}

function tallyTable(report: PredictedReport): Markup {
  return table([{ head: "figure" }, { head: "version-windows" }], tallyLines(report).map(({ name, tally }) => [name, tallyWords(tally)]));
}

function wholeTable({ whole }: PredictedReport): Markup {
  const heads = [{ head: "" }, { head: "of" }, { head: "figure" }, { head: "requests", number: true }, { head: "observed", number: true }, { head: "simulated (middle)", number: true }, { head: "difference", number: true }, { head: "95% band" }];
  return table(heads, whole.flatMap(({ subject, requests, figures }) => figures.map((each) => [
    mark(each.verdict), subjectName(subject), METRIC_NAMES[each.metric], count(requests), figureWords(each.metric, each.observed),
    each.band === null ? NOTHING : figureWords(each.metric, each.band.middle), differenceOf(each)?.text ?? NOTHING, bandWords(each),
  ])));
}

function windowTable({ windows }: PredictedReport): Markup {
  const heads = [{ head: "" }, { head: "of" }, { head: "window" }, { head: "figure" }, { head: "requests", number: true }, { head: "observed", number: true }, { head: "95% band" }, { head: "" }];
  return table(heads, windows.flatMap((window) => window.figures.map((each) => [
    mark(each.verdict), subjectName(window.subject), `${clock(window.from)} to ${clock(window.to)}`, METRIC_NAMES[each.metric], count(window.requests),
    figureWords(each.metric, each.observed), bandWords(each), noteWords(each, window),
  ])));
}

interface Scale {
  readonly title: string;
  readonly format: "percent" | "number";
  readonly by: number;
}

const SCALES: Readonly<Record<Metric, Scale>> = {
  "error-rate": { title: "share of failed requests", format: "percent", by: 1 },
  p50: { title: "p50 (ms)", format: "number", by: 1_000 },
  p95: { title: "p95 (ms)", format: "number", by: 1_000 },
  throughput: { title: "requests per second", format: "number", by: 1 },
};

async function picturesOf({ windows, seeds }: PredictedReport, name: string): Promise<readonly Picture[]> {
  const own = windows.filter(({ subject }) => subjectName(subject) === name);
  return Promise.all(METRICS.map(async (metric, k): Promise<Picture> => {
    const title = `${name}: ${METRIC_NAMES[metric]}`;
    return { name: `${name}-${metric}`, title, about: `points: the game day, window by window; shaded: where 95% of ${counted(seeds, "seed")} lie`, svg: await renderSvg(plotSpec(plotOf(own, k, metric)), title) };
  }));
}

function plotOf(windows: readonly ComparedWindow[], place: number, metric: Metric): Plot {
  const { title, format, by } = SCALES[metric];
  const middle = ({ from, to }: ComparedWindow): number => (from + to) / 2_000_000;
  const known = (value: number | null | undefined): value is number => value !== null && value !== undefined && Number.isFinite(value);
  const banded = windows.flatMap((window) => {
    const { band } = window.figures[place];
    return band !== null && known(band.low) && known(band.high) ? [{ x: middle(window), y: band.middle * by, low: band.low * by, high: band.high * by }] : [];
  });
  const points = (claim: boolean) => windows.flatMap((window) => {
    const { observed, verdict } = window.figures[place];
    return known(observed) && (verdict === "inside" || verdict === "outside") === claim ? [{ x: middle(window), y: observed * by }] : [];
  });
  return {
    x: { title: "run time", format: "duration", domain: [0, Math.max(...windows.map(({ to }) => to)) / 1_000_000] },
    y: { title, format },
    series: [
      { label: "simulated", kind: "line", points: banded },
      { label: "observed", kind: "big-points", points: points(true) },
      { label: "observed, no claim", kind: "points", points: points(false) },
    ],
    limits: [],
  };
}
