// Who is woken and who is told: SYSTEMS.md section 6, limit by limit.

import { describe, expect, it } from "vitest";
import { classify, classifyAll, updateAlerts, type StandingAlerts } from "../../src/engines/alerts.js";
import { check, judge } from "./snapshots.js";

const errors = check("error-rate", { kind: "above", value: 0.5 });
const errorRate = (ratio: number) => judge(errors, { v2: { requests: 10000, failures: ratio * 10000 } });
const p95 = (seconds: number) => judge(check("p95", { kind: "above", value: 9 }), { v2: { requests: 10000, p95: seconds } });
const conversion = (ratio: number) =>
  judge(check("conversion", { kind: "drops", ratio: 0.9 }, { baseline: "stable" }), { v1: { requests: 10000, conversions: 1000 }, v2: { requests: 10000, conversions: 10000 * ratio } });

describe("an alert", () => {
  it.each([
    ["an error rate of 1 %", errorRate(0.01), null],
    ["an error rate of 1.1 %", errorRate(0.011), "warning"],
    ["an error rate of 5 %", errorRate(0.05), "warning"],
    ["an error rate of 5.1 %", errorRate(0.051), "critical"],
    ["a p95 of 2 s", p95(2), null],
    ["a p95 of 3 s", p95(3), "warning"],
    ["a p95 of 5.1 s", p95(5.1), "critical"],
    ["a business drop of 19 %", conversion(0.081), null],
    ["a business drop of 30 %", conversion(0.07), "warning"],
    ["a business drop of 60 %", conversion(0.04), "critical"],
    ["a CPU of 81 %", judge(check("cpu", { kind: "above", value: 2 }), { v2: { cpu: 0.81 } }), "warning"],
    ["a CPU of 99 %", judge(check("cpu", { kind: "above", value: 2 }), { v2: { cpu: 0.99 } }), "warning"],
    ["missing data", judge(errors, {}), null],
    ["thin data", judge(errors, { v2: { requests: 3, failures: 3 } }), null],
  ] as const)("for %s is as SYSTEMS.md says", (_, result, severity) => {
    expect(classify(result)?.severity ?? null).toBe(severity);
  });

  it("that is critical goes to the pager, a warning to chat", () => {
    expect(classify(errorRate(0.2))?.channel).toBe("pager");
    expect(classify(errorRate(0.02))).toMatchObject({ channel: "chat", text: "Error rate of checkout v2 is 2%, above 1%." });
    expect(classify(errorRate(1))?.text).toBe("Error rate of checkout v2 is 100%: it is down.");
  });

  it("stands once per series, the worst of its checks", () => {
    expect(classifyAll([errorRate(0.02), errorRate(0.2), errorRate(0.03)])).toEqual([expect.objectContaining({ severity: "critical" })]);
  });
});

describe("standing alerts", () => {
  it("are raised when they begin or get worse, and resolved when they end", () => {
    let standing: StandingAlerts = {};
    const step = (ratio: number): [number, number] => {
      const update = updateAlerts(standing, [errorRate(ratio)]);
      standing = update.standing;
      return [update.raised.length, update.resolved.length];
    };
    expect([0, 0.02, 0.02, 0.2, 0.2, 0.02, 0].map(step)).toEqual([[0, 0], [1, 0], [0, 0], [1, 0], [0, 0], [0, 0], [0, 1]]);
  });

  it("do not end because nothing is seen any more", () => {
    const { standing } = updateAlerts({}, [errorRate(0.2)]);
    expect(updateAlerts(standing, [judge(errors, {})])).toEqual({ standing, raised: [], resolved: [] });
  });
});
