// What a health check says: the observed value against its threshold, with the sample it rests on.

import type { Micros, Ratio } from "../kernel/units.js";

/** What a check looks at. Quantiles and error rate are of the release's service; `endpoint` may narrow them. */
export type CheckMetric =
  | "error-rate"
  | "p50"
  | "p95"
  | "p99"
  | "throughput" // canary's share of requests over its set weight
  | "conversion"
  | "cpu"
  | "memory"
  | "restarts" // per minute
  | "pool" // database pool in use
  | "query-timeouts"
  | "startup-failures" // replicas that failed to start, per window
  | "flag-service"; // share of the window in which flag changes were not delivered

/** How a check compares. A gate states what is healthy (`below`, `within`); a trigger what is not. `at-least` is both roles' for what should be high. */
export type Comparison =
  | { readonly kind: "below"; readonly value: number } // healthy when observed < value
  | { readonly kind: "above"; readonly value: number } // breach when observed > value
  | { readonly kind: "at-least"; readonly value: number } // breach when observed < value
  | { readonly kind: "times-baseline"; readonly factor: number } // breach when observed > factor x baseline
  | { readonly kind: "within"; readonly ratio: Ratio } // healthy when |observed / expected - 1| <= ratio
  | { readonly kind: "drops"; readonly ratio: Ratio }; // breach when observed < (1 - ratio) x baseline

/** Against what a relative comparison holds: stable in the same window, or the same version's past. */
export type BaselineKind = "stable" | "past";

/** m of the last n evaluations must breach before a trigger fires. */
export interface Persistence {
  readonly need: number;
  readonly of: number;
}

/** Why a trigger may act without the decision matrix (SYSTEMS.md section 5, "full rollback required"). */
export type HardReason = "infrastructure" | "security" | "startup";

/** One check as data. Latency limits are in seconds, `restarts` and `query-timeouts` per minute, the rest ratios or counts. */
export interface CheckSpec {
  /** Unique within a strategy, e.g. `trigger error-rate above 1%`. */
  readonly id: string;
  readonly role: "gate" | "trigger";
  readonly metric: CheckMetric;
  readonly endpoint?: string;
  readonly compare: Comparison;
  readonly baseline?: BaselineKind;
  readonly persistence: Persistence;
  /** The check's own window (rare events need a longer one); left out: the strategy's. */
  readonly window?: Micros;
  readonly hard?: HardReason;
  /** A gate that must have data before a promotion; triggers are never required. */
  readonly required: boolean;
}

/** pass and breach are judgements; thin: fewer than min-requests or window not full; missing: no data. */
export type CheckStatus = "pass" | "breach" | "thin" | "missing";

/** Between these a value is healthy. */
export interface Band {
  readonly low: number;
  readonly high: number;
}

export interface CheckResult {
  readonly check: string;
  readonly role: "gate" | "trigger";
  readonly metric: CheckMetric;
  /** The series in words, e.g. `error rate of checkout v2`. */
  readonly series: string;
  readonly status: CheckStatus;
  readonly observed: number | null;
  /** The limit that observed was held against (already multiplied by the baseline where relative). */
  readonly threshold: number | null;
  readonly baseline: number | null;
  /** Both edges of a `within` limit, with what it allows for chance; `threshold` is the nearer one before chance. */
  readonly band?: Band | undefined;
  /** Requests of the judged version in the window. */
  readonly sampleSize: number;
  readonly baselineSampleSize: number;
  readonly window: { readonly from: Micros; readonly to: Micros };
  /** Breaches among the last `of` evaluations, this one included. */
  readonly breaches: number;
  readonly persistence: Persistence;
  /** A trigger whose persistence is met. */
  readonly fired: boolean;
  /** One plain sentence: what was seen, against what, on how much. */
  readonly reason: string;
}
