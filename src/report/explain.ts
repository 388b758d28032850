// Why was this decided? In words, from an outcome: each decision with its checks, and what would have changed it.

import type { CheckResult } from "../engines/evidence.js";
import type { Decision } from "../engines/decision.js";
import type { Outcome, ReleaseOutcome } from "../sim/outcome.js";
import { clock, count, counted, duration, percent, perSecond, significant } from "../kernel/format.js";
import { costWords, timesWords } from "./summary.js";
import { named, oneLine, wrap } from "./text.js";
import {
  actionName, bySeverity, classificationWords, costWeight, crossingLimit, expectationWords, limitOf, mark, MEANING_OF, metricValue, objectiveValue, persistenceWords, planWords,
  releaseName, RULE_WORDS, sampleOf, STATUS_WORDS, takenWords, weightName, whereWords,
} from "./words.js";
import { worldWords } from "./world-words.js";

export interface ExplainOptions {
  /** Only this decision, by its number; all of them when left out. */
  readonly decision?: number;
  readonly width?: number;
}

const NAME_WIDTH = 14;

/** The whole run in words, or one decision of it. */
export function explain(outcome: Outcome, options: ExplainOptions = {}): string {
  const width = options.width ?? 100;
  if (options.decision !== undefined) return oneDecision(outcome, options.decision, width).join("\n");
  return [
    ...headLines(outcome, width),
    ...(outcome.decisions.length === 0 ? ["Nothing was decided in this run.", ""] : outcome.decisions.flatMap((decision) => [...decisionLines(decision, width), ""])),
    ...outcome.releases.flatMap((release) => [...truthLines(outcome, release, width), ""]),
    ...weightLines(outcome, width),
    `Replay: ${outcome.replay}`,
  ].join("\n");
}

function oneDecision(outcome: Outcome, id: number, width: number): string[] {
  const decision = outcome.decisions.find((each) => each.id === id);
  if (decision === undefined) {
    const ids = outcome.decisions.map((each) => each.id);
    return [ids.length === 0 ? `There is no decision ${id}: nothing was decided in this run.` : `There is no decision ${id}: this run has the decisions ${ids.join(", ")}.`];
  }
  const release = outcome.releases.find((each) => each.version === decision.release && each.service === decision.service);
  return [...decisionLines(decision, width), ...(release === undefined ? [] : ["", ...truthLines(outcome, release, width)])];
}

function headLines(outcome: Outcome, width: number): string[] {
  return [
    `${oneLine(outcome.scenario.name)}, seed ${outcome.seed}, ${worldWords(outcome).kind}: ${outcome.passed ? "passed" : "failed"} (${expectationWords(outcome)})`,
    ...outcome.releases.flatMap((release) => wrap(release.verdict, width)),
    ...outcome.expectations.filter((each) => !each.passed).flatMap((each) => named(`${mark(false)} expected`, `${each.text}, but ${each.reason} (${each.file}:${each.line})`, 0, NAME_WIDTH, width)),
    "",
  ];
}

function decisionLines(decision: Decision, width: number): string[] {
  const row = (name: string, text: string): string[] => named(name, text, 2, NAME_WIDTH, width);
  const deciding = decision.checks.find((check) => check.check === decision.decidingCheck);
  return [
    `Decision ${decision.id} at ${clock(decision.at)}: ${planWords(decision.actions)}`,
    ...row("why", decision.reason),
    ...row("where", `${decision.service} ${decision.release} at ${percent(decision.weight)} of traffic; ${decision.state}`),
    ...row("rule", `${RULE_WORDS[decision.rule]}, by ${decision.by === "engine" ? "the engine" : "a person"}`),
    ...(deciding === undefined ? [] : row("decided by", `${deciding.check}: ${checkWords(deciding)}`)),
    ...flagLines(decision, width),
    ...checkLines(decision, width),
    ...changeWords(decision).flatMap((text, index) => row(index === 0 ? "to change it" : "", text)),
  ];
}

