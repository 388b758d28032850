// One run from scenario to outcome: deterministic, judged against the truth, with the engines none the wiser.

import { describe, expect, it } from "vitest";
import { minutes } from "../../src/kernel/units.js";
import type { Scenario } from "../../src/scenario/compiled.js";
import type { Outcome } from "../../src/sim/outcome.js";
import { runScenario } from "../../src/sim/run.js";
import { cornerShop, release } from "./support/corner-shop.js";
import { shipped, written } from "./support/scenarios.js";

/** A quick canary on the shipped small shop; `defects` is the YAML of the release's defects. */
function canary(defects: string, more = ""): Scenario {
  return written(`
shakedown: 1
kind: scenario
name: written-in-a-test
seed: 3
for: 40m
world: ../worlds/small-shop.yaml
strategy:
  steps: [{ weight: 10%, bake: 6m }, { weight: 100%, bake: 6m }]
  gates: { error-rate: { below: 1% }, p95: { below: 500ms } }
  triggers: { error-rate: { above: 1%, for: 2 of 3 } }
objectives: { error-rate: 0.5%, p95: 500ms }
script:
  - at: 5m
    release: { service: checkout, version: v2, lines: 100, defects: [${defects}] }
${more}
`);
}

const ERRORS = "{ with: version, on: checkout/create-order, errors: +20% }";
const only = (outcome: Outcome) => outcome.releases[0];

describe("a harmful release", () => {
  const outcome = runScenario(canary(ERRORS));

  it("is caught because of itself, rolled back, and that was right", () => {
    expect(only(outcome)).toMatchObject({
      truth: "harmful", result: "rolled-back", cause: "release", classification: "caught", action: "roll-back", rightAction: "roll-back", tookRightAction: true,
    });
  });

  it("has its times in order: released, first traffic, harm, detected, mitigated, restored", () => {
    const { releasedAt, firstTrafficAt, harmStartsAt, detectedAt, mitigatedAt, restoredAt } = only(outcome).times;
    const times = [releasedAt, harmStartsAt, detectedAt, mitigatedAt, restoredAt];
    expect(times).not.toContain(null);
    expect(times).toEqual([...times].sort((a, b) => Number(a) - Number(b)));
    expect(firstTrafficAt).toBeGreaterThan(releasedAt);
  });

  it("names check, series, observed, threshold and sample size in the decision that acted", () => {
    const decision = outcome.decisions.find(({ actions }) => actions.includes("roll-back"));
    const check = decision?.checks.find(({ check: id }) => id === decision.decidingCheck);
    expect(check).toMatchObject({ status: "breach", threshold: 0.01, fired: true, metric: "error-rate" });
    expect(check?.observed).toBeGreaterThan(0.01);
    expect(check?.sampleSize).toBeGreaterThan(50);
    expect(decision?.reason).toContain("checkout v2");
  });

  it("costs more than under the clairvoyant on the same seed, who also pays for a rollback", () => {
    const { regret, cost } = only(outcome);
    expect(regret?.clairvoyant).toBeGreaterThan(0);
    expect(regret?.oracleCost.rollbacks).toBe(cost.rollbacks);
    expect(regret?.oracleCost.failedRequests).toBeLessThan(cost.failedRequests);
    expect(regret?.oracleActsAt).toBeGreaterThan(only(outcome).times.harmStartsAt ?? Infinity);
  });

  it("opens an incident that ends with the rollback", () => {
    expect(outcome.incidents).toHaveLength(1);
    expect(outcome.incidents[0].closedAt).toBe(only(outcome).times.finishedAt);
    expect(outcome.alerts.some(({ severity }) => severity !== "info")).toBe(true);
  });
});

describe.each(["request", "cohort"] as const)("a release that is slow past the only latency objective, in %s", (fidelity) => {
  const strategy = (metric: string): string => `{ steps: [{ weight: 20%, bake: 3m }, { weight: 100%, bake: 3m }], window: 1m, every: 15s, gates: { error-rate: { below: 1% } }, triggers: { ${metric}: { above: 150ms, for: 2 of 3 } }, thin-data: { min-requests: 20 } }`;

  it.each(["p50", "p95", "p99"])("harms those whom it slows, whichever quantile the objective is for: %s", (metric) => {
    const scenario = cornerShop({ script: release("{ with: version, on: shop, latency: x6 }"), objectives: `{ ${metric}: 100ms }`, strategy: strategy(metric), lasts: "20m" });
    const { truth, classification, times, impact, cost, regret } = only(runScenario(scenario, { fidelity }));
    expect([truth, classification]).toEqual(["harmful", "caught"]);
    expect(times.detection).toBeGreaterThan(0);
    expect(impact.slowRequests).toBeGreaterThan(50);
    expect(cost.slowRequests).toBeGreaterThan(0);
    expect(regret?.oracleActsAt).toBeGreaterThanOrEqual(times.harmStartsAt ?? Infinity);
  });

  it("counts from the tightest of several objectives on", () => {
    const slow = (objectives: string): number => only(runScenario(cornerShop({ script: release("{ with: version, on: shop, latency: x6 }"), objectives, strategy: strategy("p95"), lasts: "20m" }), { fidelity, detail: "light" })).impact.slowRequests;
    expect(slow("{ p50: 100ms, p99: 400ms }")).toBe(slow("{ p50: 100ms }"));
    expect(slow("{ p50: 100ms, p99: 400ms }")).toBeGreaterThan(slow("{ p99: 400ms }"));
  });
});

