// The simulated world as data: services, databases, users, traffic and telemetry, in the field's own terms.

import type { Bytes, Euro, Micros, Ratio, Rps } from "../kernel/units.js";

/** A service time: lognormal through its median and 95th percentile, or another shape by name. */
export type DurationSpec =
  | { readonly kind: "lognormal"; readonly p50: Micros; readonly p95: Micros }
  | { readonly kind: "exponential"; readonly mean: Micros }
  | { readonly kind: "constant"; readonly value: Micros }
  | { readonly kind: "gamma"; readonly mean: Micros; readonly shape: number }
  | { readonly kind: "uniform"; readonly from: Micros; readonly to: Micros };

/** Retries of a call: at most `max` per request, and all together at most `budget` x first tries (last 10 s). */
export interface RetrySpec {
  readonly max: number;
  readonly backoff: Micros;
  /** Retries allowed as a share of first tries; 1 means unlimited for max = 1. */
  readonly budget: Ratio;
}

/** Opens when at least `minRequests` in `window` failed at `failureRatio` or more; tries again after `openFor`. */
export interface BreakerSpec {
  readonly failureRatio: Ratio;
  readonly minRequests: number;
  readonly window: Micros;
  readonly openFor: Micros;
}

/** A call made after the endpoint's own work, one after the other, while the caller's slot is held. */
export interface CallSpec {
  readonly to:
    | { readonly kind: "endpoint"; readonly service: string; readonly endpoint: string }
    | { readonly kind: "database"; readonly database: string };
  /** Share of requests that make the call. */
  readonly share: Ratio;
  /** The caller gives up after this; the callee goes on working. */
  readonly timeout: Micros;
  readonly retries: RetrySpec;
  readonly breaker: BreakerSpec | null;
  /** A failed optional call does not fail the request. */
  readonly optional: boolean;
}

export interface EndpointSpec {
  readonly name: string;
  /** Share of the traffic that enters the service from outside; shares of a service sum to 1. */
  readonly share: Ratio;
  readonly time: DurationSpec;
  /** Base error rate of the endpoint's own work. */
  readonly errors: Ratio;
  readonly calls: readonly CallSpec[];
  /** Share of successful requests that convert, and what one is worth. */
  readonly conversion: Ratio;
  readonly orderValue: Euro;
}

export type BalancingPolicy = "round-robin" | "random" | "least-request" | "power-of-two";

export interface AutoscaleSpec {
  readonly min: number;
  readonly max: number;
  /** Average CPU of ready replicas that is aimed at. */
  readonly targetCpu: Ratio;
  readonly interval: Micros;
  /** Scale down only after the demand was lower for this long (Kubernetes: 5 min). */
  readonly downAfter: Micros;
}

/** A cache per replica: cold after a start, its hit ratio fills as hit x (1 - exp(-warm life / fill)). */
export interface CacheSpec {
  readonly hit: Ratio;
  readonly fill: Micros;
  /** Extra service time of a miss. */
  readonly miss: DurationSpec;
}

export interface ServiceSpec {
  readonly name: string;
  /** The stable version at the start. */
  readonly version: string;
  readonly replicas: number;
  readonly zones: number;
  /** Requests a replica works on at once. */
  readonly slots: number;
  /** Requests a replica lets wait; one more is refused with 503. */
  readonly queue: number;
  readonly endpoints: readonly EndpointSpec[];
  readonly balancing: BalancingPolicy;
  readonly healthCheck: { readonly interval: Micros; readonly healthyAfter: number; readonly unhealthyAfter: number };
  /** From start to ready (container pull, boot, readiness probe). */
  readonly startup: DurationSpec;
  /** A fresh replica's service time is `factor` times as long, falling linearly to 1 over `for`. */
  readonly warmUp: { readonly for: Micros; readonly factor: number };
  /** Liveness: an unresponsive replica is restarted after this. */
  readonly liveness: { readonly interval: Micros; readonly failures: number };
  /** CPU of a replica: idle + busy x (work in progress / slots), of its limit. Above 1, service slows by the excess. */
  readonly cpu: { readonly idle: Ratio; readonly busy: Ratio };
  readonly memory: { readonly base: Bytes; readonly limit: Bytes };
  readonly autoscale: AutoscaleSpec | null;
  readonly cache: CacheSpec | null;
}

export interface DatabaseSpec {
  readonly name: string;
  readonly time: DurationSpec;
  readonly errors: Ratio;
  /** Connections shared by all replicas that use it. */
  readonly pool: number;
  /** Longest wait for a connection; then the call fails as a pool timeout. */
  readonly wait: Micros;
}

/** How the rate moves: constant, a daily sine, or the rows of a recorded trace (linear between rows). */
export type RateShape =
  | { readonly kind: "constant" }
  | { readonly kind: "daily"; readonly low: Ratio; readonly peakAt: Micros; readonly startsAt: Micros }
  | { readonly kind: "trace"; readonly times: readonly Micros[]; readonly relative: readonly Ratio[] };

export interface BurstSpec {
  /** Mean time between bursts, and a burst's length and height. */
  readonly every: Micros;
  readonly lasts: Micros;
  readonly factor: number;
}

export interface TrafficSpec {
  readonly enters: string;
  /** The rate that relative = 1 stands for. */
  readonly rate: Rps;
  readonly shape: RateShape;
  readonly bursts: BurstSpec | null;
  /** `gamma`: the rate of each slot of `slot` is multiplied by a gamma draw of mean 1 and this coefficient of variation. */
  readonly spread: { readonly kind: "poisson" } | { readonly kind: "gamma"; readonly cv: Ratio; readonly slot: Micros };
}

export interface ClientSpec {
  /** A client gives up waiting after this (a 504 to us). */
  readonly timeout: Micros;
  /** Share of failed pages that are loaded again, after how long, and how often at most. */
  readonly reload: { readonly share: Ratio; readonly after: Micros; readonly max: number };
}

export interface TelemetrySpec {
  readonly scrape: Micros;
  /** A sample can be queried this long after its scrape. */
  readonly lag: Micros;
  /** Share of scrapes that are missed by chance. */
  readonly missed: Ratio;
  /** Whether a series exists from the start or from its first event. */
  readonly init: "lazy" | "zero";
  /** How far an instant query looks back for the newest sample; Prometheus' five minutes when left out. */
  readonly lookback?: Micros;
  /** Bucket edges in seconds, ascending, without +Inf. */
  readonly bucketEdgesSeconds: readonly number[];
}

export interface WorldSpec {
  readonly name: string;
  readonly users: number;
  readonly services: readonly ServiceSpec[];
  readonly databases: readonly DatabaseSpec[];
  readonly traffic: readonly TrafficSpec[];
  readonly clients: ClientSpec;
  readonly telemetry: TelemetrySpec;
  /** A flag change reaches each replica at a time of its own within this range. */
  readonly flags: { readonly propagation: { readonly min: Micros; readonly max: Micros } };
  /** A new split reaches the balancer after this. */
  readonly splitPropagation: Micros;
  /** A stopping replica finishes its requests for at most this long. */
  readonly drain: Micros;
}
