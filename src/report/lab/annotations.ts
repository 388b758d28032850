// The suite as line formats of CI systems: GitHub's annotations, and TAP.

import type { SuiteResult } from "../../lab/suite.js";
import { oneLine } from "../text.js";
import { claimWords, evidenceOf, failureWords, findingsOf, interruptedWords, replayCommand, runsWords, suiteWords } from "./suite-words.js";

/** GitHub Actions workflow commands: one error per finding, at its line in the user's file. */
export function suiteGithub(suite: SuiteResult): string {
  const errors = suite.scenarios.flatMap(findingsOf).map(({ title, file, line, message }) =>
    `::error file=${property(file)},line=${line},title=${property(`shakedown: ${oneLine(title)}`)}::${data(message)}`);
  return [...errors, `::notice title=shakedown::${data(suiteWords(suite))}`].join("\n");
}

const data = (text: string): string => text.replace(/%/g, "%25").replace(/\r/g, "%0D").replace(/\n/g, "%0A");
const property = (text: string): string => data(text).replace(/:/g, "%3A").replace(/,/g, "%2C");

/** TAP version 14: one test point per scenario and per claim, with a YAML block where it is not ok; interrupted, it ends by bailing out. */
export function suiteTap({ scenarios, interrupted }: SuiteResult): string {
  const points = scenarios.flatMap((result) => [
    {
      ok: result.runsVerdict === "pass" && result.lost.length === 0,
      name: `${result.name}: ${runsWords(result)}`,
      facts: [
        ...result.lost.slice(0, 3).map(({ seed, failure }) => ["lost", `seed ${seed}: ${failure.message}`] as const),
        ...result.rows.filter((row) => !row.passed).slice(0, 3).flatMap((row) => [
          [`seed ${row.seed}`, failureWords(row).join("; ")] as const,
          [`evidence ${row.seed}`, evidenceOf(result, row.seed).join("; ")] as const,
          [`replay ${row.seed}`, replayCommand(result, row.seed)] as const,
        ]),
      ],
    },
    ...result.claims.map((claim) => ({ ok: claim.verdict === "pass", name: `${result.name}: ${claim.claim.text}`, facts: [["found", claimWords(claim)] as const, ["at", `${claim.claim.source.file}:${claim.claim.source.line}`] as const] })),
  ]);
  const lines = points.flatMap(({ ok, name, facts }, index) => [
    `${ok ? "ok" : "not ok"} ${index + 1} - ${description(name)}`,
    // JSON strings are YAML scalars.
    ...(ok || facts.length === 0 ? [] : ["  ---", ...facts.map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`), "  ..."]),
  ]);
  return ["TAP version 14", `1..${points.length}`, ...lines, ...(interrupted ? [`Bail out! ${interruptedWords(scenarios)}`] : [])].join("\n");
}

/** A hash would begin a directive. */
const description = (text: string): string => oneLine(text).replace(/\\/g, "\\\\").replace(/#/g, "\\#");
