// A sweep in the terminal: a table of its settings, and answers to questions as aligned columns.

import { count, counted, duration, money, NOTHING, percent, significant } from "../../kernel/format.js";
import { MICROS_PER_SECOND } from "../../kernel/units.js";
import type { Cell } from "../../lab/sweep/duckdb.js";
import { caughtShare, detectedBy, falseShare, type PointFindings } from "../../lab/sweep/findings.js";
import type { Manifest } from "../../lab/sweep/plan.js";
import { oneLine } from "../text.js";

const MOST_LINES = 40;

/** The settings, best first where there is a best, as many as fit a screen. */
export function sweepLines(manifest: Manifest, points: readonly PointFindings[], width: number): readonly string[] {
  const heads = [...manifest.axes.map(({ path }) => path), "caught", "p90", "false rollbacks", "mean cost"];
  const rows = points.slice(0, MOST_LINES).map((point) => [...point.written, percent(caughtShare(point)), untilWords(detectedBy(point, "p90")), percent(falseShare(point)), money(point.meanCost)]);
  const lines = columnLines(heads, rows).map((line) => line.slice(0, Math.max(60, width)));
  return points.length > MOST_LINES ? [...lines, `… and ${counted(points.length - MOST_LINES, "more setting")}`] : lines;
}

/** An answer as columns. */
export function answerLines(columns: readonly string[], rows: readonly (readonly Cell[])[]): readonly string[] {
  const cells = rows.map((row) => row.map((cell) => (cell === null ? NOTHING : typeof cell === "number" ? figure(cell) : oneLine(String(cell)))));
  return [...columnLines(columns.map(oneLine), cells), `(${counted(rows.length, "row")})`];
}

function columnLines(heads: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = heads.map((head, k) => rows.reduce((most, row) => Math.max(most, row[k].length), head.length));
  const line = (cells: readonly string[]): string => cells.map((cell, k) => (/^[-+]?[\d.,]/.test(cell) || cell === NOTHING ? cell.padStart(widths[k]) : cell.padEnd(widths[k]))).join("  ").trimEnd();
  return [line(heads), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)];
}

const figure = (value: number): string => (Number.isInteger(value) ? (Math.abs(value) < 10_000 ? String(value) : count(value)) : significant(value, 6));

/** A time until something happened, in seconds: Infinity for never, null where it could not happen. */
export const untilWords = (seconds: number | null): string => (seconds === null ? NOTHING : seconds === Infinity ? "never" : duration(Math.round(seconds * MICROS_PER_SECOND)));
