// Gauges: each series over time, then one figure across the series.

import { unreachable } from "../kernel/assert.js";
import type { Micros } from "../kernel/units.js";
import { NO_SERIES } from "./absent.js";
import type { Answer, TelemetryQuery } from "./query.js";
import type { Target } from "./target.js";

export type GaugeQuery = Extract<TelemetryQuery, { across: unknown }>;

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
  let sum = 0;
  let compensation = 0;
  let extreme = fn === "min-over-time" ? Infinity : -Infinity;
  let newest = 0;
  for (let row = first; row <= last; row += 1) {
    const value = target.value(row, lane, column);
    if (value !== value) continue;
    const next = sum + value;
    compensation += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
    extreme = fn === "min-over-time" ? Math.min(extreme, value) : Math.max(extreme, value);
    newest = target.timeOf(row);
    samples += 1;
  }
  if (samples === 0) return;
  across.add(fn === "avg-over-time" ? (sum + compensation) / samples : extreme, samples, newest);
}

/** Aggregates one value per series into the answer. */
export class Across {
  readonly #how: GaugeQuery["across"];
  #series = 0;
  #samples = 0;
  #sum = 0;
  #compensation = 0;
  #min = Infinity;
  #max = -Infinity;
  #newest = -Infinity;

  constructor(how: GaugeQuery["across"]) {
    this.#how = how;
  }

  add(value: number, samples: number, newest: Micros): void {
    const sum = this.#sum;
    const next = sum + value;
    this.#compensation += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    this.#sum = next;
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
        return this.#sum + this.#compensation;
      case "avg":
        return (this.#sum + this.#compensation) / this.#series;
      case "min":
        return this.#min;
      case "max":
        return this.#max;
      default:
        return unreachable(this.#how);
    }
  }
}
