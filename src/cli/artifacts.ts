// Writes what a run leaves on disk: outcome, report, Markdown and charts, each file whole or not at all.

import { existsSync, readdirSync, rmdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { removeIfThere, replaceFile } from "../lab/storage/whole-file.js";
import type { Outcome } from "../sim/outcome.js";
import { messageOf, UsageError } from "./exit.js";

/** A file name that is safe everywhere, made of a scenario's name. */
export function slug(name: string): string {
  const safe = name.toLowerCase().replace(/[^a-z0-9._-]+/g, "-").replace(/^[-.]+|-+$/g, "");
  return safe === "" ? "scenario" : safe;
}

/** Writes a file whole or not at all. Throws UsageError. */
export function writeWhole(path: string, text: string): void {
  try {
    replaceFile(path, text);
  } catch (error) {
    throw new UsageError(`${path}: cannot be written (${messageOf(error)})`);
  }
}

export interface TextFile {
  readonly path: string;
  readonly text: string;
}

/** Writes what can be written, whatever becomes of the others; gives one line for each file that could not be. */
export function writeEach(files: readonly TextFile[]): readonly string[] {
  return files.flatMap(({ path, text }) => {
    try {
      writeWhole(path, text);
      return [];
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      return [error.message];
    }
  });
}

/** The same for the files of one command. Throws one UsageError, after the last file. */
export function writeAll(files: readonly TextFile[]): void {
  const [first, ...others] = writeEach(files);
  if (first !== undefined) throw new UsageError(`${first}${others.length === 0 ? "" : `; nor could ${others.length} more of the ${files.length} files`}`);
}

/** More than an inode holds: a full disk may still take an empty file. */
const PROBE = " ".repeat(4096);

/** Throws UsageError where a file of this name cannot be written, and leaves the one that is there as it is: said before the runs, not after them. */
export function checkWritable(path: string): void {
  if (existsSync(path) && statSync(path).isDirectory()) throw new UsageError(`${path}: cannot be written (it is a folder); name a file in it`);
  const probe = `${path}.probe`;
  try {
    writeWhole(probe, PROBE);
  } catch (error) {
    throw new UsageError(messageOf(error).replaceAll(`${probe}.part`, path).replaceAll(probe, path));
  } finally {
    removeIfThere(probe);
  }
}

/** Writes the outcome; a report beside it told of the run before, so it goes. */
export function writeOutcome(folder: string, outcome: Outcome): string {
  const path = join(folder, "outcome.json");
  writeWhole(path, `${JSON.stringify(outcome, null, 1)}\n`);
  removeReport(folder);
  return path;
}

/** Removes what `writeReport` writes, and nothing else that lies there. */
function removeReport(folder: string): void {
  const charts = join(folder, "charts");
  const pictures = existsSync(charts) && statSync(charts).isDirectory() ? readdirSync(charts) : [];
  const drawn = pictures.filter((name) => name.endsWith(".svg"));
  for (const path of [join(folder, "report.html"), join(folder, "report.md"), ...drawn.map((name) => join(charts, name))]) removeIfThere(path);
  if (drawn.length > 0 && drawn.length === pictures.length) rmdirSync(charts);
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
