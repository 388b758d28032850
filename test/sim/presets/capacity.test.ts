// Taken capacity leaves whole slots, one at least: the same in both fidelities; all of it taken is an outage.

import { describe, expect, it } from "vitest";
import { DURING, expectNear, FIDELITIES, play, SHOP, type Seen } from "../support/preset-stage.js";

/** One slot of each of four replicas does 4 / 34 ms = 118 pages a second; 130 come. */
const withLoss = (fidelity: (typeof FIDELITIES)[number], capacity: string): Seen =>
  play(fidelity, { shop: { slots: "8", queue: "20" }, rps: 130, script: `  - { at: 2m, fault: { effect: { on: shop, capacity: ${capacity} }, for: 2m } }` });

describe("a fault that takes capacity", () => {
  it.each(["-80%", "-90%", "-95%"])("fails as many requests in both fidelities: %s", (capacity) => {
    const [request, cohort] = FIDELITIES.map((fidelity) => withLoss(fidelity, capacity).errorRate(SHOP, DURING));
    expectNear(cohort, request, 0.02);
  });

  it.each(FIDELITIES)("never leaves a replica with less than one slot, in %s", (fidelity) => {
    const [most, nearlyAll] = ["-90%", "-99%"].map((capacity) => withLoss(fidelity, capacity).errorRate(SHOP, DURING));
    expect(nearlyAll).toBe(most);
    expect(most).toBeGreaterThan(0.2);
    expect(most).toBeLessThan(0.7);
  });

  it.each(FIDELITIES)("that takes all of it is an outage: nobody answers scrapes, in %s", (fidelity) => {
    expect(withLoss(fidelity, "-100%").latest("up", SHOP, DURING.to - 1, "max")).toBe(0);
  });
});
