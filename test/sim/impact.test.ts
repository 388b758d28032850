// What a release did to users is its own, whatever other releases of the run did.

import { describe, expect, it } from "vitest";
import { runScenario } from "../../src/sim/run.js";
import { cornerShop, QUICK, release } from "./support/corner-shop.js";

const OBJECTIVES = "{ error-rate: 0.5%, p95: 100ms }";
const STRATEGY = QUICK.replace("error-rate: { above: 1%, for: 2 of 3 }", "error-rate: { above: 1%, for: 2 of 3 }, p95: { above: 120ms, for: 2 of 3 }");
const failing = release("{ with: version, on: shop/order, errors: +10% }");
const slow = release("{ with: version, on: shop/order, latency: x5 }", "", { version: "v3", at: "6m" });

describe.each(["request", "cohort"] as const)("impact and cost of two bad releases, in %s", (fidelity) => {
  const releasesIn = (script: string) => runScenario(cornerShop({ script, objectives: OBJECTIVES, strategy: STRATEGY, lasts: "25m" }), { fidelity }).releases;
  const [first, second] = releasesIn(`${failing}\n${slow}`);
  const [alone] = releasesIn(failing);

  it("of the first are what they are without the second", () => {
    expect([first.classification, second.classification]).toEqual(["caught", "caught"]);
    expect(first.impact.failedRequests).toBeGreaterThan(0);
    const { shareOfRequests, ...impact } = first.impact;
    expect(alone.impact).toMatchObject(impact);
    expect(shareOfRequests).toBeGreaterThan(0);
    expect([first.cost, first.regret]).toEqual([alone.cost, alone.regret]);
  });

  it("of the second are of the kind that it did: pages late, none failed, no order lost", () => {
    expect(second.impact).toMatchObject({ failedRequests: 0, lostOrdersEuro: 0 });
    expect(second.impact.slowRequests).toBeGreaterThan(0);
    expect(second.regret?.clairvoyant).toBeGreaterThanOrEqual(0);
  });

  it("of the second are held against an oracle that met it as the strategy did: after the first was rolled back", () => {
    const waited = (second.regret?.oracleActsAt ?? 0) - (second.times.harmStartsAt ?? Infinity);
    expect(waited).toBeGreaterThanOrEqual(0);
    expect(waited).toBeLessThanOrEqual(31e6);
    expect(second.times.detectedAt).toBeGreaterThan(second.regret?.oracleActsAt ?? Infinity);
  });
});

describe.each(["request", "cohort"] as const)("a drop of conversion beside a fault's own, in %s", (fidelity) => {
  it("is charged with what it takes beyond the fault", () => {
    const fault = "  - { at: 0s, fault: { for: 25m, conversion-drop: { on: shop/order, conversion: -50% } } }";
    const script = `${fault}\n${release("{ with: version, on: shop/order, conversion: -40% }")}`;
    const lost = (items: string): number => runScenario(cornerShop({ script: items, objectives: "{ conversion: -5% }" }), { fidelity, detail: "light" }).releases[0].impact.lostOrdersEuro;
    const alone = lost(release("{ with: version, on: shop/order, conversion: -40% }"));
    expect(lost(script) / alone).toBeCloseTo(0.5, 1);
  });
});
