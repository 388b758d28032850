// Turns files, folders and globs on the command line into a list of scenario files.

import { readFileSync, statSync, type Stats } from "node:fs";
import { join } from "node:path";
import { globSync } from "tinyglobby";
import { messageOf, UsageError } from "./exit.js";

const YAML_FILES = ["**/*.yaml", "**/*.yml"];
/** Of a file in a folder only this much is read to learn its kind. */
const HEAD_BYTES = 64 * 1024;

/** The scenario files that the arguments name, each once, sorted within a folder or glob. Throws UsageError. */
export function scenarioFiles(targets: readonly string[]): readonly string[] {
  return [...new Set(targets.flatMap(filesOf))];
}

function filesOf(target: string): string[] {
  const found = standing(target);
  if (found?.isDirectory() === true) {
    const files = globSync(YAML_FILES, { cwd: target, ignore: ["**/node_modules/**"] }).sort(byText);
    const scenarios = files.map((file) => join(target, file)).filter(isScenario);
    if (scenarios.length === 0) throw new UsageError(`${target}: no scenario in this folder (a YAML file that says kind: scenario)`);
    return scenarios;
  }
  if (found !== null) return [target];
  if (/[*?[{]/.test(target)) {
    const scenarios = globSync([target], { ignore: ["**/node_modules/**"] }).sort(byText).filter(isScenario);
    if (scenarios.length === 0) throw new UsageError(`${target}: no scenario matches`);
    return scenarios;
  }
  // The loader explains a missing file, with the nearest name, and a path that leads nowhere.
  return [target];
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Null where nothing can be found: a glob may be longer than a file's name can be. */
function standing(target: string): Stats | null {
  try {
    return statSync(target);
  } catch {
    return null;
  }
}

/** Worlds, strategies and other people's YAML are passed over; a broken scenario is kept, so that it is reported. */
function isScenario(path: string): boolean {
  try {
    const head = readFileSync(path).subarray(0, HEAD_BYTES).toString("utf8");
    if (/^kind:\s*(world|strategy)\b/m.test(head)) return false;
    return /^(shakedown|kind):/m.test(head) && !/^apiVersion:/m.test(head);
  } catch (error) {
    throw new UsageError(`${path}: cannot be read (${messageOf(error)})`);
  }
}
