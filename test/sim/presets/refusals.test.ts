// What cohort can't do with a preset it refuses by name; everything else it runs.

import { describe, expect, it } from "vitest";
import { PRESETS, PRESET_NAMES, type PresetName } from "../../../src/scenario/presets.js";
import { worldInputOf } from "../../../src/sim/simulate.js";
import { cohortRefusals } from "../../../src/world/cohort/cohort-world.js";
import { DURING, expectNear, fault, play, release, SHOP, staged } from "../support/preset-stage.js";

const TARGETS: Partial<Record<PresetName, string>> = {
  errors: "on: shop/order", latency: "on: shop/order", "conversion-drop": "on: shop/order",
  "slow-database": "on: orders-db", "db-pool-exhaustion": "on: orders-db", "lock-queue": "on: orders-db",
  "dependency-errors": "on: shop -> payments", "dependency-latency": "on: shop -> payments", partition: "on: shop -> payments",
};
const targetOf = (preset: PresetName): string => TARGETS[preset] ?? (PRESETS[preset].needsTarget ? "on: shop" : "");

const refusals = (script: string): readonly string[] =>
  cohortRefusals(worldInputOf({ scenario: staged({ script, shop: { cache: "{ hit: 90%, fill: 30s, miss: { constant: 50ms } }" } }), seed: 1, fidelity: "cohort", noiseFree: false, detail: "light", seen: false, driver: { kind: "strategy" } }))
    .map(({ what }) => what);

describe("cohort", () => {
  it.each(PRESET_NAMES)("runs %s as it stands", (preset) => {
    expect(refusals(fault(preset, targetOf(preset)))).toEqual([]);
  });

  it.each([
    ["slow-database", "when: { rps-above: 10 }", "above a request rate"],
    ["slow-database", "when: { after: 1m }", "after a time of warm life"],
    ["slow-database", "users: 10%", "for a share of users"],
    ["dependency-errors", "when: { rps-above: 10 }", "above a request rate"],
    ["dependency-latency", "when: { after: 1m }", "after a time of warm life"],
  ] as const)("refuses %s with %s: it knows no single caller", (preset, condition, why) => {
    const [what, ...more] = refusals(release(preset, `${targetOf(preset)}, ${condition}`));
    expect(more).toEqual([]);
    expect(what).toMatch(new RegExp(`^v2: .* on a (link|database) only ${why}$`));
  });
});

describe("request, where cohort refuses", () => {
  const VIEW = { ...SHOP, endpoints: ["view"] } as const;

  it("slows a database's queries for a share of the users", () => {
    // A lognormal query of 4.7 ms takes 20 times as long for three users in ten.
    const seen = play("request", { script: fault("slow-database", "on: orders-db, latency: x20, users: 30%") });
    expectNear(seen.mean(VIEW, DURING) - seen.mean(VIEW, { from: 15e6, to: 120e6 }), 0.3 * 19 * 0.0047, 0.004);
  });

  it("fails calls above a request rate per replica alone", () => {
    // 60 rps on four replicas are 15 each.
    const errorRate = (above: number): number =>
      play("request", { script: fault("dependency-errors", `on: shop -> payments, when: { rps-above: ${above} }`) }).errorRate({ ...SHOP, endpoints: ["order"] }, DURING);
    expectNear(errorRate(30), 0.005, 0.005);
    expectNear(errorRate(2), 0.3, 0.035);
  });
});
