// The allowances for chance against figures computed by hand and against the exact binomial.

import { describe, expect, it } from "vitest";
import { CHANCE_ALPHA, CHANCE_Z, isSignificantlyBelow, proportionsZ, shareAllowance } from "../../src/engines/health/chance.js";

/** P(X <= k) of a binomial, by the recurrence of its terms. */
function binomialCdf(k: number, n: number, p: number): number {
  let term = (1 - p) ** n;
  let sum = 0;
  for (let i = 0; i <= k; i += 1) {
    sum += term;
    term *= ((n - i) / (i + 1)) * (p / (1 - p));
  }
  return sum;
}

describe("the two-proportion test", () => {
  it("agrees with a textbook example", () => {
    // 87 of 1000 against 120 of 1000: pooled 0.1035, z = 0.033 / sqrt(0.1035 x 0.8965 x 0.002) = 2.4225.
    expect(proportionsZ({ hits: 87, trials: 1000 }, { hits: 120, trials: 1000 })).toBeCloseTo(2.4225, 3);
    expect(isSignificantlyBelow({ hits: 87, trials: 1000 }, { hits: 120, trials: 1000 })).toBe(true);
    expect(isSignificantlyBelow({ hits: 120, trials: 1000 }, { hits: 87, trials: 1000 })).toBe(false);
  });

  it("finds nothing where there is nothing to compare", () => {
    expect(proportionsZ({ hits: 0, trials: 0 }, { hits: 1, trials: 10 })).toBe(0);
    expect(proportionsZ({ hits: 0, trials: 10 }, { hits: 0, trials: 10 })).toBe(0);
  });

  it("calls equal proportions different about as often as it states", () => {
    // Exactly: canary and stable both Binomial(200, 0.3); sum the probability of the rejection region.
    const n = 200;
    const p = 0.3;
    const mass: number[] = [];
    let term = (1 - p) ** n;
    for (let i = 0; i <= n; i += 1) {
      mass.push(term);
      term *= ((n - i) / (i + 1)) * (p / (1 - p));
    }
    let rejected = 0;
    for (let a = 0; a <= n; a += 1) {
      for (let b = 0; b <= n; b += 1) {
        if (isSignificantlyBelow({ hits: a, trials: n }, { hits: b, trials: n })) rejected += mass[a] * mass[b];
      }
    }
    expect(rejected).toBeGreaterThan(0.7 * CHANCE_ALPHA);
    expect(rejected).toBeLessThan(1.3 * CHANCE_ALPHA);
  });
});

describe("the allowance of a share", () => {
  it("is left about as often as it states", () => {
    for (const [n, p] of [[400, 0.25], [1000, 0.05], [1000, 0.5]] as const) {
      const lowest = Math.ceil((p - shareAllowance(p, n)) * n) - 1;
      const chance = binomialCdf(lowest, n, p);
      expect(chance).toBeLessThan(1.5 * CHANCE_ALPHA);
      expect(chance).toBeGreaterThan(0.25 * CHANCE_ALPHA);
    }
  });

  it("shrinks with the square root of the sample and is everything without one", () => {
    expect(shareAllowance(0.2, 400) / shareAllowance(0.2, 1600)).toBeCloseTo(2, 12);
    expect(shareAllowance(0.2, 0)).toBe(1);
    expect(CHANCE_Z).toBeCloseTo(2.326348, 6);
  });
});
