// One kind of chart for everything that moves over a run: same width and time axis, so that pictures line up.

import type { TopLevelSpec } from "vega-lite";
import type { Micros } from "../../kernel/units.js";
import { axisTime } from "../../kernel/format.js";
import { paint } from "../palette.js";
import { placeSpanLabels, SPAN_LABEL_ROW, type SpanLabel } from "./span-labels.js";
import { pixelOf, spreadLabels, timeTicks, type ValueScale } from "./scale.js";

type Layer = Extract<TopLevelSpec, { layer: unknown }>["layer"][number];

export const PLOT_WIDTH = 840;
export const PLOT_LEFT = 66;
export const PLOT_RIGHT = 174;
const MARKER_GAP = 19;
export const MARKER_UP = -20;
const LABEL_GAP = 15;

/** A line or area over time; null breaks it. The value of a row holds over the interval that ends at its time. */
export interface ChartLine {
  readonly label: string;
  readonly color: string;
  readonly dash: readonly number[];
  readonly width: number;
  /** Steps for what is set and holds until it is set again, straight lines for what is measured. */
  readonly shape: "line" | "step" | "area" | "step-area";
  readonly values: readonly (number | null)[];
}

/** A numbered circle above the plot, with a thin line down: a decision. */
export interface ChartMarker {
  readonly at: Micros;
  readonly text: string;
  /** What it says when the mouse rests on it. */
  readonly title: string;
}

/** A stretch of time that is shaded, with a short name. */
export interface ChartSpan {
  readonly from: Micros;
  readonly to: Micros;
  readonly label: string;
}

export interface TimeChart {
  readonly from: Micros;
  readonly to: Micros;
  readonly height: number;
  readonly yTitle: string;
  readonly scale: ValueScale;
  readonly format: (value: number) => string;
  readonly at: readonly Micros[];
  readonly lines: readonly ChartLine[];
  readonly limits: readonly { readonly label: string; readonly value: number }[];
  readonly markers: readonly ChartMarker[];
  readonly spans: readonly ChartSpan[];
  /** Whether the spans carry their names in this chart. */
  readonly nameSpans: boolean;
}

/** The whole chart as a vega-lite specification with its data in it. */
export function timeChartSpec(chart: TimeChart): TopLevelSpec {
  const height = chart.height;
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    width: PLOT_WIDTH,
    height,
    autosize: { type: "none" },
    padding: { left: PLOT_LEFT, right: PLOT_RIGHT, top: plotTop(chart), bottom: 26 },
    background: paint("surface"),
    config: {
      aria: false,
      font: "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif",
      view: { stroke: null },
      axis: {
        domainColor: paint("grid"), gridColor: paint("grid"), tickColor: paint("grid"),
        labelColor: paint("muted"), titleColor: paint("muted"), labelFontSize: 11.5, titleFontSize: 11.5, titleFontWeight: "normal",
        labelOverlap: false, labelBound: false,
      },
    },
    layer: [
      ...spanLayers(chart), ...limitLayers(chart), ...markerRules(chart), ...lineLayers(chart), ...labelLayers(chart), ...markerCircles(chart),
    ],
  };
}

const scaleX = (chart: TimeChart) => ({ domain: [chart.from, chart.to], nice: false, zero: false });

function x(chart: TimeChart) {
  const { step, ticks } = timeTicks(chart.from, chart.to, 13);
  return {
    field: "at", type: "quantitative" as const, scale: scaleX(chart),
    axis: { values: ticks.slice(), grid: false, title: null, labelFlush: false, labelExpr: lookup(ticks, (tick) => axisTime(tick, step)) },
  };
}

function y(chart: TimeChart) {
  const { kind, max, constant, ticks } = chart.scale;
  return {
    field: "value", type: "quantitative" as const,
    scale: { type: kind, domain: [0, max], nice: false, zero: false, ...(kind === "symlog" ? { constant } : {}) },
    axis: { values: ticks.slice(), title: chart.yTitle, titleAnchor: "end" as const, titleAngle: 0, titleAlign: "left" as const, titleX: 2 - PLOT_LEFT + 8, titleY: shownMarkers(chart).length > 0 ? -38 : -12, domain: false, ticks: false, labelExpr: lookup(ticks, chart.format) },
  };
}

