// What to do when triggers fire: the order of the rules, and the evidence for flag or full.

import { describe, expect, it } from "vitest";
import fc from "fast-check";
import type { FlagEvidence } from "../../src/engines/decision.js";
import type { CheckMetric, CheckResult, CheckSpec } from "../../src/engines/evidence.js";
import { decideRollback, type RollbackInput } from "../../src/engines/rollback/decide.js";
import { flagEvidence, FAINTEST_EXCESS, INFRASTRUCTURE_LIMITS } from "../../src/engines/rollback/flag-evidence.js";
import { check, judgeAll, type Seen, type Situation } from "./snapshots.js";

const FACTS = { name: "new-checkout", endpoints: ["create-order"], schemaAdditive: true };
const FLAGGED: Situation = { scope: { flagEndpoints: ["create-order"] } };
const errors = check("error-rate", { kind: "above", value: 0.01 });
const slow = check("p95", { kind: "above", value: 0.5 });

/** A canary and a stable of 1,000 and 10,000 requests, half of them on the feature, with healthy infrastructure. */
const canary = (more: Seen): Seen => ({ requests: 1000, failures: 1, fast: 960, featureRequests: 500, featureFailures: 0.5, featureFast: 480, p95: 0.2, cpu: 0.5, memory: 0.5, replicasDesired: 1, ...more });
const stable: Seen = { requests: 10000, failures: 10, fast: 9600, featureRequests: 5000, featureFailures: 5, featureFast: 4800, p95: 0.2 };
const shared: Seen = { pool: 0.3, flagServiceUp: 1 };

function evidence(seen: Seen, specs: readonly CheckSpec[] = [errors], world: { shared?: Seen; situation?: Situation; stable?: Seen } = {}): FlagEvidence {
  const judged = judgeAll(specs, { v1: world.stable ?? stable, v2: canary(seen), shared: world.shared ?? shared }, world.situation ?? FLAGGED);
  const found = flagEvidence(judged.plan, judged.snapshot, judged.moment.past, FACTS, judged.results.filter((result) => result.fired));
  if (found === null) throw new Error("the scope has a flag");
  return found;
}

describe("flag evidence", () => {
  it("counts excess errors over stable, on the flag's endpoints and on all", () => {
    // Stable fails 0.1 %. The canary: 60 of 500 on the feature, 10 of 500 elsewhere.
    const found = evidence({ failures: 70, featureFailures: 60 });
    expect(found.excessErrors.feature).toBeCloseTo((60 - 0.5) / 120, 9);
    expect(found.excessErrors.all).toBeCloseTo((70 - 1) / 120, 9);
    expect(found.share).toBeCloseTo(59.5 / 69, 9);
  });

  it("counts excess slow requests when the trigger is about latency", () => {
    const found = evidence({ p95: 0.9, fast: 860, featureFast: 380 }, [slow]);
    expect(found.excessSlow.feature).toBeCloseTo(100 / 120, 9);
    expect(found.share).toBeCloseTo(1, 9);
  });

  it("does not let faint slowness speak for a flag when errors are the trouble", () => {
    const found = evidence({ failures: 60, featureFailures: 30, fast: 950, featureFast: 470 });
    expect(found.share).toBeCloseTo(29.5 / 59, 9);
  });

  it("divides nothing when the excess is too faint", () => {
    const faint = 1000 * FAINTEST_EXCESS;
    expect(evidence({ failures: 1 + faint / 2, featureFailures: 0.5 + faint / 2 }).share).toBeNull();
  });

  it("compares with the service's past when stable has no traffic", () => {
    const situation: Situation = { ...FLAGGED, moment: { weight: 1 }, past: stable };
    const found = evidence({ failures: 70, featureFailures: 60 }, [errors], { stable: {}, situation });
    expect(found.share).toBeCloseTo(59.5 / 69, 9);
  });

  it.each([
    ["CPU above its limit", { cpu: INFRASTRUCTURE_LIMITS.cpu + 0.01 }, shared],
    ["memory above its limit", { memory: INFRASTRUCTURE_LIMITS.memory + 0.01 }, shared],
    ["too many restarts", { restarts: 11 }, shared],
    ["an exhausted pool", {}, { ...shared, pool: 1 }],
  ] as const)("calls infrastructure unhealthy with %s", (_, seen, others) => {
    expect(evidence({ failures: 70, featureFailures: 69 }).infrastructureHealthy).toBe(true);
    expect(evidence({ failures: 70, featureFailures: 69, ...seen }, [errors], { shared: others }).infrastructureHealthy).toBe(false);
  });

  it("does not take unmeasured infrastructure for healthy, nor a silent flag service", () => {
    const judged = judgeAll([errors], { v1: stable, v2: { requests: 1000, failures: 90, featureRequests: 500, featureFailures: 90 } }, FLAGGED);
    const found = flagEvidence(judged.plan, judged.snapshot, null, FACTS, judged.results);
    expect(found).toMatchObject({ infrastructureHealthy: false, flagServiceHealthy: false });
  });
});

/** A fired check of a metric, as small as a decision needs it. */
function fired(metric: CheckMetric, id: string = metric): CheckResult {
  return {
    check: id, role: "trigger", metric, series: `${metric} of checkout v2`, status: "breach", observed: 1, threshold: 0.5, baseline: null,
    sampleSize: 100, baselineSampleSize: 0, window: { from: 0, to: 1 }, breaches: 3, persistence: { need: 3, of: 5 }, fired: true, reason: `Something is wrong with ${metric}.`,
  };
}