describe("a harmless release", () => {
  const outcome = runScenario(canary(""));

  it("is promoted, clean, costs nothing and harms nobody", () => {
    expect(only(outcome)).toMatchObject({ truth: "harmless", result: "promoted", classification: "clean", cause: null, impact: { failedRequests: 0, slowRequests: 0, lostOrdersEuro: 0 } });
    expect(only(outcome).cost.total).toBeGreaterThanOrEqual(0);
    expect(only(outcome).times.harmStartsAt).toBeNull();
  });

  it("is the release that its harmful twin declared: the engines' inputs are equal", () => {
    const [healthy, broken] = [canary(""), canary(ERRORS)].map(({ script }) => script[0]);
    expect(healthy.kind === "release" && healthy.release).toEqual(broken.kind === "release" && broken.release);
  });

  it("is a false rollback when a person takes it back", () => {
    const scenario = canary("");
    const taken = runScenario({
      ...scenario,
      strategy: { ...scenario.strategy, steps: scenario.strategy.steps.map((step) => ({ ...step, minRequests: 1e9, maxHold: 0, onInconclusive: "ask" as const })) },
      person: { answersAfter: minutes(1), answer: "roll-back" },
    });
    expect(only(taken)).toMatchObject({ truth: "harmless", result: "rolled-back", by: "person", classification: "false-rollback", cause: "luck" });
  });
});

describe("the same scenario and seed", () => {
  const scenario = canary(ERRORS);

  it("gives the same outcome to the byte", () => {
    expect(JSON.stringify(runScenario(scenario))).toBe(JSON.stringify(runScenario(canary(ERRORS))));
  });

  it("gives the same digest whether it is watched in detail or not", () => {
    expect(runScenario(scenario, { detail: "light" }).digest).toBe(runScenario(scenario, { detail: "full" }).digest);
  });

  it("gives the same digest after other scenarios and seeds have run", () => {
    const before = runScenario(scenario, { detail: "light" }).digest;
    runScenario(canary(""), { seed: 99, detail: "light" });
    runScenario(scenario, { seed: 4, detail: "light" });
    expect(runScenario(scenario, { detail: "light" }).digest).toBe(before);
  });

  it("gives another digest with another seed", () => {
    expect(runScenario(scenario, { seed: 4, detail: "light" }).digest).not.toBe(runScenario(scenario, { detail: "light" }).digest);
  });
});

describe("releases of one service", () => {
  const second = `
  - at: 6m
    release: { service: checkout, version: v3, lines: 10 }`;

  it("wait for each other, and are invalid when the one they were built on is taken back", () => {
    const outcome = runScenario(canary(ERRORS, second), { detail: "light" });
    expect(outcome.releases.map(({ result, classification, unscoredWhy }) => [result, classification, unscoredWhy])).toEqual([
      ["rolled-back", "caught", null],
      ["invalidated", "unscored", "invalidated"],
    ]);
  });

  it("go one after the other when all is well", () => {
    const outcome = runScenario(canary("", second), { detail: "light" });
    const [v2, v3] = outcome.releases;
    expect([v2.result, v3.result]).toEqual(["promoted", "promoted"]);
    expect(v3.times.firstTrafficAt).toBeGreaterThan(v2.times.finishedAt ?? Infinity);
  });
});

describe("the main scenario", () => {
  it("holds every invariant in both fidelities", () => {
    for (const fidelity of ["cohort", "request"] as const) {
      const outcome = runScenario(shipped("basics/error-spike"), { fidelity, detail: "light" });
      expect(outcome.invariants.filter(({ held }) => !held)).toEqual([]);
      expect(outcome.passed).toBe(true);
    }
  });
});

describe("harm", () => {
  it("never starts before the version has traffic, whatever the defect", () => {
    for (const defect of [ERRORS, "{ with: version, on: checkout/create-order, conversion: -35% }", "{ with: version, on: checkout, latency: +2s }"]) {
      for (const seed of [1, 2, 3]) {
        const { harmStartsAt, firstTrafficAt } = only(runScenario(canary(defect), { seed, detail: "light" })).times;
        expect(firstTrafficAt).not.toBeNull();
        expect(harmStartsAt).toBeGreaterThanOrEqual(firstTrafficAt ?? Infinity);
      }
    }
  });
});
