// The report as Markdown: for a pull request, a wiki, a diff. Its pictures are the SVG files beside it.

import type { Decision } from "../engines/decision.js";
import type { Outcome, ReleaseOutcome } from "../sim/outcome.js";
import { chartEntries } from "./charts.js";
import { clock, count, counted, duration, money, NOTHING, percent } from "../kernel/format.js";
import { costWords, timesWords } from "./summary.js";
import { decisionNumbers, storyOf } from "./story.js";
import { oneLine } from "./text.js";
import {
  actionName, bySeverity, classificationWords, COST_PARTS, costWeight, doraValue, expectationWords, limitOf, mark, MEANING_OF, metricValue, objectiveValue, persistenceWords,
  noRegretWords, planWords, regretWords, releaseName, RESULT_WORDS, RULE_WORDS, sampleOf, STATUS_WORDS, takenWords, weightName, whereWords,
} from "./words.js";
import { worldWords } from "./world-words.js";

/** Builds the whole report; pictures are linked as `charts/NAME.svg`. */
export function reportMarkdown(outcome: Outcome): string {
  const several = outcome.releases.length > 1;
  const perRelease = (write: (release: ReleaseOutcome) => string[]): string[] =>
    outcome.releases.flatMap((release) => [...(several ? [`### ${text(releaseName(release))}`, ""] : []), ...write(release)]);
  return [
    ...head(outcome),
    ...outcome.releases.flatMap(verdict),
    ...expectations(outcome),
    ...overTime(outcome),
    "## Decisions", "", ...decisions(outcome),
    ...(outcome.releases.length === 0 ? [] : [
      "## Time spent in states", "", ...perRelease(states),
      "## Truth", "", worldWords(outcome).twins, "", ...perRelease(truth),
      "## Cost and regret", "", ...perRelease(cost), ...weights(outcome),
    ]),
    "## DORA", "", ...table(["figure", "value", "sample", "definition", "note"], outcome.dora.map((each) => [each.name, doraValue(each), count(each.sampleSize), each.definition, each.note])),
    "## Invariants", "", ...table(["", "invariant", "checked", "reason"], outcome.invariants.map((each) => [mark(each.held), each.name, count(each.checked), each.reason])),
    "## Timeline", "", ...table(["time", "kind", "decision", "what happened"], storyOf(outcome, "together").map((each) => [clock(each.at), each.kind, decisionNumbers(each.decisions), each.text])),
    "## Alerts", "", ...table(["time", "severity", "channel", "text"], outcome.alerts.map((each) => [clock(each.at), each.severity, each.channel, each.text])),
    ...tail(outcome),
  ].join("\n");
}

/** User text on a line of Markdown: nothing in it is markup, and it stays on its line. */
export const text = (raw: string): string => oneLine(raw).replace(/[\\`*_[\]<>|~#]/g, (sign) => `\\${sign}`);

/** User text as code: backticks cannot be escaped within, so the fence is longer than any run of them. */
export function code(raw: string): string {
  const line = oneLine(raw);
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = "`".repeat(longest + 1);
  return longest === 0 ? `${fence}${line}${fence}` : `${fence} ${line} ${fence}`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return ["None.", ""];
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map((cells) => line(cells.map(text))), ""];
}

function head(outcome: Outcome): string[] {
  const { scenario } = outcome;
  return [
    `# ${mark(outcome.passed)} ${text(scenario.name)}`, "",
    ...(scenario.about === "" ? [] : [text(scenario.about), ""]),
    `${outcome.passed ? "Passed" : "Failed"}: ${expectationWords(outcome)}. Seed ${outcome.seed}, ${worldWords(outcome).kind}, ${worldWords(outcome).lasted}, world ${text(scenario.world)}, strategy ${text(scenario.strategy)}.`, "",
  ];
}

function verdict(release: ReleaseOutcome): string[] {
  const right = release.tookRightAction === null ? "" : `, right action: ${actionName(release.rightAction)} ${mark(release.tookRightAction)}`;
  return [
    `## ${text(releaseName(release))}: ${text(classificationWords(release))}`, "",
    `**${text(release.verdict)}** (${MEANING_OF[release.classification]})`, "",
    `- Truth: ${release.truth}; result: ${RESULT_WORDS[release.result]}${release.by === null ? "" : ` by ${release.by}`}${release.afterFullExposure ? ", after full exposure" : ""}`,
    `- Cause: ${release.cause ?? "nobody acted"}. ${text(release.causeReason)}`,
    `- Action: ${takenWords(release)}${right}`,
    `- Times: ${timesWords(release)}`,
    `- Impact: ${counted(release.impact.failedRequests, "page")} failed, ${count(release.impact.slowRequests)} slow (${percent(release.impact.shareOfRequests)} of all since the release)`,
    `- Cost: ${costWords(release)}`,
    `- Hidden defects: ${release.defects.length === 0 ? "none" : text(release.defects.join("; "))}`, "",
  ];
}