/** An expression that gives each tick its text, so that the axis and our tables say figures alike. */
const lookup = (ticks: readonly number[], format: (tick: number) => string): string =>
  `(${JSON.stringify(ticks.map(format))})[indexof(${JSON.stringify(ticks)}, datum.value)]`;

const within = (chart: TimeChart, at: Micros): boolean => at >= chart.from && at <= chart.to;

function lineLayers(chart: TimeChart): Layer[] {
  return chart.lines.map((line) => {
    const values = thinned(chart.at.map((at, row) => ({ at, value: line.values[row] ?? null })).filter((point) => within(chart, point.at)));
    const interpolate = line.shape.startsWith("step") ? ("step-before" as const) : ("linear" as const);
    const stroke = { color: line.color, strokeWidth: line.width, strokeDash: line.dash.slice(), interpolate };
    return {
      data: { values },
      mark: line.shape.endsWith("area")
        ? { type: "area", color: line.color, fillOpacity: 0.18, line: stroke, interpolate }
        : { type: "line", strokeJoin: "round", ...stroke },
      encoding: { x: x(chart), y: y(chart) },
    };
  });
}

interface Point {
  readonly at: Micros;
  readonly value: number | null;
}

/** More points than this cannot be told apart on the plot. */
const MOST_POINTS = 2 * PLOT_WIDTH;

/**
 * The same line from fewer points: those between equal neighbours go, and of a long run each bucket keeps its lowest,
 * its highest and any gap, so that no spike is lost.
 */
export function thinned(points: readonly Point[]): readonly Point[] {
  const distinct = withoutRepeats(points);
  if (distinct.length <= MOST_POINTS) return distinct;
  const size = Math.ceil((2 * distinct.length) / MOST_POINTS);
  const kept: Point[] = [];
  for (let start = 0; start < distinct.length; start += size) {
    const bucket = distinct.slice(start, start + size);
    const level = (point: Point): number => point.value ?? -1;
    const low = bucket.reduce((least, point) => (level(point) < level(least) ? point : least));
    const high = bucket.reduce((most, point) => (level(point) > level(most) ? point : most));
    kept.push(...(low === high ? [low] : low.at < high.at ? [low, high] : [high, low]));
  }
  return kept;
}

function withoutRepeats(points: readonly Point[]): Point[] {
  return points.filter((point, row) => {
    const before = points[row - 1];
    const after = points[row + 1];
    return before === undefined || after === undefined || before.value !== point.value || after.value !== point.value;
  });
}

function limitLayers(chart: TimeChart): Layer[] {
  const values = chart.limits.filter((limit) => limit.value <= chart.scale.max).map((limit) => ({ value: limit.value }));
  if (values.length === 0) return [];
  return [{ data: { values }, mark: { type: "rule", color: paint("limit"), strokeWidth: 1.2, strokeDash: [3, 3] }, encoding: { y: y(chart) } }];
}

const shownSpans = ({ spans, from, to }: Pick<TimeChart, "spans" | "from" | "to">): readonly ChartSpan[] =>
  spans.filter((span) => span.to >= from && span.from <= to).map((span) => ({ ...span, from: Math.max(span.from, from), to: Math.min(span.to, to) }));

function spanLabels(chart: Pick<TimeChart, "spans" | "from" | "to">): readonly SpanLabel[] {
  return placeSpanLabels(shownSpans(chart).map(({ from, to, label }) => ({ left: pixelX(chart, from), right: pixelX(chart, to), label })), PLOT_WIDTH);
}

/** How many rows the names of the spans take. */
export const spanLabelRows = (chart: Pick<TimeChart, "spans" | "from" | "to">): number =>
  spanLabels(chart).reduce((rows, { row }) => Math.max(rows, row + 1), 0);

function spanLayers(chart: TimeChart): Layer[] {
  const values = shownSpans(chart).map(({ from, to, label }) => ({ at: from, until: to, label }));
  if (values.length === 0) return [];
  const band: Layer = { data: { values }, mark: { type: "rect", color: paint("harm"), opacity: 0.13 }, encoding: { x: x(chart), x2: { field: "until" } } };
  if (!chart.nameSpans) return [band];
  const pixel = (field: string) => ({ field, type: "quantitative" as const, scale: null });
  return [band, {
    data: { values: spanLabels(chart).map(({ label, left, row }) => ({ label, left, down: 4 + row * SPAN_LABEL_ROW })) },
    mark: { type: "text", align: "left", baseline: "top", fontSize: 11, color: paint("bad") },
    encoding: { x: pixel("left"), y: pixel("down"), text: { field: "label" } },
  }];
}

