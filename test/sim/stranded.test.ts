// Pages that find no replica are harm too: charged to the release that took the replicas away, when it did.

import { describe, expect, it } from "vitest";
import { columnBetween, cellsWhere } from "../../src/sim/recording.js";
import { simulate } from "../../src/sim/simulate.js";
import { HarmColumn, LedgerColumn } from "../../src/world/ledger.js";
import { cornerShop, release } from "./support/corner-shop.js";

describe.each(["cohort", "request"] as const)("a release whose replicas all crash at once, in %s", (fidelity) => {
  const strategy = "{ steps: [{ weight: 100%, bake: 1m }], gates: {}, triggers: {} }";
  const scenario = cornerShop({ script: release("{ with: version, on: shop, restart-loop: 5m }"), strategy, lasts: "15m" });
  const { recorder, world } = simulate({ scenario, seed: 2, fidelity, noiseFree: false, detail: "light", seen: false, driver: { kind: "schedule", made: [0] } });
  const crashedAt = world.events.find(({ kind }) => kind === "replica-killed")?.at ?? NaN;

  it("harms from the crash on, within a scrape", () => {
    expect(recorder.ledger.firstHarmAt[0] - crashedAt).toBeGreaterThanOrEqual(0);
    expect(recorder.ledger.firstHarmAt[0] - crashedAt).toBeLessThanOrEqual(15e6);
  });

  it("shows the failed pages in the rows in which they failed, and each lost order once", () => {
    const edge = cellsWhere(recorder.cells, ({ scope, version, endpoint }) => scope === "edge" && version === "v2" && endpoint === "order");
    const sum = (column: number, from: number, to: number) => edge.reduce((total, cell) => total + columnBetween(recorder.rows[from], recorder.rows[to], cell, column), 0);
    const crash = recorder.rows.findIndex(({ at }) => at >= crashedAt) - 1;
    const [first, last] = [0, recorder.rows.length - 1];
    expect(sum(LedgerColumn.errors, first, crash)).toBeLessThan(20);
    expect(sum(LedgerColumn.errors, crash, crash + 4)).toBeGreaterThan(50);
    // Nobody reloads here: each harmed page loses half an order of 20 EUR.
    expect(recorder.ledger.harmBy[HarmColumn.lostOrderEuro]).toBeCloseTo(10 * sum(LedgerColumn.harmedErrors, first, last), 6);
  });
});
