// A scenario that cohort cannot play: the refusal stands where the reader finds what it is about.

import { describe, expect, it } from "vitest";
import { bundleOf, scenarioOf } from "../../src/lab/bundle.js";
import { tinyText } from "./support/tiny.js";

const refusalOf = (text: string) => {
  const made = scenarioOf(bundleOf("tiny.yaml", [{ path: "tiny.yaml", text }]));
  if (made.ok) throw new Error("nothing was refused");
  const [{ line, column, message }] = made.problems;
  return { found: text.split("\n")[line - 1]?.slice(column - 1) ?? "", message };
};

describe("what cohort refuses", () => {
  it("because of one effect is told at that effect", () => {
    const { found, message } = refusalOf(tinyText().replace("errors: +20%", "capacity: -50%, when: { rps-above: 1000rps }"));
    expect(message).toMatch(/^cohort cannot do v2: capacity -50% on api: capacity only above a request rate: /);
    expect(found).toMatch(/^\{ with: version, on: api, capacity: -50%/);
  });

  it("of the world as a whole is told where the fidelity is, or would be, written", () => {
    expect(refusalOf(tinyText({ rate: "40rps, spread: { gamma: { slot: 500ms } }", extra: "fidelity: cohort\n" })).found).toBe("cohort");
  });
});
