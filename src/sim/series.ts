// The outcome's columns over time, thinned so that a chart stays readable and a file small.

import { toSeconds } from "../kernel/units.js";
import { LedgerColumn } from "../world/ledger.js";
import type { Series } from "./outcome.js";
import { cellsWhere, columnBetween, quantileBetween, spanBetween, sumBetween, type Recorder, type RecordRow } from "./recording.js";

/** Rows of a chart at most; more would be narrower than a pixel. */
const MAX_POINTS = 720;

/** Builds the series from the recording; each point covers the stretch since the one before. */
export function seriesOf(recorder: Recorder): Series {
  const stride = strideOf(recorder);
  const points = recorder.rows.filter((_, index) => index > 0 && index % stride === 0);
  const before = points.map((_, index) => recorder.rows[index * stride]);
  return {
    at: points.map((row) => row.at),
    versions: recorder.tracked.map((_, index) => versionSeries(recorder, index, points, before)),
    edge: edgeSeries(recorder, points, before),
  };
}

function versionSeries(
  recorder: Recorder,
  index: number,
  points: readonly RecordRow[],
  before: readonly RecordRow[],
): Series["versions"][number] {
  const { service, version } = recorder.tracked[index];
  const cells = cellsWhere(recorder.cells, (cell) => cell.scope === "service" && cell.service === service && cell.version === version);
  const sums = (column: number): number[] => points.map((row, k) => sumBetween(before[k], row, cells, column));
  const rates = ratesOf(recorder, points.length, cells);
  const requests = sums(LedgerColumn.requests);
  const errors = sums(LedgerColumn.errors);
  return {
    service,
    version,
    weight: points.map((row) => row.versions[index].weight),
    rps: rates(LedgerColumn.requests),
    errorRate: requests.map((count, k) => (count > 0 ? errors[k] / count : null)),
    p95Seconds: points.map((row, k) => quantileBetween(before[k], row, cells, recorder.ledger.edgesSeconds, 0.95)),
    seenErrorRate: points.map((row) => row.versions[index].seenErrorRate),
    seenP95Seconds: points.map((row) => row.versions[index].seenP95Seconds),
    replicas: points.map((row) => row.versions[index].replicas),
  };
}

function edgeSeries(recorder: Recorder, points: readonly RecordRow[], before: readonly RecordRow[]): Series["edge"] {
  const cells = cellsWhere(recorder.cells, (cell) => cell.scope === "edge");
  const perSecond = ratesOf(recorder, points.length, cells);
  const rps = perSecond(LedgerColumn.requests);
  const failed = perSecond(LedgerColumn.errors);
  const harmedErrors = perSecond(LedgerColumn.harmedErrors);
  const harmedSlow = perSecond(LedgerColumn.harmedSlow);
  return {
    rps,
    errorRate: rps.map((rate, k) => (rate > 0 ? failed[k] / rate : null)),
    p95Seconds: points.map((row, k) => quantileBetween(before[k], row, cells, recorder.ledger.edgesSeconds, 0.95)),
    harmedPerSecond: harmedErrors.map((rate, k) => rate + harmedSlow[k]),
    failedPerSecond: failed,
  };
}

/** Counts per second, point by point. */
function ratesOf(recorder: Recorder, points: number, cells: readonly number[]): (column: number) => number[] {
  const { rows } = recorder;
  const stride = strideOf(recorder);
  const ends = Array.from({ length: points }, (_, k) => (k + 1) * stride);
  const spans = ends.map((end) => spanBetween(rows, end - stride, end));
  return (column) => ends.map((end, k) => cells.reduce((sum, cell) => sum + columnBetween(rows[end - stride], rows[end], cell, column) / toSeconds(spans[k](cell)), 0));
}

/** Rows from one point to the next. */
const strideOf = ({ rows }: Recorder): number => Math.max(1, Math.ceil((rows.length - 1) / MAX_POINTS));
