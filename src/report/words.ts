// The words for what an outcome says in codes, so that every face uses the same ones.

import type { CheckMetric, CheckResult, CheckStatus } from "../engines/evidence.js";
import type { DecidedAction, DecisionRule } from "../engines/decision.js";
import type { Classification, DoraFigure, Outcome, ReleaseOutcome, ReleaseResult, TruthEvidence } from "../sim/outcome.js";
import { MICROS_PER_SECOND } from "../kernel/units.js";
import { count, duration, latency, money, NOTHING, percent, significant, type Maybe } from "../kernel/format.js";

/** How good the news is; each has a colour, a mark and a word, so that none is needed alone. */
export type Tone = "good" | "bad" | "neutral";

export const TONE_OF: Readonly<Record<Classification, Tone>> = {
  caught: "good",
  clean: "good",
  late: "bad",
  missed: "bad",
  "false-rollback": "bad",
  undecided: "neutral",
  unscored: "neutral",
};

/** What a classification means, for the reader who sees it for the first time. */
export const MEANING_OF: Readonly<Record<Classification, string>> = {
  caught: "harmful, and acted on because of the release before everybody had it",
  late: "harmful, and acted on only after everybody had it",
  missed: "harmful, and promoted or acted on by luck",
  "false-rollback": "harmless, and acted on anyway",
  clean: "harmless, and promoted",
  undecided: "still held or asked about when the run ended",
  unscored: "not scored",
};

export const RULE_WORDS: Readonly<Record<DecisionRule, string>> = {
  schedule: "schedule: the bake is over",
  gate: "a gate fails",
  trigger: "a trigger fired",
  "hard-trigger": "a hard trigger fired",
  "thin-data": "too little data",
  "missing-data": "required data is missing",
  "flag-watch": "the watch after the flag switch",
  "action-failed": "an action failed",
  answer: "a person answered",
  "no-answer": "nobody answered",
};

export const ACTION_WORDS: Readonly<Record<DecidedAction, string>> = {
  promote: "promote to the next step",
  finish: "finish: mark as stable",
  hold: "hold",
  "disable-flag": "switch the flag off",
  "shift-traffic": "shift all traffic to stable",
  "roll-back": "roll back",
  "stay-dark": "stay dark: keep the flag off, stop the rollout",
  "try-again": "try again",
  page: "page on-call",
  ask: "ask a person",
};

export const STATUS_WORDS: Readonly<Record<CheckStatus, string>> = {
  pass: "pass",
  breach: "breach",
  thin: "thin data",
  missing: "no data",
};

/** What became of a release, to follow "was". */
export const RESULT_WORDS: Readonly<Record<ReleaseResult, string>> = {
  promoted: "promoted",
  "flag-off": "left dark with its flag off",
  "rolled-back": "rolled back",
  held: "held",
  rejected: "rejected before production",
  invalidated: "invalidated, because its base was rolled back",
};

const ALL_ACTIONS: Readonly<Record<string, string>> = ACTION_WORDS;

/** What was done or should have been done, as one action. */
export const actionName = (action: string): string =>
  action === "not-restorable" ? "none would have restored the objectives" : (ALL_ACTIONS[action] ?? action);

/** What was done with a release, as one phrase: where switching its flag off was not enough, both. */
export function takenWords({ action, result, states }: Pick<ReleaseOutcome, "action" | "result" | "states">): string {
  const restored = states.some(({ state }) => state === "rolling-back.restoring" || state === "rolling-back.shifting-traffic");
  const both = action === "disable-flag" && result === "rolled-back" && restored;
  return both ? `${actionName(action)}, then ${actionName("roll-back")}` : actionName(action);
}

/** Marks that read without colour. */
export const mark = (passed: boolean): string => (passed ? "✓" : "✗");

/** The rule, plan and release of one decision in a few words. */
export const planWords = (actions: readonly DecidedAction[]): string =>
  actions.length === 0 ? "do nothing" : actions.map((action) => ACTION_WORDS[action] ?? action).join(", then ");

/** A value of a check in the unit of its metric. */
export function metricValue(metric: CheckMetric, value: Maybe): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING;
  switch (metric) {
    case "error-rate":
    case "cpu":
    case "memory":
    case "pool":
    case "conversion":
    case "throughput":
      return percent(value);
    case "p50":
    case "p95":
    case "p99":
      return latency(value);
    case "restarts":
      return `${significant(value, 3)}/min`;
    case "query-timeouts":
    case "startup-failures":
      return count(value);
    case "flag-service":
      return value === 1 ? "up" : value === 0 ? "down" : significant(value, 3);
    default:
      return significant(value, 3);
  }
}

/** What a check was held against: one limit, or both edges of a band. */
export const limitOf = (check: CheckResult): string =>
  check.band === undefined ? metricValue(check.metric, check.threshold) : `${metricValue(check.metric, check.band.low)} to ${metricValue(check.metric, check.band.high)}`;

