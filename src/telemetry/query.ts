// A telemetry question and its answer, as data: no query text, so that one check serves both worlds.

import type { Micros, Ratio } from "../kernel/units.js";
import type { CounterName, GaugeName, HistogramName, StatusCode } from "./catalogue.js";

/** Which series a query sums over; a label left out matches every value. */
export interface Selector {
  readonly service?: string;
  readonly version?: string;
  /** Only these endpoints; left out means all of them. */
  readonly endpoints?: readonly string[];
  readonly code?: StatusCode;
  readonly replica?: string;
  readonly database?: string;
}

interface Asked {
  readonly where: Selector;
  /** The range: (end - window, end], left-open as in Prometheus 3. */
  readonly window: Micros;
  /** The range ends this long before the query time (PromQL `offset`); 0 when left out. */
  readonly offset?: Micros;
}

/** One question. `rate` and `increase` are PromQL's: per series, extrapolated, then summed. */
export type TelemetryQuery =
  | (Asked & { readonly fn: "rate" | "increase"; readonly metric: CounterName })
  | (Asked & {
      readonly fn: "increase" | "rate";
      readonly metric: "http_request_duration_seconds_count" | "http_request_duration_seconds_sum";
    })
  | (Asked & {
      /** Requests at most `le` seconds long; `le` stands for the smallest bucket edge at or above it. */
      readonly fn: "increase" | "rate";
      readonly metric: "http_request_duration_seconds_bucket";
      readonly le: number;
    })
  | (Asked & { readonly fn: "quantile"; readonly metric: HistogramName; readonly q: Ratio })
  | (Asked & {
      /** Over time within the window (`latest`: instant vector with lookback), then across series. */
      readonly fn: "latest" | "avg-over-time" | "max-over-time" | "min-over-time";
      readonly metric: GaugeName;
      readonly across: "sum" | "avg" | "max" | "min";
    });

/** A number, or its absence with the reason (never NaN, never an invented zero). */
export type Answer =
  | {
      readonly kind: "value";
      readonly value: number;
      /** Series that had enough samples to take part. */
      readonly series: number;
      /** Scraped samples that entered the value. */
      readonly samples: number;
      /** Time of the newest sample used. */
      readonly newest: Micros;
    }
  | { readonly kind: "absent"; readonly why: "no series" | "too few samples" | "no observations" };

/** Answers in the order of the queries, stamped with the time they were asked for. */
export interface WindowSnapshot {
  readonly at: Micros;
  readonly queries: readonly TelemetryQuery[];
  readonly answers: readonly Answer[];
}

/** The Telemetry port. `deliver` is called later, once: at once in tests, after the modelled delay in simulation. */
export interface Telemetry {
  ask(queries: readonly TelemetryQuery[], deliver: (snapshot: WindowSnapshot) => void): void;
}
