// What a check says about a window: pass, breach, too little, or nothing at all.

import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { minutes, seconds } from "../../src/kernel/units.js";
import { evaluateHealth } from "../../src/engines/health/evaluate.js";
import { NO_HISTORY, type BreachHistory } from "../../src/engines/health/persistence.js";
import { CHANCE_Z, shareAllowance } from "../../src/engines/health/chance.js";
import { BASELINE_FLOOR } from "../../src/engines/health/compare.js";
import { planHealth, queriesAt } from "../../src/engines/health/queries.js";
import { check, judge, MOMENT, SCOPE, snapshotOf, AT } from "./snapshots.js";

const above1 = check("error-rate", { kind: "above", value: 0.01 });

describe("a static threshold on the error rate", () => {
  it("breaches above its limit and says on how many requests", () => {
    const result = judge(above1, { v2: { requests: 1240, failures: 51 } });
    expect(result).toMatchObject({ status: "breach", threshold: 0.01, sampleSize: 1240, fired: true, series: "error rate of checkout v2" });
    expect(result.observed).toBeCloseTo(51 / 1240, 12);
    expect(result.reason).toBe("Error rate of checkout v2 was 4.11% over 1,240 requests in the last 2 minutes, above 1%.");
  });

  it("does not breach at exactly its limit, while a gate below it does not pass", () => {
    const exactly = { v2: { requests: 1000, failures: 10 } };
    expect(judge(above1, exactly).status).toBe("pass");
    expect(judge(check("error-rate", { kind: "below", value: 0.01 }, { role: "gate" }), exactly).status).toBe("breach");
  });

  it("reads absent failures beside seen requests as none", () => {
    expect(judge(above1, { v2: { requests: 500 } })).toMatchObject({ status: "pass", observed: 0 });
  });

  it("is missing when nothing at all is seen", () => {
    const result = judge(above1, {});
    expect(result).toMatchObject({ status: "missing", observed: null, sampleSize: 0, fired: false });
    expect(result.reason).toBe("Error rate of checkout v2: no data in the last 2 minutes (no series).");
  });

  it("is thin below the least number of requests", () => {
    expect(judge(above1, { v2: { requests: 49, failures: 49 } })).toMatchObject({ status: "thin", sampleSize: 49, fired: false });
    expect(judge(above1, { v2: { requests: 50, failures: 50 } }).status).toBe("breach");
    expect(judge(above1, { v2: { requests: 3581 } }, { moment: { minRequests: 100_000 } }).reason).toContain("over 3,581 requests in the last 2 minutes, which decides nothing: fewer than 100,000 requests");
  });

  it("is thin until the window is full since the last change, and never looks back past it", () => {
    const world = { v2: { requests: 500, failures: 500 } };
    const filling = judge(above1, world, { moment: { since: { traffic: AT - seconds(119), platform: 0 } } });
    expect(filling.status).toBe("thin");
    expect(filling.window).toEqual({ from: AT - seconds(119), to: AT });
    const full = judge(above1, world, { moment: { since: { traffic: AT - seconds(120), platform: 0 } } });
    expect(full.status).toBe("breach");
  });

  it("is thin, not missing, while nothing is seen in a window that is not full", () => {
    expect(judge(above1, {}, { moment: { since: { traffic: AT - seconds(30), platform: 0 } } }).status).toBe("thin");
    expect(judge(above1, {}, { moment: { since: { traffic: null, platform: 0 } } }).status).toBe("thin");
  });

  it("is thin when the newest sample is older than half the window", () => {
    expect(judge(above1, { v2: { requests: 500, failures: 500, newest: AT - seconds(61) } }).status).toBe("thin");
    expect(judge(above1, { v2: { requests: 500, failures: 500, newest: AT - seconds(60) } }).status).toBe("breach");
  });
});

