// The process that burns CPU: a duty cycle at the lowest priority, for no longer than it was told.

import { setPriority } from "node:os";
import { performance } from "node:perf_hooks";
import { offerToOutOfMemory, runChild } from "./shared/child.js";

/** One cycle of burning and sleeping. */
const CYCLE_MILLIS = 20;
const LOWEST_PRIORITY = 19;

runChild("burner", ({ share, ttl }, send) => {
  setPriority(LOWEST_PRIORITY);
  offerToOutOfMemory();
  const end = performance.now() + ttl / 1000;
  const cycle = (): void => {
    const began = performance.now();
    if (began >= end) process.exit(0);
    const until = Math.min(end, began + CYCLE_MILLIS * Math.min(1, share));
    while (performance.now() < until);
    // The sleep follows what was really burned, so that a late timer does not change the share.
    setTimeout(cycle, share >= 1 ? 0 : ((performance.now() - began) * (1 - share)) / Math.max(share, 0.01));
  };
  send({ type: "listening", ports: {} });
  cycle();
  return { obey: (order) => send({ type: "failed", why: `a burner does not know the order ${order.type}` }) };
});
