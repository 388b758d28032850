// How many replicas a canary gets.

import { expect, it } from "vitest";
import fc from "fast-check";
import { replicasFor, replicasOfShare } from "../../src/delivery/capacity.js";

it("is its share of stable's replicas, rounded up, and at least one", () => {
  expect([0.01, 0.05, 0.25, 0.5, 0.51].map((weight) => replicasFor(weight, 8, "weight", 0))).toEqual([1, 1, 2, 4, 5]);
});

it("does not round a whole number up for a rounding error", () => {
  expect(0.07 * 100).toBeGreaterThan(7);
  expect(replicasFor(0.07, 100, "weight", 0)).toBe(7);
});

it("leaves stable no replica too many for a rounding error, and none at all without traffic", () => {
  expect((1 - 0.7) * 10).toBeGreaterThan(3);
  expect(replicasOfShare(1 - 0.7, 10)).toBe(3);
  expect(replicasOfShare(0, 10)).toBe(0);
});

it("may be fixed, gets its surge, and equals stable at full exposure", () => {
  expect(replicasFor(0.05, 8, 3, 0)).toBe(3);
  expect(replicasFor(0.05, 8, "weight", 2)).toBe(3);
  expect(replicasFor(1, 8, 3, 2)).toBe(8);
});

it("never falls as the weight grows (property)", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 50 }), (a, b, stable) => {
      expect(replicasFor(Math.min(a, b), stable, "weight", 0)).toBeLessThanOrEqual(replicasFor(Math.max(a, b), stable, "weight", 0));
    }),
  );
});
