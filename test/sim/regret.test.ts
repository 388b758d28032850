// Regret against the clairvoyant: same seed, same platform, and never better than it but by chance.

import { describe, expect, it } from "vitest";
import { runScenario } from "../../src/sim/run.js";
import type { Outcome } from "../../src/sim/outcome.js";
import { cornerShop, release } from "./support/corner-shop.js";

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
const runs = (scenario: ReturnType<typeof cornerShop>): Outcome["releases"][number][] =>
  SEEDS.map((seed) => runScenario(scenario, { seed }).releases[0]);

describe("regret of a harmful release", () => {
  const caught = runs(cornerShop({ script: release("{ with: version, on: shop/order, errors: +30% }"), lasts: "15m" }));

  it("is never negative when the engines act on what they see, and is what was harmed until they did, and who was woken", () => {
    for (const { regret, cost, classification } of caught) {
      expect(classification).toBe("caught");
      expect(regret?.clairvoyant).toBeGreaterThanOrEqual(0);
      const harm = cost.failedRequests + cost.lostOrders + cost.pages - (regret?.oracleCost.failedRequests ?? 0) - (regret?.oracleCost.lostOrders ?? 0);
      expect(regret?.clairvoyant).toBeCloseTo(harm, 6);
    }
  });

  it("is against an oracle that acts at the first scrape after the first harmed request", () => {
    for (const { regret, times } of caught) {
      const waited = (regret?.oracleActsAt ?? 0) - (times.harmStartsAt ?? Infinity);
      expect(waited).toBeGreaterThanOrEqual(0);
      expect(waited).toBeLessThanOrEqual(16e6);
      expect(regret?.oracleCost).toMatchObject({ rollbacks: 100, pages: 0, delay: 0 });
    }
  });

  it("of a missed one is all the harm that the oracle spared", () => {
    const [first] = runs(cornerShop({ script: release("{ with: version, on: shop/order, conversion: -60% }"), objectives: "{ conversion: -5% }", lasts: "25m" }));
    expect(first.classification).toBe("missed");
    expect(first.regret?.clairvoyant).toBeGreaterThan(1_000);
  });
});

describe("regret of a harmless release", () => {
  it("is nothing when it was promoted on schedule", () => {
    for (const { regret, classification } of runs(cornerShop({ script: release() }))) {
      expect(classification).toBe("clean");
      expect(Math.abs(regret?.clairvoyant ?? Infinity)).toBeLessThan(0.5);
    }
  });

  it("is the rollback and the delay to the end of the run when it was taken back for nothing", () => {
    const outage = "  - { at: 3m, fault: { errors: { on: shop/order, errors: +50% }, for: 4m } }";
    const scenario = cornerShop({ script: `${release()}\n${outage}`, lasts: "30m" });
    const { regret, cost, classification } = runScenario(scenario, { seed: 1 }).releases[0];
    expect(classification).toBe("false-rollback");
    // Due at minute 2 + 3 + 3; 22 minutes of the run are left, at 20 EUR an hour.
    // So bad an outage goes to the pager, too.
    expect(cost).toMatchObject({ rollbacks: 100, pages: 50, failedRequests: 0 });
    expect(cost.delay).toBeCloseTo((22 / 60) * 20, 6);
    expect(regret?.clairvoyant).toBeCloseTo(cost.total - (regret?.oracleCost.delay ?? 0), 6);
  });
});

describe("a flag that is enough", () => {
  it("costs no rollback, neither the strategy nor the oracle", () => {
    const scenario = cornerShop({ script: release("{ with: flag, on: shop/order, errors: +30% }", ", flag: { name: new, endpoints: [shop/order] }"), lasts: "15m" });
    const { result, cost, regret, tookRightAction } = runScenario(scenario, { seed: 1 }).releases[0];
    expect([result, tookRightAction, cost.rollbacks, regret?.oracleCost.rollbacks]).toEqual(["flag-off", true, 0, 0]);
    expect(regret?.clairvoyant).toBeGreaterThan(0);
  });
});

describe("a platform that fails again and again", () => {
  const bad = release("{ with: version, on: shop/order, errors: +30% }");
  const failing = (command: string) => `  - { at: 2m, fault: { ${command} } }`;

  it.each(["cohort", "request"] as const)("makes the oracle shift traffic when the strategy does, and pay no more than who decides later (%s)", (fidelity) => {
    for (const seed of [1, 2, 3]) {
      const { decisions, releases: [{ regret, classification }] } = runScenario(cornerShop({ script: `${bad}\n${failing("rollback-fails: { action-fails: 5 }")}`, lasts: "25m" }), { seed, fidelity });
      expect([classification, decisions.at(-1)?.actions]).toEqual(["caught", expect.arrayContaining(["shift-traffic"])]);
      expect(regret?.clairvoyant).toBeGreaterThanOrEqual(0);
      expect(regret?.oracleCost.rollbacks).toBe(100);
    }
  });

  it("makes the oracle roll back, and pay for it, where its flag cannot be switched", () => {
    const flagged = release("{ with: flag, on: shop/order, errors: +30% }", ", flag: { name: new, endpoints: [shop/order] }");
    const { regret, rightAction, result } = runScenario(cornerShop({ script: `${flagged}\n${failing("effect: { on: platform set-flag, action-fails: 5 }")}`, lasts: "25m" }), { seed: 1 }).releases[0];
    expect([result, rightAction]).toEqual(["rolled-back", "disable-flag"]);
    expect(regret?.oracleCost.rollbacks).toBe(100);
    expect(regret?.clairvoyant).toBeGreaterThanOrEqual(0);
  });
});
