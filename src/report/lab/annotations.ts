// The suite as line formats of CI systems: GitHub's annotations, and TAP.

import { isWorse, regressionFor, type BaselineResult } from "../../lab/against.js";
import type { ScenarioResult, SuiteResult } from "../../lab/suite.js";
import { oneLine } from "../text.js";
import { changeWords, verdictWords, type AgainstOption } from "./regression-words.js";
import { claimWords, evidenceOf, failureWords, findingsOf, interruptedWords, replayCommand, runsWords, suiteWords } from "./suite-words.js";

export interface GithubOptions extends AgainstOption {
  /** The name of a file as GitHub knows it; as the user typed it when left out. */
  readonly pathOf?: (file: string) => string;
}

/** GitHub Actions workflow commands: one error per finding, at its line in the user's file. */
export function suiteGithub(suite: SuiteResult, { against = null, pathOf = (file) => file }: GithubOptions = {}): string {
  const errors = suite.scenarios.flatMap((result) => findingsOf(result, against)).map(({ title, file, line, message }) =>
    `::error file=${property(pathOf(file))},line=${line},title=${property(`shakedown: ${oneLine(title)}`)}::${data(message)}`);
  return [...errors, `::notice title=shakedown::${data(suiteWords(suite, against))}`].join("\n");
}

const data = (text: string): string => text.replace(/%/g, "%25").replace(/\r/g, "%0D").replace(/\n/g, "%0A");
const property = (text: string): string => data(text).replace(/:/g, "%3A").replace(/,/g, "%2C");

interface Point {
  readonly ok: boolean;
  readonly name: string;
  /** Why there was nothing to test. */
  readonly skip?: string;
  readonly facts: readonly (readonly [key: string, value: string])[];
}

/** TAP version 14: a test point for each scenario, claim and comparison, with a YAML block where it is not ok; interrupted, it ends by bailing out. */
export function suiteTap({ scenarios, interrupted }: SuiteResult, { against = null }: AgainstOption = {}): string {
  const points = scenarios.flatMap((result) => pointsOf(result, against));
  const lines = points.flatMap(({ ok, name, skip, facts }, index) => [
    `${ok ? "ok" : "not ok"} ${index + 1} - ${description(name)}${skip === undefined ? "" : ` # SKIP ${description(skip)}`}`,
    // JSON strings are YAML scalars.
    ...(ok || facts.length === 0 ? [] : ["  ---", ...facts.map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`), "  ..."]),
  ]);
  return ["TAP version 14", `1..${points.length}`, ...lines, ...(interrupted ? [`Bail out! ${interruptedWords(scenarios)}`] : [])].join("\n");
}

function pointsOf(result: ScenarioResult, against: BaselineResult | null): readonly Point[] {
  const { name, lost, rows, claims, runsVerdict } = result;
  const runs: Point = {
    ok: runsVerdict === "pass" && lost.length === 0,
    name: `${name}: ${runsWords(result)}`,
    facts: [
      ...lost.slice(0, 3).map(({ seed, failure }) => ["lost", `seed ${seed}: ${failure.message}`] as const),
      ...rows.filter((row) => !row.passed).slice(0, 3).flatMap((row) => [
        [`seed ${row.seed}`, failureWords(row).join("; ")] as const,
        [`evidence ${row.seed}`, evidenceOf(result, row.seed).join("; ")] as const,
        [`replay ${row.seed}`, replayCommand(result, row.seed)] as const,
      ]),
    ],
  };
  const claimed = claims.map((claim): Point => ({ ok: claim.verdict === "pass", name: `${name}: ${claim.claim.text}`, facts: [["found", claimWords(claim)], ["at", `${claim.claim.source.file}:${claim.claim.source.line}`]] }));
  return [runs, ...claimed, ...comparedPoint(result, against)];
}

function comparedPoint(result: ScenarioResult, against: BaselineResult | null): readonly Point[] {
  const regression = regressionFor(result, against);
  if (against === null || regression === null) return [];
  const name = `${result.name}: no worse than ${against.baseline}`;
  if (regression.seeds === 0) return [{ ok: true, name, skip: regression.verdict, facts: [] }];
  return [{ ok: !isWorse(regression), name, facts: [["found", verdictWords(regression, against)], ...regression.changes.map((change) => [change.metric, changeWords(change)] as const)] }];
}

/** A hash would begin a directive. */
const description = (text: string): string => oneLine(text).replace(/\\/g, "\\\\").replace(/#/g, "\\#");
