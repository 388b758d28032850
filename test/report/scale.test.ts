// Axes are readable: round ticks inside the plot, limits in sight, labels apart.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hours, minutes } from "../../src/kernel/units.js";
import { pixelOf, spreadLabels, timeTicks, valueScale } from "../../src/report/charts/scale.js";

describe("value axis", () => {
  it("is linear and shows the limit where values and limit are of one size", () => {
    const scale = valueScale([0.001, 0.003], [0.01], 0);
    expect(scale.kind).toBe("linear");
    expect(scale.max).toBeGreaterThan(0.01);
    expect(scale.ticks).toEqual([0, 0.005, 0.01]);
  });

  it("is logarithmic where the values dwarf the limit, so that the limit stays in sight", () => {
    const scale = valueScale([0.001, 0.6], [0.01], 0);
    expect(scale.kind).toBe("symlog");
    expect(scale.ticks).toEqual([0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5]);
    expect(pixelOf(scale, 0.01, 100)).toBeLessThan(85);
  });

  it("has ticks enough to read a value off a logarithmic axis, none of them on another", () => {
    const scale = valueScale([0.001, 0.085], [0.005, 0.01], 0);
    expect(scale.ticks).toEqual([0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1]);
    const places = scale.ticks.map((tick) => pixelOf(scale, tick, 170));
    for (let index = 1; index < places.length; index += 1) expect(places[index - 1] - places[index]).toBeGreaterThan(15);
  });

  it("has increasing ticks within the axis, and few of them", () => {
    fc.assert(fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true })), fc.array(fc.double({ min: 1e-4, max: 1e4, noNaN: true }), { maxLength: 3 }), (values, limits) => {
      const { ticks, max } = valueScale(values, limits, 0.001);
      expect(ticks.length).toBeGreaterThanOrEqual(2);
      expect(ticks.length).toBeLessThan(14);
      expect(ticks[ticks.length - 1]).toBeLessThanOrEqual(max * (1 + 1e-9));
      for (let index = 1; index < ticks.length; index += 1) expect(ticks[index]).toBeGreaterThan(ticks[index - 1]);
      expect(Math.max(...values, ...limits, 0)).toBeLessThanOrEqual(max);
    }));
  });
});

describe("time axis", () => {
  it("ticks every ten minutes over two hours", () => {
    expect(timeTicks(0, hours(2), 13)).toMatchObject({ step: minutes(10) });
    expect(timeTicks(0, hours(2), 13).ticks).toHaveLength(13);
  });
});

describe("labels", () => {
  it("keep their distance and their order, inside the plot when they fit", () => {
    fc.assert(fc.property(fc.array(fc.double({ min: 0, max: 170, noNaN: true }), { minLength: 1, maxLength: 8 }), (wanted) => {
      const placed = spreadLabels(wanted, 15, 170);
      const order = wanted.map((_, index) => index).sort((a, b) => wanted[a] - wanted[b] || a - b);
      for (let rank = 1; rank < order.length; rank += 1) expect(placed[order[rank]] - placed[order[rank - 1]]).toBeGreaterThanOrEqual(15 - 1e-9);
      expect(Math.min(...placed)).toBeGreaterThanOrEqual(-1e-9);
      expect(Math.max(...placed)).toBeLessThanOrEqual(170 + 1e-9);
    }));
  });

  it("stay where they are when nothing is near", () => {
    expect(spreadLabels([10, 100], 15, 170)).toEqual([10, 100]);
  });
});
