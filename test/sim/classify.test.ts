// The classification table of DESIGN.md section 6, row by row.

import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { classify } from "../../src/sim/judge.js";
import type { Cause, ReleaseResult, ReleaseTruth } from "../../src/sim/outcome.js";

const of = (truth: ReleaseTruth, result: ReleaseResult, cause: Cause, late = false): string =>
  classify({ truth }, result, cause, late).classification;

describe("classification", () => {
  it("calls a harmful release caught when it was acted on because of itself, before full exposure", () => {
    expect(of("harmful", "rolled-back", "release")).toBe("caught");
    expect(of("harmful", "flag-off", "release")).toBe("caught");
  });

  it("calls it late after full exposure", () => {
    expect(of("harmful", "rolled-back", "release", true)).toBe("late");
  });

  it("calls it missed when promoted, and also when acted on by luck", () => {
    expect(of("harmful", "promoted", null)).toBe("missed");
    expect(of("harmful", "rolled-back", "luck")).toBe("missed");
  });

  it("calls acting on a harmless release a false rollback, whatever the cause", () => {
    expect(of("harmless", "rolled-back", "luck")).toBe("false-rollback");
    expect(of("harmless", "flag-off", "release")).toBe("false-rollback");
  });

  it("calls a promoted harmless release clean, and a held one undecided", () => {
    expect(of("harmless", "promoted", null)).toBe("clean");
    expect(of("harmful", "held", null)).toBe("undecided");
    expect(of("harmless", "held", null)).toBe("undecided");
  });

  it("does not score what is borderline, an interaction, the strategy's harm, rejected or invalidated, and says which", () => {
    const truths: ReleaseTruth[] = ["borderline", "interaction", "strategy-harm"];
    fc.assert(
      fc.property(
        fc.constantFrom(...truths),
        fc.constantFrom<ReleaseResult>("promoted", "rolled-back", "flag-off", "held"),
        fc.constantFrom<Cause>("release", "luck", null),
        fc.boolean(),
        (truth, result, cause, late) => {
          expect(classify({ truth }, result, cause, late)).toEqual({ classification: "unscored", unscoredWhy: truth });
        },
      ),
    );
    expect(classify({ truth: "harmful" }, "invalidated", null, false)).toEqual({ classification: "unscored", unscoredWhy: "invalidated" });
    expect(classify({ truth: "harmless" }, "rejected", null, false)).toEqual({ classification: "unscored", unscoredWhy: "rejected" });
  });
});
