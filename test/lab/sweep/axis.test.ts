// Values as people write them, designs that cover the box, and Sobol's sequence against its own promise.

import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { axisOf, parseAxis, type Axis } from "../../../src/lab/sweep/axis.js";
import { designPoints } from "../../../src/lab/sweep/design.js";
import { fieldValue, roundedTo } from "../../../src/lab/sweep/quantity.js";
import { MOST_SOBOL_DIMENSIONS, sobolPoint } from "../../../src/lab/sweep/sobol.js";
import { tiny } from "../support/tiny.js";

const axis = (written: string, whole = false): Axis => {
  const made = axisOf("field", written, whole);
  if (!made.ok) throw new Error(made.message);
  return made.value;
};
const texts = (written: string, whole = false): readonly string[] => (axis(written, whole).levels ?? []).map(({ text }) => text);
const refusal = (text: string): string => {
  const made = parseAxis(text, tiny());
  return made.ok ? "" : made.message;
};

describe("an axis", () => {
  it("is a list, a counted range with a unit, a range in equal ratios, or durations", () => {
    expect(texts("5%,10%,25%")).toEqual(["5%", "10%", "25%"]);
    expect(texts("0.5%..5%/4")).toEqual(["0.5%", "2%", "3.5%", "5%"]);
    expect(texts("1%..16%/5 log")).toEqual(["1%", "2%", "4%", "8%", "16%"]);
    expect(texts("5m..1h/4")).toEqual(["5m", "23m20s", "41m40s", "1h"]);
    expect(texts("2..8/4", true)).toEqual(["2", "4", "6", "8"]);
    expect(texts("1 of 1,3 of 5")).toEqual(["1 of 1", "3 of 5"]);
    expect(texts("x1.5..x3/2")).toEqual(["x1.5", "x3"]);
  });

  it("knows its values as numbers in base units", () => {
    expect(["5%", "90s", "2m", "50rps", "x3", "+2%", "fast"].map((text) => fieldValue(text).number)).toEqual([0.05, 90, 120, 50, 3, 0.02, null]);
    expect(roundedTo(fieldValue("1.3214%"), 2).text).toBe("1.3%");
    expect(roundedTo(fieldValue("1m37s"), 2).text).toBe("1m37s");
  });

  it("names what is wrong: the path, the range, or a value that the field does not take", () => {
    expect(refusal("strategy.stepz=1")).not.toBe("");
    expect(refusal("strategy.steps.0.weight")).toContain("write PATH=VALUES");
    expect(refusal("strategy.steps.0.weight=5%..10m/3")).toContain("same unit");
    expect(refusal("strategy.steps.0.weight=10%..5%/3")).toContain("from its smaller end");
    expect(refusal("strategy.steps.0.weight=,")).toBe("`strategy.steps.0.weight`: no value; write them like 1%,2%");
    expect(axisOf("sizes", "", false).ok).toBe(false);
    expect(refusal("strategy.steps.0.weight=lots")).toContain("strategy.steps.0.weight=lots");
    expect(refusal("strategy.steps.0.weight=5%..50%/5")).toBe("");
  });
});

describe("a design", () => {
  it("is every combination, in order, or says that a range has no count", () => {
    const grid = designPoints([axis("1,2"), axis("a,b")], { name: "grid", points: null, seed: 1 });
    expect(grid.ok && grid.points.map((point) => point.map(({ text }) => text).join(""))).toEqual(["1a", "1b", "2a", "2b"]);
    const open = designPoints([axis("1..2")], { name: "grid", points: null, seed: 1 });
    expect(open.ok ? "" : open.message).toContain("1..2/5");
  });

  it("uses each slice of each axis once in a Latin hypercube, and is the same again for the same seed", () => {
    const of = (seed: number) => designPoints([axis("0..1"), axis("0..1")], { name: "latin-hypercube", points: 16, seed });
    const made = of(3);
    if (!made.ok) throw new Error(made.message);
    for (const k of [0, 1]) expect(made.points.map((point) => Math.min(15, Math.floor((point[k].number ?? 0) * 16))).sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, slice) => slice));
    expect(of(3)).toEqual(made);
    expect(of(4)).not.toEqual(made);
  });
});

describe("Sobol's sequence", () => {
  it("begins as published: 1/2, then the quarters, in every dimension", () => {
    for (const point of [1, 2, 3]) expect([...sobolPoint(point, 5)].every((value) => [0.25, 0.5, 0.75].includes(value))).toBe(true);
    expect(sobolPoint(0, 3)).toEqual([0, 0, 0]);
    expect(sobolPoint(1, 3)).toEqual([0.5, 0.5, 0.5]);
    // The third and fourth points in two dimensions, in the order of the Gray code.
    expect([sobolPoint(2, 2), sobolPoint(3, 2)]).toEqual([[0.75, 0.25], [0.25, 0.75]]);
  });

  it("puts one of the first 2^k points in each of 2^k slices, in every dimension", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: MOST_SOBOL_DIMENSIONS - 1 }), (k, dimension) => {
        const slices = 2 ** k;
        const used = new Set(Array.from({ length: slices }, (_, index) => Math.floor(sobolPoint(index, MOST_SOBOL_DIMENSIONS)[dimension] * slices)));
        expect(used.size).toBe(slices);
      }),
    );
  });
});
