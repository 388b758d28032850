// Pages that a silent replica never answers are loaded again late, by when the balancer has noticed: as many fail in both fidelities.

import { describe, expect, it } from "vitest";
import { minutes } from "../../../src/kernel/units.js";
import { LEDGER_COLUMNS, LedgerColumn } from "../../../src/world/ledger.js";
import type { Fidelity } from "../../../src/world/world.js";
import { fault, FIDELITIES, play } from "../support/preset-stage.js";

const SEEDS = [1, 2, 3, 4, 5, 6];

function failedPages(fidelity: Fidelity, balancing: string, reload: string): number {
  return SEEDS.reduce((sum, seed) => {
    const { world } = play(fidelity, {
      script: fault("zone-outage", "zone: 1"), seed, shop: { balancing }, paymentsCall: "", until: minutes(4),
      clients: `{ timeout: 8s, reload: { share: ${reload}, after: 3s, max: 2 } }`,
    });
    world.settle();
    const { cells, totals } = world.ledger;
    return sum + cells.reduce((errors, { scope }, index) => (scope === "edge" ? errors + totals[index * LEDGER_COLUMNS + LedgerColumn.errors] : errors), 0);
  }, 0);
}

describe.each(["round-robin", "power-of-two"])("a zone that falls silent behind a %s balancer", (balancing) => {
  it.each(["0%", "40%"])("fails as many pages in cohort as in request when %s are loaded again", (reload) => {
    const [request, cohort] = FIDELITIES.map((fidelity) => failedPages(fidelity, balancing, reload));
    expect(request).toBeGreaterThan(1_000);
    expect(Math.abs(cohort - request)).toBeLessThan(0.05 * request);
  });
});
