// Claims about many runs read like sentences, and a slip in one is answered with what to write.

import { describe, expect, it } from "vitest";
import { scenarioOf } from "../../src/lab/bundle.js";
import { tiny } from "../lab/support/tiny.js";

function claims(...said: readonly string[]) {
  const loaded = scenarioOf(tiny({ extra: `expect-overall:\n${said.map((each) => `  - ${each}\n`).join("")}` }));
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message, instead, line }) => `${line}: ${message}; ${instead ?? ""}`).join("\n"));
  return (loaded.value.overall ?? []).map(({ event, side, share, release }) => ({ ...event, side, share, release }));
}

describe("expect-overall", () => {
  it("reads shares of runs", () => {
    expect(claims("caught in at least 99% of runs", "false rollbacks under 1 %", "v2 rolled back in more than 90% of runs", "passed in at least 95% of seeds", "right action in at least 80%")).toEqual([
      { kind: "classification", is: "caught", side: "at-least", share: 0.99, release: "v2" },
      { kind: "classification", is: "false-rollback", side: "at-most", share: 0.01, release: "v2" },
      { kind: "result", is: "rolled-back", side: "at-least", share: 0.9, release: "v2" },
      { kind: "passed", side: "at-least", share: 0.95, release: null },
      { kind: "right-action", side: "at-least", share: 0.8, release: "v2" },
    ]);
  });

  it("reads a quantile as a share of runs under a limit", () => {
    expect(claims("p90 detection under 3m", "median cost under 200EUR", "p99.5 restoration within 10m")).toEqual([
      { kind: "time-under", time: "detection", limit: 180_000_000, side: "at-least", share: 0.9, release: "v2" },
      { kind: "cost-under", limit: 200, side: "at-least", share: 0.5, release: "v2" },
      { kind: "time-under", time: "recovery", limit: 600_000_000, side: "at-least", share: 0.995, release: "v2" },
    ]);
  });

  it("says what is wrong, where, and what to write", () => {
    expect(() => claims("cought in at least 99% of runs")).toThrow(/15: nothing is known as `cought`; write `caught`/);
    expect(() => claims("p90 detektion under 3m")).toThrow(/there is no time `detektion`; write `detection`/);
    expect(() => claims("p90 detection under 3")).toThrow(/has no unit/);
    expect(() => claims("caught in at least 100% of runs")).toThrow(/no number of runs shows at least 100%/);
    expect(() => claims("constructor in at least 99% of runs")).toThrow(/nothing is known as `constructor`/);
    expect(() => claims("it works")).toThrow(/is no claim about many runs/);
  });
});
