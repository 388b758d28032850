// Pictures of a sweep: lines over one field, tiles over two, and the ROC curves where good and bad releases were played.

import { caughtShare, detectedBy, falseShare, valuesOf, type CellFindings, type PointFindings, type RunFindings } from "../../lab/sweep/findings.js";
import { money, percent } from "../../kernel/format.js";
import { renderSvg } from "../charts/render.js";
import { durationAxis, heatMapSpec, plotSpec, type Plot, type PlotAxis, type PlotSeries } from "./plot.js";
import type { Picture } from "./page.js";
import { rocCurves } from "./sweep-roc.js";
import { untilWords } from "./sweep-words.js";

export interface SweepAxisWords {
  readonly path: string;
  readonly written: string;
}

/** A figure of runs that charts show. */
interface Measure {
  readonly name: string;
  readonly title: string;
  /** Null where there is none; Infinity is never. */
  readonly of: (found: RunFindings) => number | null;
  readonly format: PlotAxis["format"];
  readonly text: (value: number) => string;
  readonly moreIsBetter: boolean;
}

export const MEASURES: readonly Measure[] = [
  { name: "caught", title: "bad releases caught", of: caughtShare, format: "percent", text: percent, moreIsBetter: true },
  { name: "false-rollbacks", title: "good releases rolled back", of: falseShare, format: "percent", text: percent, moreIsBetter: false },
  { name: "detection", title: "time to detection, p90", of: (found) => detectedBy(found, "p90"), format: "duration", text: untilWords, moreIsBetter: false },
  { name: "cost", title: "mean cost of a release", of: ({ meanCost }) => meanCost, format: "number", text: money, moreIsBetter: false },
];

/** All pictures that the points have something for. */
export async function sweepCharts(axes: readonly SweepAxisWords[], points: readonly PointFindings[], cells: readonly CellFindings[]): Promise<readonly Picture[]> {
  const pictures: Picture[] = [];
  for (const measure of MEASURES) {
    if (!points.some((point) => Number.isFinite(measure.of(point)))) continue;
    const drawn = axes.length === 1 ? await lines(axes, points, measure) : axes.length >= 2 && isCrossed(points) ? await tiles(axes, points, cells, measure) : await scatter(axes, points, measure);
    pictures.push(...drawn);
  }
  return [...pictures, ...(await rocCurves(axes, points))];
}

/** Whether the first two fields have few values, each met by several of the other's. */
function isCrossed(points: readonly PointFindings[]): boolean {
  const xs = new Set(points.map(({ written }) => written[0])).size;
  const ys = new Set(points.map(({ written }) => written[1])).size;
  return xs * ys <= 4 * points.length && xs <= 60 && ys <= 60;
}

async function lines(axes: readonly SweepAxisWords[], points: readonly PointFindings[], measure: Measure): Promise<readonly Picture[]> {
  const [{ path }] = axes;
  const numeric = points.every(({ numbers }) => numbers[0] !== null);
  if (!numeric) return bars(path, points, measure);
  const sorted = [...points].sort((a, b) => (a.numbers[0] ?? 0) - (b.numbers[0] ?? 0));
  const svg = await renderSvg(plotSpec(overField(path, 0, "line", sorted, measure)), `${measure.title} over ${path}`);
  return [{ name: measure.name, title: `${capital(measure.title)} over ${path}`, about: "One point per value, over all seeds.", svg }];
}

/** The measure over one field. What never happened lies on a line of its own above all times: it is later than any. */
function overField(path: string, k: number, kind: PlotSeries["kind"], points: readonly PointFindings[], measure: Measure): Plot {
  const values = points.map(measure.of);
  const axis = measureAxis(measure, values.filter((value) => value !== Infinity));
  const series = (top: number): readonly PlotSeries[] => [{ label: measure.title, kind, points: points.map(({ numbers }, index) => ({ x: numbers[k] ?? 0, y: values[index] === Infinity ? top : values[index] })) }];
  const x = fieldAxis(path, points, k);
  if (!values.includes(Infinity)) return { x, y: axis, series: series(0), limits: [] };
  const [, step = 1] = axis.values ?? [];
  const top = (axis.domain?.[1] ?? 0) + step;
  return { x, y: { ...axis, domain: [0, top] }, series: series(top), limits: [{ label: "never", value: top, along: "y" }] };
}

function measureAxis({ title, format }: Measure, values: readonly (number | null)[]): PlotAxis {
  if (format === "duration") return durationAxis(title, values);
  return { title, format, ...(format === "percent" ? { domain: [0, 1] as const } : {}) };
}

/** Values that are words stand side by side, as tiles of one row. */
async function bars(path: string, points: readonly PointFindings[], measure: Measure): Promise<readonly Picture[]> {
  const tiles = points.map((point) => tile(point.written[0], measure.title, measure, measure.of(point)));
  const svg = await renderSvg(heatMapSpec({ xTitle: path, yTitle: "", xs: points.map(({ written }) => written[0]), ys: [measure.title], tiles, moreIsBetter: measure.moreIsBetter }), `${measure.title} by ${path}`);
  return [{ name: measure.name, title: `${capital(measure.title)} by ${path}`, about: "Darker is worse.", svg }];
}

async function tiles(axes: readonly SweepAxisWords[], points: readonly PointFindings[], cells: readonly CellFindings[], measure: Measure): Promise<readonly Picture[]> {
  const [x, y] = axes;
  const xs = valuesOf(points, 0);
  const ys = valuesOf(points, 1);
  const all = cells.map((cell) => tile(cell.written[0], cell.written[1], measure, measure.of(cell)));
  const rest = axes.slice(2).map(({ path }) => path);
  const svg = await renderSvg(heatMapSpec({ xTitle: x.path, yTitle: y.path, xs, ys, tiles: all, moreIsBetter: measure.moreIsBetter }), `${measure.title} over ${x.path} and ${y.path}`);
  return [{ name: measure.name, title: capital(measure.title), about: `Over ${x.path} and ${y.path}; darker is worse.${rest.length === 0 ? "" : ` All runs of a cell together, whatever ${rest.join(", ")}.`}`, svg }];
}

/** A sample has no rows and columns: each numeric field gets its own picture. */
async function scatter(axes: readonly SweepAxisWords[], points: readonly PointFindings[], measure: Measure): Promise<readonly Picture[]> {
  const pictures: Picture[] = [];
  for (const [k, { path }] of axes.entries()) {
    if (!points.every(({ numbers }) => numbers[k] !== null)) continue;
    const svg = await renderSvg(plotSpec(overField(path, k, "points", points, measure)), `${measure.title} over ${path}`);
    pictures.push({ name: `${measure.name}-${k + 1}`, title: `${capital(measure.title)} over ${path}`, about: "One point per setting; the other fields vary too.", svg });
  }
  return pictures;
}

const tile = (x: string, y: string, measure: Measure, value: number | null) => ({ x, y, value, text: value === null ? "" : measure.text(value) });

function fieldAxis(path: string, points: readonly PointFindings[], k: number): PlotAxis {
  const sample = points[0]?.written[k] ?? "";
  const format = /%$/.test(sample) ? "percent" : /\d(ms|s|m|h|d)$/.test(sample) ? "duration" : "number";
  return { title: path, format };
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
