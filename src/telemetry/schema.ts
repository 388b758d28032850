// What one scrape target exposes: which series, in which column, and which of them appear together.

import { assert } from "../kernel/assert.js";
import type { CounterName, GaugeName } from "./catalogue.js";
import type { Selector, TelemetryQuery } from "./query.js";

/** Labels of a target; the schema's own labels come on top (a platform target speaks for a service). */
export interface TargetLabels {
  readonly service?: string;
  readonly version?: string;
  readonly replica?: string;
  readonly database?: string;
}

/** Whether a labelled series is exposed from the start (with 0) or from its first event. */
export type SeriesInit = "lazy" | "zero";

/** Bucket columns of one histogram series; `_sum` follows the +Inf bucket, and `_count` is the +Inf bucket. */
export interface HistogramColumns {
  readonly endpoint: string;
  readonly firstBucket: number;
  readonly lastBucket: number;
  readonly sum: number;
}

/** A series of one column: a counter, or a gauge. */
export interface ScalarSeries {
  readonly metric: CounterName | GaugeName;
  readonly column: number;
  readonly endpoint?: string;
  readonly code?: "2xx" | "5xx";
}

/** Column 0 of every target is `up`, which the scraper writes. */
export const UP_COLUMN = 0;

const NO_COLUMNS = new Int32Array(0);

/**
 * The series of a kind of target and their columns. Live values count buckets apart from each other; a scrape
 * cumulates them, as the exposition format wants.
 */
export class TargetSchema {
  readonly labels: TargetLabels;
  /** Whether `up` carries the target's labels; that of a platform target does not, it is another job's. */
  readonly upLabelled: boolean;
  readonly init: SeriesInit;
  readonly edgesSeconds: Float64Array;
  readonly histograms: readonly HistogramColumns[];
  /** First and last column (inclusive) of each group of counters that appears with its first event, flat. */
  readonly groups: Int32Array;
  /** Columns of a row. */
  readonly size: number;
  /** Counters (buckets and sums among them) lie side by side, these two included. */
  readonly firstCounter: number;
  readonly lastCounter: number;
  /** Every series but the histograms'. */
  readonly scalars: readonly ScalarSeries[];

  constructor(parts: SchemaParts) {
    this.labels = parts.labels;
    this.upLabelled = parts.upLabelled;
    this.init = parts.init;
    this.edgesSeconds = Float64Array.from(parts.edgesSeconds);
    this.histograms = parts.histograms;
    this.groups = Int32Array.from(parts.groups);
    this.size = parts.size;
    this.firstCounter = parts.firstCounter;
    this.lastCounter = parts.lastCounter;
    this.scalars = parts.scalars;
  }

  /** The columns that a query touches by metric, endpoint and code; for a quantile the first bucket of each histogram. */
  columns(query: TelemetryQuery): Int32Array {
    const where = query.where;
    switch (query.metric) {
      case "http_request_duration_seconds":
        return this.#histogramColumns(where, (histogram) => histogram.firstBucket);
      case "http_request_duration_seconds_count":
        return this.#histogramColumns(where, (histogram) => histogram.lastBucket);
      case "http_request_duration_seconds_sum":
        return this.#histogramColumns(where, (histogram) => histogram.sum);
      case "http_request_duration_seconds_bucket": {
        const bucket = firstAtLeast(this.edgesSeconds, query.le);
        return this.#histogramColumns(where, (histogram) => histogram.firstBucket + bucket);
      }
      default: {
        const found = this.scalars.filter(
          (series) =>
            series.metric === query.metric &&
            endpointMatches(where, series.endpoint) &&
            (where.code === undefined || where.code === series.code),
        );
        return found.length === 0 ? NO_COLUMNS : Int32Array.from(found, (series) => series.column);
      }
    }
  }

  #histogramColumns(where: Selector, column: (histogram: HistogramColumns) => number): Int32Array {
    if (where.code !== undefined) return NO_COLUMNS;
    return Int32Array.from(this.histograms.filter((one) => endpointMatches(where, one.endpoint)), column);
  }
}

