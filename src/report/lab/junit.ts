// The suite as JUnit XML, which GitLab, Jenkins and most other CI systems show.

import { isWorse, regressionFor, type BaselineResult } from "../../lab/against.js";
import type { ScenarioResult, SuiteResult } from "../../lab/suite.js";
import { html, type Markup } from "../escape.js";
import { changeWords, verdictWords, type AgainstOption } from "./regression-words.js";
import { claimEnd, claimWords, evidenceOf, failureWords, replayCommand, runsWords } from "./suite-words.js";

interface Case {
  readonly name: string;
  readonly file: string;
  readonly line: number | null;
  readonly failure: { readonly kind: "failure" | "error" | "skipped"; readonly type: string; readonly message: string; readonly text: string } | null;
}

/** One test suite per scenario, one test case for its runs, one for each claim and one for what it was before. The same suite gives the same bytes. */
export function suiteJunit({ scenarios }: SuiteResult, { against = null }: AgainstOption = {}): string {
  const suites = scenarios.map((result) => ({ result, cases: casesOf(result, against) }));
  const all = suites.flatMap(({ cases }) => cases);
  const body = suites.map(({ result, cases }) => suiteElement(result, cases));
  const root = html`<testsuites name="shakedown" tests="${all.length}" failures="${counted(all, "failure")}" errors="${counted(all, "error")}" skipped="${counted(all, "skipped")}">
${body}</testsuites>
`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${root.text}`;
}

const counted = (cases: readonly Case[], kind: NonNullable<Case["failure"]>["kind"]): number => cases.filter(({ failure }) => failure?.kind === kind).length;

function suiteElement(result: ScenarioResult, cases: readonly Case[]): Markup {
  return html`  <testsuite name="${result.name}" file="${result.file}" tests="${cases.length}" failures="${counted(cases, "failure")}" errors="${counted(cases, "error")}" skipped="${counted(cases, "skipped")}">
${cases.map((each) => caseElement(result, each))}  </testsuite>
`;
}

function caseElement(result: ScenarioResult, { name, file, line, failure }: Case): Markup {
  const place = line === null ? html` file="${file}"` : html` file="${file}" line="${line}"`;
  const head = html`    <testcase classname="${result.name}" name="${name}"${place}`;
  if (failure === null) return html`${head}/>
`;
  const { kind, type, message, text } = failure;
  const element = kind === "skipped" ? html`<skipped message="${message}"/>` : kind === "error" ? html`<error message="${message}" type="${type}">${text}</error>` : html`<failure message="${message}" type="${type}">${text}</failure>`;
  return html`${head}>
      ${element}
    </testcase>
`;
}

function casesOf(result: ScenarioResult, against: BaselineResult | null): readonly Case[] {
  const { file, lost, claims } = result;
  const claimed = claims.map((claim): Case => ({
    name: claim.claim.text,
    file: claim.claim.source.file,
    line: claim.claim.source.line,
    failure: claim.verdict === "pass" ? null : { kind: claimEnd(claim, result) === "interrupted" ? "skipped" : "failure", type: claim.verdict, message: claimWords(claim), text: claimWords(claim) },
  }));
  const [first] = lost;
  const played: Case[] = first === undefined ? [] : [{ name: "every run can be played", file, line: null, failure: { kind: "error", type: first.failure.kind, message: first.failure.message, text: lost.map(({ seed, failure }) => `seed ${seed}: ${failure.message}`).join("\n") } }];
  return [runsCase(result), ...played, ...claimed, ...comparedCase(result, against)];
}

function comparedCase(result: ScenarioResult, against: BaselineResult | null): readonly Case[] {
  const regression = regressionFor(result, against);
  if (against === null || regression === null) return [];
  const message = verdictWords(regression, against);
  const kind = isWorse(regression) ? "failure" : regression.seeds === 0 ? "skipped" : null;
  const failure = kind === null ? null : { kind, type: "regression", message, text: [message, ...regression.changes.map(changeWords)].join("\n") } as const;
  return [{ name: `no worse than ${against.baseline}`, file: result.file, line: null, failure }];
}

/** Failing seeds with their reasons, and those that are named beyond them. */
const MOST_LISTED = 10;
const MOST_NAMED = 100;

function runsCase(result: ScenarioResult): Case {
  const failing = result.rows.filter((row) => !row.passed);
  const [first] = failing;
  const line = first?.failures[0]?.line ?? null;
  const more = failing.slice(MOST_LISTED).map(({ seed }) => seed);
  const listed = failing.slice(0, MOST_LISTED).map((row) => [
    `seed ${row.seed}`,
    ...failureWords(row).map((why) => `  ${why}`),
    ...evidenceOf(result, row.seed).map((each) => `    ${each}`),
    `  replay: ${replayCommand(result, row.seed)}`,
  ].join("\n"));
  const text = [...listed, ...(more.length === 0 ? [] : [`and ${more.length} more failing seeds of ${result.rows.length} played: ${more.slice(0, MOST_NAMED).join(", ")}${more.length > MOST_NAMED ? ", …" : ""}`])].join("\n");
  const name = `expectations hold over ${result.planned} seeds`;
  // An error, and not skipped: many CI systems show a suite with skipped cases as green.
  if (result.runsVerdict === "interrupted") return { name, file: result.file, line: null, failure: { kind: "error", type: "interrupted", message: `no verdict: ${runsWords(result)}`, text } };
  const why = first === undefined ? "" : `; seed ${first.seed}: ${failureWords(first)[0] ?? ""}`;
  return {
    name,
    file: result.file,
    line,
    failure: result.runsVerdict === "pass" ? null : { kind: "failure", type: "expectation", message: `${runsWords(result)}${why}`, text },
  };
}
