// Plots of the lab: one figure against another as lines, points, bands or tiles, in the style of a run's charts.

import type { TopLevelSpec } from "vega-lite";
import { paint, versionDash, versionPaint } from "../palette.js";
import { PLOT_LEFT, PLOT_RIGHT, PLOT_WIDTH } from "../charts/time-chart.js";

type Layer = Extract<TopLevelSpec, { layer: unknown }>["layer"][number];

export const PLOT_HEIGHT = 300;

const CONFIG = {
  aria: false,
  font: "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif",
  view: { stroke: null },
  axis: {
    domainColor: paint("grid"), gridColor: paint("grid"), tickColor: paint("grid"),
    labelColor: paint("muted"), titleColor: paint("muted"), labelFontSize: 11.5, titleFontSize: 11.5, titleFontWeight: "normal" as const,
    labelOverlap: "greedy" as const,
  },
} as const;

/** What an axis measures. */
export interface PlotAxis {
  readonly title: string;
  readonly log?: boolean;
  /** From zero, or to these ends; as the data lies when left out. */
  readonly domain?: readonly [number, number];
  /** How a value reads. */
  readonly format: "percent" | "number" | "duration" | "text";
  /** Fixed ticks. */
  readonly values?: readonly number[];
}

export interface PlotPoint {
  readonly x: number;
  readonly y: number | null;
  readonly low?: number;
  readonly high?: number;
  readonly label?: string;
}

export interface PlotSeries {
  readonly label: string;
  /** A line goes from point to point in their order, also back and straight up. */
  readonly kind: "line" | "points" | "big-points";
  readonly points: readonly PlotPoint[];
}

export interface Plot {
  readonly x: PlotAxis;
  readonly y: PlotAxis;
  readonly series: readonly PlotSeries[];
  /** Horizontal and vertical lines with a name. */
  readonly limits: readonly { readonly label: string; readonly value: number; readonly along: "x" | "y" }[];
}

/** Marks that tell series apart without colour; so many series fit a plot. */
const SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left"] as const;
export const MOST_SERIES = SHAPES.length;

/** Colours and line patterns come round again after four, marks only after eight. */
const seriesPaint = (index: number): string => versionPaint(index % 4);
const seriesDash = (index: number): number[] => versionDash(index % 4);
const seriesShape = (index: number): string => SHAPES[index % MOST_SERIES];

/** Seconds as 90s, 2m or 1.5h; shares in percent; numbers plain. */
const LABELS: Readonly<Record<PlotAxis["format"], string>> = {
  percent: "format(datum.value * 100, '.4~g') + ' %'",
  number: "format(datum.value, '.4~g')",
  duration: "datum.value < 120 ? format(datum.value, '.3~g') + ' s' : datum.value < 7200 ? format(datum.value / 60, '.3~g') + ' min' : format(datum.value / 3600, '.3~g') + ' h'",
  text: "datum.label",
};

const SECONDS_PER_TICK = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400];
const MOST_TICKS = 8;

/** An axis from zero for times in seconds, with ticks that people count in. */
export function durationAxis(title: string, seconds: readonly (number | null)[]): PlotAxis {
  const longest = Math.max(1, ...seconds.map((each) => each ?? 0));
  const step = SECONDS_PER_TICK.find((each) => longest / each <= MOST_TICKS) ?? Math.ceil(longest / MOST_TICKS / 86_400) * 86_400;
  const ticks = Math.ceil(longest / step);
  return { title, format: "duration", domain: [0, ticks * step], values: Array.from({ length: ticks + 1 }, (_, k) => k * step) };
}

function channel(field: string, { title, log = false, domain, format, values }: PlotAxis) {
  return {
    field, type: "quantitative" as const,
    scale: { type: log ? ("log" as const) : ("linear" as const), ...(log ? {} : { zero: false }), nice: domain === undefined && !log, ...(domain === undefined ? {} : { domain: [...domain] }), clamp: true },
    axis: { title, labelExpr: LABELS[format], tickCount: 8, ...(values === undefined ? {} : { values: [...values] }) },
  };
}

/** The plot as a vega-lite specification with its data in it. */
export function plotSpec(plot: Plot): TopLevelSpec {
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    width: PLOT_WIDTH, height: PLOT_HEIGHT, autosize: { type: "none" },
    padding: { left: PLOT_LEFT + 10, right: PLOT_RIGHT, top: 18, bottom: 46 },
    background: paint("surface"), config: CONFIG,
    layer: [...plot.series.flatMap((series, index) => seriesLayers(plot, series, index)), ...limitLayers(plot), ...legendLayers(plot)],
  };
}

function seriesLayers(plot: Plot, { kind, points }: PlotSeries, index: number): Layer[] {
  const [x, y] = [channel("x", plot.x), channel("y", plot.y)];
  const values = points.filter(({ y: value }) => value !== null).map((point, place) => ({ ...point, place }));
  const [color, shape] = [seriesPaint(index), seriesShape(index)];
  const band: Layer[] = values.some(({ low }) => low !== undefined)
    ? [{ data: { values }, mark: { type: "area", color, opacity: 0.14 }, encoding: { x, y: channel("low", plot.y), y2: { field: "high" } } }]
    : [];
  const labels: Layer[] = values.some(({ label }) => label !== undefined)
    ? [{ data: { values: values.filter(({ label }) => label !== undefined) }, mark: { type: "text", align: "left", dx: 8, dy: -7, fontSize: 11, color: paint("ink") }, encoding: { x, y, text: { field: "label" } } }]
    : [];
  if (kind === "line") {
    return [
      ...band,
      { data: { values }, mark: { type: "line", color, strokeWidth: 2, strokeDash: seriesDash(index) }, encoding: { x, y, order: { field: "place", type: "quantitative" } } },
      { data: { values }, mark: { type: "point", filled: true, color, shape, size: 44, opacity: 1 }, encoding: { x, y } },
      ...labels,
    ];
  }
  return [{ data: { values }, mark: { type: "point", filled: true, color, shape, size: kind === "big-points" ? 150 : 42, opacity: kind === "big-points" ? 1 : 0.65 }, encoding: { x, y } }, ...labels];
}

