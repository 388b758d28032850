// Somebody else's Prometheus reads a file of targets that a game day fills; afterwards none of its own may stay there.

import { readFileSync, renameSync, writeFileSync } from "node:fs";

/** With it a target in the file says whose it is, by the game day's folder. Prometheus drops such a label after its relabelling. */
export const GAME_DAY_LABEL = "__meta_shakedown_game_day";

/** Whole or not at all: Prometheus never reads half a file. */
export function writeTargets(path: string, targets: readonly unknown[]): void {
  const partial = `${path}.partial`;
  writeFileSync(partial, `${JSON.stringify(targets, null, 2)}\n`);
  renameSync(partial, path);
}

export type TargetsRemoval =
  | { readonly how: "removed" | "was empty" }
  /** Somebody else's are there too, or it is no file of targets: it stays. */
  | { readonly how: "not ours" }
  | { readonly how: "failed"; readonly why: string };

/** Empties the file of a game day's targets, when they are all that it holds. */
export function removeTargets(path: string, folder: string): TargetsRemoval {
  try {
    const groups = groupsIn(path);
    if (groups === null) return { how: "not ours" };
    if (groups.length === 0) return { how: "was empty" };
    if (!groups.every((group) => isOf(folder, group))) return { how: "not ours" };
    writeTargets(path, []);
    return { how: "removed" };
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? { how: "was empty" } : { how: "failed", why: (error as Error).message };
  }
}

/** Null when it holds no list. */
function groupsIn(path: string): readonly unknown[] | null {
  const text = readFileSync(path, "utf8").trim();
  if (text === "") return [];
  try {
    const data: unknown = JSON.parse(text);
    return Array.isArray(data) ? data : null;
  } catch {
    return null;
  }
}

function isOf(folder: string, group: unknown): boolean {
  if (typeof group !== "object" || group === null || !("labels" in group)) return false;
  const { labels } = group;
  return typeof labels === "object" && labels !== null && GAME_DAY_LABEL in labels && labels[GAME_DAY_LABEL] === folder;
}
