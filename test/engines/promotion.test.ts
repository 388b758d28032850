// When a step may go on: never past a failing gate, never on missing data.

import { describe, expect, it } from "vitest";
import fc from "fast-check";
import type { CheckResult, CheckStatus } from "../../src/engines/evidence.js";
import { afterBake, afterHold, judgeGates, type InconclusivePolicy } from "../../src/engines/promotion.js";

const gate = (check: string, status: CheckStatus, breaches = status === "breach" ? 1 : 0, role: CheckResult["role"] = "gate"): CheckResult => ({
  check, role, metric: "error-rate", series: check, status, observed: 0, threshold: 0, baseline: null, sampleSize: 100, baselineSampleSize: 0,
  window: { from: 0, to: 1 }, breaches, persistence: { need: 1, of: 1 }, fired: false, reason: "",
});

const all = (...gates: CheckResult[]): ReadonlySet<string> => new Set(gates.map(({ check }) => check));

describe("the gates together", () => {
  it("pass when every one passes", () => {
    const gates = [gate("a", "pass"), gate("b", "pass")];
    expect(judgeGates(gates, all(...gates))).toEqual({ kind: "pass" });
  });

  it("fail with one breach, whatever else is missing", () => {
    const gates = [gate("a", "missing"), gate("b", "breach"), gate("c", "thin")];
    expect(judgeGates(gates, all(...gates))).toMatchObject({ kind: "fail", deciding: { check: "b" }, lasting: true });
  });

  it("are missing before they are thin", () => {
    const gates = [gate("a", "thin"), gate("b", "missing")];
    expect(judgeGates(gates, all(...gates))).toMatchObject({ kind: "missing", deciding: { check: "b" } });
  });

  it("do not need data of a gate that is not required, but heed its breach", () => {
    expect(judgeGates([gate("a", "missing")], new Set())).toEqual({ kind: "pass" });
    expect(judgeGates([gate("a", "breach")], new Set()).kind).toBe("fail");
  });

  it("fail lastingly only when their persistence is met", () => {
    const wavering: CheckResult = { ...gate("a", "breach"), breaches: 1, persistence: { need: 2, of: 3 } };
    expect(judgeGates([wavering], all(wavering))).toMatchObject({ kind: "fail", lasting: false });
    expect(judgeGates([{ ...wavering, breaches: 2 }], all(wavering))).toMatchObject({ kind: "fail", lasting: true });
  });

  it("leave triggers out", () => {
    expect(judgeGates([gate("t", "breach", 1, "trigger")], new Set(["t"]))).toEqual({ kind: "pass" });
  });

  it("never pass with a failing, thin or missing required gate (property)", () => {
    const status = fc.constantFrom<CheckStatus>("pass", "breach", "thin", "missing");
    fc.assert(
      fc.property(fc.array(status, { minLength: 1, maxLength: 6 }), (statuses) => {
        const gates = statuses.map((one, i) => gate(`g${i}`, one));
        expect(judgeGates(gates, all(...gates)).kind === "pass").toBe(statuses.every((one) => one === "pass"));
      }),
    );
  });
});

describe("the policy for thin data", () => {
  const thin = judgeGates([gate("a", "thin")], new Set(["a"]));
  const missing = judgeGates([gate("a", "missing")], new Set(["a"]));
  const fail = judgeGates([gate("a", "breach")], new Set(["a"]));
  const policies: readonly InconclusivePolicy[] = ["hold", "ask", "roll-back", "promote"];

  it("holds first, and asks at once only when it says so", () => {
    expect(policies.map((policy) => afterBake(thin, policy))).toEqual(["hold", "ask", "hold", "hold"]);
  });

  it("after the longest hold asks, rolls back or promotes as it says", () => {
    expect(policies.map((policy) => afterHold(thin, policy))).toEqual(["ask", "ask", "roll-back", "promote"]);
  });

  it("never promotes on missing data", () => {
    expect(policies.map((policy) => afterHold(missing, policy))).toEqual(["ask", "ask", "roll-back", "ask"]);
  });

  it("holds a failing gate, then rolls back, whatever the policy", () => {
    expect(policies.map((policy) => afterBake(fail, policy))).toEqual(["hold", "hold", "hold", "hold"]);
    expect(policies.map((policy) => afterHold(fail, policy))).toEqual(["roll-back", "roll-back", "roll-back", "roll-back"]);
  });
});
