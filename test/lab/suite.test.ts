// A suite's verdicts: expectations in a share of the runs, claims about many runs, early stopping, and a baseline.

import { describe, expect, it } from "vitest";
import { againstBaseline, baselineOf, baselineSchema, isComparable } from "../../src/lab/baseline.js";
import { scenarioOf } from "../../src/lab/bundle.js";
import { claimVerdict, judgeClaim } from "../../src/lab/claims.js";
import { neededOf, notReached, suiteOf, testScenario, type ScenarioResult, type TestPlan } from "../../src/lab/suite.js";
import type { OverallClaim } from "../../src/scenario/compiled.js";
import { streamKey, uniform } from "../../src/kernel/draws.js";
import { regressionLines } from "../../src/report/lab/regression-words.js";
import { FakeRunner, type FakeRun } from "./support/fake-runner.js";
import { tiny } from "./support/tiny.js";

const upTo = (count: number): number[] => Array.from({ length: count }, (_, k) => k + 1);

function plan(seeds: number, claims: readonly string[] = [], options: { readonly stopEarly?: boolean; readonly expectIn?: string } = {}): TestPlan {
  const bundle = tiny({ name: "fake", extra: `${options.expectIn === undefined ? "" : `expect-in: ${options.expectIn}\n`}${claims.length === 0 ? "" : `expect-overall: [${claims.map((claim) => JSON.stringify(claim)).join(", ")}]\n`}` });
  const loaded = scenarioOf(bundle);
  if (!loaded.ok) throw new Error(loaded.problems[0].message);
  return { bundle, scenario: loaded.value, fidelity: "cohort", seeds: upTo(seeds), stopEarly: options.stopEarly ?? false };
}

const missedOn = (...seeds: number[]) => (seed: number): FakeRun => (seeds.includes(seed) ? { classification: "missed", detection: null, cost: 900 } : {});
const test = (of: TestPlan, runs: (seed: number) => FakeRun | string): Promise<ScenarioResult> => testScenario(of, new FakeRunner(runs));

describe("expectations over seeds", () => {
  it("hold when they hold in the share of runs that the scenario asks for", async () => {
    expect((await test(plan(20), missedOn(4))).verdict).toBe("pass");
    expect((await test(plan(20), missedOn(4, 9))).verdict).toBe("fail");
    expect((await test(plan(20, [], { expectIn: "90%" }), missedOn(4, 9))).verdict).toBe("pass");
  });

  it("fail when a run could not be played, whatever the others say", async () => {
    const result = await test(plan(20), (seed) => (seed === 3 ? "out of memory" : {}));
    expect(result).toMatchObject({ verdict: "fail", passedRuns: 19, lost: [{ seed: 3, failure: { kind: "crashed" } }] });
  });

  it("show the first failures in detail: they are played again", async () => {
    const runner = new FakeRunner(missedOn(2, 5, 7, 11));
    const result = await testScenario(plan(12), runner);
    expect(result.shown.map(({ seed }) => seed)).toEqual([2, 5, 7]);
    expect(runner.played).toEqual([...upTo(12), 2, 5, 7]);
    expect(result.expectations).toMatchObject([{ failed: 4 }]);
  });
});

