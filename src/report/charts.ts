// The pictures of a run: which ones there are, what each shows, and how each is drawn.

import type { Micros, Ratio } from "../kernel/units.js";
import { minutes } from "../kernel/units.js";
import { BASELINE_FLOOR } from "../engines/health/compare.js";
import type { Outcome } from "../sim/outcome.js";
import { duration, latency, percent, perSecond, significant } from "../kernel/format.js";
import { paint, standaloneDarkStyle, versionDash, versionPaint } from "./palette.js";
import { renderSvg } from "./charts/render.js";
import { valueScale, type ValueScale } from "./charts/scale.js";
import { spanLabelRows, timeChartSpec, type ChartLine, type ChartMarker, type ChartSpan, type TimeChart } from "./charts/time-chart.js";
import { withTooltips } from "./charts/tooltips.js";
import { planWords } from "./words.js";
import { statechartSvg } from "./charts/statechart.js";

/** A picture with what it is called and what it says. */
export interface ChartEntry {
  readonly name: string;
  readonly title: string;
  readonly about: string;
}

export interface DrawnChart extends ChartEntry {
  readonly svg: string;
}

type Version = Outcome["series"]["versions"][number];
type Columns = "weight" | "rps" | "errorRate" | "p95Seconds" | "seenErrorRate" | "seenP95Seconds" | "replicas";

/** The charts over time, in the order of the report. */
const TIME_CHARTS: readonly (ChartEntry & { readonly draw: (outcome: Outcome) => TimeChart | null })[] = [
  { name: "traffic", title: "Traffic split", about: "Share of traffic by version.", draw: trafficChart },
  { name: "error-rate", title: "Error rate, as telemetry saw it", about: "What the engines saw, with the limits they held it against.", draw: (outcome) => seenChart(outcome, "error-rate") },
  { name: "p95", title: "p95 latency, as telemetry saw it", about: "What the engines saw, with the limits they held it against.", draw: (outcome) => seenChart(outcome, "p95") },
  { name: "truth-error-rate", title: "Error rate: seen against truth", about: "What happened, and what the scrapes made of it.", draw: (outcome) => truthChart(outcome, "error-rate") },
  { name: "truth-p95", title: "p95 latency: seen against truth", about: "What happened, and what the scrapes made of it.", draw: (outcome) => truthChart(outcome, "p95") },
  { name: "impact", title: "User impact", about: "Client pages per second that failed, and that a release failed or slowed past the objective.", draw: impactChart },
  { name: "load", title: "Load", about: "Requests per second by version.", draw: loadChart },
  { name: "capacity", title: "Capacity", about: "Replicas by version.", draw: capacityChart },
];

/** Which pictures this outcome has, without drawing them. */
export function chartEntries(outcome: Outcome): readonly ChartEntry[] {
  const overTime = TIME_CHARTS.filter((entry) => entry.draw(outcome) !== null);
  return [...overTime, ...stateEntries(outcome)].map(({ name, title, about }) => ({ name, title, about }));
}

/** Every picture, in the light paint that `themed` replaces. */
export async function drawCharts(outcome: Outcome): Promise<readonly DrawnChart[]> {
  const drawn: DrawnChart[] = [];
  for (const { name, title, about, draw } of TIME_CHARTS) {
    const chart = draw(outcome);
    if (chart !== null) drawn.push({ name, title, about, svg: withTooltips(await renderSvg(timeChartSpec(chart), `${title}. ${about}`), chart) });
  }
  for (const entry of stateEntries(outcome)) drawn.push({ ...entry, svg: statechartSvg(outcome, entry.release) });
  return drawn;
}

/** Every picture as an SVG file of its own, by name; each follows the reader's light or dark. */
export async function chartSvgs(outcome: Outcome): Promise<Record<string, string>> {
  const style = `<style>${standaloneDarkStyle()}</style>`;
  return Object.fromEntries((await drawCharts(outcome)).map(({ name, svg }) => [name, svg.replace(/^<svg[^>]*>/, (head) => head + style)]));
}

function stateEntries(outcome: Outcome): readonly (ChartEntry & { readonly release: number })[] {
  return outcome.releases.flatMap((release, index) =>
    release.states.length === 0 ? [] : [{
      name: outcome.releases.length === 1 ? "states" : `states-${index + 1}`,
      title: `The path of ${release.service} ${release.version} through the statechart`,
      about: "One lane per state: bars are time spent, arrows are transitions with their reason. A double frame is where it ended.",
      release: index,
    }],
  );
}

function baseChart(outcome: Outcome): Pick<TimeChart, "from" | "to" | "at" | "markers" | "spans" | "nameSpans"> {
  return { from: 0, to: Math.max(outcome.duration, 1), at: outcome.series.at, markers: decisionMarkers(outcome), spans: harmSpans(outcome), nameSpans: false };
}

