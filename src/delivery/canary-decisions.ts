// The decisions of a canary as drafts: which rule, which actions, which evidence, and one sentence that says why.

import { flagEvidence } from "../engines/rollback/flag-evidence.js";
import { decideRollback } from "../engines/rollback/decide.js";
import type { CheckResult, HardReason } from "../engines/evidence.js";
import { counted, figure, metricWords, span, withoutStop } from "../engines/wording.js";
import { percent } from "../kernel/format.js";
import { currentVerdict, type CanaryContext, type Draft, type HealthReport } from "./canary-context.js";
import { commandText } from "./canary-commands.js";
import type { ActionEvent } from "./platform.js";

const stepWords = ({ step, strategy }: CanaryContext): string =>
  `step ${step + 1} of ${strategy.steps.length} (${percent(strategy.steps[step].weight)})`;

const stepOf = ({ step, strategy }: CanaryContext) => strategy.steps[step];

const isLast = ({ step, strategy }: CanaryContext): boolean => step === strategy.steps.length - 1;

function draft(context: CanaryContext, rest: Pick<Draft, "rule" | "actions" | "reason"> & Partial<Draft>): Draft {
  return { by: "engine", deciding: null, flag: null, report: context.report, ...rest };
}

/** What follows a step that may go on, in words. */
function onward(context: CanaryContext): string {
  const { release, strategy, step } = context;
  return isLast(context)
    ? `${release.service} ${release.version} is marked stable`
    : `${release.service} ${release.version} goes on to ${percent(strategy.steps[step + 1].weight)}`;
}

/** What the gates say of a step that may go on; one that is not required may have too little data to say anything. */
function gatesPass({ strategy: { gates }, report }: CanaryContext): string {
  if (gates.length === 0) return "No gate is set";
  const silent = report?.results.filter(({ role, status }) => role === "gate" && status !== "pass") ?? [];
  if (silent.length > 0) {
    const passing = gates.length - silent.length;
    const names = inWords([...new Set(silent.map(({ metric }) => metricWords(metric)))]);
    const rest = silent.length === 1 ? `${names} lacks data and is not required` : `${names}: too little data, and not required`;
    return `${passing === 0 ? "No gate fails" : `${passing} of ${gates.length} gates ${passing === 1 ? "passes" : "pass"}`} (${rest})`;
  }
  if (gates.length === 1) return "The gate passes";
  return gates.length === 2 ? "Both gates pass" : `All ${gates.length} gates pass`;
}

