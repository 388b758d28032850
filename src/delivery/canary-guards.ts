// What the canary's statechart asks before it moves: pure questions about its context, the same for the chart and its driver.

import { afterBake, afterHold } from "../engines/promotion.js";
import { currentVerdict, type CanaryContext, type HealthReport } from "./canary-context.js";

const inconclusive = ({ strategy, step }: CanaryContext) => strategy.steps[step].onInconclusive;

/** What the gates allow when the bake is over; without a recent evaluation, wait for one. */
export function bakeOver(context: CanaryContext): "promote" | "hold" | "ask" {
  const verdict = currentVerdict(context);
  return verdict === null ? "hold" : afterBake(verdict, inconclusive(context));
}

/** What follows the longest hold; without any evaluation that is a question for a person. */
export function holdOver(context: CanaryContext): "promote" | "ask" | "roll-back" {
  const verdict = currentVerdict(context);
  if (verdict === null) return inconclusive(context) === "roll-back" ? "roll-back" : "ask";
  return afterHold(verdict, inconclusive(context));
}

/** What silence means; never a promotion while a required metric has no data. */
export function silence(context: CanaryContext): "roll-back" | "promote" | "hold" {
  const { onNoAnswer } = context.strategy;
  const verdict = currentVerdict(context);
  const blind = verdict === null || verdict.kind === "missing";
  return onNoAnswer === "promote" && (blind || verdict.kind === "fail") ? "hold" : onNoAnswer;
}

/** Whether a gate that lastingly fails takes the release back without waiting for the step's end. */
export function gateFailsAtOnce(context: CanaryContext, report: HealthReport | null = context.report): boolean {
  if (context.strategy.onGateFail !== "roll-back") return false;
  const verdict = currentVerdict(context, report);
  return verdict?.kind === "fail" && verdict.lasting;
}

/** The states whose only answer to an evaluation without a fired trigger is `gateFailsAtOnce`. */
export const WAITING_STATES: readonly string[] = ["step.baking", "step.watching"];

/**
 * Whether the statechart would do nothing with an evaluation but keep it until a newer one comes. Nearly all are
 * such, and sending them through the chart took a tenth of a run.
 */
export function isOnlyKept(state: string, context: CanaryContext, report: HealthReport): boolean {
  return WAITING_STATES.includes(state) && !gateFailsAtOnce(context, report);
}
