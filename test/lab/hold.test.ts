// Says what "holds" means: how many seeds must pass, and what the table shows when they don't.

import { describe, expect, it } from "vitest";
import { holdScenario, holds, holdTable, neededOf } from "../../src/lab/hold.js";
import type { Scenario } from "../../src/scenario/compiled.js";
import type { Outcome } from "../../src/sim/outcome.js";

const scenario = { name: "error-spike" } as Scenario;

/** An outcome that only says whether it passed, and how its one release was classified. */
const outcome = (seed: number, passed: boolean, invariantHeld = true): Outcome =>
  ({
    seed,
    passed: passed && invariantHeld,
    expectations: [{ text: "classification: caught", passed, reason: passed ? "caught" : "it was missed" }],
    invariants: [{ name: "weights sum to 100 %", held: invariantHeld, reason: "they summed to 90 %" }],
    releases: [{ classification: passed ? "caught" : "missed", unscoredWhy: null }],
  }) as unknown as Outcome;

const failingOn = (...seeds: number[]) => (_: Scenario, { seed }: { seed: number }): Outcome => outcome(seed, !seeds.includes(seed));

describe("holding a scenario", () => {
  it("plays seeds 1..n and asks for 95 of 100, and for every one of 10, of 5 and of 1", () => {
    const played: number[] = [];
    holdScenario(scenario, "cohort", 3, (_, { seed }) => {
      played.push(seed);
      return outcome(seed, true);
    });
    expect(played).toEqual([1, 2, 3]);
    expect([100, 10, 5, 1].map(neededOf)).toEqual([95, 10, 5, 1]);
  });

  it("holds with five failures in a hundred seeds and not with six", () => {
    expect(holds(holdScenario(scenario, "cohort", 100, failingOn(3, 14, 15, 92, 65)))).toBe(true);
    expect(holds(holdScenario(scenario, "cohort", 100, failingOn(3, 14, 15, 92, 65, 35)))).toBe(false);
  });

  it("fails a run whose invariant broke although every expectation held", () => {
    const result = holdScenario(scenario, "request", 1, (_, { seed }) => outcome(seed, true, false));
    expect(holds(result)).toBe(false);
    expect(result.failures[0].reasons).toEqual(["invariant weights sum to 100 %: they summed to 90 %"]);
  });

  it("shows passes, classifications, and the first failure with its reason where a line is below", () => {
    const table = holdTable([holdScenario(scenario, "request", 5, failingOn(4)), holdScenario(scenario, "cohort", 5, failingOn())]);
    expect(table.split("\n")).toEqual([
      "✓ error-spike  cohort       5/5  caught 5",
      "✗ error-spike  request      4/5  caught 4, missed 1",
      "    seed 4: classification: caught: it was missed",
      "",
      "1 of 2 lines are below",
    ]);
  });
});
