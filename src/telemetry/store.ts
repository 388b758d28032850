// The simulated Prometheus: scraped samples of every target, and the queries that engines ask of them.

import { assert, unreachable } from "../kernel/assert.js";
import { minutes, type Micros } from "../kernel/units.js";
import { histogramQuantile } from "./quantile.js";
import type { Answer, Selector, TelemetryQuery } from "./query.js";
import { RangeIncrease } from "./rate.js";
import type { TargetLabels, TargetSchema } from "./schema.js";
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

/** Which columns of a target a query touches. For a quantile, `slots` says where each of its buckets is summed. */
interface PlanEntry {
  readonly target: Target;
  readonly columns: Int32Array;
  readonly slots: Int32Array;
}

interface Plan {
  /** The store's generation that the plan was made for. */
  readonly generation: number;
  readonly entries: readonly PlanEntry[];
  /** Of a quantile: all edges, and room for the summed buckets with their compensation. */
  readonly edges: Float64Array;
  readonly counts: Float64Array;
  readonly compensation: Float64Array;
}

type RangeQuery = Extract<TelemetryQuery, { fn: "rate" | "increase" }>;
type QuantileQuery = Extract<TelemetryQuery, { fn: "quantile" }>;
type GaugeQuery = Exclude<TelemetryQuery, RangeQuery | QuantileQuery>;

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
  #generation = 0;
  readonly #plans = new WeakMap<TelemetryQuery, Plan>();
  readonly #increase = new RangeIncrease();

  constructor(options: SeriesStoreOptions) {
    assert(options.lanes >= 1 && options.scrape > 0, "a store has a lane and an interval");
    this.lanes = options.lanes;
    this.lookback = options.lookback ?? LOOKBACK;
    this.scrape = options.scrape;
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
    this.#generation += 1;
    return target;
  }

  /** Forgets targets that went away longer than the retention ago. */
  prune(now: Micros): void {
    const kept = this.#targets.filter((target) => target.removedAt + this.#retention > now);
    if (kept.length === this.#targets.length) return;
    this.#targets = kept;
    this.#ids.clear();
    for (const target of kept) this.#ids.add(target.id);
    this.#generation += 1;
  }

  /** Answers as of `at`: from samples that were visible then, about the range that ends `offset` before. */
  query(query: TelemetryQuery, at: Micros, lane = 0): Answer {
    assert(lane >= 0 && lane < this.lanes, `lane ${lane} is one of ${this.lanes}`);
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
    one.begin(start, end, query.fn === "rate");
    let sum = 0;
    let compensation = 0;
    let series = 0;
    let samples = 0;
    let newest = -Infinity;
    let seen = false;
    for (const entry of this.#plan(query).entries) {
      const target = entry.target;
      const last = target.lastRow(start, end, at);
      if (last < 0) continue;
      one.open(target, lane, target.firstRowAfter(start), last);
      for (const column of entry.columns) {
        one.read(column);
        if (one.samples > 0) seen = true;
        if (one.samples < 2) continue;
        const value = one.value;
        const next = sum + value;
        compensation += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
        sum = next;
        series += 1;
        samples += one.samples;
        if (one.newest > newest) newest = one.newest;
      }
    }
    if (series === 0) return seen ? TOO_FEW_SAMPLES : NO_SERIES;
    return { kind: "value", value: sum + compensation, series, samples, newest };
  }

  #quantile(query: QuantileQuery, at: Micros, lane: number): Answer {
    const end = at - (query.offset ?? 0);
    const start = end - query.window;
    const plan = this.#plan(query);
    const { counts, compensation } = plan;
    const one = this.#increase;
    one.begin(start, end, true);
    counts.fill(0);
    compensation.fill(0);
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
          addCompensated(counts, compensation, slots[bucket], one.value);
          series += 1;
          samples += one.samples;
          if (one.newest > newest) newest = one.newest;
        }
      }
    }
    if (series === 0) return seen ? TOO_FEW_SAMPLES : NO_SERIES;
    for (let i = 0; i < counts.length; i += 1) counts[i] += compensation[i];
    const value = histogramQuantile(query.q, plan.edges, counts);
    if (value !== value) return NO_OBSERVATIONS;
    return { kind: "value", value, series, samples, newest };
  }

  #latest(query: GaugeQuery, at: Micros, lane: number): Answer {
    const end = at - (query.offset ?? 0);
    const across = new Across(query.across);
    for (const entry of this.#plan(query).entries) {
      const row = entry.target.lastRow(start, end, at);
      if (row < 0) continue;
      const time = entry.target.timeOf(row);
      if (time <= end - this.lookback) continue;
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
    const across = new Across(query.across);
    for (const entry of this.#plan(query).entries) {
      const last = entry.target.lastRow(start, end, at);
      if (last < 0) continue;
      const first = entry.target.firstRowAfter(start);
      for (const column of entry.columns) {
        addOverTime(across, query.fn, entry.target, lane, column, first, last);
      }
    }
    return across.answer();
  }

  #plan(query: TelemetryQuery): Plan {
    let plan = this.#plans.get(query);
    if (plan === undefined || plan.generation !== this.#generation) {
      plan = makePlan(query, this.#targets, this.#generation);
      this.#plans.set(query, plan);
    }
    return plan;
  }
}

const NO_SERIES: Answer = { kind: "absent", why: "no series" };
const TOO_FEW_SAMPLES: Answer = { kind: "absent", why: "too few samples" };
const NO_OBSERVATIONS: Answer = { kind: "absent", why: "no observations" };

/** Adds to `sums[i]` and keeps what rounding lost (Kahan and Neumaier), as Prometheus' sum does. */
function addCompensated(sums: Float64Array, compensation: Float64Array, i: number, value: number): void {
  const sum = sums[i];
  const next = sum + value;
  compensation[i] += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
  sums[i] = next;
}

function addOverTime(
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
class Across {
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

function makePlan(query: TelemetryQuery, targets: readonly Target[], generation: number): Plan {
  const matched = targets
    .filter((target) => labelsMatch(query.where, labelsOf(target, query)))
    .map((target) => ({ target, columns: target.schema.columns(query) }))
    .filter((entry) => entry.columns.length > 0);
  const edges =
    query.fn === "quantile"
      ? Float64Array.from([...new Set(matched.flatMap((entry) => [...entry.target.schema.edgesSeconds]))]).sort()
      : new Float64Array(0);
  return {
    generation,
    edges,
    counts: new Float64Array(edges.length + 1),
    compensation: new Float64Array(edges.length + 1),
    entries: matched.map((entry) => ({ ...entry, slots: slotsOf(entry.target.schema, edges) })),
  };
}

/** For each bucket of a schema its place among all edges; the +Inf bucket comes last. */
function slotsOf(schema: TargetSchema, edges: Float64Array): Int32Array {
  const slots = Int32Array.from(schema.edgesSeconds, (edge) => edges.indexOf(edge));
  return Int32Array.from([...slots, edges.length]);
}

/** The labels of the series that a query looks for on a target. */
function labelsOf(target: Target, query: TelemetryQuery): TargetLabels {
  if (query.metric !== "up") return { ...target.schema.labels, ...target.labels };
  return target.schema.upLabelled ? { ...target.schema.labels, ...target.labels } : {};
}

function labelsMatch(where: Selector, labels: TargetLabels): boolean {
  return (
    (where.service === undefined || where.service === labels.service) &&
    (where.version === undefined || where.version === labels.version) &&
    (where.replica === undefined || where.replica === labels.replica) &&
    (where.database === undefined || where.database === labels.database)
  );
}