/** The first edge that is not below `value`; one past the last when all are. */
function firstAtLeast(edges: Float64Array, value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle] >= value) high = middle;
    else low = middle + 1;
  }
  return low;
}

function endpointMatches(where: Selector, endpoint: string | undefined): boolean {
  if (where.endpoints === undefined) return true;
  return endpoint !== undefined && where.endpoints.includes(endpoint);
}

/** What a schema is made of; a live adapter makes one from the series that it finds. */
export interface SchemaParts {
  readonly labels: TargetLabels;
  readonly upLabelled: boolean;
  readonly init: SeriesInit;
  readonly edgesSeconds: readonly number[];
  readonly scalars: readonly ScalarSeries[];
  readonly histograms: readonly HistogramColumns[];
  readonly groups: readonly number[];
  readonly size: number;
  readonly firstCounter: number;
  readonly lastCounter: number;
}

export interface ServiceSchemaOptions {
  readonly service: string;
  readonly version: string;
  readonly endpoints: readonly string[];
  /** Bucket edges in seconds, ascending, without +Inf. */
  readonly edgesSeconds: readonly number[];
  readonly init: SeriesInit;
}

// Columns before the first endpoint: up, then the gauges.
const SERVICE_GAUGES = ["cpu_usage_ratio", "memory_usage_ratio", "http_requests_in_flight", "http_queue_length"] as const;
const FIRST_ENDPOINT = 1 + SERVICE_GAUGES.length;
// Columns of an endpoint before its buckets: 2xx, 5xx, conversions, order value.
const ENDPOINT_SCALARS = 4;

/** A replica of a service (or a version as a whole), with index helpers for hot writes into `Target.live`. */
export class ServiceSchema extends TargetSchema {
  readonly endpoints: readonly string[];
  /** Buckets per histogram, the +Inf bucket included. */
  readonly buckets: number;
  readonly cpuIndex = 1;
  readonly memoryIndex = 2;
  readonly inFlightIndex = 3;
  readonly queueIndex = 4;
  readonly #stride: number;

  constructor(options: ServiceSchemaOptions) {
    const edges = options.edgesSeconds;
    assert(edges.length > 0 && edges.every((edge, i) => i === 0 || edge > edges[i - 1]), "bucket edges ascend");
    const buckets = edges.length + 1;
    const stride = ENDPOINT_SCALARS + buckets + 1;
    super({
      labels: { service: options.service, version: options.version },
      upLabelled: true,
      init: options.init,
      edgesSeconds: edges,
      size: FIRST_ENDPOINT + stride * options.endpoints.length,
      firstCounter: FIRST_ENDPOINT,
      lastCounter: FIRST_ENDPOINT + stride * options.endpoints.length - 1,
      ...endpointParts(options.endpoints, buckets, stride),
    });
    this.endpoints = options.endpoints;
    this.buckets = buckets;
    this.#stride = stride;
  }

  /** http_requests_total of an endpoint; code 0 is 2xx, 1 is 5xx. */
  requestsIndex(endpoint: number, code: 0 | 1): number {
    return FIRST_ENDPOINT + endpoint * this.#stride + code;
  }

  conversionsIndex(endpoint: number): number {
    return FIRST_ENDPOINT + endpoint * this.#stride + 2;
  }

  orderValueIndex(endpoint: number): number {
    return FIRST_ENDPOINT + endpoint * this.#stride + 3;
  }

  /** One bucket of the duration histogram, live values not cumulated; the last one is +Inf. */
  bucketIndex(endpoint: number, bucket: number): number {
    return FIRST_ENDPOINT + endpoint * this.#stride + ENDPOINT_SCALARS + bucket;
  }

  /** Sum of the durations, in seconds. */
  sumIndex(endpoint: number): number {
    return FIRST_ENDPOINT + endpoint * this.#stride + ENDPOINT_SCALARS + this.buckets;
  }

