// Pictures of a sweep: lines over one field, tiles over two, and the ROC curve where good and bad releases were played.

import { caughtShare, falseShare, type PointFindings } from "../../lab/sweep/findings.js";
import { duration, money, percent } from "../../kernel/format.js";
import { MICROS_PER_SECOND } from "../../kernel/units.js";
import { renderSvg } from "../charts/render.js";
import { durationAxis, heatMapSpec, plotSpec, type PlotAxis, type PlotSeries } from "./plot.js";
import type { Picture } from "./page.js";

export interface SweepAxisWords {
  readonly path: string;
  readonly written: string;
}

/** A figure of a point that charts show. */
interface Measure {
  readonly name: string;
  readonly title: string;
  readonly of: (point: PointFindings) => number | null;
  readonly format: PlotAxis["format"];
  readonly text: (value: number) => string;
  readonly moreIsBetter: boolean;
}

const seconds = (value: number): string => duration(Math.round(value * MICROS_PER_SECOND));

export const MEASURES: readonly Measure[] = [
  { name: "caught", title: "bad releases caught", of: caughtShare, format: "percent", text: percent, moreIsBetter: true },
  { name: "false-rollbacks", title: "good releases rolled back", of: falseShare, format: "percent", text: percent, moreIsBetter: false },
  { name: "detection", title: "time to detection, p90", of: ({ detectionP90 }) => detectionP90, format: "duration", text: seconds, moreIsBetter: false },
  { name: "cost", title: "mean cost of a release", of: ({ meanCost }) => meanCost, format: "number", text: money, moreIsBetter: false },
];

/** All pictures that the points have something for. */
export async function sweepCharts(axes: readonly SweepAxisWords[], points: readonly PointFindings[]): Promise<readonly Picture[]> {
  const pictures: Picture[] = [];
  for (const measure of MEASURES) {
    if (!points.some((point) => measure.of(point) !== null)) continue;
    const drawn = axes.length === 1 ? await lines(axes, points, measure) : axes.length >= 2 && isCrossed(points) ? await tiles(axes, points, measure) : await scatter(axes, points, measure);
    pictures.push(...drawn);
  }
  return [...pictures, ...(await roc(axes, points))];
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
  const series: PlotSeries = { label: measure.title, kind: "line", points: sorted.map((point) => ({ x: point.numbers[0] ?? 0, y: measure.of(point) })) };
  const svg = await renderSvg(plotSpec({ x: fieldAxis(path, points, 0), y: measureAxis(measure, points), series: [series], limits: [] }), `${measure.title} over ${path}`);
  return [{ name: measure.name, title: `${capital(measure.title)} over ${path}`, about: "One point per value, over all seeds.", svg }];
}

function measureAxis({ title, format, of }: Measure, points: readonly PointFindings[]): PlotAxis {
  if (format === "duration") return durationAxis(title, points.map(of));
  return { title, format, ...(format === "percent" ? { domain: [0, 1] as const } : {}) };
}

/** Values that are words stand side by side, as tiles of one row. */
async function bars(path: string, points: readonly PointFindings[], measure: Measure): Promise<readonly Picture[]> {
  const tiles = points.map((point) => tile(point.written[0], measure.title, measure, measure.of(point)));
  const svg = await renderSvg(heatMapSpec({ xTitle: path, yTitle: "", xs: points.map(({ written }) => written[0]), ys: [measure.title], tiles, moreIsBetter: measure.moreIsBetter }), `${measure.title} by ${path}`);
  return [{ name: measure.name, title: `${capital(measure.title)} by ${path}`, about: "Darker is worse.", svg }];
}

