// The suite for people at a terminal: failures first, with reasons, evidence and the command that replays them.

import pc from "picocolors";
import { count, counted } from "../../kernel/format.js";
import { isWell } from "../../lab/against.js";
import type { ScenarioResult, SuiteResult } from "../../lab/suite.js";
import { cut, oneLine, wrap } from "../text.js";
import { mark } from "../words.js";
import { againstLines, type AgainstOption } from "./regression-words.js";
import { claimWords, countsWords, evidenceOf, failureWords, replayCommand, runsWords, suiteWords } from "./suite-words.js";

export interface PrettyOptions extends AgainstOption {
  readonly color?: boolean;
  readonly width?: number;
}

type Colors = ReturnType<typeof pc.createColors>;

/** The whole suite as text; it reads the same without colour. */
export function suitePretty(suite: SuiteResult, { color = false, width = 100, against = null }: PrettyOptions = {}): string {
  const colors = pc.createColors(color);
  const wide = Math.max(60, width);
  const blocks = suite.scenarios.map((result) => scenarioLines(result, colors, wide).join("\n"));
  const words = suiteWords(suite, against);
  const end = isWell(suite, against) ? colors.green(words) : suite.interrupted && !hasFailed(suite) ? colors.yellow(words) : colors.red(words);
  const compared = againstLines(against, suite.interrupted);
  const runs = suite.scenarios.reduce((sum, { rows, lost }) => sum + rows.length + lost.length, 0);
  return [...blocks, ...(compared.length === 0 ? [] : ["", ...compared]), "", `${end} ${suite.interrupted ? "" : colors.dim(`(${counted(runs, "run")})`)}`.trimEnd()].join("\n");
}

const hasFailed = ({ scenarios }: SuiteResult): boolean => scenarios.some(({ verdict }) => verdict === "fail");

function scenarioLines(result: ScenarioResult, colors: Colors, width: number): string[] {
  const { verdict, name, file, fidelity } = result;
  const sign = verdict === "pass" ? colors.green(mark(true)) : verdict === "fail" ? colors.red(mark(false)) : colors.yellow("○");
  const counts = countsWords(result.rows);
  const line = `${sign} ${colors.bold(cut(oneLine(name), 40))}  ${runsWords(result)}${colors.dim(`  ${counts === "" ? "" : `${counts} · `}${fidelity} · ${file}`)}`;
  const claims = result.claims.flatMap((claim) => {
    const ends = claim.verdict === "pass" ? colors.green(mark(true)) : claim.verdict === "fail" ? colors.red(mark(false)) : colors.yellow("○");
    return hang(`    ${ends} `, 6, claimWords(claim), width);
  });
  return [line, ...claims, ...(verdict === "fail" ? failureLines(result, colors, width) : [])];
}

function failureLines(result: ScenarioResult, colors: Colors, width: number): string[] {
  const lost = result.lost.slice(0, 3).flatMap(({ seed, failure }) => hang(`    ${colors.red(mark(false))} `, 6, `seed ${seed} could not be played (${failure.kind}): ${failure.message}`, width));
  // A few failures within what the scenario allows are no reason for the verdict.
  const failed = result.runsVerdict === "fail" ? result.rows.filter((row) => !row.passed) : [];
  const shown = failed.slice(0, Math.max(1, result.shown.length));
  const runs = shown.flatMap((row) => [
    ...failureWords(row).flatMap((why, index) => hang(index === 0 ? `    ${colors.red(`seed ${row.seed}`)}  ` : "      ", index === 0 ? 8 + String(row.seed).length : 6, why, width)),
    ...evidenceOf(result, row.seed).flatMap((text) => hang("      ", 8, text, width)).map((text) => colors.dim(text)),
    `      replay: ${replayCommand(result, row.seed)}`,
  ]);
  const more = failed.length - shown.length;
  const others = more > 0 ? [colors.dim(cut(`    … and ${counted(more, "more failing run")}: seeds ${failed.slice(shown.length).map(({ seed }) => count(seed)).join(", ")}`, width))] : [];
  return [...lost, ...runs, ...others];
}

/** A paragraph that hangs under its first line. */
function hang(first: string, indent: number, text: string, width: number): string[] {
  return wrap(text, width - indent).map((line, index) => (index === 0 ? `${first}${line}` : `${" ".repeat(indent)}${line}`));
}