describe("a claim about many runs", () => {
  const claim = { event: { kind: "classification", is: "caught" }, side: "at-least", share: 0.99, release: "v2", text: "caught in at least 99% of runs", source: { file: "f", line: 1, column: 1 } } satisfies OverallClaim;

  it("passes, fails, or says how many more runs it takes", () => {
    expect(judgeClaim(claim, 400, 400, "fixed").verdict).toBe("pass");
    expect(judgeClaim(claim, 180, 200, "fixed").verdict).toBe("fail");
    const open = judgeClaim(claim, 100, 100, "fixed");
    expect(open).toMatchObject({ verdict: "not enough runs" });
    // Without a miss, the two-sided interval of n runs begins at 0.025^(1/n): 368 runs are the first to clear 99 %.
    expect(open.more).toBe(268);
    expect(judgeClaim(claim, 368, 368, "fixed").verdict).toBe("pass");
    expect(judgeClaim(claim, 367, 367, "fixed").verdict).toBe("not enough runs");
  });

  it("takes more runs when one may look at any time", () => {
    expect(judgeClaim(claim, 400, 400, "sequential").verdict).toBe("not enough runs");
    const more = judgeClaim(claim, 400, 400, "sequential").more ?? 0;
    expect(judgeClaim(claim, 400 + more, 400 + more, "sequential").verdict).toBe("pass");
    expect(judgeClaim(claim, 399 + more, 399 + more, "sequential").verdict).toBe("not enough runs");
  });

  it("says when no number of runs is likely to tell", () => {
    expect(judgeClaim(claim, 99, 100, "fixed").more).toBeNull();
    expect(judgeClaim(claim, 0, 0, "fixed")).toMatchObject({ verdict: "not enough runs", interval: { low: 0, high: 1 } });
  });

  it("counts a run that was never detected as later than any limit", async () => {
    const result = await test(plan(200, ["p90 detection under 3m"]), (seed) => (seed % 4 === 0 ? { detection: null } : { detection: 30 }));
    expect(result.claims[0]).toMatchObject({ hits: 150, runs: 200, verdict: "fail" });
  });
});

describe("early stopping", () => {
  it("ends at a look in the order of the seeds, once every verdict is certain", async () => {
    const runner = new FakeRunner(() => ({ classification: "missed" }));
    const result = await testScenario(plan(1000, ["caught in at least 90% of runs"], { stopEarly: true }), runner);
    expect(result).toMatchObject({ verdict: "fail", runsVerdict: "fail", stoppedEarly: true, needed: 19 });
    expect(result.rows).toHaveLength(20);
    expect(runner.played.length).toBe(20 + 3);
  });

  it("plays on while a claim is open, and says so at the end", async () => {
    const result = await test(plan(200, ["caught in at least 99% of runs"], { stopEarly: true }), () => ({}));
    expect(result).toMatchObject({ verdict: "not enough runs", stoppedEarly: false });
    expect(result.rows).toHaveLength(200);
  });

  it("ends a healthy suite once its claims and the share of runs that pass are certain, not after nearly all runs", async () => {
    const result = await test(plan(2000, ["caught in at least 90% of runs"], { stopEarly: true }), (seed) => (seed === 5 ? { classification: "missed" } : {}));
    expect(result).toMatchObject({ verdict: "pass", runsVerdict: "pass", stoppedEarly: true });
    expect(result.rows.length).toBeLessThan(300);
    expect(result.needed).toBe(neededOf(result.rows.length, 0.95));
    // Of every run, nothing is certain before the last.
    expect((await test(plan(400, [], { stopEarly: true, expectIn: "100%" }), () => ({}))).rows).toHaveLength(400);
  });

  it("waits for the claims alone where nothing is expected of a single run", async () => {
    const expecting = plan(2000, ["caught in at least 60% of runs"], { stopEarly: true, expectIn: "100%" });
    const claimsOnly = { ...expecting, scenario: { ...expecting.scenario, expectations: [] } };
    const result = await test(claimsOnly, () => ({}));
    expect(result).toMatchObject({ verdict: "pass", runsVerdict: "pass", stoppedEarly: true });
    expect(result.rows).toHaveLength(20);
    // A broken invariant fails a run all the same.
    expect(await test(claimsOnly, missedOn(3))).toMatchObject({ verdict: "fail", runsVerdict: "fail" });
  });

  it("calls the verdict on expectations that all runs would give, but for 5 % of suites at most", async () => {
    const key = streamKey(5, "suite");
    let other = 0;
    for (let suite = 0; suite < 100; suite += 1) {
      // Right at the bound, where it is hardest to tell.
      const runs = (seed: number): FakeRun => (uniform(key, suite, seed) < 0.05 ? { classification: "missed" } : {});
      const [whole, early] = [await test(plan(300), runs), await test(plan(300, [], { stopEarly: true }), runs)];
      if (early.verdict !== whole.verdict) other += 1;
      expect(early.rows.length).toBeLessThanOrEqual(whole.rows.length);
    }
    expect(other).toBeLessThanOrEqual(5);
  });

  it("errs in at most 5 % of suites whose share is at the bound, looks at every 20 runs included", async () => {
    const key = streamKey(77, "claims");
    const claim = plan(1, ["caught in at least 90% of runs"]).scenario.overall?.[0];
    if (claim === undefined) throw new Error("there is a claim");
    const verdicts = new Map<number, boolean>();
    const decided = (hits: number, n: number): boolean => {
      const known = verdicts.get(1000 * n + hits) ?? claimVerdict(claim, hits, n, "sequential") !== "not enough runs";
      verdicts.set(1000 * n + hits, known);
      return known;
    };
    let wrong = 0;
    for (let suite = 0; suite < 4000; suite += 1) {
      let hits = 0;
      for (let n = 1; n <= 400; n += 1) {
        if (uniform(key, suite, n) < 0.9) hits += 1;
        if (n % 20 === 0 && decided(hits, n)) {
          wrong += 1;
          break;
        }
      }
    }
    expect(wrong / 4000).toBeLessThanOrEqual(0.05);
  });
});