describe("a comparison with stable", () => {
  const double = check("error-rate", { kind: "times-baseline", factor: 2 }, { baseline: "stable" });

  it("breaches above twice stable's error rate in the same window", () => {
    const result = judge(double, { v1: { requests: 4000, failures: 40 }, v2: { requests: 1000, failures: 21 } });
    expect(result).toMatchObject({ status: "breach", baseline: 0.01, threshold: 0.02, baselineSampleSize: 4000 });
    expect(judge(double, { v1: { requests: 4000, failures: 40 }, v2: { requests: 1000, failures: 20 } }).status).toBe("pass");
  });

  it("lets a baseline below the floor count as the floor", () => {
    const floor = BASELINE_FLOOR["error-rate"] ?? 0;
    const atFloor = { v1: { requests: 40000, failures: 0 }, v2: { requests: 10000, failures: 2 * floor * 10000 } };
    expect(judge(double, atFloor)).toMatchObject({ status: "pass", threshold: 2 * floor });
    expect(judge(double, { ...atFloor, v2: { requests: 10000, failures: 2 * floor * 10000 + 1 } }).status).toBe("breach");
  });

  it("does not call two failed requests an explosion", () => {
    expect(judge(double, { v1: { requests: 4000, failures: 4 }, v2: { requests: 100, failures: 2 } }).status).toBe("pass");
    expect(judge(double, { v1: { requests: 4000, failures: 4 }, v2: { requests: 100, failures: 3 } }).status).toBe("breach");
  });

  it("is missing without any baseline", () => {
    expect(judge(double, { v2: { requests: 1000, failures: 900 } }).status).toBe("missing");
  });

  it("turns to the past when stable has no traffic any more", () => {
    const result = judge(double, { v2: { requests: 1000, failures: 30 } }, { moment: { weight: 1 }, past: { requests: 2000, failures: 20 } });
    expect(result).toMatchObject({ status: "breach", baseline: 0.01 });
    expect(result.reason).toContain("the 1% before the release over 2,000 requests");
  });

  it.each([
    ["cpu", { cpu: 0.05 }, { cpu: 0.14 }, { cpu: 0.15 }],
    ["memory", { memory: 0.3 }, { memory: 0.6 }, { memory: 0.6 }],
    ["restarts", { restarts: 0, replicasDesired: 4 }, { restarts: 9, replicasDesired: 4 }, { restarts: 9, replicasDesired: 4 }],
  ] as const)("turns to the past at full exposure for %s, too: stable without its load is no measure", (metric, stable, canary, past) => {
    const relative = check(metric, { kind: "times-baseline", factor: 1.5 });
    expect(judge(relative, { v1: stable, v2: canary }, { past }).status).toBe("breach");
    expect(judge(relative, { v1: stable, v2: canary }, { moment: { weight: 1 }, past })).toMatchObject({ status: "pass" });
    expect(judge(relative, { v2: canary }, { moment: { weight: 1 }, past })).toMatchObject({ status: "pass" });
  });

  it("never holds a database's pool against itself: what belongs to no version is compared with its past", () => {
    const fuller = check("pool", { kind: "times-baseline", factor: 1.5 });
    expect(judge(fuller, { shared: { pool: 0.9 } }, { past: { pool: 0.3 } })).toMatchObject({ status: "breach", baseline: 0.3 });
  });

  it("compares p95 with stable's", () => {
    const slower = check("p95", { kind: "times-baseline", factor: 1.5 }, { baseline: "stable" });
    const result = judge(slower, { v1: { requests: 900, p95: 0.2 }, v2: { requests: 300, p95: 0.31 } });
    expect(result).toMatchObject({ status: "breach", observed: 0.31, baseline: 0.2 });
    expect(result.reason).toBe("P95 of checkout v2 was 310ms over 300 requests in the last 2 minutes, more than 1.5 times stable's 200ms over 900 requests.");
    expect(judge(slower, { v1: { requests: 900, p95: 0.2 }, v2: { requests: 300, p95: 0.3 } }).status).toBe("pass");
  });
});

describe("a least conversion", () => {
  const least = check("conversion", { kind: "at-least", value: 0.05 });
  const converting = (conversions: number) => judge(least, { v2: { requests: 1000, conversions } });

  it("breaches below its limit, not at it", () => {
    expect(converting(49)).toMatchObject({ status: "breach", threshold: 0.05 });
    expect(converting(49).reason).toBe("Conversion of checkout v2 was 4.9% over 1,000 requests in the last 2 minutes, below 5%.");
    expect(converting(50).status).toBe("pass");
    expect(converting(90).reason).toContain("was 9% over 1,000 requests in the last 2 minutes, not below 5%.");
  });
});

