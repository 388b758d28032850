// `--reporter name` and `--reporter name:file`: which reports a suite gets, and where they go.

import { resolve } from "node:path";
import type { BaselineResult } from "../../lab/against.js";
import type { SuiteResult } from "../../lab/suite.js";
import { writeEach, type TextFile } from "../artifacts.js";
import { UsageError } from "../exit.js";
import type { Terminal } from "../terminal.js";
import { pathsFrom } from "./workspace.js";

export const REPORTERS = ["pretty", "junit", "github", "tap", "json", "markdown"] as const;
export type ReporterName = (typeof REPORTERS)[number];

export interface Reporter {
  readonly name: ReporterName;
  /** Null for standard output. */
  readonly file: string | null;
}

/** The reporters that the flags name; pretty on standard output when they name none. Throws UsageError. */
export function parseReporters(flags: readonly string[]): readonly Reporter[] {
  const reporters = flags.flatMap((flag) => flag.split(",").map(parseReporter));
  const printed = reporters.filter(({ file }) => file === null);
  if (printed.length > 1) throw new UsageError(`--reporter: ${printed.map(({ name }) => name).join(" and ")} would both go to standard output; give all but one a file, as in junit:report.xml`);
  return reporters.length === 0 ? [{ name: "pretty", file: null }] : reporters;
}

function parseReporter(text: string): Reporter {
  const colon = text.indexOf(":");
  const name = colon < 0 ? text : text.slice(0, colon);
  const known = REPORTERS.find((each) => each === name);
  if (known === undefined) throw new UsageError(`--reporter ${text}: write one of ${REPORTERS.join(", ")}, perhaps with a file as in junit:report.xml`);
  const file = colon < 0 ? null : text.slice(colon + 1);
  if (file === "") throw new UsageError(`--reporter ${text}: a file is missing after the colon`);
  return { name: known, file };
}

/**
 * Prints and writes every report; gives one line for each that could not be written, after all others were. Where only
 * programs read them, people hear on standard error how the suite compares with its baseline.
 */
export async function report(suite: SuiteResult, reporters: readonly Reporter[], terminal: Terminal, { against = null }: { readonly against?: BaselineResult | null } = {}): Promise<readonly string[]> {
  const files: TextFile[] = [];
  for (const { name, file } of reporters) {
    const text = await render(name, suite, { against, ...(file === null ? terminal : { color: false, width: 100 }) });
    if (file === null) terminal.print(text);
    else files.push({ path: resolve(file), text: `${text}\n` });
  }
  if (against !== null && !reporters.some(({ name }) => name === "pretty" || name === "markdown")) {
    terminal.warn((await import("../../report/lab/regression-words.js")).againstLines(against, suite.interrupted).join("\n"));
  }
  return writeEach(files);
}

interface Rendering {
  readonly against: BaselineResult | null;
  readonly color: boolean;
  readonly width: number;
}

async function render(name: ReporterName, suite: SuiteResult, rendering: Rendering): Promise<string> {
  switch (name) {
    case "pretty":
      return (await import("../../report/lab/pretty.js")).suitePretty(suite, rendering);
    case "junit":
      return (await import("../../report/lab/junit.js")).suiteJunit(suite, rendering).trimEnd();
    case "github":
      return (await import("../../report/lab/annotations.js")).suiteGithub(suite, { ...rendering, pathOf: pathsFrom(process.env["GITHUB_WORKSPACE"]) });
    case "tap":
      return (await import("../../report/lab/annotations.js")).suiteTap(suite, rendering);
    case "json":
      return (await import("../../report/lab/suite-json.js")).suiteJson(suite, rendering);
    case "markdown":
      return (await import("../../report/lab/suite-markdown.js")).suiteMarkdown(suite, rendering).trimEnd();
  }
}
