// `shakedown explain`: why was this decided, in words, from an outcome file.

import { explain } from "../../report/explain.js";
import { ExitCode, UsageError } from "../exit.js";
import { readOutcome } from "../outcome-file.js";
import type { Terminal } from "../terminal.js";

export function explainCommand(path: string, flags: { readonly decision?: string }, terminal: Terminal): ExitCode {
  const outcome = readOutcome(path);
  const options = flags.decision === undefined ? {} : { decision: decisionId(flags.decision, outcome.decisions.length) };
  terminal.print(explain(outcome, options));
  return ExitCode.ok;
}

function decisionId(text: string, count: number): number {
  const id = Number(text);
  if (!Number.isInteger(id) || id < 1 || id > count) {
    throw new UsageError(`--decision ${text}: ${count === 0 ? "this outcome has no decision" : `write a number from 1 to ${count}`}`);
  }
  return id;
}
