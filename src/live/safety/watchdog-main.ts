// The watchdog: a process of its own that follows the journal, reverts what outlives its time, and cleans up when main is gone.

import { appendFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cleanUp } from "./clean-up.js";
import type { EntryOf } from "./entries.js";
import { isStill, monotonicMs, signalIf } from "./identity.js";
import { Journal } from "./journal.js";
import { takeLock } from "./lock.js";
import { revertFault } from "./revert.js";
import { dutyAt } from "./watch.js";

const LOOK_EVERY_MS = 250;

const [path] = process.argv.slice(2);
const journal = Journal.join(path, "watchdog");
const folder = dirname(path);
const { started } = journal.state;
let mainWasAsked = false;

/** For people who look later; the journal holds what matters. */
function log(text: string): void {
  try {
    appendFileSync(join(folder, "watchdog.log"), `${new Date().toISOString()} ${text}\n`);
  } catch {
    // A full disk must not stop the watchdog.
  }
}

/** Reverts one fault whose time is over; when that fails, it is tried again at the next look. */
async function enforce(fault: EntryOf<"fault-begun">): Promise<void> {
  const reverted = await revertFault(fault, journal.state);
  if (reverted.ok) journal.after({ kind: "fault-reverted", fault: fault.fault, how: `time was over: ${reverted.how}` });
  log(`${fault.what} on ${fault.victim}: ${reverted.ok ? reverted.how : reverted.why}`);
}

/** True when the watchdog's work is done. */
async function look(): Promise<boolean> {
  if (started === null) return true;
  journal.follow();
  const duty = dutyAt(monotonicMs(), journal.state, isStill(started.main));
  switch (duty.duty) {
    case "leave":
      return true;
    case "clean up": {
      const lock = takeLock(folder);
      // Somebody else (recover) is at it; it writes the end, or it dies and leaves the lock void.
      if (!lock.held) return false;
      try {
        journal.follow();
        if (journal.state.ended === null) {
          const { lines, left } = await cleanUp(journal, duty.reason);
          for (const line of [...lines, ...left.map((each) => `still there: ${each}`)]) log(line);
        }
      } finally {
        lock.release();
      }
      return true;
    }
    case "end main's time":
      if (!mainWasAsked) log("the game day's time is over: asking main to end");
      if (!mainWasAsked) signalIf(started.main, "SIGTERM");
      mainWasAsked = true;
      return false;
    case "revert":
      for (const fault of duty.faults) await enforce(fault);
      return false;
  }
}

// A terminal's Ctrl-C or hang-up is main's affair: the watchdog is needed most when main goes.
for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => undefined);
process.stdout.on("error", () => undefined);
process.stdout.write("watching\n");
for (;;) {
  try {
    if (await look()) break;
  } catch (error) {
    log(`trouble: ${(error as Error).message}`);
  }
  await sleep(LOOK_EVERY_MS);
}
log("leaving");
process.exit(0);