function limitLayers(plot: Plot): Layer[] {
  return plot.limits.flatMap(({ label, value, along }): Layer[] => {
    const data = { values: [{ value, label }] };
    const encoding = along === "y" ? { y: channel("value", plot.y) } : { x: channel("value", plot.x) };
    const words: Layer = along === "y"
      ? { data, mark: { type: "text", align: "right", baseline: "bottom", dy: -3, fontSize: 11, color: paint("limit"), x: PLOT_WIDTH - 4 }, encoding: { ...encoding, text: { field: "label" } } }
      : { data, mark: { type: "text", align: "left", baseline: "top", dx: 4, fontSize: 11, color: paint("limit"), y: 2 }, encoding: { ...encoding, text: { field: "label" } } };
    return [{ data, mark: { type: "rule", color: paint("limit"), strokeWidth: 1.2, strokeDash: [3, 3] }, encoding }, words];
  });
}

/** Names of the series to the right of the plot, each with its line and mark. */
function legendLayers({ series }: Plot): Layer[] {
  if (series.length < 2) return [];
  const pixel = (field: string) => ({ field, type: "quantitative" as const, scale: null });
  return series.flatMap(({ label, kind }, index): Layer[] => {
    const data = { values: [{ left: PLOT_WIDTH + 8, middle: PLOT_WIDTH + 18, right: PLOT_WIDTH + 28, words: PLOT_WIDTH + 34, down: 12 + 18 * index, text: label }] };
    const down = pixel("down");
    const line: Layer[] = kind !== "line" ? [] : [{ data, mark: { type: "rule", color: seriesPaint(index), strokeWidth: 2, strokeDash: seriesDash(index) }, encoding: { x: pixel("left"), x2: { field: "right" }, y: down } }];
    return [
      ...line,
      { data, mark: { type: "point", filled: true, size: 60, opacity: 1, color: seriesPaint(index), shape: seriesShape(index) }, encoding: { x: pixel("middle"), y: down } },
      { data, mark: { type: "text", align: "left", baseline: "middle", fontSize: 11.5, color: paint("ink"), limit: PLOT_RIGHT - 36 }, encoding: { x: pixel("words"), y: down, text: { field: "text" } } },
    ];
  });
}

export interface Tile {
  readonly x: string;
  readonly y: string;
  /** Infinity for what never happened: the worst there is. */
  readonly value: number | null;
  /** The value as it reads. */
  readonly text: string;
}

export interface HeatMap {
  readonly xTitle: string;
  readonly yTitle: string;
  readonly xs: readonly string[];
  readonly ys: readonly string[];
  readonly tiles: readonly Tile[];
  /** Whether more is better; worse is darker. */
  readonly moreIsBetter: boolean;
}

/** From fine to bad: a sequential scale that colour-blind readers can tell apart, with ink that is read on it. */
const TILE_SCALE: readonly (readonly [red: number, green: number, blue: number])[] = [[241, 238, 246], [158, 188, 218], [74, 111, 165], [29, 47, 87]];
const DARK_INK = "#10151c";
const LIGHT_INK = "#fafcff";

/** The scale's two ends are at least so far apart, as a part of the value. */
const LEAST_CONTRAST = 0.1;

function tilePaint(bad: number): string {
  const place = bad * (TILE_SCALE.length - 1);
  const left = Math.min(TILE_SCALE.length - 2, Math.floor(place));
  const mixed = TILE_SCALE[left].map((from, k) => Math.round(from + (TILE_SCALE[left + 1][k] - from) * (place - left)));
  return `#${mixed.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/** Tiles for two fields. */
export function heatMapSpec({ xTitle, yTitle, xs, ys, tiles, moreIsBetter }: HeatMap): TopLevelSpec {
  const known = tiles.flatMap(({ value }) => (value === null || value === Infinity ? [] : [value]));
  const [low, high] = [Math.min(...known), Math.max(...known)];
  // Differences that nobody would act on get no colour of their own.
  const span = Math.max(high - low, LEAST_CONTRAST * Math.max(Math.abs(low), Math.abs(high)));
  const badness = (value: number): number => (value === Infinity ? 1 : span > 0 ? (moreIsBetter ? high - value : value - low) / span : 0);
  const values = tiles.flatMap(({ x, y, value, text }) => (value === null ? [] : [{ x, y, fill: tilePaint(badness(value)), text, ink: badness(value) > 0.55 ? LIGHT_INK : DARK_INK }]));
  const axes = {
    x: { field: "x", type: "ordinal" as const, sort: [...xs], axis: { title: xTitle, labelAngle: 0 } },
    y: { field: "y", type: "ordinal" as const, sort: [...ys].reverse(), axis: { title: yTitle } },
  };
  const height = Math.min(560, Math.max(120, ys.length * 34));
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    width: PLOT_WIDTH, height, padding: { left: 10, right: 20, top: 10, bottom: 10 }, background: paint("surface"), config: CONFIG, data: { values },
    layer: [
      { mark: { type: "rect", stroke: paint("surface") }, encoding: { ...axes, color: { field: "fill", type: "nominal", scale: null } } },
      ...(xs.length * ys.length > 200 ? [] : [{ mark: { type: "text" as const, fontSize: 11 }, encoding: { ...axes, text: { field: "text" }, color: { field: "ink", type: "nominal" as const, scale: null } } }]),
    ],
  };
}
