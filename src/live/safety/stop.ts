// The kill switch: asks a running game day from elsewhere to revert and report, and hears such a request in main.

import { setTimeout as sleep } from "node:timers/promises";
import type { GameDayPlace } from "./game-days.js";
import { isStill, requireLinux, signalIf, stateOf } from "./identity.js";
import { Journal } from "./journal.js";

export type StopResult =
  | { readonly kind: "ended"; readonly reason: string; readonly afterMs: number }
  | { readonly kind: "had ended"; readonly reason: string; readonly at: string }
  /** Its main is gone without an end: this is for recover. */
  | { readonly kind: "main is gone" }
  | { readonly kind: "not permitted" }
  | { readonly kind: "still ending"; readonly afterMs: number }
  | { readonly kind: "unreadable" };

const LOOK_EVERY_MS = 100;
const STOP_WAIT_MS = 60_000;

/** Asks the game day to end, and waits until its journal says that it did. */
export async function requestStop(place: GameDayPlace, waitMs: number = STOP_WAIT_MS): Promise<StopResult> {
  requireLinux();
  const journal = Journal.join(place.journal, "recover", "read-only");
  try {
    const { started, ended: before } = journal.state;
    if (before !== null) return { kind: "had ended", reason: before.reason, at: before.at };
    if (started === null) return { kind: "unreadable" };
    const { main } = started;
    const asked = signalIf(main, "SIGTERM");
    if (asked === "not permitted") return { kind: "not permitted" };
    // A main that was put to sleep (Ctrl-Z) hears it only when it is awake.
    if (stateOf(main) === "stopped") signalIf(main, "SIGCONT");
    const from = performance.now();
    while (performance.now() - from < waitMs) {
      const mainIsThere = isStill(main);
      journal.follow();
      const { ended } = journal.state;
      if (ended !== null) return { kind: "ended", reason: ended.reason, afterMs: performance.now() - from };
      if (!mainIsThere) return { kind: "main is gone" };
      await sleep(LOOK_EVERY_MS);
    }
    return { kind: "still ending", afterMs: waitMs };
  } finally {
    journal.close();
  }
}

/** How a game day is asked to end. */
export type StopRequest = "revert and report" | "at once";

/** npm hands a Ctrl-C on to a child that has it from the terminal already: so close together they are one. */
const SAME_REQUEST_MS = 300;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Calls back at a request to stop: the first means revert and report, any later one at once. Gives a function that stops
 * listening; until then these signals no longer end the process by themselves.
 */
export function onStopRequest(callback: (request: StopRequest, signal: NodeJS.Signals) => void): () => void {
  let firstAt: number | null = null;
  const hear = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (firstAt === null) {
      firstAt = now;
      callback("revert and report", signal);
    } else if (now - firstAt >= SAME_REQUEST_MS) {
      callback("at once", signal);
    }
  };
  for (const signal of SIGNALS) process.on(signal, hear);
  return () => {
    for (const signal of SIGNALS) process.off(signal, hear);
  };
}
