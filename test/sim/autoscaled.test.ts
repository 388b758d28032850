// An autoscaler sizes what a strategy delivers: neither takes from the other what a release or its rollback waits for.

import { describe, expect, it } from "vitest";
import type { Outcome } from "../../src/sim/outcome.js";
import { runScenario } from "../../src/sim/run.js";
import { simulate } from "../../src/sim/simulate.js";
import type { Fidelity } from "../../src/world/world.js";
import { cornerShop, release, QUICK } from "./support/corner-shop.js";

const WARM = "warm-up: { for: 0s, factor: x1 }";
/** Four replicas at the start; the autoscaler soon has two, or six. */
const SHRUNK = { shop: `autoscale: { min: 2, max: 10, down-after: 1m }\n      ${WARM}`, rate: "20rps" };
const GROWN = { shop: `autoscale: { min: 2, max: 12, target-cpu: 10%, down-after: 1m }\n      ${WARM}`, rate: "300rps" };
const STEPS = "steps: [{ weight: 20%, bake: 3m }, { weight: 100%, bake: 3m }]";
const HALF = QUICK.replace(STEPS, "steps: [{ weight: 20%, bake: 2m }, { weight: 50%, bake: 3m }, { weight: 100%, bake: 3m }]");
const BAD = release("{ with: version, on: shop/order, errors: +30% }");

interface Course { readonly script: string; readonly shop?: string; readonly rate?: string; readonly strategy?: string }
const course = (fidelity: Fidelity, { script, strategy = HALF, ...more }: Course): Outcome["releases"][number] => {
  const outcome = runScenario(cornerShop({ script, strategy, ...more, lasts: "20m" }), { seed: 3, fidelity });
  expect(outcome.invariants.filter(({ held }) => !held)).toEqual([]);
  return outcome.releases[0];
};
const seconds = (from: number | null, to: number | null): number => ((to ?? NaN) - (from ?? NaN)) / 1e6;

describe.each(["cohort", "request"] as const)("of an autoscaled service, in %s", (fidelity) => {
  it.each([["shrunk", SHRUNK], ["grown", GROWN]] as const)("a healthy release is promoted on schedule, from a stable that was %s", (_, shop) => {
    const { classification, result, cost } = course(fidelity, { script: release(), ...shop });
    expect([classification, result, cost.rollbacks, cost.pages]).toEqual(["clean", "promoted", 0, 0]);
    // Bakes of 8 minutes, and starts of 10 s for each step.
    expect(cost.delay).toBeLessThan((2 / 60) * 20);
  });

  it.each([["shrunk", SHRUNK], ["grown", GROWN]] as const)("a bad release is rolled back as fast as without an autoscaler, to a stable that was %s", (_, shop) => {
    const without = course(fidelity, { script: BAD, rate: shop.rate });
    const { classification, times, regret } = course(fidelity, { script: BAD, ...shop });
    expect(classification).toBe("caught");
    expect(seconds(times.detectedAt, times.finishedAt)).toBeLessThanOrEqual(seconds(without.times.detectedAt, without.times.finishedAt) + 2);
    expect(regret?.clairvoyant).toBeGreaterThanOrEqual(0);
  });

  it("full exposure gets the replicas that stable runs by then, not at the start", () => {
    const surge = "  - { at: 3m, fault: { for: 15m, traffic-surge: { on: traffic, surge: x12 } } }";
    const scenario = cornerShop({ script: `${release()}\n${surge}`, strategy: QUICK, ...GROWN, rate: "50rps", lasts: "10m" });
    const { journals } = simulate({ scenario, seed: 3, fidelity, noiseFree: false, detail: "light", seen: false, driver: { kind: "strategy" } });
    const asked = journals[0].actions.flatMap(({ command, event }) => (event === null && (command.kind === "deploy" || command.kind === "scale") ? [command.replicas] : []));
    expect(asked[0]).toBe(1);
    expect(asked[1]).toBeGreaterThan(5);
  });

  it("a stable that left with the weight gets back the size that its autoscaler gave it, in the time of a start", () => {
    const late = BAD.replace("errors: +30%", "errors: +30%, when: { from: 8m }");
    const strategy = QUICK.replace(STEPS, "steps: [{ weight: 20%, bake: 2m }, { weight: 100%, bake: 9m }], rollback: { stable-kept-for: 0s }");
    const { times, result } = course(fidelity, { script: late, strategy, ...GROWN });
    expect(result).toBe("rolled-back");
    expect(seconds(times.detectedAt, times.finishedAt)).toBeGreaterThan(10);
    expect(seconds(times.detectedAt, times.finishedAt)).toBeLessThan(40);
  });
});