/** `p95`, `p95 and conversion`, `p95, memory and conversion`. */
const inWords = (names: readonly string[]): string =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1) ?? ""}`;

/** Bake over and every gate passes. */
export function promotion(context: CanaryContext): Draft {
  return promoted(context, `${gatesPass(context)} after ${span(stepOf(context).bake)} of ${stepWords(context)}`);
}

/** The step was held, and now every gate passes. */
export function promotionAfterHold(context: CanaryContext): Draft {
  return promoted(context, `${gatesPass(context)} now, ${stepWords(context)} was held until they did`);
}

function promoted(context: CanaryContext, because: string): Draft {
  return draft(context, { rule: "schedule", actions: [isLast(context) ? "finish" : "promote"], reason: `${because}, so ${onward(context)}.` });
}

/** The policy lets a step go on although its data stayed thin. */
export function promotionOnThinData(context: CanaryContext): Draft {
  const { deciding, because } = verdictWords(context);
  return draft(context, {
    rule: "thin-data", actions: [isLast(context) ? "finish" : "promote"], deciding,
    reason: `${withoutStop(because)}; the longest hold is over and the policy for thin data is to promote, so ${onward(context)}.`,
  });
}

/** Why the gates do not let the step go on. */
function verdictWords(context: CanaryContext): { rule: Draft["rule"]; deciding: CheckResult | null; because: string } {
  const verdict = currentVerdict(context);
  if (verdict === null) return { rule: "missing-data", deciding: null, because: "There is no recent evaluation of the gates." };
  switch (verdict.kind) {
    case "pass":
      return { rule: "schedule", deciding: null, because: "Every gate passes." };
    case "fail":
      return { rule: "gate", deciding: verdict.deciding, because: verdict.deciding.reason };
    case "missing":
      return { rule: "missing-data", deciding: verdict.deciding, because: verdict.deciding.reason };
    case "thin":
      return { rule: "thin-data", deciding: verdict.deciding, because: verdict.deciding.reason };
  }
}

export function holding(context: CanaryContext): Draft {
  const { rule, deciding, because } = verdictWords(context);
  const { maxHold } = stepOf(context);
  return draft(context, {
    rule, actions: ["hold"], deciding,
    reason: `${withoutStop(because)}; ${stepWords(context)} is held for at most ${span(maxHold)}.`,
  });
}

export function asking(context: CanaryContext): Draft {
  const { rule, deciding, because } = verdictWords(context);
  return draft(context, {
    rule, actions: ["page", "ask"], deciding,
    reason: `${withoutStop(because)}; the gates cannot decide ${stepWords(context)}, so a person is asked.`,
  });
}

/** A gate still fails, or the policy for thin data is to roll back. */
export function gateRollback(context: CanaryContext): Draft {
  const { rule, deciding, because } = verdictWords(context);
  const { onGateFail } = context.strategy;
  const { maxHold } = stepOf(context);
  const then = rule === "gate" && onGateFail === "roll-back"
    ? "a failing gate rolls the release back at once"
    : `after holding ${stepWords(context)} for ${span(maxHold)} the release is rolled back`;
  return draft(context, { rule, actions: ["roll-back"], deciding, reason: `${withoutStop(because)}; ${then}.` });
}

const hardReasons = (context: CanaryContext): ReadonlyMap<string, HardReason> =>
  new Map(context.strategy.triggers.flatMap((spec) => (spec.hard === undefined ? [] : [[spec.id, spec.hard] as const])));

export const isAdditive = (context: CanaryContext): boolean => context.release.schema.every((change) => change.kind === "additive");

/** Triggers fired: hard ones first, then flag or full, then the matrix. */
export function triggerPlan(context: CanaryContext, report: HealthReport): Draft {
  const { release, strategy } = context;
  const schemaAdditive = isAdditive(context);
  const flag =
    release.flag === null || context.flagOff
      ? null
      : flagEvidence(report.plan, report.snapshot, report.moment.past, { ...release.flag, schemaAdditive }, report.fired);
  const decided = decideRollback({
    fired: report.fired, hard: hardReasons(context), prefer: strategy.rollback.prefer,
    flagShare: strategy.rollback.flagShare, hasFlag: release.flag !== null, flag, schemaAdditive,
  });
  return draft(context, { ...decided, flag, report });
}

/** The watch after a flag switch is over. */
export function flagWatched(context: CanaryContext, better: boolean, report: HealthReport): Draft {
  const deciding = report.results.find((result) => (result.status === "pass") === better) ?? report.results.at(0) ?? null;
  const before = context.draft?.report?.results.find(({ check }) => check === deciding?.check) ?? null;
  const watch = span(context.strategy.rollback.flagWatch);
  const seen = deciding === null ? "Nothing was seen" : withoutStop(deciding.reason);
  return draft(context, {
    rule: "flag-watch", deciding, report, flag: context.draft?.flag ?? null,
    actions: better ? ["stay-dark"] : ["roll-back"],
    reason: better
      ? `${seen}; ${watch} after the flag went off the release is healthy, so it stays dark and the rollout stops.`
      : `${seen}; ${watch} after the flag went off ${notHelped(before, deciding)}, so the whole release is rolled back.`,
  });
}

/** In how far the flag did not help: a value may be better than it was and still break the limit; too little data shows nothing. */
function notHelped(before: CheckResult | null, after: CheckResult | null): string {
  if (after?.status !== "breach") return "that does not show that it helped";
  if (before === null || before.observed === null || after.observed === null || after.threshold === null) return "that is not healthy";
  const better = after.observed > after.threshold ? after.observed < before.observed : after.observed > before.observed;
  const was = figure(after.metric, before.observed);
  return better && was !== figure(after.metric, after.observed) ? `that is better than ${was}, but not enough` : "that is not better";
}

/** Nobody judged the watch in time. */
export function flagUnjudged(context: CanaryContext): Draft {
  return draft(context, {
    rule: "flag-watch", actions: ["roll-back"], flag: context.draft?.flag ?? null,
    reason: "Telemetry did not say whether switching the flag off helped, so the whole release is rolled back.",
  });
}

/** Why a command is given up. */
function failure(context: CanaryContext, event: { readonly type: string }): string {
  const what = context.command === null ? "The command" : `The command to ${commandText(context.command)}`;
  const { tries } = context;
  const heard = event as Partial<ActionEvent>;
  if (heard.type === "action.failed") {
    const why = heard.why ?? "no reason";
    return tries === 1 ? `${what} failed (${why})` : `${what} failed in ${counted(tries, "attempt")} (last: ${why})`;
  }
  return tries === 1 ? `${what} was not done in time` : `${what} was not done in time in ${counted(tries, "attempt")}`;
}

/** Every attempt of a command failed: the next level. */
export function nextLevel(context: CanaryContext, event: { readonly type: string }, actions: Draft["actions"], then: string): Draft {
  return draft(context, { rule: "action-failed", actions, reason: `${failure(context, event)}, ${then}.`, deciding: context.draft?.deciding ?? null });
}

/** A command failed and there are attempts left. */
export function nextAttempt(context: CanaryContext, event: { readonly type: string }): Draft {
  return draft(context, { rule: "action-failed", actions: ["try-again"], reason: `${failure(context, event)}, so it is tried again.` });
}

const ANSWER_ACTIONS = { "roll-back": "roll-back", promote: "promote", hold: "hold" } as const;

export function answered(context: CanaryContext, answer: "roll-back" | "promote" | "hold"): Draft {
  const then = answer === "promote" ? onward(context) : answer === "hold" ? "the release stays where it is" : "the release is rolled back";
  const action = answer === "promote" && isLast(context) ? "finish" : ANSWER_ACTIONS[answer];
  return draft(context, { rule: "answer", actions: [action], by: "person", reason: `A person answered "${answer}", so ${then}.` });
}

export function unanswered(context: CanaryContext, then: "roll-back" | "promote" | "hold"): Draft {
  const what = then === "promote" ? onward(context) : then === "hold" ? "the release stays where it is" : "the release is rolled back";
  const action = then === "promote" && isLast(context) ? "finish" : ANSWER_ACTIONS[then];
  const waited = `Nobody answered within ${span(context.strategy.askTimeout)}`;
  const why = then === context.strategy.onNoAnswer ? "" : `; the policy is to ${POLICY_WORDS[context.strategy.onNoAnswer]} then, but ${whyNotFollowed(context)}`;
  return draft(context, { rule: "no-answer", actions: [action], reason: `${waited}${why}, so ${what}.` });
}

const POLICY_WORDS = { "roll-back": "roll back", promote: "promote", hold: "hold" } as const;

/** Why silence does not mean what the strategy says that it means. */
function whyNotFollowed(context: CanaryContext): string {
  if (context.strandings > 0) return "every action to take the release back has failed";
  const verdict = currentVerdict(context);
  if (verdict === null) return "there is no recent evaluation of the gates";
  return verdict.kind === "fail" ? "a gate fails" : "a required gate has no data";
}