/** The decisions that a chart marks: all of them, or, when they are many, those that did more than hold. */
export function decisionMarkers(outcome: Outcome): readonly ChartMarker[] {
  const weighty = outcome.decisions.filter((decision) => decision.actions.some((action) => action !== "hold"));
  const shown = outcome.decisions.length <= 12 ? outcome.decisions : weighty;
  return shown.map((decision) => ({ at: decision.at, text: String(decision.id), title: `${decision.id}. ${planWords(decision.actions)}: ${decision.reason}` }));
}

/** From the first harmed request to the end of harm, per release. */
function harmSpans(outcome: Outcome): readonly ChartSpan[] {
  return outcome.releases.flatMap(({ times, version }) =>
    times.harmStartsAt === null ? [] : [{ from: times.harmStartsAt, to: times.mitigatedAt ?? outcome.duration, label: `${version} harms users` }],
  );
}

function hasRows(outcome: Outcome): boolean {
  return outcome.series.at.length > 0 && outcome.series.versions.length > 0;
}

/** `v1`, or `checkout v1` where the run has releases of several services; the first of a service is the stable one. */
function versionLabel(outcome: Outcome, version: Version): string {
  const { versions } = outcome.series;
  const several = versions.some((other) => other.service !== version.service);
  return `${several ? `${version.service} ` : ""}${version.version}${isStable(outcome, version) ? " (stable)" : ""}`;
}

const isStable = (outcome: Outcome, version: Version): boolean =>
  outcome.series.versions.find((other) => other.service === version.service) === version;

function versionLines(outcome: Outcome, column: Columns, shape: ChartLine["shape"]): ChartLine[] {
  return outcome.series.versions.map((version, index) => ({
    label: versionLabel(outcome, version), color: versionPaint(index), dash: versionDash(index), width: 2, shape, values: version[column],
  }));
}

function trafficChart(outcome: Outcome): TimeChart | null {
  if (!hasRows(outcome)) return null;
  return {
    ...baseChart(outcome), height: 150, yTitle: "share of traffic", format: percent, limits: [],
    scale: { kind: "linear", max: 1.02, constant: 1, ticks: [0, 0.25, 0.5, 0.75, 1] },
    lines: versionLines(outcome, "weight", "step-area").map((line, index) => (isStable(outcome, outcome.series.versions[index]) ? { ...line, shape: "step" } : line)),
  };
}

const COLUMNS = {
  "error-rate": { seen: "seenErrorRate", truth: "errorRate", format: percent, title: "error rate", least: 0.002 },
  p95: { seen: "seenP95Seconds", truth: "p95Seconds", format: latency, title: "p95", least: 0.01 },
} as const;

type HealthMetric = keyof typeof COLUMNS;

