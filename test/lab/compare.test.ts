// A comparison pairs by seed, counts what common random numbers were worth within a scenario, and reads the same everywhere.

import { describe, expect, it } from "vitest";
import { compareStrategies, isClear, type ComparePlan } from "../../src/lab/compare.js";
import { InlineRunner } from "../../src/lab/inline-runner.js";
import { reachedIn } from "../../src/lab/reached.js";
import type { RunRelease } from "../../src/lab/run-row.js";
import { stratifiedDifference } from "../../src/lab/statistics/paired.js";
import { withStrategy } from "../../src/lab/variant.js";
import { comparisonHtml, comparisonMarkdown, comparisonPretty } from "../../src/report/lab/comparison.js";
import { FakeRunner } from "./support/fake-runner.js";
import { tiny } from "./support/tiny.js";

const seeds = Array.from({ length: 10 }, (_, k) => k + 1);
const strategy = (name: string, above: string) => ({ path: `${name}.yaml`, text: `shakedown: 1\nkind: strategy\nname: ${name}\nsteps: [{ weight: 50%, bake: 3m }, { weight: 100%, bake: 2m }]\ngates: { error-rate: { below: ${above} } }\ntriggers: { error-rate: { above: ${above} } }\n` });

function plan(a: { path: string; text: string }, b: { path: string; text: string }, name = "tiny"): ComparePlan {
  const bundle = tiny({ name, errors: "+6%" });
  const [left, right] = [withStrategy(bundle, a), withStrategy(bundle, b)];
  if (!left.ok || !right.ok) throw new Error("both strategies load");
  return { name, file: bundle.entry, fidelity: "cohort", a: left.value, b: right.value };
}

