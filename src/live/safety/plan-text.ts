// The plan as people read it before a game day acts: every process, port and fault, how far it reaches and how it ends.

import { bytes, clock, counted, duration, perSecond } from "../../kernel/format.js";
import { PLAN_LIMITS, plannedMemoryBytes, plannedProcesses, type GameDayPlan, type PlannedFault } from "./plan.js";

/** The whole plan; no line of it needs another document. */
export function planText(plan: GameDayPlan): string {
  const { defects = [] } = plan;
  const lines = [
    `Game day ${plan.id}: ${plan.scenario}${plan.speed === 1 ? "" : ` at speed ${plan.speed}`}`,
    "",
    `  takes      ${duration(plan.takes)} (at most ${duration(PLAN_LIMITS.takes)})`,
    `  load       up to ${perSecond(plan.load)} on the loopback (at most ${perSecond(PLAN_LIMITS.load)})`,
    `  processes  ${plannedProcesses(plan)}, up to ${bytes(plannedMemoryBytes(plan))} together`,
    ...table(plan.processes.map(({ role, count, memoryBytes }) => [String(count), role, `up to ${bytes(memoryBytes)}${count === 1 ? "" : " each"}`])),
    `  ports      ${plan.ports.length === 0 ? "none" : "loopback only"}`,
    ...table(plan.ports.map(({ what, host, port }) => [`${host}:${port ?? "any free one"}`, what])),
    `  files      ${plan.folder}`,
    ...plan.temporaryFolders.map((folder) => `    ${folder} (removed at the end)`),
    "",
    ...defectLines(defects),
    plan.faults.length === 0 ? `  It breaks nothing${defects.length === 0 ? "" : " else"}.` : `  It breaks ${counted(plan.faults.length, "thing")}:`,
    ...plan.faults.flatMap(faultLines),
    "",
    `  Before the first fault: ${plan.steadyState.length === 0 ? "nothing is checked" : plan.steadyState.join("; ")}`,
    `  It stops and reverts when ${[...plan.stopIf, "its journal or its watchdog fails", "you press Ctrl-C once", `\`shakedown gameday stop ${plan.id}\` says so`].join(", or ")}`,
  ];
  return lines.map((line) => line.trimEnd()).join("\n");
}

/** Defects are reverted with the release: its processes carry them. */
const defectLines = (defects: readonly string[]): readonly string[] =>
  defects.length === 0 ? [] : [`  Its releases bring ${counted(defects.length, "defect")}, each inside the processes of its version and gone with them:`, ...defects.map((defect) => `    ${defect}`), ""];

function faultLines({ what, victim, blastRadius, at, lasts, reverts }: PlannedFault): readonly string[] {
  return [
    `    ${clock(at)} for ${duration(lasts)}: ${what} on ${victim}`,
    `      reaches  ${blastRadius}`,
    `      reverts  ${reverts}`,
  ];
}

/** Rows with their columns aligned. */
function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => `    ${row.map((cell, column) => cell.padEnd(widths[column])).join("  ")}`);
}

/** Asks at the terminal; anything but a clear yes is a no. */
export async function confirmPlan(ask: (question: string) => Promise<string>): Promise<boolean> {
  const answer = await ask("Start it? [y/N] ");
  return /^\s*y(es)?\s*$/i.test(answer);
}
