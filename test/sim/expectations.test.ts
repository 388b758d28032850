// A release's expectations: ticks and crosses with both sides in words.

import { describe, expect, it } from "vitest";
import { minutes, seconds } from "../../src/kernel/units.js";
import type { Expectation } from "../../src/scenario/compiled.js";
import { judgeExpectations } from "../../src/sim/expectations.js";
import type { ReleaseOutcome } from "../../src/sim/outcome.js";
import { recordingOf } from "./support/recording.js";

const release = {
  version: "v2", classification: "caught", truth: "harmful", result: "rolled-back", action: "roll-back", cause: "release", by: "engine",
  times: { detection: seconds(140), mitigation: null, recovery: minutes(4) },
  cost: { total: 37.5 },
} as unknown as ReleaseOutcome;

const expectRelease = (claims: Partial<Expectation & { kind: "release" }>) =>
  judgeExpectations(
    [{ kind: "release", release: "v2", text: "as written", source: { file: "a.yaml", line: 7, column: 3 }, ...claims }],
    [release],
    recordingOf([]),
  )[0];

describe("release expectations", () => {
  it("pass with what was found and the limit that held", () => {
    expect(expectRelease({ classification: "caught", detectedWithin: minutes(3) })).toEqual({
      text: "as written", file: "a.yaml", line: 7, passed: true,
      reason: "classification is caught; detected after 2m 20s (limit 3m)",
    });
  });

  it("fail with only what is wrong, and what was expected", () => {
    expect(expectRelease({ classification: "caught", action: "disable-flag", detectedWithin: minutes(2) })).toMatchObject({
      passed: false, reason: "action is roll-back, not disable-flag; detected after 2m 20s, later than 2m",
    });
  });

  it("count what never happened as later than any limit", () => {
    expect(expectRelease({ mitigatedWithin: minutes(60) })).toMatchObject({ passed: false, reason: "never mitigated, where 1h were allowed" });
  });

  it("hold cost to be below, not at, the limit", () => {
    expect(expectRelease({ costBelow: 37.5 }).passed).toBe(false);
    expect(expectRelease({ costBelow: 37.51 }).passed).toBe(true);
  });

  it("fail for a release that was never made", () => {
    expect(expectRelease({ release: "v9" })).toMatchObject({ passed: false, reason: "no release v9 was made" });
  });
});
