// Gauges: each series over time, then one figure across the series.

import { unreachable } from "../kernel/assert.js";
import type { Micros } from "../kernel/units.js";
import { NO_SERIES } from "./absent.js";
import type { Answer, TelemetryQuery } from "./query.js";
import { Sums } from "./sums.js";
import type { Target } from "./target.js";

export type GaugeQuery = Extract<TelemetryQuery, { across: unknown }>;

// Used within one call only; kept so that a series costs no allocation.
const OVER_TIME = new Sums(1);

/** Adds one series' figure over rows `first` to `last`; stale and absent samples are not there. */
export function addOverTime(
  across: Across,
  fn: GaugeQuery["fn"],
  target: Target,
  lane: number,
  column: number,
  first: number,
  last: number,
): void {
  let samples = 0;
  OVER_TIME.clear();
  let extreme = fn === "min-over-time" ? Infinity : -Infinity;
  let newest = 0;
  for (let row = first; row <= last; row += 1) {
    const value = target.value(row, lane, column);
    if (value !== value) continue;
    OVER_TIME.add(0, value);
    extreme = fn === "min-over-time" ? Math.min(extreme, value) : Math.max(extreme, value);
    newest = target.timeOf(row);
    samples += 1;
  }
  if (samples === 0) return;
  across.add(fn === "avg-over-time" ? OVER_TIME.total(0) / samples : extreme, samples, newest);
}

/** Aggregates one value per series into the answer; begun again for each query, so that a query allocates nothing else. */
export class Across {
  #how: GaugeQuery["across"] = "sum";
  #series = 0;
  #samples = 0;
  readonly #sum = new Sums(1);
  #min = Infinity;
  #max = -Infinity;
  #newest = -Infinity;

  begin(how: GaugeQuery["across"]): void {
    this.#how = how;
    this.#series = 0;
    this.#samples = 0;
    this.#sum.clear();
    this.#min = Infinity;
    this.#max = -Infinity;
    this.#newest = -Infinity;
  }

  add(value: number, samples: number, newest: Micros): void {
    this.#sum.add(0, value);
    this.#min = Math.min(this.#min, value);
    this.#max = Math.max(this.#max, value);
    this.#series += 1;
    this.#samples += samples;
    this.#newest = Math.max(this.#newest, newest);
  }

  answer(): Answer {
    if (this.#series === 0) return NO_SERIES;
    return { kind: "value", value: this.#value(), series: this.#series, samples: this.#samples, newest: this.#newest };
  }

  #value(): number {
    switch (this.#how) {
      case "sum":
        return this.#sum.total(0);
      case "avg":
        return this.#sum.total(0) / this.#series;
      case "min":
        return this.#min;
      case "max":
        return this.#max;
      default:
        return unreachable(this.#how);
    }
  }
}
