// The simulated Prometheus: scraped samples of every target, and the queries that engines ask of them.

import { assert, unreachable } from "../kernel/assert.js";
import { minutes, type Micros } from "../kernel/units.js";
import { NO_OBSERVATIONS, NO_SERIES, TOO_FEW_SAMPLES } from "./absent.js";
import { Across, addOverTime, type GaugeQuery } from "./across.js";
import { Plans } from "./plan.js";
import { histogramQuantile } from "./quantile.js";
import type { Answer, TelemetryQuery } from "./query.js";
import { RangeIncrease } from "./rate.js";
import type { TargetSchema } from "./schema.js";
import { Sums } from "./sums.js";
import { Target, type TargetOptions } from "./target.js";

export { Target, type TargetOptions } from "./target.js";

/** How far an instant query looks back for the newest sample (Prometheus' default). */
export const LOOKBACK: Micros = minutes(5);

/** How long samples are kept when nobody asks for more: a window of 10 minutes and the lookback. */
export const RETENTION: Micros = minutes(15);

export interface SeriesStoreOptions {
  /** 1, plus one per release. */
  readonly lanes: number;
  readonly lookback?: Micros;
  /** Samples are kept at least this long; `retain` can lengthen it until the first scrape. */
  readonly retention?: Micros;
  /** The scrape interval. */
  readonly scrape: Micros;
}

type RangeQuery = Extract<TelemetryQuery, { fn: "rate" | "increase" }>;
type QuantileQuery = Extract<TelemetryQuery, { fn: "quantile" }>;

/**
 * Prometheus 3's semantics: ranges and the lookback are left-open (t - window, t]; stale markers end a series at once
 * for instant queries and are skipped in ranges; what was scraped but has not arrived yet (lag) is not there.
 */
export class SeriesStore {
  readonly lanes: number;
  readonly lookback: Micros;
  readonly scrape: Micros;
  readonly #room = { rows: 0 };
  #retention: Micros = 0;
  #targets: Target[] = [];
  readonly #ids = new Set<string>();
  readonly #plans = new Plans();
  readonly #increase: RangeIncrease;
  readonly #sum = new Sums(1);
  readonly #across = new Across();

  constructor(options: SeriesStoreOptions) {
    assert(options.lanes >= 1 && options.scrape > 0, "a store has a lane and an interval");
    this.lanes = options.lanes;
    this.lookback = options.lookback ?? LOOKBACK;
    this.scrape = options.scrape;
    this.#increase = new RangeIncrease(options.scrape);
    this.retain(Math.max(options.retention ?? RETENTION, this.lookback));
  }

  get retention(): Micros {
    return this.#retention;
  }

