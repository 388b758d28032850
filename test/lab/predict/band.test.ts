// The band of a prediction holds as many further runs as it says.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bandOf, isInside } from "../../../src/lab/predict/band.js";
import { streamKey, uniform } from "../../../src/kernel/draws.js";

describe("a band of 50 seeds", () => {
  it("holds 95 % of further runs, whatever their distribution", () => {
    const key = streamKey(1, "band");
    let inside = 0;
    const trials = 4_000;
    for (let trial = 0; trial < trials; trial += 1) {
      const draws = Array.from({ length: 51 }, (_, k) => uniform(key, trial, k) ** 3);
      if (isInside(draws[50], bandOf(draws.slice(0, 50)))) inside += 1;
    }
    // Three standard errors of a share of 4,000.
    expect(Math.abs(inside / trials - 0.95)).toBeLessThan(0.0104);
  });

  it("reaches from the smallest to the largest when there are few", () => {
    expect(bandOf([3, 1, 2])).toEqual({ low: 1, middle: 2, high: 3, seeds: 3 });
  });

  it("holds the middle of its seeds, and a value that all of them have", () => {
    fc.assert(fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 60 }), (values) => {
      const band = bandOf(values);
      expect(isInside(band.middle, band)).toBe(true);
      expect(isInside(values[0], bandOf(values.map(() => values[0])))).toBe(true);
    }));
  });

  it("counts what never came as later than everything", () => {
    const band = bandOf([...Array.from({ length: 25 }, (_, k) => k), ...Array.from({ length: 25 }, () => Infinity)]);
    expect(band.high).toBe(Infinity);
    expect(isInside(Infinity, band)).toBe(true);
    expect(isInside(Infinity, bandOf([1, 2, 3]))).toBe(false);
    expect(isInside(Infinity, bandOf([Infinity, Infinity, Infinity]))).toBe(true);
    expect(isInside(3, bandOf([Infinity, Infinity, Infinity]))).toBe(false);
  });

  it("takes what a measurement may be off by", () => {
    expect(isInside(3.05, bandOf([1, 2, 3]))).toBe(false);
    expect(isInside(3.05, bandOf([1, 2, 3]), 0.1)).toBe(true);
  });
});
