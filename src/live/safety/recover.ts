// Cleans up after game days whose main process is gone: what the watchdog would have done, had it not gone too.

import { statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { cleanUp, endWatchdog } from "./clean-up.js";
import { gameDays, type GameDayPlace } from "./game-days.js";
import { bootId, isStill, pidNamespace, requireLinux } from "./identity.js";
import { Journal } from "./journal.js";
import { takeLock } from "./lock.js";

export interface Recovered {
  /** One line for each thing done or left. */
  readonly lines: readonly string[];
  /** False when something is left that should not be. */
  readonly clean: boolean;
}

/** Somebody else who cleans up (the watchdog, another recover) is waited for this long. */
const LOCK_WAIT_MS = 15_000;
const LOCK_LOOK_MS = 100;

/**
 * Cleans up every game day under `root` whose journal has no end and whose main is gone. Twice, or by two at once, does the
 * same as once. A game day whose main still runs is left alone.
 */
export async function recover(root: string, lockWaitMs: number = LOCK_WAIT_MS): Promise<Recovered> {
  requireLinux();
  const lines: string[] = [];
  let clean = true;
  for (const place of gameDays(root)) {
    // One that can't be cleaned up must not keep the others from it.
    const one = await recoverOne(place, lockWaitMs).catch((error: unknown) => ({ lines: [`${place.id}: ${(error as Error).message}`], clean: false }));
    lines.push(...one.lines);
    clean &&= one.clean;
  }
  return { lines: lines.length === 0 ? ["nothing to recover"] : lines, clean };
}

async function recoverOne(place: GameDayPlace, lockWaitMs: number): Promise<Recovered> {
  const { id } = place;
  const untouched = lookOnly(place);
  if (untouched !== null) return untouched;
  const lock = await waitForLock(place.folder, lockWaitMs);
  if (lock === null) return { lines: [`${id}: somebody else is cleaning it up`], clean: false };
  const journal = joinAsWellAsPossible(place.journal);
  try {
    // Whoever had the lock before may have done it all.
    if (journal.state.ended !== null) return { lines: [], clean: true };
    const { lines, left } = await cleanUp(journal, "recovered after main was gone");
    const done = [...lines];
    await endWatchdog(journal, (line) => done.push(line));
    // A torn last line has an end only now.
    journal.follow();
    const torn = journal.unreadableLines.map((line) => `line ${line} of its journal can't be read and was passed over`);
    if (journal.failure !== null) torn.push(`its journal can't be written (${journal.failure.code}): recover will look at it again`);
    const rest = left.map((what) => `still there: ${what}`);
    const said = [...done, ...torn, ...rest];
    return { lines: (said.length === 0 ? ["nothing was left of it; its end is now written"] : said).map((line) => `${id}: ${line}`), clean: left.length === 0 };
  } finally {
    journal.close();
    lock();
  }
}

/** A disk that takes no entries is no reason to leave processes behind. */
function joinAsWellAsPossible(path: string): Journal {
  try {
    return Journal.join(path, "recover");
  } catch {
    return Journal.join(path, "recover", "read-only");
  }
}

/** What can be said without touching it; null when there is something to clean up. */
function lookOnly({ id, journal: path }: GameDayPlace): Recovered | null {
  let journal: Journal;
  let owner: number;
  try {
    owner = statSync(path).uid;
    journal = Journal.join(path, "recover", "read-only");
  } catch (error) {
    return { lines: [`${id}: its journal can't be read: ${(error as Error).message}`], clean: false };
  }
  const { started, ended } = journal.state;
  journal.close();
  // Somebody else's journal must not tell this user which processes to end and which folders to remove.
  if (owner !== process.getuid?.()) return { lines: [`${id}: its journal belongs to another user (${owner}): recover it as that user`], clean: false };
  if (ended !== null) return { lines: [], clean: true };
  if (started === null) {
    // The first line is on disk before anything is done: without it, nothing was.
    return { lines: [], clean: true };
  }
  if (started.main.bootId === bootId() && started.pidNamespace !== pidNamespace()) {
    return { lines: [`${id}: it ran in another container (${started.pidNamespace}): recover it there`], clean: false };
  }
  if (isStill(started.main)) {
    return { lines: [`${id}: still running (pid ${started.main.pid}); end it with \`shakedown gameday stop ${id}\``], clean: true };
  }
  return null;
}

async function waitForLock(folder: string, waitMs: number): Promise<(() => void) | null> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    const lock = takeLock(folder);
    if (lock.held) return lock.release;
    if (performance.now() >= deadline) return null;
    await sleep(LOCK_LOOK_MS);
  }
}
