// The whole world model against queueing theory, where the theory is exact.

import { describe, expect, it } from "vitest";
import { createRequestWorld } from "../../../src/world/request/request-world.js";
import { LEDGER_COLUMNS, LedgerColumn } from "../../../src/world/ledger.js";
import { endpoint, input, minutes, rate, seconds, service, world } from "./small-worlds.js";

/** Probability that a customer of M/M/c waits. */
function erlangC(servers: number, load: number): number {
  let blocking = 1;
  for (let k = 1; k <= servers; k++) blocking = (load * blocking) / (k + load * blocking);
  return blocking / (1 - (load / servers) * (1 - blocking));
}

describe("a service with one replica, exponential service and random arrivals", () => {
  it.each([[1, 0.7], [4, 0.8]])("waits as M/M/c says: %i slots at a load of %d", (slots, utilisation) => {
    const meanSeconds = 0.02;
    const rps = (slots * utilisation) / meanSeconds;
    const spec = world({
      ...rate(rps),
      services: [service({
        replicas: 1, slots, queue: 1_000_000, cpu: { idle: 0, busy: 0 },
        endpoints: [endpoint({ time: { kind: "exponential", mean: meanSeconds * 1e6 } })],
      })],
      clients: { timeout: seconds(1000), reload: { share: 0, after: 0, max: 0 } },
    });
    const one = createRequestWorld(input(spec, { detail: "light" }));
    const end = minutes(200_000 / rps / 60);
    one.advanceTo(end);
    const load = rps * meanSeconds;
    const expected = meanSeconds + (erlangC(slots, load) * meanSeconds) / (slots - load);
    const { totals } = one.ledger;
    const cell = one.ledger.cells.findIndex((c) => c.scope === "edge") * LEDGER_COLUMNS;
    const mean = totals[cell + LedgerColumn.latencySeconds] / totals[cell + LedgerColumn.requests];
    expect(totals[cell + LedgerColumn.requests]).toBeGreaterThan(195_000);
    expect(Math.abs(mean / expected - 1)).toBeLessThan(0.04);
  });
});