describe("a suite", () => {
  it("shows failures first and is as good as its worst scenario", async () => {
    const [good, bad] = [await test(plan(3), () => ({})), await test(plan(3), missedOn(1, 2, 3))];
    const suite = suiteOf([good, bad]);
    expect(suite.scenarios.map(({ verdict }) => verdict)).toEqual(["fail", "pass"]);
    expect(suite.passed).toBe(false);
    expect(suiteOf([good]).passed).toBe(true);
  });
});

describe("an interrupted suite", () => {
  const interruptedAfter = (of: TestPlan, done: number, runs: (seed: number) => FakeRun): Promise<ScenarioResult> => {
    const stop = new AbortController();
    return testScenario(of, new FakeRunner(runs), { signal: stop.signal, onRun: (_plan, runsDone) => (runsDone === done ? stop.abort() : undefined) });
  };

  it("has no verdict on what was begun or not reached, however well it went, and is never passed", async () => {
    const [whole, begun, never] = [await test(plan(5), () => ({})), await interruptedAfter(plan(20), 19, () => ({})), notReached(plan(20))];
    expect([whole, begun, never].map(({ verdict, runsVerdict, needed, rows }) => ({ verdict, runsVerdict, needed, runs: rows.length }))).toEqual([
      { verdict: "pass", runsVerdict: "pass", needed: 5, runs: 5 },
      { verdict: "interrupted", runsVerdict: "interrupted", needed: 19, runs: 19 },
      { verdict: "interrupted", runsVerdict: "interrupted", needed: 19, runs: 0 },
    ]);
    expect(suiteOf([whole, never])).toMatchObject({ passed: false, interrupted: true });
  });

  it("has failed where the runs that are left could not save it", async () => {
    expect((await interruptedAfter(plan(20), 4, missedOn(1))).verdict).toBe("interrupted");
    expect((await interruptedAfter(plan(20), 4, missedOn(1, 2))).verdict).toBe("fail");
    expect((await interruptedAfter(plan(400, ["caught in at least 90% of runs"], { expectIn: "1%" }), 200, () => ({ classification: "missed" }))).verdict).toBe("fail");
  });

  it("keeps its verdict when the interruption came after the last run", async () => {
    const result = await interruptedAfter(plan(5), 5, () => ({}));
    expect(suiteOf([result])).toMatchObject({ passed: true, interrupted: false });
  });
});