/** The limit that an observed value would cross first; of a band, the edge nearer to it. */
export function crossingLimit({ observed, threshold, band }: CheckResult): number | null {
  if (band === undefined || observed === null) return threshold;
  return observed - band.low < band.high - observed ? band.low : band.high;
}

/** `error rate` for `error-rate`, `p95` for `p95`. */
export const metricName = (metric: string): string => metric.replace(/-/g, " ");

const ABOUT_REQUESTS = new Set<CheckMetric>(["error-rate", "p50", "p95", "p99", "throughput", "conversion"]);

/** Requests that a check rests on; null for one that looks at replicas or databases. */
export const sampleOf = (check: CheckResult): number | null =>
  ABOUT_REQUESTS.has(check.metric) || check.sampleSize > 0 ? check.sampleSize : null;

/** The findings of the twins, the worst first. */
export function bySeverity(evidence: readonly TruthEvidence[]): readonly TruthEvidence[] {
  const rank = { harmful: 0, borderline: 1, fine: 2 } as const;
  return evidence.slice().sort((a, b) => rank[a.finding] - rank[b.finding]);
}

/** How often it breached: `3 of 5, needs 3`. */
export function persistenceWords(check: CheckResult): string {
  const { need, of } = check.persistence;
  if (of <= 1) return check.status === "breach" ? "1 of 1" : "0 of 1";
  return `${count(check.breaches)} of the last ${count(of)}, ${count(need)} needed`;
}

/** An objective's limit or value: latencies are seconds, the rest are ratios. */
export function objectiveValue(objective: string, value: Maybe): string {
  return /^p\d+/.test(objective) ? latency(value) : percent(value);
}

/** Where an objective was broken: `checkout/create-order, all users`. */
export function whereWords(evidence: TruthEvidence): string {
  const users = evidence.segment === "all" ? "all users" : evidence.segment === "targeted" ? "targeted users" : "all other users";
  return `${evidence.endpoint}, ${users}`;
}

/** A release by name: `checkout v2`. */
export const releaseName = (release: Pick<ReleaseOutcome, "service" | "version">): string => `${release.service} ${release.version}`;

/** The classification with the reason where it is unscored: `unscored (borderline)`. */
export const classificationWords = (release: Pick<ReleaseOutcome, "classification" | "unscoredWhy">): string =>
  release.unscoredWhy === null || release.unscoredWhy === undefined
    ? release.classification
    : `${release.classification} (${release.unscoredWhy})`;

/** The parts of a cost that a reader compares, in order, with their names. */
export const COST_PARTS = [
  ["failedRequests", "failed requests"],
  ["slowRequests", "slow requests"],
  ["lostOrders", "lost orders"],
  ["delay", "delay of a good release"],
  ["rollbacks", "rollbacks"],
  ["pages", "pages"],
] as const;

/** Why a cost stands without an oracle's beside it. */
export function noRegretWords(release: ReleaseOutcome): string {
  return release.result === "invalidated"
    ? "A release that never got its turn has no regret."
    : "No oracle was played: a run among many seeds leaves regret and charts out; the same seed played alone (`--seed`) has them.";
}

/** What was paid beyond the oracle: `829.64 EUR above the oracle`, `below` where the run was cheaper. */
export function regretWords(regret: NonNullable<ReleaseOutcome["regret"]>): string {
  const side = regret.clairvoyant < 0 ? "below" : "above";
  return `${money(Math.abs(regret.clairvoyant))} ${side} the oracle`;
}

/** A cost weight in its own unit: shares in percent, the rest in money. */
export function costWeight(name: string, value: Maybe): string {
  return /lost-?order|share|ratio/i.test(name) ? `${percent(value)} of the order's value` : money(value);
}

/** `failed request` for `failedRequest` or `failed-request`. */
export const weightName = (name: string): string =>
  name.replace(/([a-z])([A-Z])/g, "$1 $2").replace(/[-_]/g, " ").toLowerCase();

/** A DORA figure in its unit. */
export function doraValue(figure: DoraFigure): string {
  if (figure.value === null) return "cannot say";
  switch (figure.unit) {
    case "per day":
      return `${significant(figure.value, 3)} per day`;
    case "seconds":
      return duration(figure.value * MICROS_PER_SECOND);
    case "ratio":
      return percent(figure.value);
    default:
      return significant(figure.value, 3);
  }
}

/** How many expectations were met, and broken invariants if there are any: `3 of 4 expectations met`. */
export function expectationWords(outcome: Outcome): string {
  const total = outcome.expectations.length;
  const met = outcome.expectations.filter((expectation) => expectation.passed).length;
  const broken = outcome.invariants.filter((invariant) => !invariant.held).length;
  const expected = total === 0 ? "no expectations" : `${met} of ${total} ${total === 1 ? "expectation" : "expectations"} met`;
  return broken === 0 ? expected : `${expected}, ${broken} ${broken === 1 ? "invariant" : "invariants"} broken`;
}
