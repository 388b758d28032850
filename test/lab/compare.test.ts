// A comparison pairs by seed, counts what common random numbers were worth within a scenario, and reads the same everywhere.

import { describe, expect, it } from "vitest";
import { compareStrategies, isClear, type ComparePlan } from "../../src/lab/compare.js";
import { InlineRunner } from "../../src/lab/inline-runner.js";
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
    const [{ leadTime, means }] = comparison.scenarios;
    expect(leadTime).toMatchObject({ pairs: 10, openA: 0, openB: 0, soonerA: 10, soonerB: 0 });
    expect((leadTime?.medianB ?? 0) - (leadTime?.medianA ?? 0)).toBe(300e6);
    expect(means.find(({ name }) => name === "lead time")).toMatchObject({ mean: 300e6, low: 300e6, high: 300e6 });
    const text = comparisonPretty(comparison).replace(/\s+/g, " ");
    expect(text).toContain("quick (A) is better in median lead time, mean lead time");
    expect(text).toContain("The cost counts delay only beyond a strategy's own schedule");
  });

  it("is later than any when it has not promoted by the scenario's end, and is not called cheaper without saying so", async () => {
    const comparison = await found("3m", "40m");
    const [{ leadTime, shares }] = comparison.scenarios;
    expect(leadTime).toMatchObject({ medianB: null, openA: 0, openB: 10, soonerA: 10, soonerB: 0 });
    expect(shares.find(({ name }) => name === "good releases promoted")).toMatchObject({ hitsA: 10, hitsB: 0 });
    const text = comparisonPretty(comparison).replace(/\s+/g, " ");
    expect(text).toContain("not by the end");
    expect(text).toContain("By the scenario's end A had promoted its good releases in 10 of 10 runs, B in 0: what comes after the end is in no figure, nor in the cost.");
  });

  it("has no lead time where the release is bad: it has nothing to deliver", async () => {
    const [{ leadTime, means, shares }] = (await compareStrategies({ a: "x", b: "y" }, [plan(strategy("x", "1%"), strategy("y", "2%"))], [1, 2], new InlineRunner())).scenarios;
    expect([leadTime, means.find(({ name }) => name === "lead time"), shares.find(({ name }) => name === "good releases promoted")]).toEqual([null, undefined, undefined]);
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