/** Observed against the limit, on how much: the figures of one check. */
export function checkWords(check: CheckResult): string {
  const value = (figure: number | null): string => metricValue(check.metric, figure);
  const observed = check.observed === null ? "nothing observed" : `observed ${value(check.observed)}`;
  const against = check.threshold === null ? "" : check.band === undefined ? ` against a limit of ${limitOf(check)}` : ` against a band of ${limitOf(check)}, chance included`;
  const baseline = check.baseline === null ? "" : ` (baseline ${value(check.baseline)}${check.baselineSampleSize > 0 ? ` on ${counted(check.baselineSampleSize, "request")}` : ""})`;
  const persistence = check.persistence.of > 1 ? `; breached ${persistenceWords(check)}` : "";
  return `${check.series}: ${observed}${against}${baseline}${sampleOf(check) === null ? "" : `, on ${counted(check.sampleSize, "request")}`} in ${duration(check.window.to - check.window.from)}${persistence}`;
}

function checkLines(decision: Decision, width: number): string[] {
  if (decision.checks.length === 0) return named("checks", "none belong to this decision", 2, NAME_WIDTH, width);
  return decision.checks.flatMap((check, index) => {
    const sign = check.status === "pass" ? mark(true) : check.status === "breach" ? mark(false) : "○";
    const status = check.fired ? "fired" : STATUS_WORDS[check.status];
    const lines = named(index === 0 ? "checks" : "", `${sign} ${check.check} (${status}): ${checkWords(check)}`, 2, NAME_WIDTH, width);
    return lines.map((line, number) => (number === 0 ? line : `  ${line}`));
  });
}

function flagLines(decision: Decision, width: number): string[] {
  const { flag } = decision;
  if (flag === null) return [];
  const excess = `errors ${perSecond(flag.excessErrors.feature)} of ${perSecond(flag.excessErrors.all)}, slow requests ${perSecond(flag.excessSlow.feature)} of ${perSecond(flag.excessSlow.all)}`;
  const share = flag.share === null ? "there is no excess over baseline to divide" : `${percent(flag.share)} of the excess over baseline comes from its endpoints`;
  const needs = `infrastructure healthy ${mark(flag.infrastructureHealthy)}, schema additive ${mark(flag.schemaAdditive)}, flag service healthy ${mark(flag.flagServiceHealthy)}`;
  return named("flag or full", `flag ${flag.flag} (${flag.endpoints.join(", ")}): ${share} (${excess}); ${needs}`, 2, NAME_WIDTH, width);
}

const ACTS = new Set<string>(["disable-flag", "shift-traffic", "roll-back"]);

/** What, by the smallest difference, would have led to another decision. */
export function changeWords(decision: Decision): string[] {
  const acts = decision.actions.some((action) => ACTS.has(action));
  const moves = decision.actions.some((action) => action === "promote" || action === "finish" || action === "stay-dark");
  if (decision.rule === "answer") return ["another answer by the person who was asked"];
  if (decision.rule === "no-answer") return ["an answer in time"];
  if (decision.rule === "action-failed") return ["the platform action succeeding"];
  const words = moves ? nearestToFailing(decision) : acts ? enoughToSpare(decision) : neededToMove(decision);
  if (decision.flag !== null && decision.flag.share !== null && decision.actions.includes("disable-flag"))
    words.push(`a smaller share of the excess from the flag's endpoints than ${percent(decision.flag.share)}, short of what the strategy asks for, would have meant a full rollback`);
  return words;
}

