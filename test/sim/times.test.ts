// The times of a release: what is restored, and what only looks so.

import { describe, expect, it } from "vitest";
import { runScenario } from "../../src/sim/run.js";
import { cornerShop, QUICK, release } from "./support/corner-shop.js";

const FLAG = ", flag: { name: quick, endpoints: [shop/order] }";
const BEHIND_FLAG = "{ with: flag, on: shop/order, errors: +15% }";
const STRATEGY = QUICK.replace("{ above: 1%,", "{ above: 2%,").replace("{ below: 1% }", "{ below: 2% }");
const EXPECTED = "expect: [{ release: v2, restored-within: 10m }]";

describe.each(["request", "cohort"] as const)("a release whose flag was switched off, in %s", (fidelity) => {
  const outcomeOf = (defects: string) => runScenario(cornerShop({ script: release(defects, FLAG), strategy: STRATEGY, more: EXPECTED }), { fidelity, detail: "light" });

  it("is not restored when it hurts users to the end, whatever the platform says", () => {
    const outcome = outcomeOf(`${BEHIND_FLAG}, { with: version, on: shop/view, errors: +1.5% }`);
    const [{ result, times }] = outcome.releases;
    expect(result).toBe("flag-off");
    expect(times.harmStartsAt).not.toBeNull();
    expect([times.mitigatedAt, times.restoredAt, times.recovery]).toEqual([null, null, null]);
    expect(outcome.expectations).toMatchObject([{ passed: false, reason: "never restored, where 10m were allowed" }]);
    expect(outcome.dora.find(({ name }) => name === "failed deployment recovery time")).toMatchObject({ value: null, sampleSize: 0 });
  });

  it("is restored when all its harm was behind the flag", () => {
    const outcome = outcomeOf(BEHIND_FLAG);
    const [{ result, times }] = outcome.releases;
    expect(result).toBe("flag-off");
    expect(times.restoredAt).toBeGreaterThanOrEqual(times.mitigatedAt ?? Infinity);
    expect(outcome.passed).toBe(true);
  });
});
