// Turns files, folders and globs on the command line into a list of scenario files.

import { readFileSync, statSync, type Stats } from "node:fs";
import { join } from "node:path";
import { globSync } from "tinyglobby";
import { readSource, type Data } from "../scenario/source.js";
import { messageOf, UsageError } from "./exit.js";

const YAML_FILES = ["**/*.yaml", "**/*.yml"];

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
    return saysScenario(readFileSync(path, "utf8"));
  } catch (error) {
    throw new UsageError(`${path}: cannot be read (${messageOf(error)})`);
  }
}

/** What nearly every file of ours says: found without a parser, since a folder may hold thousands of other people's files. */
const PLAIN_KIND = /^kind:[ \t]+(scenario|world|strategy)[ \t]*(?:#.*)?\r?$/m;
/** Written anywhere, in any way; where neither is, nothing of ours can be. */
const OUR_KEYS = /\b(?:shakedown|kind)\b/;

/** Whether a text is a scenario, well or broken, however its keys are written: YAML has quotes and braces for the same map. */
export function saysScenario(text: string): boolean {
  if (/^apiVersion:/m.test(text) || !OUR_KEYS.test(text)) return false;
  const plain = PLAIN_KIND.exec(text);
  if (plain !== null) return plain[1] === "scenario";
  const { source } = readSource("", text);
  return source === null ? looksLikeScenario(text) : isScenarioData(source.data);
}

function isScenarioData(data: Data): boolean {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return false;
  const { kind } = data as Readonly<Record<string, Data>>;
  if (kind === "world" || kind === "strategy") return false;
  return ("shakedown" in data || "kind" in data) && !("apiVersion" in data);
}

/** Of a text that no parser takes: by keys where a map's first ones stand. */
function looksLikeScenario(text: string): boolean {
  if (/^(["'])apiVersion\1\s*:/m.test(text) || /^(["']?)kind\1\s*:\s*(["']?)(?:world|strategy)\2\s*$/m.test(text)) return false;
  return /^(["']?)(?:shakedown|kind)\1\s*:/m.test(text) || /^\s*\{\s*(["']?)(?:shakedown|kind)\1\s*:/.test(text);
}