describe("throughput", () => {
  const within = check("throughput", { kind: "within", ratio: 0.1 }, { role: "gate" });

  it("holds the canary's share of requests against its weight, not against its own past", () => {
    const result = judge(within, { v1: { requests: 75000 }, v2: { requests: 25000 } });
    expect(result).toMatchObject({ status: "pass", observed: 0.25, baseline: 0.25 });
  });

  it("allows for chance: outside the limit but inside the allowance passes", () => {
    const total = 2000;
    const allowance = shareAllowance(0.25, total);
    expect(allowance).toBeCloseTo(CHANCE_Z * Math.sqrt(0.1875 / 2000), 12);
    const inside = Math.ceil((0.9 * 0.25 - allowance) * total);
    expect(judge(within, { v1: { requests: total - inside }, v2: { requests: inside } }).status).toBe("pass");
    expect(judge(within, { v1: { requests: total - inside + 1 }, v2: { requests: inside - 1 } }).status).toBe("breach");
  });

  it("sees a canary that gets no requests at all", () => {
    expect(judge(within, { v1: { requests: 5000 } })).toMatchObject({ status: "breach", observed: 0 });
  });

  it("sees too much only where the limit is two-sided", () => {
    const world = { v1: { requests: 5000 }, v2: { requests: 5000 } };
    expect(judge(within, world).status).toBe("breach");
    expect(judge(check("throughput", { kind: "drops", ratio: 0.2 }), world).status).toBe("pass");
  });

  it("is trivially right at full exposure, and missing when nothing is seen", () => {
    expect(judge(within, { v2: { requests: 5000 } }, { moment: { weight: 1 } }).status).toBe("pass");
    expect(judge(within, {}, { moment: { weight: 1 } }).status).toBe("missing");
  });

  it("names the allowance in its reason", () => {
    expect(judge(within, { v1: { requests: 5000 } }).reason).toContain("allowed for chance among 5,000 requests");
  });
});

describe("conversion", () => {
  const drop = check("conversion", { kind: "drops", ratio: 0.2 }, { baseline: "stable" });

  it("breaches when the drop is past the limit and more than chance explains", () => {
    const result = judge(drop, { v1: { requests: 20000, conversions: 1000 }, v2: { requests: 5000, conversions: 150 } });
    expect(result).toMatchObject({ status: "breach", observed: 0.03, baseline: 0.05, sampleSize: 5000, baselineSampleSize: 20000 });
  });

  it("is thin when chance alone explains the drop", () => {
    const result = judge(drop, { v1: { requests: 400, conversions: 20 }, v2: { requests: 100, conversions: 3 } });
    expect(result.status).toBe("thin");
    expect(result.reason).toContain("no more than chance explains");
  });

  it("counts only requests that succeeded", () => {
    const result = judge(drop, { v1: { requests: 2000, conversions: 100 }, v2: { requests: 2000, failures: 1000, conversions: 50 } });
    expect(result).toMatchObject({ status: "pass", observed: 0.05, sampleSize: 1000 });
  });

  it("reads absent conversions beside seen requests as none", () => {
    expect(judge(drop, { v1: { requests: 20000, conversions: 1000 }, v2: { requests: 5000 } })).toMatchObject({ status: "breach", observed: 0 });
  });
});

describe("infrastructure and databases", () => {
  it.each([
    ["cpu", { v2: { cpu: 0.95 } }, 0.9],
    ["memory", { v2: { memory: 0.95 } }, 0.9],
    ["pool", { shared: { pool: 1 } }, 0.9],
  ] as const)("judges %s without counting requests", (metric, world, limit) => {
    expect(judge(check(metric, { kind: "above", value: limit }), world).status).toBe("breach");
  });

  it("counts restarts per minute from the deploy on, whatever the traffic", () => {
    const restarts = check("restarts", { kind: "above", value: 5 });
    const noTraffic = { moment: { since: { traffic: null, platform: AT - seconds(60) } } };
    expect(judge(restarts, { v2: { restarts: 6, replicasDesired: 2 } }, noTraffic)).toMatchObject({ status: "breach", observed: 6 });
    expect(judge(restarts, { v2: { restarts: 6, replicasDesired: 2 } })).toMatchObject({ status: "pass", observed: 3 });
  });

  it("reads an absent restart counter as none while the platform reports, and as missing otherwise", () => {
    const restarts = check("restarts", { kind: "above", value: 5 });
    expect(judge(restarts, { v2: { replicasDesired: 2 } })).toMatchObject({ status: "pass", observed: 0 });
    expect(judge(restarts, {}).status).toBe("missing");
  });

  it("looks at the worst of a service's databases, and at no other service's", () => {
    const pool = check("pool", { kind: "above", value: 0.9 });
    const plan = planHealth([pool], { ...SCOPE, databases: ["orders", "users"] }, 0.5);
    const snapshot = { at: AT, queries: plan.queries, answers: plan.queries.map((query) => ({ kind: "value" as const, value: query.where.database === "users" ? 0.97 : 0.2, series: 1, samples: 8, newest: AT })) };
    expect(evaluateHealth(plan, snapshot, MOMENT, NO_HISTORY).results[0]).toMatchObject({ observed: 0.97, status: "breach" });
    expect(planHealth([pool], { ...SCOPE, databases: [] }, 0.5).queries.every((query) => query.where.database === "")).toBe(true);
  });

  it("calls the flag service down when it was not up for long enough", () => {
    const down = check("flag-service", { kind: "above", value: 0.5 });
    expect(judge(down, { shared: { flagServiceUp: 1 } })).toMatchObject({ status: "pass", observed: 0 });
    expect(judge(down, { shared: { flagServiceUp: 0 } }).status).toBe("breach");
  });
});