const GOOD_FLAG: FlagEvidence = {
  flag: "new-checkout", endpoints: ["create-order"], excessErrors: { feature: 0.9, all: 1 }, excessSlow: { feature: 0, all: 0 }, share: 0.9,
  infrastructureHealthy: true, schemaAdditive: true, flagServiceHealthy: true,
};
const INPUT: RollbackInput = { fired: [fired("error-rate")], hard: new Map(), prefer: "flag-or-full", flagShare: 0.8, hasFlag: true, flag: GOOD_FLAG, schemaAdditive: true };

describe("flag or full", () => {
  it("switches the flag off when more than 80 % of the excess is on its endpoints and nothing speaks against it", () => {
    const decided = decideRollback(INPUT);
    expect(decided.actions).toEqual(["disable-flag"]);
    expect(decided.reason).toBe("Something is wrong with error-rate; 90% of the excess comes from the endpoints of new-checkout, so the flag is switched off.");
  });

  it.each<[string, Partial<RollbackInput>, RegExp]>([
    ["the release has no flag", { hasFlag: false, flag: null }, /no flag can switch it off/],
    ["the strategy prefers full rollbacks", { prefer: "full", flag: null }, /prefers full rollbacks/],
    ["the flag is off already", { flag: null }, /its flag is off already/],
    ["exactly 80 % is on the flag's endpoints", { flag: { ...GOOD_FLAG, share: 0.8 } }, /spread over endpoints \(80% of the excess/],
    ["there is no excess to place", { flag: { ...GOOD_FLAG, share: null } }, /no excess errors can be placed/],
    ["the infrastructure is not healthy", { flag: { ...GOOD_FLAG, infrastructureHealthy: false } }, /infrastructure is not healthy/],
    ["the schema change is not additive", { flag: { ...GOOD_FLAG, schemaAdditive: false } }, /not additive/],
    ["the flag service is down", { flag: { ...GOOD_FLAG, flagServiceHealthy: false } }, /flag service does not answer/],
    ["the database is in trouble, too", { fired: [fired("error-rate"), fired("pool")] }, /does not cure pool/],
  ])("rolls everything back when %s", (_, change, why) => {
    const decided = decideRollback({ ...INPUT, ...change });
    expect(decided.actions[0]).toBe("roll-back");
    expect(decided.reason).toMatch(why);
  });

  it("suspects the flagged feature first when business drops without errors, and tells a person", () => {
    const decided = decideRollback({ ...INPUT, fired: [fired("conversion")], flag: { ...GOOD_FLAG, share: null } });
    expect(decided.actions).toEqual(["disable-flag", "page"]);
  });

  it("pages beside a rollback whose schema the stable version may not fit", () => {
    const decided = decideRollback({ ...INPUT, flag: { ...GOOD_FLAG, schemaAdditive: false }, schemaAdditive: false });
    expect(decided.actions).toEqual(["roll-back", "page"]);
  });
});

describe("hard triggers", () => {
  it("come before flag or full", () => {
    const decided = decideRollback({ ...INPUT, fired: [fired("error-rate"), fired("memory", "hard memory")], hard: new Map([["hard memory", "infrastructure"]]) });
    expect(decided).toMatchObject({ rule: "hard-trigger", actions: ["roll-back"] });
    expect(decided.deciding.check).toBe("hard memory");
  });

  it("come in the order security, infrastructure, startup", () => {
    const hard = new Map([["a", "startup"], ["b", "infrastructure"], ["c", "security"]] as const);
    const all = [fired("startup-failures", "a"), fired("cpu", "b"), fired("restarts", "c")];
    expect(decideRollback({ ...INPUT, fired: all, hard }).deciding.check).toBe("c");
    expect(decideRollback({ ...INPUT, fired: all.slice(0, 2), hard }).deciding.check).toBe("b");
  });
});

it("always acts when something fired, with a reason that is one sentence (property)", () => {
  const metrics: readonly CheckMetric[] = ["error-rate", "p95", "throughput", "conversion", "cpu", "memory", "restarts", "pool", "query-timeouts", "startup-failures", "flag-service"];
  const anyFlag = fc.record({ share: fc.option(fc.double({ min: 0, max: 1, noNaN: true })), infrastructureHealthy: fc.boolean(), schemaAdditive: fc.boolean(), flagServiceHealthy: fc.boolean() });
  fc.assert(
    fc.property(fc.subarray([...metrics], { minLength: 1 }), fc.option(anyFlag), fc.boolean(), fc.constantFrom("flag-or-full" as const, "full" as const), (which, flag, hard, prefer) => {
      const decided = decideRollback({
        ...INPUT, prefer, fired: which.map((metric) => fired(metric)), hard: new Map(hard ? [[which[0], "infrastructure" as const]] : []),
        flag: flag === null ? null : { ...GOOD_FLAG, ...flag },
      });
      expect(["disable-flag", "roll-back"]).toContain(decided.actions[0]);
      expect(decided.reason).toMatch(/^[A-Z].*\.$/);
      if (hard || prefer === "full" || flag === null) expect(decided.actions[0]).toBe("roll-back");
      if (decided.actions[0] === "disable-flag") expect(flag).toMatchObject({ infrastructureHealthy: true, schemaAdditive: true, flagServiceHealthy: true });
    }),
    { numRuns: 300 },
  );
});
