// The story tells every decision, holds included, and nothing twice.

import { describe, expect, it } from "vitest";
import { decisionNumbers, storyOf } from "../../src/report/story.js";
import { summary } from "../../src/report/summary.js";
import { minutes } from "../../src/kernel/units.js";
import type { Outcome } from "../../src/sim/outcome.js";
import { caughtOutcome } from "./support/sample-outcome.js";

const [hold] = caughtOutcome().decisions;

/** A run that held so many times before it went on. */
function heldOften(times: number): Outcome {
  const base = caughtOutcome();
  const decisions = Array.from({ length: times }, (_, index) => ({ ...hold, id: index + 1, at: minutes(11 + index) }));
  const [released, ...rest] = base.timeline.filter((entry) => entry.kind !== "decision");
  return {
    ...base, decisions,
    timeline: [released, ...decisions.map(({ id, at }) => ({ at, kind: "decision" as const, text: `hold ${id}: too little data`, major: false, decision: id })), ...rest],
  };
}

const plain = (outcome: Outcome): string => summary(outcome, { color: false, width: 100 });

describe("the story of a run", () => {
  it("tells a hold, so that the numbering starts at 1", () => {
    expect(storyOf(caughtOutcome(), "each").flatMap((entry) => entry.decisions)).toEqual([1, 2, 3, 4]);
    expect(plain(caughtOutcome())).toContain("[1] hold: 31 of 50 requests seen");
  });

  it("tells holds that follow each other as one, with how often and until when", () => {
    const [told] = storyOf(heldOften(30), "together").filter((entry) => entry.hold);
    expect(told).toMatchObject({ at: minutes(11), text: "Held 30 times until +00:40:00; first: hold 1: too little data" });
    expect(told.decisions).toHaveLength(30);
    expect(plain(heldOften(30))).toContain("[1-30] Held 30 times until +00:40:00");
  });

  it("keeps a hold apart from the next when something happened between them", () => {
    const base = heldOften(2);
    const between = { at: minutes(11.5), kind: "script" as const, text: "Fault: telemetry gap", major: true, decision: null };
    const timeline = [...base.timeline, between].sort((a, b) => a.at - b.at);
    expect(storyOf({ ...base, timeline }, "together").filter((entry) => entry.hold).map((entry) => entry.decisions)).toEqual([[1], [2]]);
  });

  it("leaves holds out only when the screen is full without them", () => {
    const base = heldOften(1);
    const full = Array.from({ length: 40 }, (_, index) => ({ ...base.timeline[0], at: minutes(index), text: `line ${index}` }));
    expect(plain({ ...base, timeline: [...full, ...base.timeline] })).not.toContain("[1]");
  });

  it("says a page with the decision that it repeats, not again", () => {
    const base = caughtOutcome();
    const decided = base.timeline.find((entry) => entry.decision === 3);
    const page = { at: decided?.at ?? 0, kind: "person" as const, text: `Page: ${decided?.text ?? ""}`, major: true, decision: null };
    const other = { ...page, text: "Page: the disk is full" };
    const told = storyOf({ ...base, timeline: [...base.timeline, page, other].sort((a, b) => a.at - b.at) }, "each").map((entry) => entry.text);
    expect(told.filter((text) => text.startsWith("Page: "))).toEqual(["Page: the disk is full"]);
    expect(told).toContain(`${decided?.text ?? ""}. On-call is paged.`);
  });

  it("numbers one decision, or the first and the last of many", () => {
    expect([[], [3], [3, 4, 5]].map(decisionNumbers)).toEqual(["", "3", "3-5"]);
  });
});
