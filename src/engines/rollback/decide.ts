// What to do when triggers fired: hard triggers first, then flag or full, then the decision matrix.

import { percent } from "../../kernel/format.js";
import type { DecidedAction, DecisionRule, FlagEvidence } from "../decision.js";
import type { CheckResult, HardReason } from "../evidence.js";
import { withoutStop } from "../wording.js";
import { DECISION_MATRIX, troubleOf, type Trouble } from "./matrix.js";

export interface RollbackInput {
  /** Triggers that fired, in the strategy's order; at least one. */
  readonly fired: readonly CheckResult[];
  /** Per check id, why a trigger is hard. */
  readonly hard: ReadonlyMap<string, HardReason>;
  readonly prefer: "flag-or-full" | "full";
  /** Share of the excess that must come from the flag's endpoints. */
  readonly flagShare: number;
  /** Whether the release has a flag. */
  readonly hasFlag: boolean;
  /** Null without a flag, when it is off already, or when the strategy never asks about it. */
  readonly flag: FlagEvidence | null;
  /** False when the release takes something from a schema that the stable version reads. */
  readonly schemaAdditive: boolean;
}

export interface RollbackDecision {
  readonly rule: Extract<DecisionRule, "trigger" | "hard-trigger">;
  readonly actions: readonly DecidedAction[];
  readonly deciding: CheckResult;
  readonly reason: string;
}

/** Hard triggers decide in this order. */
const HARD_ORDER: readonly HardReason[] = ["security", "infrastructure", "startup"];

/** Decides on a plan that acts. Pure; the order of the checks below is DESIGN.md's, section 5. */
export function decideRollback(input: RollbackInput): RollbackDecision {
  const hard = HARD_ORDER.flatMap((reason) => input.fired.filter((check) => input.hard.get(check.check) === reason)).at(0);
  if (hard !== undefined) {
    return full("hard-trigger", hard, input, `a hard trigger (${input.hard.get(hard.check)}) rolls the whole release back`);
  }
  const deciding = worstOf(input.fired);
  const flagless = whyNotFlag(input, deciding);
  if (flagless === null && input.flag !== null) return flagOff(input.flag, deciding);
  return full("trigger", deciding, input, `${flagless ?? "no flag covers it"}, so the whole release is rolled back`);
}

/** Errors weigh more than slowness, and these more than the rest; the strategy's order settles ties. */
const WEIGHT_OF_TROUBLE: readonly Trouble[] = ["database", "errors", "latency", "business", "infrastructure", "throughput", "flag-service"];

function worstOf(fired: readonly CheckResult[]): CheckResult {
  const rank = (check: CheckResult): number => WEIGHT_OF_TROUBLE.indexOf(troubleOf(check.metric));
  return fired.reduce((worst, check) => (rank(check) < rank(worst) ? check : worst));
}

/** Null when switching the flag off is the right first step; otherwise why not, in words. */
function whyNotFlag({ hasFlag, flag, prefer, flagShare, fired }: RollbackInput, deciding: CheckResult): string | null {
  if (!hasFlag) return "no flag can switch it off";
  if (prefer === "full") return "the strategy prefers full rollbacks";
  if (flag === null) return "its flag is off already";
  const incurable = fired.find((check) => !DECISION_MATRIX[troubleOf(check.metric)].flagMayCure);
  if (incurable !== undefined) return `a flag does not cure ${incurable.series}`;
  if (!flag.infrastructureHealthy) return "the infrastructure is not healthy";
  if (!flag.schemaAdditive) return "the schema change is not additive";
  if (!flag.flagServiceHealthy) return "the flag service does not answer";
  const what = troubleOf(deciding.metric) === "latency" ? "slow requests" : troubleOf(deciding.metric) === "errors" ? "errors" : "excess";
  if (flag.share === null) {
    // A business drop leaves no failed or slow request to count: the flagged feature is the first suspect.
    return troubleOf(deciding.metric) === "business" ? null : `no excess ${what} can be placed on endpoints`;
  }
  if (flag.share > flagShare) return null;
  const share = `${percent(flag.share)} of the excess on the endpoints of ${flag.flag}`;
  return `${what === "excess" ? "the trouble is" : `${what} are`} spread over endpoints (${share}, not above ${percent(flagShare)})`;
}

function flagOff(flag: FlagEvidence, deciding: CheckResult): RollbackDecision {
  const pages = DECISION_MATRIX[troubleOf(deciding.metric)].pages;
  const why =
    flag.share === null
      ? `the feature behind ${flag.flag} is the first suspect`
      : `${percent(flag.share)} of the excess comes from the endpoints of ${flag.flag}`;
  return {
    rule: "trigger", actions: pages ? ["disable-flag", "page"] : ["disable-flag"], deciding,
    reason: `${withoutStop(deciding.reason)}; ${why}, so the flag is switched off.`,
  };
}

function full(rule: RollbackDecision["rule"], deciding: CheckResult, input: RollbackInput, why: string): RollbackDecision {
  const pages = DECISION_MATRIX[troubleOf(deciding.metric)].pages || !input.schemaAdditive;
  const schema = input.schemaAdditive ? "" : "; stable may not match the contracted schema, so a person is paged";
  return {
    rule, actions: pages ? ["roll-back", "page"] : ["roll-back"], deciding,
    reason: `${withoutStop(deciding.reason)}; ${why}${schema}.`,
  };
}
