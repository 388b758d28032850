// Explaining names, for each decision, every check with what was observed, against what, on how much, and what would have changed it.

import { describe, expect, it } from "vitest";
import { changeWords, explain } from "../../src/report/explain.js";
import { count } from "../../src/kernel/format.js";
import { metricValue } from "../../src/report/words.js";
import { caughtOutcome, check, cleanOutcome, emptyOutcome, falseRollbackOutcome } from "./support/sample-outcome.js";

const WIDE = 10_000;
const outcome = caughtOutcome();

describe("explaining a run", () => {
  it("names each decision's checks with observed value, limit and sample size", () => {
    for (const decision of outcome.decisions) {
      const lines = explain(outcome, { decision: decision.id, width: WIDE }).split("\n");
      for (const each of decision.checks) {
        const line = lines.find((text) => text.includes(` ${each.check} (`)) ?? "";
        expect(line).toContain(each.series);
        if (each.observed !== null) expect(line).toContain(`observed ${metricValue(each.metric, each.observed)}`);
        expect(line).toContain(`limit of ${metricValue(each.metric, each.threshold)}`);
        if (each.metric !== "memory" && each.metric !== "restarts") expect(line).toContain(`on ${count(each.sampleSize)} request`);
      }
    }
  });

  it("says the deciding check, the rule and the reason", () => {
    const text = explain(outcome, { decision: 3, width: WIDE });
    expect(text).toContain("Decision 3 at +00:28:30: switch the flag off");
    expect(text).toMatch(/decided by +trigger p95 times-baseline 1.5/);
    expect(text).toMatch(/rule +a trigger fired, by the engine/);
    expect(text).toContain(outcome.decisions[2].reason);
    expect(text).toContain("94.4% of the excess");
  });

  it("tells the truth, the cause, the right action and the cost weights in force", () => {
    const text = explain(outcome, { width: WIDE });
    expect(text).toContain("In truth checkout v2 is harmful; classified caught");
    expect(text).toMatch(/cause +release\. Without the requests/);
    expect(text).toMatch(/right action +switch the flag off ✓ taken/);
    expect(text).toContain("Cost weights in force: failed request 0.02 EUR · slow request 0.005 EUR · lost order 30% of the order's value");
  });

  it("says when the right action was not taken", () => {
    expect(explain(falseRollbackOutcome(), { width: WIDE })).toMatch(/right action +none ✗ not taken: roll back instead/);
  });

  it("shows both edges of a band, and which is nearer", () => {
    const share = check({ metric: "throughput", check: "gate throughput within 10%", observed: 0.0504, threshold: 0.055, baseline: 0.05, band: { low: 0.0405, high: 0.0595 } });
    const [decision] = outcome.decisions;
    const banded = { ...decision, actions: ["promote" as const], checks: [share] };
    const text = explain({ ...outcome, decisions: [banded] }, { decision: decision.id, width: WIDE });
    expect(text).toContain("observed 5.04% against a band of 4.05% to 5.95%, chance included");
    expect(text).toContain("the check nearest to its limit is gate throughput within 10%: 5.04% against 4.05% to 5.95%, 15% below the upper edge");
  });

  it("explains only the decision asked for, and says which there are when it is none of them", () => {
    expect(explain(outcome, { decision: 2 })).not.toContain("Decision 3");
    expect(explain(outcome, { decision: 9 })).toBe("There is no decision 9: this run has the decisions 1, 2, 3, 4, 5.");
  });

  it("shows no NaN, undefined or null for any kind of outcome", () => {
    for (const each of [outcome, cleanOutcome(), falseRollbackOutcome(), emptyOutcome()]) expect(explain(each)).not.toMatch(/NaN|undefined|null/);
  });
});

describe("what would have changed a decision", () => {
  const [hold, promote, act] = outcome.decisions;

  it("names one breach fewer and the distance for an action that was just due", () => {
    expect(changeWords(act)[0]).toBe("trigger p95 times-baseline 1.5: 1 breach fewer among its last 5 evaluations (682ms against 336ms, 103% above the limit)");
  });

  it("names as many breaches as were to spare", () => {
    const checks = act.checks.map((each) => (each.fired ? { ...each, breaches: 5 } : each));
    expect(changeWords({ ...act, checks })[0]).toContain("3 breaches fewer");
  });

  it("names the check nearest to its limit for a promotion", () => {
    const checks = [
      check({ metric: "error-rate", check: "far", observed: 0.001, threshold: 0.01 }),
      check({ metric: "p95", check: "near", observed: 0.45, threshold: 0.5 }),
    ];
    expect(changeWords({ ...promote, checks })).toEqual(["the check nearest to its limit is near: 450ms against 500ms, 10% below the limit"]);
  });

  it("names the data that was too thin for a hold", () => {
    expect(changeWords(hold)[0]).toContain("more data for gate error-rate below 1%: 31 requests were too few");
  });
});
