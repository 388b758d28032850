// The files that a fuzz leaves: no failing case in the place of another.

import { describe, expect, it } from "vitest";
import { caseNames } from "../../../src/report/lab/case-names.js";

const RULE = "rule: never weight(v2) > 5% while error-rate(v2) > 2%";

describe("the name of a failing case", () => {
  it("is made of the words of what was wrong", () => {
    expect(caseNames()({ id: RULE })).toBe("rule-never-weight-v2-5-while-error-rate-v2-2.yaml");
  });

  it("is nobody else's in the same fuzz, where ids differ in a sign or after many words, and stays what it was", () => {
    const nameOf = caseNames();
    const long = `crash: ${"again and ".repeat(20)}`;
    const ids = [RULE, RULE.replace(">", ">="), RULE.replace(">", "<"), RULE.replace(/>/g, ">="), `${long}a`, `${long}b`];
    const names = ids.map((id) => nameOf({ id }));
    expect(new Set(names).size).toBe(ids.length);
    expect([...ids].reverse().map((id) => nameOf({ id })).reverse()).toEqual(names);
    expect(names[1]).toMatch(/^rule-never-weight-v2-5-while-error-rate-v2-2-[0-9a-f]{6}\.yaml$/);
  });

  it("depends on nothing but the failures before it", () => {
    const [one, other] = [caseNames(), caseNames()];
    const ids = [RULE, RULE.replace(">", ">=")];
    expect(ids.map((id) => one({ id }))).toEqual(ids.map((id) => other({ id })));
  });
});
