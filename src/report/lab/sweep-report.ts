// The report of a sweep: pictures of what the fields do, and a table of every setting.

import { count, counted, money, NOTHING, percent } from "../../kernel/format.js";
import { caughtShare, detectedBy, falseShare, type CellFindings, type PointFindings } from "../../lab/sweep/findings.js";
import type { Manifest } from "../../lab/sweep/plan.js";
import { html } from "../escape.js";
import { figure, labPage, markdownTable, table, type Picture } from "./page.js";
import { sweepCharts } from "./sweep-charts.js";
import { untilWords } from "./sweep-words.js";

export interface SweepReport {
  readonly html: string;
  readonly markdown: string;
  readonly pictures: readonly Picture[];
}

/** Rows of the page's table; all of them are in the parts. */
const MOST_ROWS = 500;

/** Builds the report from the manifest and the findings, and nothing else. */
export async function sweepReport(manifest: Manifest, points: readonly PointFindings[], pooled: readonly CellFindings[]): Promise<SweepReport> {
  const pictures = await sweepCharts(manifest.axes, points, pooled);
  const heads = [...manifest.axes.map(({ path }) => path), "caught", "detection p50", "p90", "false rollbacks", "undecided", "mean cost"];
  const rows = points.slice(0, MOST_ROWS).map(cells);
  const about = `${counted(points.length, "setting")} of ${counted(manifest.axes.length, "field")} (${manifest.design.name}), ${counted(manifest.seeds.length, "seed")} each${manifest.healthy ? ", each also with a healthy release" : ""}: ${counted(manifest.runs, "run")}.`;
  const notes = sweepNotes(manifest, points);
  const page = labPage({
    title: `Sweep of ${manifest.scenario}`,
    kind: "sweep",
    lead: html`<p>${about}</p>${notes.map((note) => html`<p class="muted">${note}</p>`)}`,
    sections: [
      { id: "pictures", title: "What the fields do", content: html`${pictures.map(figure)}` },
      { id: "settings", title: "Every setting", content: html`${table(heads.map((head, k) => ({ head, number: k >= manifest.axes.length })), rows)}${points.length > MOST_ROWS ? html`<p class="muted">… and ${count(points.length - MOST_ROWS)} more: ask with shakedown sweep query.</p>` : ""}` },
    ],
    footer: html`Model ${manifest.modelVersion} · ${manifest.fidelity} · scenario <code>${manifest.bundle}</code>`,
  });
  const markdown = [`# Sweep of ${manifest.scenario}`, "", about, "", ...notes.flatMap((note) => [note, ""]), markdownTable(heads, rows), ""].join("\n");
  return { html: page, markdown, pictures };
}

function cells(point: PointFindings): readonly string[] {
  const { harmful, caught, harmless, falseRollbacks, undecided } = point;
  const share = (hits: number, of: number, ratio: number | null): string => (of === 0 ? NOTHING : `${count(hits)} of ${count(of)} (${percent(ratio)})`);
  return [
    ...point.written,
    share(caught, harmful, caughtShare(point)), untilWords(detectedBy(point, "p50")), untilWords(detectedBy(point, "p90")),
    share(falseRollbacks, harmless, falseShare(point)), count(undecided), money(point.meanCost),
  ];
}

/** What a reader of the figures should know before. */
export function sweepNotes(manifest: Manifest, points: readonly PointFindings[]): readonly string[] {
  const lost = points.reduce((sum, point) => sum + point.lost, 0);
  const scored = points.reduce((sum, { harmful, harmless }) => sum + harmful + harmless, 0);
  const undecided = points.reduce((sum, point) => sum + point.undecided, 0);
  const [refused] = manifest.refused;
  return [
    ...(refused === undefined ? [] : [`${counted(manifest.refused.length, "setting")} cannot be played; ${refused.values.join(", ")}: ${refused.why}`]),
    ...(lost === 0 ? [] : [`${counted(lost, "run")} gave no result; their reasons are in the column failure.`]),
    ...(undecided * 4 <= scored + undecided ? [] : [`${counted(undecided, "release")} undecided when the scenario ended: neither promoted nor taken back, so false rollbacks are counted among few. A longer scenario (for: …) would tell.`]),
    ...(scored === 0 && undecided === 0 ? ["No release was harmful or harmless beyond doubt (borderline), so nothing is counted as caught or as a false rollback."] : []),
    ...(points.some(({ harmful }) => harmful > 0) && points.every(({ harmless }) => harmless === 0) ? ["Every release was harmful, so false rollbacks cannot show: add --healthy for the same runs with a healthy release, and the ROC curve."] : []),
    ...(points.some(({ harmless }) => harmless > 0) && points.every(({ harmful }) => harmful === 0) ? ["Every release was harmless, so nothing could be caught."] : []),
  ];
}
