// What the canary's statechart remembers, the events it hears, and what it asks of its driver.

import type { DecidedAction, DecisionRule, FlagEvidence } from "../engines/decision.js";
import type { CheckResult } from "../engines/evidence.js";
import type { HealthMoment } from "../engines/health/evaluate.js";
import type { HealthPlan } from "../engines/health/queries.js";
import type { GateVerdict } from "../engines/promotion.js";
import type { Micros, Ratio } from "../kernel/units.js";
import type { WindowSnapshot } from "../telemetry/query.js";
import type { ActionEvent, ActionId, PlatformCommand } from "./platform.js";
import type { DeliveryResult } from "./observer.js";
import type { ReleaseDeclaration } from "./release.js";
import type { CanaryStrategy } from "./strategy.js";

/** One evaluation: the checks' results with the snapshot and the situation they were judged in. */
export interface HealthReport {
  readonly at: Micros;
  readonly plan: HealthPlan;
  readonly snapshot: WindowSnapshot;
  readonly moment: HealthMoment;
  readonly results: readonly CheckResult[];
  readonly verdict: GateVerdict;
  readonly fired: readonly CheckResult[];
  /** Whether one of the fired triggers is hard. */
  readonly hard: boolean;
}

/** A decision before it is numbered, dated and recorded. */
export interface Draft {
  readonly rule: DecisionRule;
  readonly actions: readonly DecidedAction[];
  readonly by: "engine" | "person";
  readonly reason: string;
  readonly deciding: CheckResult | null;
  readonly flag: FlagEvidence | null;
  /** The evaluation it rests on; null when none came before. */
  readonly report: HealthReport | null;
}

export interface CanaryTiming {
  /** Scrape interval. */
  readonly scrape: Micros;
  /** From an action's end until its effect can be seen. */
  readonly propagation: Micros;
}

/** The statechart's hands: everything that reaches outside goes through here. */
export interface CanaryDriver {
  now(): Micros;
  /** What stable runs at full capacity now. */
  stableReplicas(): number;
  send(id: ActionId, command: PlatformCommand): void;
  record(draft: Draft, context: CanaryContext): void;
  page(message: string, asks: boolean): void;
  finish(result: Omit<DeliveryResult, "at">): void;
  /** Asks how the fired checks look since the flag is off; answers with `flag.judged`. */
  judgeFlag(context: CanaryContext): void;
}

export interface CanaryContext {
  readonly driver: CanaryDriver;
  readonly release: ReleaseDeclaration;
  readonly strategy: CanaryStrategy;
  readonly timing: CanaryTiming;
  /** The stable version recorded when the delivery started. */
  readonly stable: { readonly version: string; readonly replicas: number };
  readonly step: number;
  /** The weight that the last finished shift set. */
  readonly weight: Ratio;
  readonly replicas: number;
  readonly fullyExposed: boolean;
  /** From when requests speak of the present situation; null while there are none. */
  readonly judgedSince: Micros | null;
  readonly report: HealthReport | null;
  /** The command under way; events of another id are too late to matter. */
  readonly action: ActionId;
  readonly command: PlatformCommand | null;
  readonly tries: number;
  /** The decision being carried out. */
  readonly draft: Draft | null;
  /** Whether the flag was switched off by this delivery. */
  readonly flagOff: boolean;
  /** How often every rollback action failed in a row. */
  readonly strandings: number;
}

export type CanaryEvent =
  | { readonly type: "window.ready"; readonly report: HealthReport }
  /** An evaluation in which a trigger's persistence was met; no state below `exposed` hears it. */
  | { readonly type: "trigger.fired"; readonly report: HealthReport }
  | { readonly type: "flag.judged"; readonly better: boolean; readonly report: HealthReport }
  | { readonly type: "answer"; readonly answer: "roll-back" | "promote" | "hold" }
  | ActionEvent;

export interface CanaryInput {
  readonly driver: CanaryDriver;
  readonly release: ReleaseDeclaration;
  readonly strategy: CanaryStrategy;
  readonly timing: CanaryTiming;
  readonly stable: { readonly version: string; readonly replicas: number };
}

/** How the context begins: nothing deployed, nothing seen. */
export function initialContext(input: CanaryInput): CanaryContext {
  return {
    ...input, step: 0, weight: 0, replicas: 0, fullyExposed: false, judgedSince: null, report: null,
    action: 0, command: null, tries: 0, draft: null, flagOff: false, strandings: 0,
  };
}

/** The gates as they stand now; null when the last evaluation is too old or of another situation. */
export function currentVerdict(context: CanaryContext, report: HealthReport | null = context.report): GateVerdict | null {
  if (context.strategy.gates.length === 0) return { kind: "pass" };
  const { strategy, judgedSince } = context;
  if (report === null || report.moment.since.traffic !== judgedSince) return null;
  return context.driver.now() - report.at <= 2 * strategy.every ? report.verdict : null;
}
