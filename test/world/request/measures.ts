// What a test reads off a world: sums of the ledger, and telemetry as an engine would ask for it.

import type { Micros } from "../../../src/kernel/units.js";
import type { CounterName, GaugeName } from "../../../src/telemetry/catalogue.js";
import type { Selector } from "../../../src/telemetry/query.js";
import { LEDGER_COLUMNS, LedgerColumn, type LedgerCell } from "../../../src/world/ledger.js";
import type { World } from "../../../src/world/world.js";
import { minutes } from "./small-worlds.js";

/** Sum of a ledger column over the cells that match; edge cells unless told otherwise. */
export function total(world: World, column: keyof typeof LedgerColumn, where: Partial<LedgerCell> = {}): number {
  const wanted = { scope: "edge", ...where } as const;
  let sum = 0;
  world.ledger.cells.forEach((cell, i) => {
    const matches = Object.entries(wanted).every(([key, value]) => cell[key as keyof LedgerCell] === value);
    if (matches) sum += world.ledger.totals[i * LEDGER_COLUMNS + LedgerColumn[column]];
  });
  return sum;
}

export const errorRate = (world: World, where: Partial<LedgerCell> = {}): number =>
  total(world, "errors", where) / total(world, "requests", where);

export const meanLatency = (world: World, where: Partial<LedgerCell> = {}): number =>
  total(world, "latencySeconds", where) / total(world, "requests", where);

/** Increase of a counter over the last five minutes; 0 when absent. */
export function increase(world: World, metric: CounterName, where: Selector = {}, lane = 0, window: Micros = minutes(5)): number {
  const answer = world.telemetry.query({ fn: "increase", metric, where, window }, world.now(), lane);
  return answer.kind === "value" ? answer.value : 0;
}

/** The newest value of a gauge, averaged over series; NaN when absent. */
export function gauge(world: World, metric: GaugeName, where: Selector = {}, lane = 0): number {
  const answer = world.telemetry.query({ fn: "latest", metric, where, window: minutes(5), across: "avg" }, world.now(), lane);
  return answer.kind === "value" ? answer.value : NaN;
}

/** p95 over the last two minutes; NaN when absent. */
export function p95(world: World, where: Selector = {}, lane = 0): number {
  const answer = world.telemetry.query(
    { fn: "quantile", metric: "http_request_duration_seconds", where, window: minutes(2), q: 0.95 }, world.now(), lane);
  return answer.kind === "value" ? answer.value : NaN;
}

/** Share of 5xx over the last two minutes, as telemetry has it. */
export function seenErrorRate(world: World, where: Selector = {}, lane = 0): number {
  const ask = (code?: "5xx"): number =>
    increase(world, "http_requests_total", code === undefined ? where : { ...where, code }, lane, minutes(2));
  return ask("5xx") / ask();
}
