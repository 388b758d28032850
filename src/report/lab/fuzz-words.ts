// What a fuzz found and reached, for the terminal; and a failing case as a file that says how to play it again.

import { count, counted } from "../../kernel/format.js";
import type { Reach } from "../../lab/fuzz/features.js";
import type { Found, FuzzResult } from "../../lab/fuzz/fuzz.js";
import { oneLine } from "../text.js";
import { runCommandWords } from "./replay.js";

export interface FuzzWords {
  readonly seed: string;
  /** Whether time ended it, so that another machine plays more or fewer. */
  readonly timed: boolean;
  /** Where a failing case was written. */
  readonly pathOf: (found: Found) => string;
  /** Folders outside its project that a case written there refers to. */
  readonly allowPaths?: readonly string[];
  readonly width: number;
}

const replayOf = ({ case: { seed, fidelity } }: Found, file: string, allowPaths: readonly string[] = []): string => runCommandWords({ file, seed, fidelity, allowPaths });

/** The case with what it shows, and the command that plays it. */
export const caseFile = (found: Found, path: string, allowPaths: readonly string[] = []): string =>
  `# ${found.finding.id}\n# ${found.finding.message.split("\n")[0]}\n# ${replayOf(found, path, allowPaths)}\n${found.case.text}`;

/** A case of the corpus that was not played, and why. */
export interface LeftOut {
  readonly name: string;
  readonly why: string;
}

const MOST_LEFT_OUT = 3;

/** Cases of a corpus that were not played: whoever replays them must not take them for well. */
export function leftOutLines(corpus: string, total: number, leftOut: readonly LeftOut[]): readonly string[] {
  if (leftOut.length === 0) return [];
  const more = leftOut.length - MOST_LEFT_OUT;
  return [
    `! ${count(leftOut.length)} of ${counted(total, "case")} of the corpus ${corpus} ${leftOut.length === 1 ? "was" : "were"} not played:`,
    ...leftOut.slice(0, MOST_LEFT_OUT).map(({ name, why }) => `    ${oneLine(name)}: ${oneLine(why)}`),
    ...(more > 0 ? [`    and ${count(more)} more`] : []),
    "",
  ];
}

export function fuzzLines(result: FuzzResult, words: FuzzWords): readonly string[] {
  const { cases, runs, aborted } = result;
  const found = result.found.filter(({ finding: { kind } }) => kind !== "model");
  const model = result.found.filter(({ finding: { kind } }) => kind === "model");
  return [
    `${counted(cases, "case")} in ${counted(runs, "run")}, seed ${words.seed}${aborted ? ", interrupted" : ""}${words.timed ? " (with --for, how many depends on the machine)" : ""}`,
    "",
    ...(found.length === 0 ? ["✓ nothing broke: no crash, every invariant and rule held, and what was played twice came out the same", ""] : found.flatMap((each) => foundLines(each, result, words))),
    ...model.flatMap((each) => modelLines(each, result, words)),
    ...reachLines(result.reach, words.width),
  ];
}

/** What speaks of the simulator's model: no failure of the strategy, and for us to mend. */
function modelLines(found: Found, { seen, cases }: FuzzResult, { pathOf, allowPaths }: FuzzWords): readonly string[] {
  const { finding } = found;
  return [
    `! not your strategy but our model: ${finding.id.replace(/^model: /, "")} was off in ${seen.get(finding.id) ?? 1} of ${counted(cases, "case")}; the first: ${finding.message.split("\n")[0]}`,
    `  ${replayOf(found, pathOf(found), allowPaths)}`,
    "",
  ];
}

function foundLines(found: Found, { seen }: FuzzResult, { pathOf, allowPaths }: FuzzWords): readonly string[] {
  const { finding, lines, caseNumber, shrinkRuns } = found;
  const path = pathOf(found);
  const times = seen.get(finding.id) ?? 1;
  return [
    `✗ ${finding.id}`,
    `  ${finding.message.split("\n")[0]}`,
    `  first in case ${caseNumber}, ${times === 1 ? "once" : `${count(times)} times`} in all; shrunk from ${counted(lines.before, "line")} to ${lines.after} (${lines.script} of script) in ${counted(shrinkRuns, "run")}`,
    "",
    ...found.case.text.trimEnd().split("\n").map((line) => `    ${line}`),
    "",
    `  ${replayOf(found, path, allowPaths)}`,
    "",
  ];
}

const PLURALS: Readonly<Record<Reach["kind"], string>> = { transition: "transitions", rule: "rules", action: "actions", effect: "effects", carrier: "carriers", event: "events", invariant: "invariants" };

/** An invariant has two ways to be reached: with something to check, and without. */
const IDLE = " (nothing to check)";

function reachLines(reach: readonly Reach[], width: number): readonly string[] {
  const never = reach.map((each) => ({ ...each, never: each.never.filter((what) => !what.endsWith(IDLE)) })).filter((each) => each.never.length > 0);
  // Of an invariant that was never reached at all, it would say the opposite of what is so.
  const neverIdle = reach.flatMap((each) => each.never.filter((what) => what.endsWith(IDLE)).map((what) => what.slice(0, -IDLE.length)).filter((name) => !each.never.includes(name)));
  return [
    `reached: ${reach.map(({ kind, reached, known }) => `${PLURALS[kind]} ${reached}/${known}`).join(", ")}`,
    ...never.flatMap(({ kind, never: missing }) => wrapped(`never ${PLURALS[kind]}: `, missing, width)),
    ...(neverIdle.length === 0 ? [] : wrapped("checked in every case, never without anything to check: ", neverIdle, width)),
  ];
}

/** A list that is broken between its items. */
function wrapped(head: string, items: readonly string[], width: number): readonly string[] {
  const lines: string[] = [];
  let line = `  ${head}`;
  items.forEach((item, index) => {
    const piece = `${item}${index < items.length - 1 ? ", " : ""}`;
    if (line.length + piece.length > width && line.trim() !== head.trim()) {
      lines.push(line.trimEnd());
      line = "    ";
    }
    line += piece;
  });
  return [...lines, line];
}
