// One look of the watchdog: what must be done now, decided from the journal's state and the clock alone.

import type { EntryOf } from "./entries.js";
import type { GameDayState } from "./state.js";

/** Main reverts its faults itself and first; the watchdog only when main did not by then. */
export const TTL_GRACE_MS = 500;
/** A fault inside a process ends by that process's own clock; to end the process for it is the last resort. */
export const TELL_GRACE_MS = 5_000;
/** After a game day's own time is over main gets this long to end it. */
export const END_GRACE_MS = 10_000;

export type WatchdogDuty =
  | { readonly duty: "leave" }
  | { readonly duty: "clean up"; readonly reason: string }
  /** Ask main to end, then go on watching. */
  | { readonly duty: "end main's time" }
  | { readonly duty: "revert"; readonly faults: readonly EntryOf<"fault-begun">[] };

/** What the watchdog has to do at `now` (monotonic), given whether main is still there. */
export function dutyAt(now: number, state: GameDayState, mainIsThere: boolean): WatchdogDuty {
  if (state.ended !== null) return { duty: "leave" };
  if (!mainIsThere) return { duty: "clean up", reason: "main is gone" };
  const until = state.started?.untilMonotonicMs ?? Infinity;
  if (now > until + END_GRACE_MS) return { duty: "clean up", reason: "its time was over and main did not end it" };
  if (now > until + TTL_GRACE_MS) return { duty: "end main's time" };
  return { duty: "revert", faults: state.openFaults.filter(({ untilMonotonicMs, revert }) => now > untilMonotonicMs + (revert.how === "tell" ? TELL_GRACE_MS : TTL_GRACE_MS)) };
}
