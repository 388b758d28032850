// What a game day leaves behind and says at its end: report, outcome and quality on disk, the summary at the terminal.

import { join, relative } from "node:path";
import { QUALITY_WINDOW, type QualityWindow } from "../../live/gameday/quality.js";
import type { GameDayResult } from "../../live/gameday/run-game-day.js";
import type { GameDayPlan } from "../../live/safety/plan.js";
import { clock, counted } from "../../kernel/format.js";
import { summary } from "../../report/summary.js";
import { writeOutcome, writeReport, writeWhole } from "../artifacts.js";
import { ExitCode, UsageError } from "../exit.js";
import type { Terminal } from "../terminal.js";

/** Writes and tells everything; gives the command's exit code. A full disk takes the files, not what is said. */
export async function reportGameDay(result: GameDayResult, { folder }: GameDayPlan, terminal: Terminal): Promise<ExitCode> {
  const { quality, lasted, early, cleaned } = result;
  const bad = result.outcome === null ? [] : (quality?.windows(QUALITY_WINDOW, lasted).filter(({ comparable }) => !comparable) ?? []);
  const outcome = result.outcome === null ? null : { ...result.outcome, approximations: [...bad.map(badlyMeasured), ...result.outcome.approximations] };
  const written = await writeFiles({ ...result, outcome }, folder);
  if (outcome !== null) {
    terminal.print(summary(outcome, { color: terminal.color, width: terminal.width, ...(written.report === null ? {} : { report: relative(process.cwd(), written.report) }) }));
    if (bad.length > 0) terminal.warn(`measured badly in ${counted(bad.length, "window")} of ${QUALITY_WINDOW / 1_000_000} s (not comparable): ${bad[0].why}`);
  }
  if (written.failure !== null) terminal.warn(written.failure);
  for (const left of cleaned.left) terminal.warn(`still there: ${left}; \`shakedown gameday recover\` tries again`);
  if (early !== null) terminal.warn(`the game day ended early: ${early.why}`);
  if (early?.kind === "error") throw early.error;
  if (early?.kind === "asked") return ExitCode.interrupted;
  return outcome?.passed === true && cleaned.left.length === 0 && written.failure === null ? ExitCode.ok : ExitCode.failed;
}

/** Such a window is shown as it is, and says nothing. */
const badlyMeasured = ({ from, to, why }: QualityWindow): string => `Not comparable, ${clock(from)} to ${clock(to)}: ${why}`;

/** The report's path, and why not everything could be written. */
async function writeFiles({ outcome, quality, lasted }: GameDayResult, folder: string): Promise<{ readonly report: string | null; readonly failure: string | null }> {
  if (outcome === null) return { report: null, failure: null };
  try {
    if (quality !== null) writeWhole(join(folder, "quality.json"), `${JSON.stringify({ windows: quality.windows(QUALITY_WINDOW, lasted), samples: quality.samples }, null, 1)}\n`);
    writeOutcome(folder, outcome);
    return { report: await writeReport(folder, outcome), failure: null };
  } catch (error) {
    if (error instanceof UsageError) return { report: null, failure: error.message };
    throw error;
  }
}