  /** The bucket that a duration falls into: the first whose edge is not below it (`le` includes its edge). */
  bucketOf(seconds: number): number {
    return firstAtLeast(this.edgesSeconds, seconds);
  }
}

function endpointParts(
  endpoints: readonly string[],
  buckets: number,
  stride: number,
): Pick<SchemaParts, "scalars" | "histograms" | "groups"> {
  const scalars: ScalarSeries[] = [{ metric: "up", column: UP_COLUMN }];
  const histograms: HistogramColumns[] = [];
  const groups: number[] = [];
  SERVICE_GAUGES.forEach((metric, i) => scalars.push({ metric, column: 1 + i }));
  endpoints.forEach((endpoint, i) => {
    const first = FIRST_ENDPOINT + i * stride;
    scalars.push(
      { metric: "http_requests_total", endpoint, code: "2xx", column: first },
      { metric: "http_requests_total", endpoint, code: "5xx", column: first + 1 },
      { metric: "conversions_total", endpoint, column: first + 2 },
      { metric: "order_value_euro_total", endpoint, column: first + 3 },
    );
    // The first order brings both of its series; each status class comes by itself.
    groups.push(first, first, first + 1, first + 1, first + 2, first + 3);
    const firstBucket = first + ENDPOINT_SCALARS;
    const lastBucket = firstBucket + buckets - 1;
    histograms.push({ endpoint, firstBucket, lastBucket, sum: lastBucket + 1 });
  });
  return { scalars, histograms, groups };
}

/** A service's replica, or a version as one target. */
export function serviceSchema(options: ServiceSchemaOptions): ServiceSchema {
  return new ServiceSchema(options);
}

/** A target without endpoints: its series have no lazy label, so they are exposed from the start. */
function scalarParts(
  labels: TargetLabels,
  upLabelled: boolean,
  counters: readonly CounterName[],
  gauges: readonly GaugeName[],
): SchemaParts {
  const named = ["up" as const, ...counters, ...gauges];
  return {
    labels,
    upLabelled,
    init: "zero",
    edgesSeconds: [],
    scalars: named.map((metric, column) => ({ metric, column })),
    histograms: [],
    groups: counters.length === 0 ? [] : [1, counters.length],
    size: named.length,
    firstCounter: 1,
    lastCounter: counters.length,
  };
}

/** What the platform itself knows of a version (as kube-state-metrics does); replicas' restarts do not reset it. */
export class PlatformSchema extends TargetSchema {
  readonly restartsIndex = 1;
  readonly startupFailuresIndex = 2;
  readonly readyIndex = 3;
  readonly desiredIndex = 4;

  constructor(labels: { readonly service: string; readonly version: string }) {
    super(
      scalarParts(
        labels,
        false,
        ["container_restarts_total", "startup_failures_total"],
        ["replicas_ready", "replicas_desired"],
      ),
    );
  }
}

/** A database's exporter. */
export class DatabaseSchema extends TargetSchema {
  readonly queriesIndex = 1;
  readonly poolTimeoutsIndex = 2;
  readonly queryTimeoutsIndex = 3;
  readonly poolInUseIndex = 4;
  readonly poolWaitingIndex = 5;

  constructor(labels: { readonly database: string }) {
    super(
      scalarParts(
        labels,
        true,
        ["db_queries_total", "db_pool_timeouts_total", "db_query_timeouts_total"],
        ["db_pool_in_use_ratio", "db_pool_waiting"],
      ),
    );
  }
}

/** The flag service's health. */
export class FlagServiceSchema extends TargetSchema {
  readonly upIndex = 1;

  constructor() {
    super(scalarParts({}, true, [], ["flag_service_up"]));
  }
}

export const platformSchema = (labels: { readonly service: string; readonly version: string }): PlatformSchema =>
  new PlatformSchema(labels);
export const databaseSchema = (labels: { readonly database: string }): DatabaseSchema => new DatabaseSchema(labels);
export const flagServiceSchema = (): FlagServiceSchema => new FlagServiceSchema();
