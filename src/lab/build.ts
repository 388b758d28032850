// Which simulator this is, code included: results of two that differ are never mixed.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { MODEL_VERSION } from "../world/model-version.js";
import { RUN_ROW_VERSION } from "./run-row.js";

export interface Build {
  /** The package's version and the digest of the code that plays, like 0.1.0+5f3a09c1d2e4. */
  readonly package: string;
  readonly model: string;
  readonly row: number;
}

/** What plays a run; all that it imports belongs to it. */
const PLAYER = "lab/play.js";
const DIGITS = 12;

let known: Build | null = null;

/** This simulator. The first call reads the code that plays, some 20 ms. */
export function thisBuild(): Build {
  known ??= { package: `${packageVersion()}+${codeDigest(new URL("../../dist/", import.meta.url)) ?? "unbuilt"}`, model: MODEL_VERSION, row: RUN_ROW_VERSION };
  return known;
}

export const sameBuild = (a: Build, b: Build): boolean => a.package === b.package && a.model === b.model && a.row === b.row;

export const buildWords = (build: Build): string => `shakedown ${build.package}, model ${build.model}, rows ${build.row}`;

/** The version in package.json. */
export const packageVersion = (): string => (JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string }).version;

/**
 * A digest of the code in this folder of built files that plays a run: of the player, and of all it imports. What an
 * older build left lying there and the code of reports and commands don't count. Null when nothing is built there.
 */
export function codeDigest(folder: URL): string | null {
  const player = new URL(PLAYER, folder);
  if (!existsSync(player)) return null;
  const imports = /^(?:import|export)\b(?:[^";]*\bfrom)?\s*"(\.[^"]+)"|\bimport\(\s*"(\.[^"]+)"\s*\)/gm;
  const texts = new Map<string, string>();
  const open = [player];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    const path = file.href.slice(folder.href.length);
    if (texts.has(path)) continue;
    const text = readFileSync(file, "utf8");
    texts.set(path, text);
    for (const [, fixed, asked = fixed] of text.matchAll(imports)) open.push(new URL(asked, file));
  }
  const hash = createHash("sha256");
  for (const path of [...texts.keys()].sort()) hash.update(JSON.stringify([path, texts.get(path)]));
  return hash.digest("hex").slice(0, DIGITS);
}
