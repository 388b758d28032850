// The first line of a file of results: which simulator played, and what; results of anything else are not gone on with.

import { createHash } from "node:crypto";
import { buildWords, type Build } from "../build.js";
import type { Bundle } from "../bundle.js";
import { StorageError } from "./storage-error.js";

/** What results belong to. */
export interface Origin {
  readonly build: Build;
  /** The files that were played, by path, as digests of their texts; null where a command does not say. */
  readonly files: Readonly<Record<string, string>> | null;
}

/** The files of these bundles; a later text of the same path is one more digest. */
export function filesOf(bundles: readonly Bundle[]): Readonly<Record<string, string>> {
  const found = new Map<string, Set<string>>();
  for (const { files } of bundles) {
    for (const { path, text } of files) {
      const digest = createHash("sha256").update(text).digest("hex").slice(0, 12);
      found.set(path, (found.get(path) ?? new Set()).add(digest));
    }
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, digests]) => [path, [...digests].sort().join("+")]));
}

export const headLine = ({ build: { package: version, model, row }, files }: Origin): string =>
  JSON.stringify({ shakedown: "results", package: version, model, row, ...(files === null ? {} : { files }) });

/** Throws StorageError when the line begins no file of results. */
export function checkIsHead(path: string, line: string): void {
  if (!line.startsWith('{"shakedown":"results"')) throw noResults(path);
}

/** Throws StorageError unless the line says the same origin; names what differs. */
export function checkOrigin(path: string, line: string, origin: Origin): void {
  checkIsHead(path, line);
  if (line === headLine(origin)) return;
  const before = parsed(line);
  if (before === null || headLine({ build: before.build, files: null }) !== headLine({ build: origin.build, files: null })) {
    throw new StorageError(`${path}: is of another version of the simulator${before === null ? "" : ` (${buildWords(before.build)}; this is ${buildWords(origin.build)})`}; take it away, or choose another --out`);
  }
  throw new StorageError(`${path}: ${difference(before.files ?? {}, origin.files ?? {})}, and results of before do not go with it; put it back as it was, or take the results away, or choose another --out`);
}

export const noResults = (path: string): StorageError => new StorageError(`${path}: is no file of results; take it away, or choose another --out`);

/** A file more or less says most: with another strategy the scenario that names it differs as well. */
function difference(before: Readonly<Record<string, string>>, now: Readonly<Record<string, string>>): string {
  const added = Object.keys(now).find((file) => !(file in before));
  if (added !== undefined) return `was begun without ${added}${Object.keys(before).length === 0 ? "" : `, with ${Object.keys(before).join(", ")}`}`;
  const gone = Object.keys(before).find((file) => !(file in now));
  if (gone !== undefined) return `was begun with ${gone} too`;
  return `${Object.keys(now).find((file) => before[file] !== now[file]) ?? "a file"} has changed since`;
}

function parsed(line: string): Origin | null {
  try {
    const { package: version, model, row, files = null } = JSON.parse(line) as Build & { readonly files?: Readonly<Record<string, string>> | null };
    return { build: { package: version, model, row }, files };
  } catch {
    return null;
  }
}