const shortened = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most - 1)}…`);

/** What the engines held the metric against, and the objective; equal limits share a line. */
function limitsOf(outcome: Outcome, metric: HealthMetric): TimeChart["limits"] {
  const distinct = new Map<number, Set<string>>();
  const lines = [
    ...outcome.thresholds.filter((threshold) => threshold.metric === metric && threshold.timesStable !== true),
    ...outcome.objectives.filter(({ name }) => name === metric).map(({ limit }) => ({ label: "objective", value: limit })),
  ];
  for (const { label, value } of lines) if (Number.isFinite(value)) distinct.set(value, (distinct.get(value) ?? new Set<string>()).add(label));
  return [...distinct].map(([value, labels]) => ({ value, label: `${shortened([...labels].join(", "), 17)} ${COLUMNS[metric].format(value)}` }));
}

/** Limits that move with stable, drawn while there is a release to hold against them. */
function movingLimits(outcome: Outcome, metric: HealthMetric): ChartLine[] {
  const { seen } = COLUMNS[metric];
  const floor = BASELINE_FLOOR[metric] ?? 0;
  const { versions } = outcome.series;
  const factors = [...new Set(outcome.thresholds.filter((each) => each.metric === metric && each.timesStable === true).map((each) => each.value))];
  return versions.filter((version) => isStable(outcome, version)).flatMap((stable) => {
    const judged = versions.filter((version) => version.service === stable.service && version !== stable);
    if (judged.length === 0) return [];
    return factors.map((factor): ChartLine => ({
      label: shortened(`trigger ${significant(factor, 3)}x ${stable.version}`, 24), color: paint("limit"), dash: [8, 2, 2, 2], width: 1.2, shape: "line",
      values: stable[seen].map((value, row) => (value === null || judged.every((version) => version[seen][row] === null) ? null : factor * Math.max(value, floor))),
    }));
  });
}

function seenChart(outcome: Outcome, metric: HealthMetric): TimeChart | null {
  if (!hasRows(outcome)) return null;
  const { seen, format, title, least } = COLUMNS[metric];
  const lines = [...versionLines(outcome, seen, "line"), ...movingLimits(outcome, metric)];
  const limits = limitsOf(outcome, metric);
  const scale = valueScale(lines.flatMap((line) => line.values), limits.map((limit) => limit.value), least);
  return { ...baseChart(outcome), height: 170, yTitle: axisTitle(title, scale.kind), format, scale, lines, limits };
}

const axisTitle = (title: string, kind: "linear" | "symlog"): string => (kind === "symlog" ? `${title} (logarithmic)` : title);

/** The stretch that detection was about: from before harm (or first traffic) to after recovery. */
export function crucialStretch(outcome: Outcome): { readonly from: Micros; readonly to: Micros } {
  const release = outcome.releases.find((each) => each.times.harmStartsAt !== null) ?? outcome.releases[0];
  const start = release?.times.harmStartsAt ?? release?.times.firstTrafficAt ?? null;
  const end = release?.times.restoredAt ?? release?.times.mitigatedAt ?? release?.times.detectedAt ?? null;
  if (start === null || end === null || end <= start) return { from: 0, to: Math.max(outcome.duration, 1) };
  const margin = Math.max(minutes(3), (end - start) * 0.4);
  return { from: Math.max(0, start - margin), to: Math.min(outcome.duration, end + margin) };
}

/** The released version's truth beside what was seen of it, around the minutes that mattered. */
function truthChart(outcome: Outcome, metric: HealthMetric): TimeChart | null {
  const index = releasedVersion(outcome);
  if (!hasRows(outcome) || index < 0) return null;
  const { seen, truth, format, title, least } = COLUMNS[metric];
  const version = outcome.series.versions[index];
  const { from, to } = crucialStretch(outcome);
  const lines: ChartLine[] = [
    { label: `${version.version}: truth`, color: paint("ink"), dash: [], width: 1.2, shape: "line", values: version[truth] },
    { label: `${version.version}: seen`, color: versionPaint(index), dash: versionDash(Math.max(1, index)), width: 2.4, shape: "line", values: version[seen] },
  ];
  const limits = limitsOf(outcome, metric);
  const shown = outcome.series.at.flatMap((at, row) => (at >= from && at <= to ? lines.map((line) => line.values[row] ?? null) : []));
  const base = { ...baseChart(outcome), from, to, nameSpans: true };
  const scale = withHeadroom(valueScale(shown, limits.map((limit) => limit.value), least), base);
  return { ...base, height: 170, yTitle: axisTitle(title, scale.kind), format, scale, lines, limits };
}

/** Room above the highest value for the names of spans: one row of them, or as many as they take. */
function withHeadroom(scale: ValueScale, chart: Pick<TimeChart, "spans" | "from" | "to">): ValueScale {
  const rows = Math.max(1, spanLabelRows(chart));
  return { ...scale, max: scale.max * (scale.kind === "linear" ? 1 + 0.14 * rows : 2 ** rows) };
}

function releasedVersion(outcome: Outcome): number {
  const release = outcome.releases.find((each) => each.times.harmStartsAt !== null) ?? outcome.releases[0];
  if (release === undefined) return -1;
  return outcome.series.versions.findIndex((each) => each.service === release.service && each.version === release.version);
}

function impactChart(outcome: Outcome): TimeChart | null {
  const { at, edge } = outcome.series;
  if (at.length === 0) return null;
  const lines: ChartLine[] = [
    { label: "failed", color: paint("ink"), dash: [], width: 1.2, shape: "line", values: edge.failedPerSecond },
    { label: "harmed by a release", color: paint("harm"), dash: [7, 3], width: 2, shape: "area", values: edge.harmedPerSecond },
  ];
  const base = baseChart(outcome);
  const scale = withHeadroom(valueScale(lines.flatMap((line) => line.values), [], 0.5), base);
  return { ...base, nameSpans: true, height: 140, yTitle: "pages per second", format: (value) => perSecond(value), scale, lines, limits: [] };
}

function loadChart(outcome: Outcome): TimeChart | null {
  if (!hasRows(outcome)) return null;
  const lines = versionLines(outcome, "rps", "line");
  const scale = valueScale(lines.flatMap((line) => line.values), [], 1);
  return { ...baseChart(outcome), height: 120, yTitle: "requests per second", format: (value) => perSecond(value), scale, lines, limits: [] };
}

function capacityChart(outcome: Outcome): TimeChart | null {
  if (!hasRows(outcome)) return null;
  const lines = versionLines(outcome, "replicas", "step");
  const scale = valueScale(lines.flatMap((line) => line.values), [], 4);
  const step = Math.max(1, Math.ceil(scale.max / 5));
  const ticks = Array.from({ length: Math.floor(scale.max / step) + 1 }, (_, index) => index * step);
  return { ...baseChart(outcome), height: 100, yTitle: "replicas", format: (value) => significant(value, 3), scale: { ...scale, ticks }, lines, limits: [] };
}

/** A short line under the truth charts on how far telemetry was behind. */
export function storyWords(outcome: Outcome): string {
  const { from, to } = crucialStretch(outcome);
  const share: Ratio = (to - from) / Math.max(outcome.duration, 1);
  return share > 0.95 ? "the whole run" : `the ${duration(to - from)} that mattered`;
}
