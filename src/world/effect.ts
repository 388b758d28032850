// The one grammar of everything that goes wrong: on what, of what kind, for whom, when, carried by what.

import type { Bytes, Micros, Ratio, Rps } from "../kernel/units.js";

export type EffectTarget =
  | { readonly on: "service"; readonly service: string; readonly version?: string; readonly endpoint?: string; readonly replica?: number; readonly zone?: number }
  | { readonly on: "zone"; readonly zone: number }
  | { readonly on: "database"; readonly database: string }
  /** Calls from one service to another (or to a database). */
  | { readonly on: "link"; readonly from: string; readonly to: string }
  | { readonly on: "telemetry"; readonly service?: string }
  | { readonly on: "flag-service" }
  | { readonly on: "platform"; readonly command?: string }
  | { readonly on: "traffic"; readonly enters?: string };

export type EffectKind =
  /** Extra share of requests that fail (service, endpoint, database, link). */
  | { readonly kind: "errors"; readonly ratio: Ratio }
  /** Service time x factor + add (service, endpoint, database; a link adds to the call). */
  | { readonly kind: "latency"; readonly factor: number; readonly add: Micros }
  /** Memory grows from the replica's start or the effect's, whichever is later; at the limit it is killed. */
  | { readonly kind: "memory-growth"; readonly bytesPerMinute: Bytes }
  /** CPU demand added to each targeted replica, of its limit. */
  | { readonly kind: "cpu"; readonly add: Ratio }
  /** Conversion x (1 - drop), without an error. */
  | { readonly kind: "conversion"; readonly drop: Ratio }
  /** Slots x (1 - loss), in whole slots, one at least; a loss of 1 is compiled to an outage. */
  | { readonly kind: "capacity"; readonly loss: Ratio }
  /** Connections taken out of the pool (database). */
  | { readonly kind: "pool"; readonly taken: number }
  /** Every query waits until the lock is released: one lock of `hold` at the effect's start. */
  | { readonly kind: "lock"; readonly hold: Micros }
  /** A ready replica crashes after `every` of life, and again after each restart. */
  | { readonly kind: "restart-loop"; readonly every: Micros }
  /** A starting replica never gets ready; it fails and tries again after `retryAfter`. */
  | { readonly kind: "startup-failure"; readonly share: Ratio; readonly retryAfter: Micros }
  /** One replica (or `count`) is killed at the effect's start (with a rate: when it is first met) and starts again. */
  | { readonly kind: "kill"; readonly count: number }
  /** Targeted replicas or calls do not answer at all for the effect's window. */
  | { readonly kind: "outage" }
  /** Caches of targeted replicas lose their content at the start of the effect. */
  | { readonly kind: "cache-cold" }
  | { readonly kind: "surge"; readonly factor: number }
  | { readonly kind: "drop-scrapes" }
  | { readonly kind: "lag"; readonly add: Micros }
  | { readonly kind: "flag-service-down" }
  /** The next `times` matching platform commands fail after `after`. */
  | { readonly kind: "action-fails"; readonly times: number; readonly after: Micros };

/** All conditions must hold. Times are absolute in the run. */
export interface EffectWhen {
  readonly from: Micros;
  readonly to: Micros;
  /** Only while the rate per ready replica of the target (smoothed over 10 s) is above this. */
  readonly rpsAbove: Rps | null;
  /** Only on replicas that have been ready for this long. */
  readonly afterWarmLife: Micros;
}

/** `version`: active on requests served by that version. `flag`: only where the flag is on, too. */
export type EffectCarrier =
  | { readonly with: "version"; readonly service: string; readonly version: string }
  | { readonly with: "flag"; readonly service: string; readonly version: string; readonly flag: string }
  | { readonly with: "script" };

export interface Effect {
  /** Readable and unique, e.g. `v2: errors +2% on checkout/create-order`. */
  readonly id: string;
  readonly target: EffectTarget;
  readonly what: EffectKind;
  /** Share of users it touches, chosen by a hash of (effect, user); 1 is everybody. */
  readonly users: Ratio;
  readonly when: EffectWhen;
  readonly carrier: EffectCarrier;
  /** Index of the release (in script order) whose defect this is; null for a fault. */
  readonly release: number | null;
}
