// What a delivery tells whoever watches it, and the handle by which it is started and answered.

import type { Decision } from "../engines/decision.js";
import type { CheckResult } from "../engines/evidence.js";
import type { Micros } from "../kernel/units.js";
import type { TelemetryQuery, WindowSnapshot } from "../telemetry/query.js";
import type { ActionEvent, PlatformCommand } from "./platform.js";

/** What became of a delivery. `held` may still be followed by another result, when a trigger fires later on. */
export interface DeliveryResult {
  readonly kind: "promoted" | "flag-off" | "rolled-back" | "held";
  readonly by: "engine" | "person";
  readonly at: Micros;
  readonly afterFullExposure: boolean;
}

/** What a decision was judged on, so that the same check can be held against another lane of telemetry. */
export interface DecisionBasis {
  /** Query time of the snapshot; null when no evaluation came before the decision. */
  readonly at: Micros | null;
  readonly queries: readonly TelemetryQuery[];
  /**
   * Whether the deciding check passes (no breach) on other answers to the same queries; null when no check decided.
   * Persistence is not looked at: it is one evaluation that is judged again.
   */
  passesOn(snapshot: WindowSnapshot): boolean | null;
}

export interface DeliveryObserver {
  decided(decision: Decision, basis: DecisionBasis): void;
  entered(state: string, label: string, at: Micros, why: string): void;
  /** `event` is null when the command was sent. */
  action(text: string, command: PlatformCommand, event: ActionEvent | null, at: Micros): void;
  paged(message: string, asks: boolean, at: Micros): void;
  finished(result: DeliveryResult): void;
  /** Every evaluation, for alerts and dashboards. */
  evaluated?(results: readonly CheckResult[], at: Micros): void;
}

export interface DeliveryActor {
  start(): void;
  answer(answer: "roll-back" | "promote" | "hold"): void;
  readonly state: string;
  readonly done: boolean;
}
