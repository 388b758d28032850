// A hand-made recording: one service, two versions, whatever figures a test wants per row.

import { seconds } from "../../../src/kernel/units.js";
import type { Recorder, RecordRow, TrackedVersion } from "../../../src/sim/recording.js";
import { LEDGER_COLUMNS, LEDGER_EDGES, LedgerColumn, type LedgerCell } from "../../../src/world/ledger.js";

export interface RowFigures {
  readonly weight: number;
  /** Requests, errors of v2 in the interval that the row closes. */
  readonly requests: number;
  readonly errors: number;
  /** Orders of v2 that clients got through. */
  readonly orders?: number;
  readonly latencySeconds?: number;
  readonly seenErrorRate?: number | null;
}

export const INTERVAL = seconds(15);
export const SCRAPED_AT = seconds(6);
const EDGES = Float64Array.from({ length: LEDGER_EDGES }, (_, k) => 0.001 * 2 ** (k / 4));

const CELLS: readonly LedgerCell[] = [
  { scope: "service", service: "checkout", version: "v1", endpoint: "create-order", segment: "all" },
  { scope: "service", service: "checkout", version: "v2", endpoint: "create-order", segment: "all" },
  { scope: "edge", service: "checkout", version: "v2", endpoint: "create-order", segment: "all" },
];
const EDGE = 2 * LEDGER_COLUMNS;
const TRACKED: readonly TrackedVersion[] = [
  { service: "checkout", version: "v1", release: null },
  { service: "checkout", version: "v2", release: 0 },
];

/** Rows at 0, 15 s, 30 s ...; the first one is the start and holds nothing, and the last one may come sooner. */
export function recordingOf(figures: readonly RowFigures[], last = INTERVAL): Recorder {
  const totals = new Float64Array(CELLS.length * LEDGER_COLUMNS);
  const histogram = new Float64Array(CELLS.length * (LEDGER_EDGES + 1));
  const rows: RecordRow[] = [rowAt(0, totals, histogram, 0, null)];
  figures.forEach((row, index) => {
    totals[LEDGER_COLUMNS + LedgerColumn.requests] += row.requests;
    totals[LEDGER_COLUMNS + LedgerColumn.errors] += row.errors;
    totals[EDGE + LedgerColumn.requests] += row.requests;
    totals[EDGE + LedgerColumn.conversions] += row.orders ?? 0;
    const bucket = EDGES.findIndex((edge) => edge >= (row.latencySeconds ?? 0.1));
    histogram[LEDGER_EDGES + 1 + bucket] += row.requests;
    rows.push(rowAt(index * INTERVAL + (index === figures.length - 1 ? last : INTERVAL), totals, histogram, row.weight, row.seenErrorRate ?? null));
  });
  return { rows, cells: CELLS, tracked: TRACKED, services: ["checkout"], ledger: { edgesSeconds: EDGES } } as unknown as Recorder;
}

function rowAt(at: number, totals: Float64Array, histogram: Float64Array, weight: number, seenErrorRate: number | null): RecordRow {
  return {
    at,
    totals: totals.slice(),
    histogram: histogram.slice(),
    services: [{ weight: 1, replicas: 7, inside: 0, seenErrorRate: seenErrorRate === null ? null : seenErrorRate / 2, seenP95Seconds: null }],
    versions: [
      { weight: 1 - weight, replicas: 6, inside: 0, seenErrorRate: null, seenP95Seconds: null },
      { weight, replicas: 1, inside: 0, seenErrorRate, seenP95Seconds: null },
    ],
  };
}

/** The same recording by a world that closes its books at scrapes, 9 s before each row, and at the end of the run. */
export function closedAtScrapes(recorder: Recorder): Recorder {
  const last = recorder.rows.length - 1;
  const rows = recorder.rows.map((one, k): RecordRow => {
    const closed = k === 0 ? NaN : k === last ? one.at : one.at - INTERVAL + SCRAPED_AT;
    return { ...one, closedAt: Float64Array.from(recorder.cells, () => closed) };
  });
  return { ...recorder, rows } as unknown as Recorder;
}
