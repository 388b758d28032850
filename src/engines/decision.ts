// A decision with everything it rested on: what a report, a test or a person later asks "why?" about.

import type { Micros } from "../kernel/units.js";
import type { CheckResult } from "./evidence.js";

/** What a decision does. Steps of one plan run in order. */
export type DecidedAction =
  | "promote" // next step of the canary
  | "finish" // full exposure watched: mark stable
  | "hold"
  | "disable-flag"
  | "shift-traffic" // all traffic back to stable
  | "roll-back" // to the recorded stable version
  | "stay-dark" // flag off helped: stop the rollout, keep the flag off
  | "try-again" // the same command, which failed
  | "page"
  | "ask";

/** Which rule of DESIGN.md section 5 decided. */
export type DecisionRule =
  | "schedule" // bake time over and every gate passes
  | "gate"
  | "trigger"
  | "hard-trigger"
  | "thin-data"
  | "missing-data"
  | "flag-watch" // the watch after a flag switch
  | "action-failed"
  | "answer" // a person answered
  | "no-answer";

/** How the flag-or-full question was settled. */
export interface FlagEvidence {
  readonly flag: string;
  readonly endpoints: readonly string[];
  /** Excess errors over baseline, per second: on the flag's endpoints, and on all of the service's. */
  readonly excessErrors: { readonly feature: number; readonly all: number };
  /** Excess slow requests over baseline, per second. */
  readonly excessSlow: { readonly feature: number; readonly all: number };
  /** The larger of the two shares that speaks for the flag, 0..1; null when there is no excess to divide. */
  readonly share: number | null;
  readonly infrastructureHealthy: boolean;
  readonly schemaAdditive: boolean;
  readonly flagServiceHealthy: boolean;
}

export interface Decision {
  /** Consecutive within a run, from 1. */
  readonly id: number;
  readonly at: Micros;
  /** The statechart's state when it was taken, e.g. `step 2 of 3, baking`. */
  readonly state: string;
  readonly release: string;
  readonly service: string;
  readonly rule: DecisionRule;
  readonly actions: readonly DecidedAction[];
  readonly by: "engine" | "person";
  /** One sentence of plain English. */
  readonly reason: string;
  /** The check that decided; null when none did. */
  readonly decidingCheck: string | null;
  /** Every check of this evaluation, with observed, threshold and sample size. */
  readonly checks: readonly CheckResult[];
  readonly flag: FlagEvidence | null;
  /** Weight of the release and flag state when decided. */
  readonly weight: number;
}
