// Predicted against observed for a terminal: what fits a screen, and every cross with its figures.

import pc from "picocolors";
import { clock, counted } from "../../kernel/format.js";
import { METRICS } from "../../lab/predict/figures.js";
import type { PredictedReport, Verdict } from "../../lab/predict/prediction.js";
import { wrap } from "../text.js";
import { answerWords, bandWords, differenceOf, figureWords, isWholeRun, MARKS_EXPLAINED, METRIC_NAMES, noteWords, releaseLines, subjectName, tallyLines, tallyWords, VERDICT_MARKS } from "./words.js";

/** Crosses shown one by one; all of them are in the report. */
const MOST_CROSSES = 12;

export function predictedPretty(report: PredictedReport, { color = false, width = 100, page }: { readonly color?: boolean; readonly width?: number; readonly page?: string } = {}): string {
  const colors = pc.createColors(color);
  const mark = (verdict: Verdict): string => (verdict === "inside" ? colors.green : verdict === "outside" ? colors.red : colors.dim)(VERDICT_MARKS[verdict]);
  const lines = releaseLines(report);
  const name = Math.max(...lines.map((line) => line.name.length));
  const observed = Math.min(30, Math.max(...lines.map((line) => line.observed.length)));
  const crosses = report.windows.flatMap((window) => window.figures.filter(({ verdict }) => verdict === "outside").map((figure) =>
    `  ${mark("outside")} ${clock(window.from)} to ${clock(window.to)}  ${subjectName(window.subject)} ${METRIC_NAMES[figure.metric]} ${figureWords(figure.metric, figure.observed)}: ${noteWords(figure, window)} (${bandWords(figure)})`));
  return [
    colors.bold(`Predicted against observed  ${report.scenario}, ${counted(report.seeds, "seed")} in request fidelity with ${report.world}`),
    ...wrap(answerWords(report), width), "",
    ...lines.map((line) => `  ${mark(line.mark)} ${line.name.padEnd(name)}  ${line.observed.padEnd(observed)}  simulated: ${line.predicted}`), "",
    ...grid(report, mark),
    ...wrap(MARKS_EXPLAINED, width - 2).map((line) => colors.dim(`  ${line}`)), "",
    ...tallyLines(report).map((line) => `  ${line.name.padEnd(12)} ${tallyWords(line.tally)}`),
    ...(isWholeRun(report) ? ["", ...wholeLines(report, mark)] : []),
    ...(crosses.length === 0 ? [] : ["", ...crosses.slice(0, MOST_CROSSES), ...(crosses.length > MOST_CROSSES ? [`  and ${crosses.length - MOST_CROSSES} more in the report`] : [])]),
    ...(page === undefined ? [] : ["", `Compared      ${page}`]),
  ].join("\n");
}

/** One row for each subject and metric, one mark for each window. */
function grid({ windows }: PredictedReport, mark: (verdict: Verdict) => string): readonly string[] {
  const starts = [...new Set(windows.map(({ from }) => from))].sort((a, b) => a - b);
  const names = [...new Set(windows.map(({ subject }) => subjectName(subject)))];
  const wide = Math.max(...names.map((name) => name.length));
  return names.flatMap((name) => METRICS.map((metric, k) => {
    const marks = starts.map((start) => {
      const figure = windows.find(({ subject, from }) => from === start && subjectName(subject) === name)?.figures[k];
      return figure === undefined ? " " : mark(figure.verdict);
    });
    return `  ${(k === 0 ? name : "").padEnd(wide)}  ${METRIC_NAMES[metric].padEnd(10)}  ${marks.join(" ")}`;
  }));
}

function wholeLines({ whole }: PredictedReport, mark: (verdict: Verdict) => string): readonly string[] {
  return ["  over all windows that were measured well:", ...whole.flatMap(({ subject, requests, figures }) => figures.map((figure) =>
    `  ${mark(figure.verdict)} ${subjectName(subject)} ${METRIC_NAMES[figure.metric]} ${figureWords(figure.metric, figure.observed)} of ${counted(requests, "request")}, simulated ${figure.band === null ? "–" : figureWords(figure.metric, figure.band.middle)}: ${differenceOf(figure)?.text ?? "–"}`))];
}