/** The plot's upper edge in the picture: circles stand above it. */
export const plotTop = (chart: TimeChart): number => (shownMarkers(chart).length > 0 ? 52 : 24);

export function shownMarkers(chart: TimeChart): readonly ChartMarker[] {
  return chart.markers.filter((marker) => within(chart, marker.at));
}

const pixelX = (chart: Pick<TimeChart, "from" | "to">, at: Micros): number => ((at - chart.from) / (chart.to - chart.from)) * PLOT_WIDTH;

/** Where the circles stand: above their moment, moved sideways only where they would overlap. */
export function markerPlaces(chart: TimeChart): readonly number[] {
  return spreadLabels(shownMarkers(chart).map((marker) => pixelX(chart, marker.at)), MARKER_GAP, PLOT_WIDTH);
}

function markerRules(chart: TimeChart): Layer[] {
  const values = shownMarkers(chart).map(({ at }) => ({ at }));
  if (values.length === 0) return [];
  return [{ data: { values }, mark: { type: "rule", color: paint("decision"), opacity: 0.4, strokeWidth: 1 }, encoding: { x: x(chart) } }];
}

function markerCircles(chart: TimeChart): Layer[] {
  const places = markerPlaces(chart);
  const values = shownMarkers(chart).map((marker, index) => ({
    text: marker.text, moment: pixelX(chart, marker.at), place: places[index], up: MARKER_UP, foot: 0,
  }));
  if (values.length === 0) return [];
  const pixel = (field: string) => ({ field, type: "quantitative" as const, scale: null });
  const leader = { x: pixel("place"), x2: { field: "moment" }, y: pixel("up"), y2: { field: "foot" } };
  const circle = { x: pixel("place"), y: pixel("up") };
  return [
    { data: { values }, mark: { type: "rule", color: paint("decision"), opacity: 0.4, strokeWidth: 1 }, encoding: leader },
    { data: { values }, mark: { type: "point", shape: "circle", filled: true, size: 270, opacity: 1, color: paint("decision") }, encoding: circle },
    { data: { values }, mark: { type: "text", fontSize: 11, fontWeight: "bold", baseline: "middle", dy: 0.5, color: paint("surface") }, encoding: { ...circle, text: { field: "text" } } },
  ];
}

/** Names at the right edge, each with a piece of its own line, at the height where its line or limit ends. */
function labelLayers(chart: TimeChart): Layer[] {
  const entries = [
    ...chart.lines.map((line) => ({ text: line.label, color: line.color, dash: line.dash, width: line.width, at: lastKnown(chart, line) })),
    ...chart.limits.filter((limit) => limit.value <= chart.scale.max)
      .map((limit) => ({ text: limit.label, color: paint("limit"), dash: [3, 3] as readonly number[], width: 1.2, at: limit.value })),
  ];
  const wanted = entries.map((entry) => pixelOf(chart.scale, entry.at, chart.height));
  const placed = spreadLabels(wanted, LABEL_GAP, chart.height);
  return entries.flatMap((entry, index): Layer[] => {
    const data = { values: [{ left: PLOT_WIDTH + 6, right: PLOT_WIDTH + 26, down: placed[index], text: entry.text }] };
    const down = { field: "down", type: "quantitative" as const, scale: null };
    const left = { field: "left", type: "quantitative" as const, scale: null };
    return [
      { data, mark: { type: "rule", color: entry.color, strokeWidth: entry.width, strokeDash: entry.dash.slice() }, encoding: { x: left, x2: { field: "right" }, y: down } },
      { data, mark: { type: "text", align: "left", baseline: "middle", fontSize: 11.5, color: entry.color, dx: 25 }, encoding: { x: left, y: down, text: { field: "text" } } },
    ];
  });
}

function lastKnown(chart: TimeChart, line: ChartLine): number {
  for (let row = chart.at.length - 1; row >= 0; row -= 1) {
    const value = line.values[row];
    if (value !== null && value !== undefined && within(chart, chart.at[row])) return value;
  }
  return 0;
}
