// What every child of a game day does alike: wait for its set-up, obey orders, report, and end with its parent.

import { writeFileSync } from "node:fs";
import { exitWithParent } from "../../safety/parent-pipe.js";
import type { Order, Report, Role, Setup } from "../protocol.js";

export type Send = (report: Report) => void;

/** What a child does with the orders that come after its set-up. */
export interface Obeys {
  obey(order: Exclude<Order, { readonly type: "setup" }>): void;
}

/** Out-of-memory kills come to this process first. */
const FIRST_TO_BE_KILLED = "1000";

/** Sends to main as long as it listens. */
export const sendToMain: Send = (report) => {
  if (process.connected) process.send?.(report, undefined, undefined, () => undefined);
};

/**
 * Runs a child of `role`: `start` gets its set-up and gives whoever obeys. The child ends when the channel to main
 * closes; Ctrl-C goes to main alone, which reverts before it ends its children.
 */
export function runChild<R extends Role>(
  role: R, start: (setup: Extract<Setup, { readonly role: R }>, send: Send) => Promise<Obeys> | Obeys,
): void {
  exitWithParent();
  const failed = (error: unknown): void => {
    sendToMain({ type: "failed", why: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    // The report leaves through a pipe of its own.
    setTimeout(() => process.exit(1), 20);
  };
  process.on("uncaughtException", failed);
  process.on("unhandledRejection", failed);
  let obeys: Promise<Obeys> | null = null;
  process.on("message", (message) => {
    const order = message as Order;
    if (order.type === "setup") {
      if (obeys !== null || order.setup.role !== role) {
        failed(new Error(`a ${role} was set up as ${order.setup.role}, or twice`));
        return;
      }
      const setup = order.setup as Extract<Setup, { readonly role: R }>;
      obeys = Promise.resolve().then(() => start(setup, sendToMain));
      obeys.catch(failed);
    } else if (obeys === null) {
      failed(new Error(`a ${role} got the order ${order.type} before its set-up`));
    } else {
      obeys.then((child) => child.obey(order)).catch(failed);
    }
  });
}

/** Where memory runs short, the kernel takes this process rather than another. */
export function offerToOutOfMemory(): void {
  try {
    writeFileSync("/proc/self/oom_score_adj", FIRST_TO_BE_KILLED);
  } catch {
    // No such file off Linux: then the limit of our own is all there is.
  }
}
