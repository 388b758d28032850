// Detection against a baseline: what is never detected is later than any, so whoever gives up the slow cases is not called quicker.

import { describe, expect, it } from "vitest";
import { againstBaseline, baselineOf } from "../../src/lab/baseline.js";
import { scenarioOf } from "../../src/lab/bundle.js";
import { suiteOf, testScenario } from "../../src/lab/suite.js";
import { changeWords } from "../../src/report/lab/regression-words.js";
import { FakeRunner } from "./support/fake-runner.js";
import { tiny } from "./support/tiny.js";

/** A suite of one scenario with 60 seeds, each detected after so many seconds or never. */
async function suite(detection: (seed: number) => number | null) {
  const bundle = tiny();
  const scenario = scenarioOf(bundle);
  if (!scenario.ok) throw new Error("the scenario loads");
  const seeds = Array.from({ length: 60 }, (_, k) => k + 1);
  // Caught or missed is not what is looked at here: a run passes all the same.
  const runner = new FakeRunner((seed) => ({ detection: detection(seed), classification: "caught", passed: true, digest: `${seed}-${detection(seed)}` }));
  return suiteOf([await testScenario({ bundle, scenario: scenario.value, fidelity: "cohort", seeds, stopEarly: false }, runner)]);
}

const changes = async (before: (seed: number) => number | null, after: (seed: number) => number | null) => againstBaseline(await suite(after), baselineOf(await suite(before)))[0].changes;

describe("detection against a baseline", () => {
  it("is worse when the slow cases are no longer detected, though those that are left are quicker", async () => {
    const [change, ...others] = await changes((seed) => 60 + seed, (seed) => (seed > 15 ? null : 50 + seed));
    expect(others).toEqual([]);
    expect(change).toEqual({ metric: "detection", direction: "worse", before: 90, after: null, seeds: 60, later: 45, sooner: 15, neverBefore: 0, neverNow: 45 });
    expect(changeWords(change)).toBe("detection: worse, median 1m 30s before and never now (later on 45 of 60 seeds, sooner on 15; never on 0 before and 45 now)");
  });

  it("is better when it comes sooner, and when it comes at all", async () => {
    const [change] = await changes((seed) => (seed > 50 ? null : 60 + seed), (seed) => 50 + seed);
    expect(change).toMatchObject({ direction: "better", before: 90, after: 80, later: 0, sooner: 60, neverBefore: 10, neverNow: 0 });
    expect(changeWords(change)).toContain("sooner on 60; never on 10 before and 0 now");
  });

  it("is the same when it moves by less than anybody needs to hear of, or as often this way as that", async () => {
    expect(await changes(() => 100, () => 100.5)).toEqual([]);
    expect(await changes(() => 100, (seed) => (seed % 2 === 0 ? null : 50))).toEqual([]);
    expect(await changes(() => null, () => null)).toEqual([]);
  });
});