  /** Keeps samples for at least this long: the farthest that a query reaches back, its offset included. */
  retain(atLeast: Micros): void {
    if (atLeast <= this.#retention) return;
    assert(this.#targets.every((target) => target.rows === 0), "retention is set before the first scrape");
    this.#retention = atLeast;
    // One row more for each end of the range, and one for the stale marker.
    this.#room.rows = Math.ceil(atLeast / this.scrape) + 3;
  }

  get targets(): readonly Target[] {
    return this.#targets;
  }

  addTarget<Schema extends TargetSchema>(options: TargetOptions<Schema>): Target<Schema> {
    assert(!this.#ids.has(options.id), `target ${options.id} is added once`);
    const target = new Target(options, this.lanes, this.#room);
    this.#ids.add(options.id);
    this.#targets.push(target);
    return target;
  }

  /** Forgets targets that went away longer than the retention ago. */
  prune(now: Micros): void {
    const kept = this.#targets.filter((target) => target.removedAt + this.#retention > now);
    if (kept.length === this.#targets.length) return;
    this.#targets = kept;
    this.#ids.clear();
    for (const target of kept) this.#ids.add(target.id);
    this.#plans.clear();
  }

  /** Answers as of `at`: from samples that were visible then, about the range that ends `offset` before. */
  query(query: TelemetryQuery, at: Micros, lane = 0): Answer {
    assert(lane >= 0 && lane < this.lanes, "a query is of one of the store's lanes");
    switch (query.fn) {
      case "rate":
      case "increase":
        return this.#sumOfIncreases(query, at, lane);
      case "quantile":
        return this.#quantile(query, at, lane);
      case "latest":
        return this.#latest(query, at, lane);
      case "avg-over-time":
      case "max-over-time":
      case "min-over-time":
        return this.#overTime(query, at, lane);
      default:
        return unreachable(query);
    }
  }

  #sumOfIncreases(query: RangeQuery, at: Micros, lane: number): Answer {
    const end = at - (query.offset ?? 0);
    const start = end - query.window;
    const one = this.#increase;
    one.begin(start, end, at, query.fn === "rate");
    const sum = this.#sum;
    sum.clear();
    let series = 0;
    let samples = 0;
    let newest = -Infinity;
    let seen = false;
    for (const entry of this.#plans.of(query, this.#targets).entries) {
      const target = entry.target;
      const last = target.lastRow(start, end, at);
      if (last < 0) continue;
      one.open(target, lane, target.firstRowAfter(start), last);
      for (const column of entry.columns) {
        one.read(column);
        if (one.samples > 0) seen = true;
        if (one.samples < 2) continue;
        sum.add(0, one.value);
        series += 1;
        samples += one.samples;
        if (one.newest > newest) newest = one.newest;
      }
    }
    if (series === 0) return seen ? TOO_FEW_SAMPLES : NO_SERIES;
    return { kind: "value", value: sum.total(0), series, samples, newest };
  }

  #quantile(query: QuantileQuery, at: Micros, lane: number): Answer {
    const end = at - (query.offset ?? 0);
    const start = end - query.window;
    const plan = this.#plans.of(query, this.#targets);
    const { sums, counts } = plan;
    const one = this.#increase;
    one.begin(start, end, at, true);
    sums.clear();
    let series = 0;
    let samples = 0;
    let newest = -Infinity;
    let seen = false;
    for (const entry of plan.entries) {
      const target = entry.target;
      const slots = entry.slots;
      const last = target.lastRow(start, end, at);
      if (last < 0) continue;
      one.open(target, lane, target.firstRowAfter(start), last);
      for (const firstBucket of entry.columns) {
        for (let bucket = 0; bucket < slots.length; bucket += 1) {
          one.read(firstBucket + bucket);
          if (one.samples > 0) seen = true;
          if (one.samples < 2) continue;
          sums.add(slots[bucket], one.value);
          series += 1;
          samples += one.samples;
          if (one.newest > newest) newest = one.newest;
        }
      }
    }
    if (series === 0) return seen ? TOO_FEW_SAMPLES : NO_SERIES;
    for (let i = 0; i < counts.length; i += 1) counts[i] = sums.total(i);
    const value = histogramQuantile(query.q, plan.edges, counts);
    if (value !== value) return NO_OBSERVATIONS;
    return { kind: "value", value, series, samples, newest };
  }

  #latest(query: GaugeQuery, at: Micros, lane: number): Answer {
    const end = at - (query.offset ?? 0);
    const start = end - this.lookback;
    const across = this.#across;
    across.begin(query.across);
    for (const entry of this.#plans.of(query, this.#targets).entries) {
      const row = entry.target.lastRow(start, end, at);
      if (row < 0) continue;
      const time = entry.target.timeOf(row);
      for (const column of entry.columns) {
        const value = entry.target.value(row, lane, column);
        if (value === value) across.add(value, 1, time);
      }
    }
    return across.answer();
  }

  #overTime(query: GaugeQuery, at: Micros, lane: number): Answer {
    const end = at - (query.offset ?? 0);
    const start = end - query.window;
    const across = this.#across;
    across.begin(query.across);
    for (const entry of this.#plans.of(query, this.#targets).entries) {
      const last = entry.target.lastRow(start, end, at);
      if (last < 0) continue;
      const first = entry.target.firstRowAfter(start);
      for (const column of entry.columns) {
        addOverTime(across, query.fn, entry.target, lane, column, first, last);
      }
    }
    return across.answer();
  }
}
