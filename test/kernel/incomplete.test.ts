// Incomplete gamma and beta functions and point masses against values computed in 30 digits, and their laws.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { betaLower, binomialMass, gammaLower, gammaUpper, poissonMass } from "../../src/kernel/incomplete.js";

function expectRelative(actual: number, expected: number, limit: number): void {
  expect(Math.abs(actual / expected - 1), `${actual} for ${expected}`).toBeLessThan(limit);
}

describe("incomplete functions", () => {
  it("gammaUpper has its known values", () => {
    for (const [a, x, expected] of [
      [0.5, 0.1, 0.654720846018577],
      [2.5, 3, 0.3062189184132784],
      [10, 20, 0.004995412308307587],
      [100, 70, 0.9995696274050201],
      [1000, 1000, 0.4957947558197845],
      [100000, 100500, 0.057103269976028714],
    ]) {
      expectRelative(gammaUpper(a, x), expected, 2e-13);
      expect(gammaLower(a, x)).toBeCloseTo(1 - expected, 12);
    }
  });

  it("betaLower has its known values", () => {
    for (const [x, a, b, expected] of [
      [0.5, 0.5, 0.5, 0.5],
      [0.25, 2, 3, 0.26171875],
      [0.75, 20, 5, 0.2466484410785732],
      [0.5, 500, 510, 0.6235397566556697],
      [0.125, 1, 7, 0.6073040962219238],
      [0.0625, 3.5, 60, 0.6588749321729693],
    ]) {
      expectRelative(betaLower(x, 1 - x, a, b), expected, 2e-13);
      expect(betaLower(1 - x, x, b, a)).toBeCloseTo(1 - expected, 12);
    }
  });

  it("answer at the ends of their range", () => {
    expect([gammaLower(3, 0), gammaUpper(3, 0), betaLower(0, 1, 2, 3), betaLower(1, 0, 2, 3)]).toEqual([0, 1, 0, 1]);
    expect([poissonMass(0, 0), poissonMass(1, 0)]).toEqual([1, 0]);
    expect([binomialMass(0, 5, 0, 1), binomialMass(5, 5, 1, 0), binomialMass(2, 5, 1, 0)]).toEqual([1, 1, 0]);
  });

  it("point masses sum to the distribution functions", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 200, noNaN: true }), fc.nat(250), (mean, k) => {
        let sum = 0;
        for (let i = 0; i <= k; i += 1) sum += poissonMass(i, mean);
        expect(gammaUpper(k + 1, mean)).toBeCloseTo(sum, 11);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.double({ min: 0.001, max: 0.999, noNaN: true }), (n, p) => {
        let sum = 0;
        for (let k = 0; k < n; k += 1) {
          sum += binomialMass(k, n, p, 1 - p);
          expect(betaLower(1 - p, p, n - k, k + 1)).toBeCloseTo(sum, 11);
        }
      }),
    );
  });
});