describe("against a baseline", () => {
  const suite = async (runs: (seed: number) => FakeRun, seeds = 60) => suiteOf([await test(plan(seeds), runs)]);

  it("finds the same runs identical, also after a journey through JSON", async () => {
    const before = baselineSchema.parse(JSON.parse(JSON.stringify(baselineOf(await suite(() => ({}))))));
    expect(againstBaseline(await suite(() => ({})), before)).toMatchObject([{ verdict: "identical", seeds: 60, changes: [] }]);
  });

  it("calls worse what is worse beyond noise, with figures before and now", async () => {
    const before = baselineOf(await suite((seed) => ({ cost: 100 + seed, detection: 60 + seed })));
    const [worse] = againstBaseline(await suite((seed) => ({ cost: 130 + seed + (seed % 3), detection: 60 + seed, classification: seed % 4 === 0 ? "missed" : "caught" })), before);
    expect(worse.verdict).toBe("worse");
    expect(worse.changes.map(({ metric, direction }) => `${metric} ${direction}`)).toEqual(["runs passed worse", "right decisions worse", "cost worse", "detection worse"]);
    const [better] = againstBaseline(await suite((seed) => ({ cost: 60 + seed, detection: 60 + seed })), before);
    expect(better.verdict).toBe("better");
  });

  it("takes a change within noise for none, and compares only seeds that both played", async () => {
    const before = baselineOf(await suite((seed) => ({ cost: 100 + seed })));
    const [same] = againstBaseline(await suite((seed) => ({ cost: 100 + seed + (seed % 2 === 0 ? 3 : -3) }), 80), before);
    expect(same).toMatchObject({ verdict: "same within noise", seeds: 60 });
    const [one] = againstBaseline(await suite((seed) => ({ cost: 100 + seed, classification: seed === 7 ? "missed" : "caught" })), before);
    expect(one.verdict).toBe("same within noise");
  });

  it("errs in at most 5 % of unchanged suites", async () => {
    const key = streamKey(99, "noise");
    const of = plan(40);
    let called = 0;
    for (let suiteNumber = 0; suiteNumber < 300; suiteNumber += 1) {
      const runs = (side: number) => (seed: number): FakeRun => {
        const u = (what: number): number => uniform(key, 4 * suiteNumber + side, 4 * seed + what);
        return { classification: u(0) < 0.2 ? "missed" : "caught", cost: 100 * (0.5 + u(1)), detection: 60 * (0.5 + u(2)), digest: `${side}` };
      };
      const before = baselineOf(suiteOf([await test(of, runs(0))]));
      if (againstBaseline(suiteOf([await test(of, runs(1))]), before)[0].changes.length > 0) called += 1;
    }
    expect(called / 300).toBeLessThanOrEqual(0.05 + 3 * Math.sqrt((0.05 * 0.95) / 300));
  });

  it("says when there is nothing to compare with", async () => {
    const before = { ...baselineOf(await suite(() => ({}))), scenarios: [] };
    expect(againstBaseline(await suite(() => ({})), before)).toMatchObject([{ verdict: "not in the baseline", seeds: 0 }]);
  });

  it("names what stands in the baseline alone, and what has no seed in common with it", async () => {
    const played = await suite(() => ({}));
    const stored = baselineOf(played);
    const [one] = stored.scenarios;
    const other = { ...one, name: "other", file: "other.yaml" };
    const elsewhere = { ...one, runs: one.runs.map((run) => ({ ...run, seed: run.seed + 1000 })) };
    const compared = againstBaseline(played, { ...stored, scenarios: [elsewhere, other, { ...one, fidelity: "request" }] });
    expect(compared).toMatchObject([{ verdict: "no seed in common", fidelity: "cohort" }, { name: "other", verdict: "only in the baseline" }, { verdict: "only in the baseline", fidelity: "request" }]);
    expect(regressionLines(compared)).toEqual([
      `○ ${one.name} (${one.file} at cohort): no seed in common`,
      `○ only in the baseline, not tested now: other (other.yaml at cohort), ${one.name} (${one.file} at request)`,
    ]);
    expect(isComparable(stored, [{ key: one.file, fidelity: "cohort", seeds: [1] }])).toBe(true);
    expect(isComparable(stored, [{ key: one.file, fidelity: "cohort", seeds: [1001] }, { key: one.file, fidelity: "request", seeds: [1] }, { key: "x.yaml", fidelity: "cohort", seeds: [1] }])).toBe(false);
  });
});
