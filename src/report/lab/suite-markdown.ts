// The suite as Markdown: for a job's summary or a comment on a pull request.

import { counted } from "../../kernel/format.js";
import { isWell } from "../../lab/against.js";
import type { ScenarioResult, SuiteResult } from "../../lab/suite.js";
import { code, text } from "../markdown.js";
import { mark } from "../words.js";
import { againstLines, type AgainstOption } from "./regression-words.js";
import { claimWords, countsWords, evidenceOf, failureWords, replayCommand, runsWords, suiteWords } from "./suite-words.js";

const SIGN: Readonly<Record<ScenarioResult["verdict"], string>> = { pass: mark(true), fail: mark(false), "not enough runs": "○", interrupted: "○" };
const MOST_RUNS = 3;

export function suiteMarkdown(suite: SuiteResult, { against = null }: AgainstOption = {}): string {
  const rows = suite.scenarios.map((result) => `| ${SIGN[result.verdict]} | ${text(result.name)} | ${text(runsWords(result))} | ${text(countsWords(result.rows))} | ${result.fidelity} |`);
  return [
    `## ${mark(isWell(suite, against))} shakedown: ${text(suiteWords(suite, against))}`, "",
    "| | scenario | runs | classified | fidelity |", "| --- | --- | --- | --- | --- |", ...rows, "",
    ...suite.scenarios.flatMap(details),
    ...againstSection(againstLines(against, suite.interrupted)),
  ].join("\n");
}

/** Changes hang under their scenario. */
function againstSection([head, ...lines]: readonly string[]): string[] {
  if (head === undefined) return [];
  return [`### ${text(head)}`, "", ...lines.map((line) => `${/^ */.exec(line)?.[0] === "" ? "" : "  "}- ${text(line)}`), ""];
}

function details(result: ScenarioResult): string[] {
  const claims = result.claims.map((claim) => `- ${SIGN[claim.verdict]} ${text(claimWords(claim))}`);
  const lost = result.lost.slice(0, MOST_RUNS).map(({ seed, failure }) => `- ${mark(false)} seed ${seed} could not be played: ${text(failure.message)}`);
  const failing = result.runsVerdict === "fail" ? result.rows.filter((row) => !row.passed) : [];
  const runs = failing.slice(0, MOST_RUNS).flatMap((row) => [
    `<details><summary>seed ${row.seed}: ${text(failureWords(row)[0] ?? "")}</summary>`, "",
    ...failureWords(row).map((why) => `- ${text(why)}`),
    ...evidenceOf(result, row.seed).map((each) => `  - ${text(each)}`), "",
    code(replayCommand(result, row.seed)), "", "</details>", "",
  ]);
  const more = failing.length > MOST_RUNS ? [`… and ${counted(failing.length - MOST_RUNS, "more failing run")}.`, ""] : [];
  if (claims.length + lost.length + runs.length === 0) return [];
  return [`### ${text(result.name)}`, "", ...claims, ...lost, "", ...runs, ...more];
}
