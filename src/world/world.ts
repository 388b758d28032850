// What a simulated world offers to the run that drives it; both fidelities have this one face.

import type { Digest } from "../kernel/digest.js";
import type { Micros, Ratio } from "../kernel/units.js";
import type { SeriesStore } from "../telemetry/store.js";
import type { Effect } from "./effect.js";
import type { Ledger } from "./ledger.js";
import type { WorldSpec } from "./spec.js";

export type Fidelity = "request" | "cohort";

/** A version that some release of the script brings; it has no replicas until it is deployed. */
export interface VersionSpec {
  readonly service: string;
  readonly version: string;
  /** The flag that the version carries; on from its deploy. */
  readonly flag: string | null;
}

export interface WorldInput {
  readonly spec: WorldSpec;
  readonly effects: readonly Effect[];
  readonly versions: readonly VersionSpec[];
  readonly seed: number;
  /** End of the run, for traces and schedules. */
  readonly horizon: Micros;
  /** Latency in seconds past which a request is slow in truth (the tightest latency objective's edge); null: none. */
  readonly slowAfterSeconds: number | null;
  /** Expected values instead of draws (cohort only): the twins of the truth. */
  readonly noiseFree: boolean;
  /** `full` keeps fine latency histograms in the ledger; `light` skips them where that is cheaper. */
  readonly detail: "full" | "light";
}

/** Something that happened in the world, for the timeline. */
export interface WorldEvent {
  readonly at: Micros;
  readonly kind:
    | "replica-started" | "replica-ready" | "replica-stopped" | "replica-killed" | "out-of-memory" | "startup-failed"
    | "autoscaled" | "breaker-opened" | "breaker-closed" | "effect-started" | "effect-ended" | "flag-changed" | "split-changed"
    | "telemetry-lost" | "telemetry-back";
  readonly service: string | null;
  readonly version: string | null;
  readonly text: string;
}

export interface VersionStatus {
  readonly version: string;
  readonly desired: number;
  readonly starting: number;
  /** Ready and admitted by the balancer's health check. */
  readonly ready: number;
  readonly draining: number;
  /** The balancer's current share. */
  readonly weight: Ratio;
}

/** Number inside integrated over time, arrivals, and the times in it. */
export interface LittlesLaw {
  readonly inFlightSeconds: number;
  readonly arrivals: number;
  readonly latencySeconds: number;
  /** Where times are drawn: the sum of their expected squares, which is the variance of the sum of Poisson many. */
  readonly squareSeconds?: number;
}

export interface World {
  readonly fidelity: Fidelity;
  readonly modelVersion: string;
  /** Names of what this fidelity approximates, for the outcome. */
  readonly approximations: readonly string[];
  /** What the scraper recorded; lane 0 is what engines see, lane 1 + r leaves out release r's effects. */
  readonly telemetry: SeriesStore;
  readonly ledger: Ledger;
  readonly events: readonly WorldEvent[];
  readonly digest: Digest;

  now(): Micros;
  /** Plays everything up to and including `at`: requests first, then the scrapes due. */
  advanceTo(at: Micros): void;
  /** Brings the ledger's cumulative figures up to now (cohort accrues them lazily). */
  settle(): void;

  status(service: string): readonly VersionStatus[];
  /** Sets how many replicas of a version there should be; they start or drain from now on. */
  scale(service: string, version: string, replicas: number): void;
  /** New shares by version, effective after the split's propagation. Shares sum to 1. */
  setWeights(service: string, weights: Readonly<Record<string, Ratio>>): void;
  /** Switches a flag; each replica sees it after its own propagation. Returns false when the flag service is down. */
  setFlag(flag: string, on: boolean): boolean;
  flagOn(flag: string): boolean;
  /** Requests still running on a version that has no weight: the drain is over when 0. */
  inFlight(service: string, version: string): number;

  /** Concurrency integral for Little's law: per service, sum of (time in service x requests), arrivals, and elapsed time. */
  littlesLaw(service: string): LittlesLaw;
  /** Hops walked so far (a visit of a request to a service or database); 0 in cohort. */
  hops(): number;
}
