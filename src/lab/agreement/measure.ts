// Measures one cell at one fidelity: what clients met, what telemetry showed window by window, and what the engines did.

import { assert } from "../../kernel/assert.js";
import type { Micros } from "../../kernel/units.js";
import { cellsWhere, quantileBetween, sumBetween, type RecordRow } from "../../sim/recording.js";
import { runScenario } from "../../sim/run.js";
import { simulate, type Simulation } from "../../sim/simulate.js";
import type { TelemetryQuery } from "../../telemetry/query.js";
import { LedgerColumn, type LedgerCell } from "../../world/ledger.js";
import type { Fidelity } from "../../world/world.js";
import { WINDOW, type Cell } from "./cells.js";
import { CANARY, PAYMENTS, SHOP, STABLE } from "./world.js";

/** Where a figure was read. */
export const SOURCES = ["clients", "payments", "telemetry v1", "telemetry v2"] as const;
export type Source = (typeof SOURCES)[number];

type BySource = Readonly<Record<Source, number | null>>;

/** What telemetry showed at the end of each window; null where it had no answer. */
export interface WindowSeries {
  readonly errorRate: readonly (number | null)[];
  readonly p95Seconds: readonly (number | null)[];
}

/** One seed's figures. The release is held at 25 % for the first group; the engines act in the second. */
export interface Sample {
  readonly seed: number;
  readonly errorRate: BySource;
  readonly meanSeconds: BySource;
  readonly p95Seconds: BySource;
  readonly windows: Readonly<Partial<Record<Source, WindowSeries>>>;
  /** When the engines acted on the release, after its start; null: never. */
  readonly acted: Micros | null;
  /** From the first harmed request to the engines' decision; null: never, or nobody was harmed. */
  readonly detection: Micros | null;
}

/** Plays a cell's seed twice, once with the canary held where it is and once with the engines in charge. */
export function measure(cell: Cell, fidelity: Fidelity, seed: number): Sample {
  const { scenario } = cell;
  const held = simulate({ scenario, seed, fidelity, noiseFree: false, detail: "full", seen: true, driver: { kind: "schedule", made: [0] } });
  const [release] = runScenario(scenario, { seed, fidelity, detail: "light" }).releases;
  const acted = release.result === "rolled-back" || release.action !== "none" ? release.times.detectedAt : null;
  return {
    seed,
    ...figuresOf(held, cell),
    acted: acted === null ? null : acted - release.times.releasedAt,
    detection: release.times.detection,
  };
}

type Figures = Pick<Sample, "errorRate" | "meanSeconds" | "p95Seconds" | "windows">;

function figuresOf(held: Simulation, cell: Cell): Figures {
  const clients = truthOf(held, cell, ({ scope }) => scope === "edge");
  const payments = truthOf(held, cell, ({ scope, service }) => scope === "service" && service === PAYMENTS);
  const [stable, canary] = [STABLE, CANARY].map((version) => seenOf(held, cell, version));
  const bySource = <Figure>(read: (figures: Level) => Figure): Record<Source, Figure> => ({
    clients: read(clients), payments: read(payments), "telemetry v1": read(stable.level), "telemetry v2": read(canary.level),
  });
  return {
    errorRate: bySource(({ errorRate }) => errorRate),
    meanSeconds: bySource(({ meanSeconds }) => meanSeconds),
    p95Seconds: bySource(({ p95Seconds }) => p95Seconds),
    windows: { "telemetry v1": stable.windows, "telemetry v2": canary.windows },
  };
}

/** A source's figures over the whole stretch; null where it has none. */
interface Level {
  readonly errorRate: number | null;
  readonly meanSeconds: number | null;
  readonly p95Seconds: number | null;
}

function truthOf({ recorder }: Simulation, { from, to }: Cell, accept: (cell: LedgerCell) => boolean): Level {
  const first = rowAt(recorder.rows, from);
  const last = rowAt(recorder.rows, to);
  const cells = cellsWhere(recorder.cells, accept);
  const requests = sumBetween(first, last, cells, LedgerColumn.requests);
  return {
    errorRate: sumBetween(first, last, cells, LedgerColumn.errors) / requests,
    meanSeconds: sumBetween(first, last, cells, LedgerColumn.latencySeconds) / requests,
    p95Seconds: quantileBetween(first, last, cells, recorder.ledger.edgesSeconds, 0.95),
  };
}

function rowAt(rows: readonly RecordRow[], at: Micros): RecordRow {
  const row = rows.find((candidate) => candidate.at === at);
  assert(row !== undefined, "windows begin and end at record rows");
  return row;
}

/** What engines see of a version: the mean of its windows, and the windows. */
function seenOf(held: Simulation, cell: Cell, version: string): { level: Level; windows: WindowSeries } {
  const windows = windowsOf(held, cell, version);
  const level = { errorRate: meanOf(windows.errorRate), meanSeconds: seenMean(held, cell, version), p95Seconds: meanOf(windows.p95Seconds) };
  return { level, windows };
}

/** Telemetry's answers at the end of every window, two minutes each, one after the other. */
function windowsOf({ recorder }: Simulation, { from, to }: Cell, version: string): WindowSeries {
  const place = recorder.tracked.findIndex((tracked) => tracked.service === SHOP && tracked.version === version);
  const errorRate: (number | null)[] = [];
  const p95Seconds: (number | null)[] = [];
  for (let end = from + WINDOW; end <= to; end += WINDOW) {
    const { seenErrorRate, seenP95Seconds } = rowAt(recorder.rows, end).versions[place];
    errorRate.push(seenErrorRate);
    p95Seconds.push(seenP95Seconds);
  }
  return { errorRate, p95Seconds };
}

/** The run's telemetry reaches back this far at its end. */
const MEAN_WINDOW: Micros = 5 * WINDOW;

function seenMean({ world }: Simulation, { to }: Cell, version: string): number | null {
  const ask = (metric: "http_request_duration_seconds_sum" | "http_request_duration_seconds_count"): number | null => {
    const query: TelemetryQuery = { fn: "increase", metric, where: { service: SHOP, version }, window: MEAN_WINDOW };
    const answer = world.telemetry.query(query, to);
    return answer.kind === "value" ? answer.value : null;
  };
  const [sum, count] = [ask("http_request_duration_seconds_sum"), ask("http_request_duration_seconds_count")];
  return sum === null || count === null || count <= 0 ? null : sum / count;
}

function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
