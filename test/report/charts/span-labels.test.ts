// The names of shaded stretches can be read, however near to each other the stretches are.

import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { chartSvgs } from "../../../src/report/charts.js";
import { placeSpanLabels } from "../../../src/report/charts/span-labels.js";
import { minutes } from "../../../src/kernel/units.js";
import { twoReleasesOutcome } from "../support/sample-outcome.js";

const WIDTH = 840;

describe("the names of shaded stretches", () => {
  it("stand in the stretch where they fit, and right of it otherwise", () => {
    expect(placeSpanLabels([{ left: 100, right: 300, label: "v2 harms users" }, { left: 400, right: 410, label: "v3 harms users" }], WIDTH))
      .toEqual([{ label: "v2 harms users", left: 105, row: 0 }, { label: "v3 harms users", left: 415, row: 0 }]);
  });

  it("stand one under the other where two stretches begin within minutes", () => {
    const [first, second] = placeSpanLabels([{ left: 300, right: 310, label: "v3 harms users" }, { left: 304, right: 330, label: "l2 harms users" }], WIDTH);
    expect([first.row, second.row]).toEqual([0, 1]);
  });

  it("never overlap and never leave the plot", () => {
    const span = fc.record({ left: fc.integer({ min: 0, max: WIDTH }), long: fc.integer({ min: 0, max: WIDTH }), label: fc.constantFrom("v2 harms users", "ledger-2026 harms users") });
    fc.assert(fc.property(fc.array(span, { maxLength: 8 }), (spans) => {
      const placed = placeSpanLabels(spans.map(({ left, long, label }) => ({ left, right: Math.min(WIDTH, left + long), label })), WIDTH);
      placed.forEach((one, index) => {
        expect(one.left).toBeGreaterThanOrEqual(0);
        expect(one.left + one.label.length * 6.4).toBeLessThanOrEqual(WIDTH);
        for (const other of placed.slice(index + 1)) {
          const apart = one.left + one.label.length * 6.4 <= other.left || other.left + other.label.length * 6.4 <= one.left;
          expect(apart || one.row !== other.row).toBe(true);
        }
      });
    }));
  });

  it("are drawn at heights of their own for two releases that harm within minutes", async () => {
    const base = twoReleasesOutcome();
    const [first, second] = base.releases;
    const at = (first.times.harmStartsAt ?? 0) + minutes(0.5);
    const outcome = { ...base, releases: [first, { ...second, times: { ...second.times, harmStartsAt: at, mitigatedAt: at + minutes(2) } }] };
    const { impact } = await chartSvgs(outcome);
    const heights = [first, second].map(({ version }) => new RegExp(`translate\\([\\d.]+,([\\d.]+)\\)"[^>]*>${version} harms users</text>`).exec(impact)?.[1]);
    expect(heights[0]).toBeDefined();
    expect(heights[1]).toBeDefined();
    expect(heights[0]).not.toBe(heights[1]);
  });
});
