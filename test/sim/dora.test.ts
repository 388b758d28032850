// DORA figures of a run: what it can know, and null with a reason for what it cannot.

import { describe, expect, it } from "vitest";
import { minutes } from "../../src/kernel/units.js";
import { doraOf } from "../../src/sim/dora.js";
import type { DoraFigure, ReleaseOutcome } from "../../src/sim/outcome.js";

const release = (change: Partial<Omit<ReleaseOutcome, "times">>, times: Partial<ReleaseOutcome["times"]> = {}) =>
  ({ result: "promoted", truth: "harmless", action: "none", states: [{}], ...change, times: { releasedAt: 0, harmStartsAt: null, finishedAt: null, recovery: null, ...times } }) as unknown as ReleaseOutcome;

const good = release({}, { finishedAt: minutes(50) });
const caught = release({ result: "rolled-back", truth: "harmful", action: "roll-back" }, { harmStartsAt: minutes(5), recovery: minutes(4) });
const missed = release({ truth: "harmful" }, { harmStartsAt: minutes(5), finishedAt: minutes(50) });
const hurting = release({ result: "flag-off", truth: "harmful", action: "disable-flag" }, { harmStartsAt: minutes(5), finishedAt: minutes(9) });
const falseAlarm = release({ result: "rolled-back", action: "roll-back" });
const invalidated = release({ result: "invalidated", states: [] });
const waiting = release({ result: "held", states: [] });

const figure = (name: DoraFigure["name"], ...releases: ReleaseOutcome[]): DoraFigure => {
  const found = doraOf(releases, minutes(120)).find((each) => each.name === name);
  if (found === undefined) throw new Error(name);
  return found;
};

describe("DORA figures", () => {
  it("count what reached production, and nothing that waited or was invalidated", () => {
    expect(figure("deployment frequency", good, caught, invalidated, waiting)).toMatchObject({ value: 24, sampleSize: 2 });
  });

  it("call a deployment failed when it was acted on, rightly or not, or harmed and stayed", () => {
    expect(figure("change failure rate", good, caught, missed, falseAlarm)).toMatchObject({ value: 0.75, sampleSize: 4 });
  });

  it("measure recovery only where users were hurt and service was restored, and say how many were not", () => {
    const recovery = figure("failed deployment recovery time", caught, missed, falseAlarm);
    expect(recovery).toMatchObject({ value: 240, sampleSize: 1 });
    expect(recovery.note).toBe("One release is a sample of one. 1 failed release hurt nobody, 1 failed release was never restored.");
  });

  it("have no recovery time where users are hurt to the end, and say that this is why", () => {
    const recovery = figure("failed deployment recovery time", hurting, hurting);
    expect(recovery).toMatchObject({ value: null, sampleSize: 0, note: "2 failed releases were never restored." });
    expect(recovery.definition).toContain("until nobody is hurt any more");
  });

  it("do not know lead time and rework without a pipeline, and say so", () => {
    for (const name of ["lead time for changes", "rework rate"] as const) {
      expect(figure(name, good, caught).value).toBeNull();
      expect(figure(name, good, caught).note).not.toBe("");
    }
  });

  it("warn of small samples", () => {
    expect(figure("change failure rate", good).note).toContain("sample of one");
    expect(figure("change failure rate", good, caught).note).toContain("small sample");
  });
});
