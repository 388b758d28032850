// Lets one process at a time clean up a game day: a lock file that names its holder, and is void when the holder is gone or stopped.

import { randomBytes } from "node:crypto";
import { linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { self, stateOf, type ProcessIdentity } from "./identity.js";

const NAME = /^cleaning-(\d+)\.lock$/;

export type LockResult = { readonly held: true; readonly release: () => void } | { readonly held: false; readonly holder: ProcessIdentity };

/**
 * Takes the lock of a game day's folder, if it is free. Locks are numbered: a dead holder's lock is never taken away (two
 * could do that at once, and one of them would take away the other's), it is followed by the next number.
 */
export function takeLock(folder: string): LockResult {
  try {
    return tryLock(folder);
  } catch {
    // A full or read-only disk takes no lock file. Cleaning up twice does no harm, and never is worse.
    return { held: true, release: () => undefined };
  }
}

function tryLock(folder: string): LockResult {
  const draft = join(folder, `cleaning-${process.pid}-${randomBytes(6).toString("hex")}.draft`);
  try {
    writeFileSync(draft, JSON.stringify(self()));
    for (;;) {
      const latest = latestLock(folder);
      const holder = latest === 0 ? null : holderOf(join(folder, lockName(latest)));
      // One that is stopped may never go on; should it, cleaning up twice does no harm.
      if (holder !== null && stateOf(holder) === "running") return { held: false, holder };
      const path = join(folder, lockName(latest + 1));
      if (!linkNew(draft, path)) continue;
      return { held: true, release: () => rmSync(path, { force: true }) };
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

const lockName = (number: number): string => `cleaning-${number}.lock`;

function latestLock(folder: string): number {
  const numbers = readdirSync(folder).map((name) => Number(NAME.exec(name)?.[1] ?? 0));
  return Math.max(0, ...numbers);
}

/** Null when the lock was released in the meantime. */
function holderOf(path: string): ProcessIdentity | null {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as ProcessIdentity;
  } catch {
    return null;
  }
}

/** Links the whole content in one step (as O_EXCL would, but never half written); false when the name is taken. */
function linkNew(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}
