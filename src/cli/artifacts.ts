// Writes what a run leaves on disk: outcome, report, Markdown and charts, each file whole or not at all.

import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Outcome } from "../sim/outcome.js";
import { messageOf, UsageError } from "./exit.js";

/** A file name that is safe everywhere, made of a scenario's name. */
export function slug(name: string): string {
  const safe = name.toLowerCase().replace(/[^a-z0-9._-]+/g, "-").replace(/^[-.]+|-+$/g, "");
  return safe === "" ? "scenario" : safe;
}

/**
 * Makes a folder and those above it, one by one: Node's recursive mkdir never returns where a file system refuses
 * new folders with "no such file" (/proc does).
 */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  mkdirSync(folder);
}

/** Writes text under a temporary name first, so that a reader never meets half a file. Throws UsageError. */
export function writeWhole(path: string, text: string): void {
  try {
    makeFolder(dirname(path));
    const temporary = `${path}.part`;
    writeFileSync(temporary, text);
    renameSync(temporary, path);
  } catch (error) {
    throw new UsageError(`${path}: cannot be written (${messageOf(error)})`);
  }
}

export function writeOutcome(folder: string, outcome: Outcome): string {
  const path = join(folder, "outcome.json");
  writeWhole(path, `${JSON.stringify(outcome, null, 1)}\n`);
  return path;
}

/** Writes report.html, report.md and charts/*.svg beside the outcome; gives the report's path. */
export async function writeReport(folder: string, outcome: Outcome): Promise<string> {
  const [{ reportHtml }, { reportMarkdown }, { chartSvgs }] = await Promise.all([
    import("../report/html.js"),
    import("../report/markdown.js"),
    import("../report/charts.js"),
  ]);
  const path = join(folder, "report.html");
  writeWhole(path, await reportHtml(outcome));
  writeWhole(join(folder, "report.md"), reportMarkdown(outcome));
  for (const [name, svg] of Object.entries(await chartSvgs(outcome))) {
    writeWhole(join(folder, "charts", `${name}.svg`), svg);
  }
  return path;
}