/** For an action: how far the checks that demanded it were over, and how many breaches were to spare. */
function enoughToSpare(decision: Decision): string[] {
  const demanding = decision.checks.filter((check) => check.fired || (check.check === decision.decidingCheck && check.status === "breach"));
  if (demanding.length === 0) return nearestToFailing(decision);
  const words = demanding.map((check) => {
    const spare = check.breaches - check.persistence.need + 1;
    const fewer = check.persistence.of > 1 ? `${counted(Math.max(1, spare), "breach", "breaches")} fewer among its last ${count(check.persistence.of)} evaluations` : "no breach";
    return `${check.check}: ${fewer} (${distanceWords(check)})`;
  });
  return demanding.length === 1 ? words : [`all of these together, because ${counted(demanding.length, "check")} demanded it:`, ...words];
}

/** For going on: the check that was closest to its limit. */
function nearestToFailing(decision: Decision): string[] {
  const nearest = decision.checks
    .filter((check) => check.status === "pass" && distance(check) !== null)
    .sort((a, b) => (distance(a) ?? 0) - (distance(b) ?? 0))[0];
  return nearest === undefined ? [] : [`the check nearest to its limit is ${nearest.check}: ${distanceWords(nearest)}`];
}

/** For holding: what was missing, thin or over its limit. */
function neededToMove(decision: Decision): string[] {
  const open = decision.checks.filter((check) => check.status !== "pass");
  if (open.length === 0) return nearestToFailing(decision);
  return open.map((check) => {
    if (check.status === "missing") return `data for ${check.check}: there was none`;
    if (check.status === "thin") return `more data for ${check.check}: ${counted(check.sampleSize, "request")} were too few, or its window was not full`;
    return `${check.check} back within its limit (${distanceWords(check)})`;
  });
}

/** How far from the limit, as a share of it; null where that cannot be said. */
function distance(check: CheckResult): number | null {
  const limit = crossingLimit(check);
  if (check.observed === null || limit === null || limit === 0) return null;
  return Math.abs(check.observed - limit) / Math.abs(limit);
}

function distanceWords(check: CheckResult): string {
  const far = distance(check);
  const limit = crossingLimit(check);
  const values = `${metricValue(check.metric, check.observed)} against ${limitOf(check)}`;
  if (far === null || check.observed === null || limit === null) return values;
  const edge = check.band === undefined ? "the limit" : limit === check.band.low ? "the lower edge" : "the upper edge";
  return `${values}, ${significant(far * 100, 2)}% ${check.observed >= limit ? "above" : "below"} ${edge}`;
}

function truthLines(outcome: Outcome, release: ReleaseOutcome, width: number): string[] {
  const row = (name: string, text: string): string[] => named(name, text, 2, NAME_WIDTH, width);
  const right = release.tookRightAction === null ? "" : release.tookRightAction ? " ✓ taken" : ` ✗ not taken: ${takenWords(release)} instead`;
  const fine = release.truthEvidence.filter((each) => each.finding === "fine").length;
  return [
    `In truth ${releaseName(release)} is ${release.truth}${worldWords(outcome).truthFrom}; classified ${classificationWords(release)}: ${MEANING_OF[release.classification]}`,
    ...bySeverity(release.truthEvidence).filter((each) => each.finding !== "fine").flatMap((each) => row(each.objective, `${each.finding} at ${whereWords(each)}: ${objectiveValue(each.objective, each.withRelease)} with the release, ${objectiveValue(each.objective, each.without)} without, limit ${objectiveValue(each.objective, each.limit)}. ${each.reason}`)),
    ...(fine > 0 ? row("fine", `${counted(fine, "other comparison")} of objective and endpoint`) : []),
    ...row("cause", `${release.cause ?? "nobody acted"}. ${release.causeReason}`),
    ...row("right action", `${actionName(release.rightAction)}${right}`),
    ...row("times", timesWords(release)),
    ...row("cost", costWords(release)),
  ];
}

function weightLines(outcome: Outcome, width: number): string[] {
  const entries = Object.entries(outcome.costWeights);
  if (entries.length === 0) return [];
  return [...named("Cost weights in force:", entries.map(([name, value]) => `${weightName(name)} ${costWeight(name, value)}`).join(" · "), 0, 23, width), ""];
}
