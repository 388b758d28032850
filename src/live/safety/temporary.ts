// Folders that live as long as their game day; one is removed only when it says itself that it is ours.

import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Journal } from "./journal.js";

/** The file in a temporary folder that holds the id of its game day. */
const MARKER = ".shakedown-temporary";

/** Makes a folder that goes with the game day; throws when there is one of that name already. */
export function makeTemporaryFolder(journal: Journal, id: string, path: string): void {
  if (existsSync(path)) throw new Error(`${path} exists already: a temporary folder must be new`);
  journal.before({ kind: "folder-intended", path });
  mkdirSync(path, { mode: 0o700 });
  writeFileSync(join(path, MARKER), `${id}\n`);
}

export type FolderRemoval =
  | { readonly how: "removed" | "was gone" }
  /** Nothing in it says that it belongs to this game day: it stays. */
  | { readonly how: "not ours" }
  | { readonly how: "failed"; readonly why: string };

/** Removes a folder that the game day made, and only such a one. */
export function removeTemporaryFolder(path: string, id: string): FolderRemoval {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return { how: "was gone" };
  if (!stat.isDirectory() || !isOurs(path, id)) return { how: "not ours" };
  try {
    // A process that is just ending may still write: try again for a moment.
    rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    return { how: "removed" };
  } catch (error) {
    return { how: "failed", why: (error as Error).message };
  }
}

/** Made but not yet marked is empty; anything else must carry the mark. */
function isOurs(path: string, id: string): boolean {
  try {
    return readFileSync(join(path, MARKER), "utf8").trim() === id;
  } catch {
    return readdirSync(path).length === 0;
  }
}
