// `shakedown report`: builds the report again from an outcome file.

import { dirname, join, relative } from "node:path";
import { statSync } from "node:fs";
import type { Outcome } from "../../sim/outcome.js";
import { writeReport } from "../artifacts.js";
import { ExitCode } from "../exit.js";
import { readOutcome } from "../outcome-file.js";
import { openReport } from "../open-report.js";
import type { Terminal } from "../terminal.js";

export async function reportCommand(
  path: string,
  flags: { readonly out?: string; readonly open?: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  const outcome: Outcome = readOutcome(path);
  const isFolder = statSync(path).isDirectory();
  const folder = flags.out ?? (isFolder ? path : dirname(path));
  if (outcome.series.at.length === 0) {
    terminal.warn(`this outcome is one of many seeds and has no chart series; for charts: ${outcome.replay}`);
  }
  const report = await writeReport(join(folder), outcome);
  terminal.print(relative(process.cwd(), report));
  if (flags.open === true) await openReport(report, terminal);
  return ExitCode.ok;
}