describe("comparing two strategies", () => {
  it("finds nothing between a strategy and itself: every run is the same to the last event", async () => {
    const same = await compareStrategies({ a: "x", b: "x" }, [plan(strategy("x", "1%"), strategy("x", "1%"))], seeds, new InlineRunner());
    expect(same.scenarios[0]).toMatchObject({ pairs: 10, identical: 10, lost: 0 });
    expect(comparisonPretty(same)).toContain("did the same in every run, to the last event");
  });

  it("finds that a trigger at 50 % misses what one at 1 % catches, on the same seeds", async () => {
    const found = await compareStrategies({ a: "keen", b: "blind" }, [plan(strategy("keen", "1%"), strategy("blind", "50%"))], seeds, new InlineRunner());
    const [scenario] = found.scenarios;
    const missed = scenario.shares.find(({ name }) => name === "missed or late");
    expect(missed).toMatchObject({ hitsA: 0, onlyA: 0 });
    expect(missed?.onlyB).toBeGreaterThan(0);
    const cost = scenario.means.find(({ name }) => name === "cost");
    expect(cost !== undefined && isClear(cost) && cost.mean > 0).toBe(true);
    expect(comparisonPretty(found)).toContain("keen (A) is better in");
  });

  it("counts runs that could not be played, and leaves their seed out of both sides", async () => {
    const runner = new FakeRunner((seed) => (seed === 4 ? "out of memory" : { cost: 100 + seed }));
    const found = await compareStrategies({ a: "x", b: "y" }, [plan(strategy("x", "1%"), strategy("y", "2%"))], seeds, runner);
    expect(found.scenarios[0]).toMatchObject({ pairs: 9, lost: 2, lostWhy: "seed 4: out of memory" });
  });

  it("is written for a terminal, as Markdown and as a page that loads nothing", async () => {
    const plans = [plan(strategy("keen", "1%"), strategy("blind", "50%")), plan(strategy("keen", "1%"), strategy("blind", "50%"), "second")];
    const found = await compareStrategies({ a: "<b>keen", b: "blind" }, plans, seeds, new InlineRunner());
    expect(found.together?.pairs).toBe(20);
    const page = comparisonHtml(found);
    expect(page).toContain("&lt;b&gt;keen against blind");
    expect(page).not.toMatch(/<b>keen|(?:src|href)="(?!#)/);
    expect(comparisonMarkdown(found)).toContain("| --- | --- |");
    expect(comparisonMarkdown(found)).toContain("\\<b\\>keen");
  });
});

describe("a strategy that is slower", () => {
  const baking = (name: string, bake: string) => ({ path: `${name}.yaml`, text: `shakedown: 1\nkind: strategy\nname: ${name}\nsteps: [{ weight: 50%, bake: ${bake} }, { weight: 100%, bake: 2m }]\n` });
  const healthy = (a: string, b: string): ComparePlan => {
    const bundle = tiny({ name: "healthy", errors: "+0%", duration: "20m", expect: "classification: clean" });
    const [left, right] = [withStrategy(bundle, baking("quick", a)), withStrategy(bundle, baking("slow", b))];
    if (!left.ok || !right.ok) throw new Error("both strategies load");
    return { name: "healthy", file: bundle.entry, fidelity: "cohort", a: left.value, b: right.value };
  };
  const found = async (a: string, b: string) => compareStrategies({ a: "quick", b: "slow" }, [healthy(a, b)], seeds, new InlineRunner());

  it("is seen by its lead time from release to promotion, where every other figure is the same", async () => {
    const comparison = await found("3m", "8m");
    const [{ times: [leadTime], means }] = comparison.scenarios;
    expect(leadTime).toMatchObject({ name: "lead time", pairs: 10, openA: 0, openB: 0, soonerA: 10, soonerB: 0 });
    expect((leadTime.medianB ?? 0) - (leadTime.medianA ?? 0)).toBe(300e6);
    expect(means.find(({ name }) => name === "lead time")).toMatchObject({ mean: 300e6, low: 300e6, high: 300e6 });
    const text = comparisonPretty(comparison).replace(/\s+/g, " ");
    expect(text).toContain("quick (A) is better in median lead time, mean lead time");
    expect(text).toContain("The cost counts delay only beyond a strategy's own schedule");
  });

  it("is later than any when it has not promoted by the scenario's end, and is not called cheaper without saying so", async () => {
    const comparison = await found("3m", "40m");
    const [{ times: [leadTime], shares }] = comparison.scenarios;
    expect(leadTime).toMatchObject({ medianB: null, openA: 0, openB: 10, soonerA: 10, soonerB: 0 });
    expect(shares.find(({ name }) => name === "good releases promoted")).toMatchObject({ hitsA: 10, hitsB: 0 });
    const text = comparisonPretty(comparison).replace(/\s+/g, " ");
    expect(text).toContain("not by the end");
    expect(text).toContain("By the scenario's end A had promoted its good releases in 10 of 10 runs, B in 0: what comes after the end is in no figure, nor in the cost.");
  });

  it("has no lead time where the release is bad: it has nothing to deliver", async () => {
    const [{ times, means, shares }] = (await compareStrategies({ a: "x", b: "y" }, [plan(strategy("x", "1%"), strategy("y", "2%"))], [1, 2], new InlineRunner())).scenarios;
    expect(times.map(({ name }) => name)).toEqual(["detection", "mitigation"]);
    expect([means.find(({ name }) => name === "lead time"), shares.find(({ name }) => name === "good releases promoted")]).toEqual([undefined, undefined]);
  });
});

describe("a strategy that detects fewer", () => {
  /** A as the seed says, then B. */
  const faked = async (a: (seed: number) => number | null, b: (seed: number) => number | null) => {
    let runs = 0;
    const runner = new FakeRunner((seed) => {
      const detection = (runs += 1) % 2 === 1 ? a(seed) : b(seed);
      return { detection, mitigation: detection === null ? null : detection + 5, classification: detection === null ? "missed" : "caught" };
    });
    return compareStrategies({ a: "patient", b: "hasty" }, [plan(strategy("patient", "1%"), strategy("hasty", "2%"))], Array.from({ length: 20 }, (_, k) => k + 1), runner);
  };

  it("is not called the quicker one for the easy cases that it has left: never is later than any", async () => {
    // Hasty is a second sooner on six seeds, and never detects the other fourteen.
    const comparison = await faked((seed) => 100 + seed, (seed) => (seed <= 6 ? 99 + seed : null));
    const [{ times, means }] = comparison.scenarios;
    expect(times.find(({ name }) => name === "detection")).toMatchObject({ pairs: 20, medianA: 110e6, medianB: null, openA: 0, openB: 14, soonerA: 14, soonerB: 6 });
    expect(means.map(({ name }) => name)).toEqual(["cost", "pages"]);
    const text = comparisonPretty(comparison, { width: 1000 }).replace(/ +/g, " ");
    expect(text).toContain("median detection 1m 50s not by the end – – 14:6 seeds – not detected by the end: 0 of 20 under A, 14 of 20 under B; those are later than any, and there is no mean");
    expect(text).not.toMatch(/hasty \(B\) is better/);
  });

  it("is worse beyond chance by the sign test, also where a median cannot tell", async () => {
    const comparison = await faked(() => 60, (seed) => (seed <= 12 ? 60 : null));
    const [{ times: [detection] }] = comparison.scenarios;
    expect(detection).toMatchObject({ medianA: 60e6, medianB: 60e6, soonerA: 8, soonerB: 0 });
    expect(isClear(detection)).toBe(true);
    expect(comparisonPretty(comparison, { width: 1000 })).toMatch(/patient \(A\) is better in .*median detection, median mitigation/);
  });

  it("has a mean with its interval where each was detected on every seed", async () => {
    const [{ times, means }] = (await faked((seed) => 60 + seed, (seed) => 70 + seed)).scenarios;
    expect(times.find(({ name }) => name === "mitigation")).toMatchObject({ openA: 0, openB: 0, soonerA: 20 });
    expect(means.filter(({ name }) => name === "detection" || name === "mitigation")).toMatchObject([{ mean: 10e6, pairs: 20 }, { mean: 10e6, pairs: 20 }]);
  });

  it("has detected nothing where luck took the release back, and of several releases the slowest counts", () => {
    const release = (detection: number | null, cause: "release" | "luck") => ({ truth: "harmful", result: "rolled-back", cause, times: { detection } }) as unknown as RunRelease;
    expect(reachedIn({ releases: [release(5, "release"), release(9, "release")] }, "detection")).toEqual({ after: 9 });
    expect(reachedIn({ releases: [release(5, "release"), release(9, "luck")] }, "detection")).toEqual({ after: null });
    expect(reachedIn({ releases: [] }, "detection")).toBeNull();
  });
});

describe("several scenarios together", () => {
  it("count the same each, and what differs between scenarios is no noise and no correlation", () => {
    // Within each scenario A and B vary independently; between them they differ by a thousand.
    const near = { a: [1, 2, 1, 2], b: [3, 3, 4, 4] };
    const far = { a: [1001, 1002, 1001, 1002], b: [1003, 1003, 1004, 1004] };
    const found = stratifiedDifference([near, far]);
    expect(found).toMatchObject({ pairs: 8, mean: 2, meanA: 501.5, meanB: 503.5 });
    expect(found.correlation).toBeCloseTo(0, 12);
    expect(found.varianceRatio).toBeCloseTo(1, 12);
    // Within-variance 2/3 of the differences, 8 pairs, 6 degrees of freedom: t = 2.446912.
    expect(found.high - found.mean).toBeCloseTo(2.446912 * Math.sqrt(2 / 3 / 8), 5);
  });
});