async function tiles(axes: readonly SweepAxisWords[], points: readonly PointFindings[], measure: Measure): Promise<readonly Picture[]> {
  const [x, y] = axes;
  const xs = ordered(points, 0);
  const ys = ordered(points, 1);
  const cells = xs.flatMap((column) => ys.map((row) => {
    const values = points.filter(({ written }) => written[0] === column && written[1] === row).flatMap((point) => measure.of(point) ?? []);
    return tile(column, row, measure, values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length);
  }));
  const rest = axes.slice(2).map(({ path }) => path);
  const svg = await renderSvg(heatMapSpec({ xTitle: x.path, yTitle: y.path, xs, ys, tiles: cells, moreIsBetter: measure.moreIsBetter }), `${measure.title} over ${x.path} and ${y.path}`);
  return [{ name: measure.name, title: capital(measure.title), about: `Over ${x.path} and ${y.path}; darker is worse.${rest.length === 0 ? "" : ` Mean over ${rest.join(", ")}.`}`, svg }];
}

/** A sample has no rows and columns: each numeric field gets its own picture. */
async function scatter(axes: readonly SweepAxisWords[], points: readonly PointFindings[], measure: Measure): Promise<readonly Picture[]> {
  const pictures: Picture[] = [];
  for (const [k, { path }] of axes.entries()) {
    if (!points.every(({ numbers }) => numbers[k] !== null)) continue;
    const series: PlotSeries = { label: measure.title, kind: "points", points: points.map((point) => ({ x: point.numbers[k] ?? 0, y: measure.of(point) })) };
    const svg = await renderSvg(plotSpec({ x: fieldAxis(path, points, k), y: measureAxis(measure, points), series: [series], limits: [] }), `${measure.title} over ${path}`);
    pictures.push({ name: `${measure.name}-${k + 1}`, title: `${capital(measure.title)} over ${path}`, about: "One point per setting; the other fields vary too.", svg });
  }
  return pictures;
}

/** False rollbacks against detection, along the first field; one curve per setting of the second. */
async function roc(axes: readonly SweepAxisWords[], points: readonly PointFindings[]): Promise<readonly Picture[]> {
  const both = points.filter((point) => caughtShare(point) !== null && falseShare(point) !== null);
  if (both.length < 2) return [];
  const MOST_CURVES = 4;
  const curves = axes.length > 1 ? ordered(both, 1) : [""];
  const shown = curves.length <= MOST_CURVES && axes.length <= 2 ? curves : [""];
  const series = shown.map((value): PlotSeries => {
    const members = value === "" ? both : both.filter(({ written }) => written[1] === value);
    const sorted = [...members].sort((a, b) => (a.numbers[0] ?? a.point) - (b.numbers[0] ?? b.point));
    return {
      label: value === "" ? "settings" : `${shortPath(axes[1].path)} ${value}`,
      kind: value === "" && axes.length > 1 ? "points" : "line",
      points: sorted.map((point, index) => ({ x: falseShare(point) ?? 0, y: caughtShare(point), ...(index === 0 || index === sorted.length - 1 ? { label: point.written[0] } : {}) })),
    };
  });
  const most = Math.max(0.02, ...both.map((point) => falseShare(point) ?? 0));
  const svg = await renderSvg(plotSpec({ x: { title: "good releases rolled back", format: "percent", domain: [0, Math.min(1, most * 1.05)] }, y: { title: "bad releases caught", format: "percent", domain: [0, 1] }, series, limits: [] }), "ROC curve: bad releases caught against good releases rolled back");
  return [{ name: "roc", title: "ROC: what detection costs in false rollbacks", about: `Along ${axes[0].path}; up and to the left is better.`, svg }];
}

const tile = (x: string, y: string, measure: Measure, value: number | null) => ({ x, y, value, text: value === null ? "" : measure.text(value) });

/** The values of a field, by size where they have one. */
function ordered(points: readonly PointFindings[], k: number): readonly string[] {
  const values = new Map(points.map(({ written, numbers }) => [written[k], numbers[k]]));
  const all = [...values];
  return (all.every(([, number]) => number !== null) ? all.sort(([, a], [, b]) => (a ?? 0) - (b ?? 0)) : all).map(([text]) => text);
}

function fieldAxis(path: string, points: readonly PointFindings[], k: number): PlotAxis {
  const sample = points[0]?.written[k] ?? "";
  const format = /%$/.test(sample) ? "percent" : /\d(ms|s|m|h|d)$/.test(sample) ? "duration" : "number";
  return { title: path, format };
}

const shortPath = (path: string): string => path.split(".").slice(-1)[0];
const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