function expectations(outcome: Outcome): string[] {
  if (outcome.expectations.length === 0) return [];
  return ["## Expectations", "", ...outcome.expectations.map((each) => `- ${mark(each.passed)} ${code(each.text)}: ${text(each.reason)} (${text(each.file)}:${each.line})`), ""];
}

function overTime(outcome: Outcome): string[] {
  const pictures = chartEntries(outcome).flatMap(({ name, title, about }) => [`![${text(title)}. ${text(about)}](charts/${name}.svg)`, ""]);
  return pictures.length === 0 ? [] : ["## What happened over time", "", ...pictures];
}

function decisions(outcome: Outcome): string[] {
  if (outcome.decisions.length === 0) return ["Nothing was decided.", ""];
  return outcome.decisions.flatMap((decision) => [
    `### ${decision.id}. ${planWords(decision.actions)}`, "",
    `${clock(decision.at)}, ${text(`${decision.service} ${decision.release}`)} at ${percent(decision.weight)}, ${text(decision.state)}, ${RULE_WORDS[decision.rule]}, by ${decision.by}.`, "",
    text(decision.reason), "",
    ...checks(decision),
  ]);
}

function checks(decision: Decision): string[] {
  if (decision.checks.length === 0) return [];
  return table(
    ["check", "status", "series", "observed", "limit", "requests", "breaches", "reason"],
    decision.checks.map((check) => [
      `${check.check}${check.check === decision.decidingCheck ? " (decided)" : ""}`, check.fired ? "fired" : STATUS_WORDS[check.status], check.series,
      metricValue(check.metric, check.observed), limitOf(check), count(sampleOf(check)), persistenceWords(check), check.reason,
    ]),
  );
}

const states = (release: ReleaseOutcome): string[] =>
  table(["state", "spent", "visits"], release.states.map((each) => [each.label, duration(each.spent), count(each.entries)]));

const truth = (release: ReleaseOutcome): string[] =>
  table(
    ["objective", "where", "limit", "with", "without", "worst window", "finding", "in words"],
    bySeverity(release.truthEvidence).map((each) => [
      each.objective, whereWords(each), objectiveValue(each.objective, each.limit), objectiveValue(each.objective, each.withRelease),
      objectiveValue(each.objective, each.without), `${clock(each.windowFrom)} to ${clock(each.windowTo)}`, each.finding, each.reason,
    ]),
  );

function cost(release: ReleaseOutcome): string[] {
  const oracle = release.regret?.oracleCost;
  const rows = COST_PARTS.map(([part, name]) => [name, money(release.cost[part]), oracle === undefined ? NOTHING : money(oracle[part])]);
  const regret = release.regret === null ? [noRegretWords(release), ""] : [`Regret: ${regretWords(release.regret)}, who is clairvoyant and ${release.regret.oracleActsAt === null ? "never needs to act" : `acts at ${clock(release.regret.oracleActsAt)}`}.`, ""];
  return [...table(["part", "this run", "oracle"], [...rows, ["total", money(release.cost.total), oracle === undefined ? NOTHING : money(oracle.total)]]), ...regret];
}

function weights(outcome: Outcome): string[] {
  const entries = Object.entries(outcome.costWeights);
  return entries.length === 0 ? [] : [`Weights: ${text(entries.map(([name, value]) => `${weightName(name)} ${costWeight(name, value)}`).join(" · "))}`, ""];
}

function tail(outcome: Outcome): string[] {
  return [
    "## Replay", "",
    "```", oneLine(outcome.replay), "```", "",
    ...(outcome.approximations.length === 0 ? [] : [worldWords(outcome).approximations, "", ...outcome.approximations.map((each) => `- ${text(each)}`), ""]),
    `Digest ${code(outcome.digest)}, model ${text(outcome.modelVersion)}, ${worldWords(outcome).kind}, outcome schema ${outcome.schemaVersion}.`, "",
  ];
}