describe("persistence", () => {
  const spec = check("error-rate", { kind: "above", value: 0.01 }, { persistence: { need: 3, of: 5 } });

  const run = (breaches: readonly boolean[]): boolean[] => {
    const plan = planHealth([spec], SCOPE, 0.5);
    let history: BreachHistory = NO_HISTORY;
    return breaches.map((breach) => {
      const snapshot = snapshotOf(queriesAt(plan, AT, MOMENT.since), { v2: { requests: 1000, failures: breach ? 50 : 0 } });
      const evaluation = evaluateHealth(plan, snapshot, MOMENT, history);
      history = evaluation.history;
      return evaluation.results[0].fired;
    });
  };

  it("fires at the third breach of five", () => {
    expect(run([true, false, true, false, true])).toEqual([false, false, false, false, true]);
    expect(run([true, true, false, false, false, true])).toEqual([false, false, false, false, false, false]);
  });

  it("fires exactly when `need` of the last `of` evaluations breach, this one included (property)", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 20 }), (breaches) => {
        const expected = breaches.map((breach, i) => breach && breaches.slice(Math.max(0, i - 4), i + 1).filter(Boolean).length >= 3);
        expect(run(breaches)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});

describe("any snapshot", () => {
  const anyNumber = fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: undefined });
  const anySeen = fc.record({ requests: anyNumber, failures: anyNumber, p95: anyNumber, conversions: anyNumber, cpu: anyNumber, memory: anyNumber }).map(
    (seen) => Object.fromEntries(Object.entries(seen).filter(([, value]) => value !== undefined)),
  );
  const specs = [
    above1, check("p95", { kind: "times-baseline", factor: 1.5 }), check("throughput", { kind: "within", ratio: 0.1 }),
    check("conversion", { kind: "drops", ratio: 0.2 }), check("cpu", { kind: "above", value: 0.9 }), check("memory", { kind: "within", ratio: 0.2 }),
  ];

  it("yields a finite observation and threshold, or none, and a reason without NaN (property)", () => {
    fc.assert(
      fc.property(fc.constantFrom(...specs), anySeen, anySeen, fc.double({ min: 0, max: 1, noNaN: true }), (spec, canary, stable, weight) => {
        const result = judge(spec, { v1: stable, v2: canary }, { moment: { weight } });
        for (const number of [result.observed, result.threshold, result.baseline]) expect(number === null || Number.isFinite(number)).toBe(true);
        expect(result.reason).not.toMatch(/NaN|Infinity|undefined|null/);
        expect(result.reason.endsWith(".")).toBe(true);
        if (result.observed === null) expect(["thin", "missing"]).toContain(result.status);
        if (result.fired) expect(result.status).toBe("breach");
      }),
      { numRuns: 300 },
    );
  });

  it("says the same twice (property)", () => {
    fc.assert(
      fc.property(fc.constantFrom(...specs), anySeen, (spec, canary) => {
        const world = { v1: { requests: 1000 }, v2: canary };
        expect(JSON.stringify(judge(spec, world))).toBe(JSON.stringify(judge(spec, world)));
      }),
      { numRuns: 50 },
    );
  });
});

describe("questions", () => {
  it("are asked once, however many checks need them", () => {
    const plan = planHealth([above1, check("error-rate", { kind: "below", value: 0.02 }), check("p95", { kind: "above", value: 2 })], SCOPE, 0.5);
    expect(plan.queries).toHaveLength(3);
  });

  it("are the very same array once every window is full, so that a store may keep its plans", () => {
    const plan = planHealth([above1], SCOPE, 0.5);
    expect(queriesAt(plan, AT, MOMENT.since)).toBe(plan.queries);
    expect(queriesAt(plan, AT, { traffic: AT - minutes(1), platform: 0 }).map((query) => query.window)).toEqual([minutes(1), minutes(1)]);
  });

  it("take a check's own window where it has one", () => {
    const plan = planHealth([{ ...check("conversion", { kind: "drops", ratio: 0.2 }), window: minutes(20) }], SCOPE, 0.5);
    expect(plan.queries.every((query) => query.window === minutes(20))).toBe(true);
  });
});
