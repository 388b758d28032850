// What is said of a release whose flag was to be enough: everything that was done, and whether it was right in the end.

import { describe, expect, it } from "vitest";
import { runScenario } from "../../src/sim/run.js";
import type { ReleaseOutcome } from "../../src/sim/outcome.js";
import { takenWords } from "../../src/report/words.js";
import { cornerShop, release } from "./support/corner-shop.js";

const FLAG = ", flag: { name: new, endpoints: [shop/order] }";

function flagged(defects: string, fault = ""): ReleaseOutcome {
  return runScenario(cornerShop({ script: `${release(defects, FLAG)}${fault}`, lasts: "25m" }), { seed: 1 }).releases[0];
}

describe("a release whose flag went off first and that was then rolled back", () => {
  const both = flagged("{ with: flag, on: shop/order, errors: +40% }, { with: version, on: shop/order, errors: +8% }");

  it("has both in its verdict", () => {
    expect([both.action, both.result]).toEqual(["disable-flag", "rolled-back"]);
    expect(both.verdict).toMatch(/^v2 was harmful; its flag was switched off .* after the first harmed request, before full exposure, and .* later it was rolled back; .* were harmed\.$/);
  });

  it("has both as what was done, of which the rollback was right", () => {
    expect([both.rightAction, both.tookRightAction]).toEqual(["roll-back", true]);
    expect(takenWords(both)).toBe("switch the flag off, then roll back");
  });

  it("is not said to have had its flag off where that failed", () => {
    const stuck = flagged("{ with: flag, on: shop/order, errors: +30% }", "\n  - { at: 2m, fault: { effect: { on: platform set-flag, action-fails: 5 } } }");
    expect([stuck.result, stuck.rightAction]).toEqual(["rolled-back", "disable-flag"]);
    expect(stuck.verdict).toMatch(/; switching its flag off was tried .*, in vain, and .* later it was rolled back; /);
  });
});

describe("a release whose flag was enough", () => {
  it("is said to have been switched off, and nothing else", () => {
    const enough = flagged("{ with: flag, on: shop/order, errors: +30% }");
    expect([enough.result, enough.tookRightAction]).toEqual(["flag-off", true]);
    expect(enough.verdict).not.toContain("rolled back");
    expect(takenWords(enough)).toBe("switch the flag off");
  });
});
