// When a game day must not go on, decided from figures alone.

import { describe, expect, it } from "vitest";
import { abortReason, SteadyState, steadyStateText, unsteady, type SteadyFigures } from "../../../src/live/safety/conditions.js";
import { seconds } from "../../../src/kernel/units.js";
import type { AbortCondition, RuleComparison, SteadyStateSpec } from "../../../src/scenario/compiled.js";
import { parseRule } from "../../../src/scenario/rule.js";

const SOURCE = { file: "x.yaml", line: 1, column: 1 };

function conditions(...texts: readonly string[]): readonly AbortCondition[] {
  return texts.map((text) => {
    const parsed = parseRule(text, false, { subjects: new Map([["shop", { service: "shop", version: null }], ["v2", { service: "shop", version: "v2" }]]), shared: new Map() });
    if (!parsed.ok) throw new Error(parsed.message);
    return { claim: parsed.rule.claim, while: parsed.rule.while, text, source: SOURCE };
  });
}

const figures = (known: Readonly<Record<string, number>>) => ({ series, of }: RuleComparison): number | null => known[`${series}(${of})`] ?? null;

describe("stop-if", () => {
  const stopIf = conditions("error-rate(shop) > 50%", "p95(v2) >= 2s while weight(v2) > 10%", "replicas(shop) == 0");

  it("lets the game day go on while no condition holds", () => {
    expect(abortReason(stopIf, figures({ "error-rate(shop)": 0.5, "p95(v2)": 1.999, "weight(v2)": 0.5, "replicas(shop)": 1 }))).toBeNull();
    expect(abortReason([], figures({ "error-rate(shop)": 1 }))).toBeNull();
  });

  it("names the condition that holds, with the figure", () => {
    expect(abortReason(stopIf, figures({ "error-rate(shop)": 0.62 }))).toBe("stop-if error-rate(shop) > 50%: error-rate(shop) is 62%");
    expect(abortReason(stopIf, figures({ "p95(v2)": 2, "weight(v2)": 0.2 }))).toBe("stop-if p95(v2) >= 2s while weight(v2) > 10%: p95(v2) is 2s");
    expect(abortReason(stopIf, figures({ "replicas(shop)": 0 }))).toBe("stop-if replicas(shop) == 0: replicas(shop) is 0");
  });

  it("looks at a condition only while its `while` holds", () => {
    expect(abortReason(stopIf, figures({ "p95(v2)": 9, "weight(v2)": 0.1 }))).toBeNull();
    expect(abortReason(stopIf, figures({ "p95(v2)": 9 }))).toBeNull();
  });

  it("takes a missing figure for no figure", () => {
    expect(abortReason(stopIf, () => null)).toBeNull();
    expect(abortReason(stopIf, () => Number.NaN)).toBeNull();
  });
});

describe("the steady state", () => {
  const spec: SteadyStateSpec = { errorRate: 0.01, p95Seconds: 0.5, for: seconds(3), within: seconds(10) };
  const good: SteadyFigures = { requests: 200, errorRate: 0.01, p95Seconds: 0.5, replicasDown: [] };

  it("is errors and p95 within their limits and every replica up", () => {
    expect(unsteady(spec, good)).toEqual([]);
    expect(unsteady(spec, { requests: 30, errorRate: 0.011, p95Seconds: 0.6, replicasDown: ["shop-v1-2"] })).toEqual([
      "not up: shop-v1-2", "error rate 1.1% (at most 1%)", "p95 600ms (at most 500ms)",
    ]);
    expect(steadyStateText(spec)).toEqual(["every replica is up", "the error rate is at most 1%", "p95 is at most 500ms"]);
  });

  it("is not shown by too few requests, nor by figures that are missing", () => {
    expect(unsteady(spec, { ...good, requests: 19 })).toHaveLength(1);
    expect(unsteady(spec, { ...good, errorRate: null, p95Seconds: null })).toEqual(["error rate – (at most 1%)", "p95 – (at most 500ms)"]);
    expect(unsteady({ ...spec, errorRate: null, p95Seconds: null }, { ...good, errorRate: null, p95Seconds: null })).toEqual([]);
  });

  it("must hold without a break", () => {
    const steady = new SteadyState(spec, 0);
    const states = [good, good, { ...good, errorRate: 0.5 }, good, good, good, good].map((seen, second) => steady.look(seconds(second), seen).state);
    expect(states).toEqual(["waiting", "waiting", "waiting", "waiting", "waiting", "waiting", "steady"]);
  });

  it("is given up when it has not come true in time, with the reasons", () => {
    const steady = new SteadyState(spec, seconds(100));
    expect(steady.look(seconds(109), { ...good, p95Seconds: 3 }).state).toBe("waiting");
    expect(steady.look(seconds(110), { ...good, p95Seconds: 3 })).toEqual({ state: "not steady", reasons: ["p95 3s (at most 500ms)"] });
  });

  it("is waited for when it has just begun to hold", () => {
    const steady = new SteadyState(spec, 0);
    steady.look(seconds(9), good);
    expect(steady.look(seconds(11), good).state).toBe("waiting");
    expect(steady.look(seconds(12), good).state).toBe("steady");
  });
});
