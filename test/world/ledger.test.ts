// The truth's books: fine buckets, cells, and harm by release.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLedger, LEDGER_EDGES, ledgerBucket } from "../../src/world/ledger.js";
import { compileModel } from "../../src/world/model.js";
import { defect, fault, input, shop, V2, world } from "./request/small-worlds.js";

const ledgerOf = (users: number, detail: "full" | "light" = "full") => createLedger(compileModel(input(world(), {
  versions: V2, effects: [defect(shop, { kind: "errors", ratio: 0.1 }, { users }), fault(shop, { kind: "errors", ratio: 0.1 }, 0, 1, { release: 2 })],
})), detail);

describe("the fine histogram", () => {
  it("puts a latency into the first bucket whose edge is not below it", () => {
    const { edgesSeconds } = ledgerOf(1);
    fc.assert(fc.property(fc.double({ min: 0, max: 400, noNaN: true }), (latencySeconds) => {
      const bucket = ledgerBucket(latencySeconds * 1e6);
      const expected = edgesSeconds.findIndex((edge) => edge * 1e6 >= latencySeconds * 1e6);
      expect(bucket).toBe(expected < 0 ? LEDGER_EDGES : expected);
    }), { numRuns: 500 });
  });

  it("has edges a quarter octave apart, from 1 ms to 131 s", () => {
    const { edgesSeconds } = ledgerOf(1);
    expect(edgesSeconds[0]).toBe(0.001);
    expect(edgesSeconds[4]).toBe(0.002);
    expect(edgesSeconds[68]).toBeCloseTo(131.072, 9);
  });

  it("is left out in light detail", () => {
    expect(ledgerOf(1, "light").histogram).toHaveLength(0);
  });
});

describe("the cells", () => {
  it("come once per scope, version and endpoint, in two segments when an effect is limited to some users", () => {
    expect(ledgerOf(1).cells.map(({ scope, version, segment }) => `${scope} ${version} ${segment}`)).toEqual(
      ["edge v1 all", "edge v2 all", "service v1 all", "service v2 all"]);
    expect(ledgerOf(0.2).cells.filter(({ segment }) => segment === "targeted")).toHaveLength(4);
  });

  it("are found by version, endpoint and segment", () => {
    const ledger = ledgerOf(0.2);
    expect(ledger.cells[ledger.edgeCell(1, 0, 1)]).toMatchObject({ scope: "edge", version: "v2", segment: "targeted" });
    expect(ledger.cells[ledger.serviceCell(0, 0, 0)]).toMatchObject({ scope: "service", version: "v1", segment: "rest" });
  });
});

describe("harm", () => {
  it("is booked for every release in the mask, with its first and its last time", () => {
    const ledger = ledgerOf(1);
    ledger.harm(0b101, "failed", 10);
    ledger.harm(0b001, "slow", 20);
    ledger.harm(0b001, "order", 20);
    ledger.loseOrders(0b101, 2.5);
    // Pages, failed, slow, euro of lost orders.
    expect([...ledger.harmBy]).toEqual([3, 1, 1, 2.5, 0, 0, 0, 0, 1, 1, 0, 2.5]);
    expect([...ledger.firstHarmAt]).toEqual([10, NaN, 10]);
    expect([...ledger.lastHarmAt]).toEqual([20, NaN, 10]);
  });
});
