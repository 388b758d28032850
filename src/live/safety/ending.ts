// Ends processes by identity: politely where they run, at once where they are stopped, and waits until they are gone.

import { setTimeout as sleep } from "node:timers/promises";
import { isStill, signalIf, stateOf, type ProcessIdentity } from "./identity.js";

export interface EndingTimes {
  /** From SIGTERM to SIGKILL. */
  readonly politeMs: number;
  /** From SIGKILL until it counts as left over. */
  readonly killedMs: number;
}

export const ENDING_TIMES: EndingTimes = { politeMs: 1_500, killedMs: 2_000 };
const LOOK_EVERY_MS = 20;

export type EndedHow = "was gone" | "SIGTERM" | "SIGKILL" | "SIGCONT and SIGKILL" | "still there";

/** Waits until all are gone, for `ms`, or until somebody is in a hurry; gives those that are left. */
export async function waitGone(identities: readonly ProcessIdentity[], ms: number, hurry?: AbortSignal): Promise<readonly ProcessIdentity[]> {
  const deadline = performance.now() + ms;
  let left = identities.filter(isStill);
  while (left.length > 0 && performance.now() < deadline && hurry?.aborted !== true) {
    await sleep(LOOK_EVERY_MS);
    left = left.filter(isStill);
  }
  return left;
}

/** Ends the processes, all at the same time, politely while nobody is in a hurry; says of each how it went, in the order given. */
export async function endProcesses(identities: readonly ProcessIdentity[], times: EndingTimes = ENDING_TIMES, hurry?: AbortSignal): Promise<readonly EndedHow[]> {
  const how = identities.map((identity): EndedHow => {
    switch (stateOf(identity)) {
      case "gone":
        return "was gone";
      case "stopped":
        // It can't hear SIGTERM, and after SIGCONT alone it would go on with what it was at.
        signalIf(identity, "SIGCONT");
        signalIf(identity, "SIGKILL");
        return "SIGCONT and SIGKILL";
      case "running":
        signalIf(identity, "SIGTERM");
        return "SIGTERM";
    }
  });
  await waitGone(identities.filter((_, index) => how[index] === "SIGTERM"), times.politeMs, hurry);
  identities.forEach((identity, index) => {
    if (how[index] !== "SIGTERM" || !isStill(identity)) return;
    how[index] = stateOf(identity) === "stopped" ? "SIGCONT and SIGKILL" : "SIGKILL";
    signalIf(identity, "SIGCONT");
    signalIf(identity, "SIGKILL");
  });
  await waitGone(identities, times.killedMs);
  return how.map((each, index) => (isStill(identities[index]) ? "still there" : each));
}
