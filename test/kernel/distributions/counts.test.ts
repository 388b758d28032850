// Every count distribution is exact: the smallest k whose distribution function reaches the uniform draw.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { binomialFrom } from "../../../src/kernel/distributions/binomial.js";
import { expand, isExpandable, newExpansion, position, positionError } from "../../../src/kernel/distributions/count-quantile.js";
import { multinomialFrom } from "../../../src/kernel/distributions/multinomial.js";
import { negativeBinomialFrom } from "../../../src/kernel/distributions/negative-binomial.js";
import { poissonCounts, poissonFrom, PoissonSampler } from "../../../src/kernel/distributions/poisson.js";
import { normalQuantile } from "../../../src/kernel/exact.js";
import { betaLower, binomialMass, gammaUpper, poissonMass } from "../../../src/kernel/incomplete.js";
import { draws, moments, pearson, PEARSON_LIMIT } from "../support/goodness.js";

interface Claim {
  readonly name: string;
  readonly from: (u: number) => number;
  readonly mass: (k: number) => number;
  readonly cdf: (k: number) => number;
  readonly mean: number;
  readonly variance: number;
}

const poisson = (mean: number): Claim => ({
  name: `Poisson of mean ${mean}`,
  from: (u) => poissonFrom(u, mean),
  mass: (k) => poissonMass(k, mean),
  cdf: (k) => (k < 0 ? 0 : gammaUpper(k + 1, mean)),
  mean,
  variance: mean,
});

const binomial = (n: number, p: number): Claim => ({
  name: `binomial of ${n} trials at ${p}`,
  from: (u) => binomialFrom(u, n, p),
  mass: (k) => (k > n ? 0 : binomialMass(k, n, p, 1 - p)),
  cdf: (k) => (k < 0 ? 0 : k >= n ? 1 : betaLower(1 - p, p, n - k, k + 1)),
  mean: n * p,
  variance: n * p * (1 - p),
});

const negativeBinomial = (mean: number, size: number): Claim => ({
  name: `negative binomial of mean ${mean} and size ${size}`,
  from: (u) => negativeBinomialFrom(u, mean, size),
  // C(k + size - 1, k) success^size failure^k, by way of the binomial with real arguments.
  mass: (k) => (size / (size + k)) * binomialMass(size, size + k, size / (size + mean), mean / (size + mean)),
  cdf: (k) => (k < 0 ? 0 : betaLower(size / (size + mean), mean / (size + mean), size, k + 1)),
  mean,
  variance: mean + mean ** 2 / size,
});

const claims: readonly Claim[] = [
  ...[0.02, 1, 9.9, 10, 47.3, 3000].map(poisson),
  binomial(1, 0.3),
  binomial(10, 0.5),
  binomial(100, 0.01),
  binomial(100, 0.97),
  binomial(40, 0.5),
  binomial(3000, 0.2),
  binomial(3000, 0.8),
  binomial(2_000_000, 0.0005),
  negativeBinomial(2, 1.5),
  negativeBinomial(50, 0.8),
  negativeBinomial(100, 1000),
  negativeBinomial(300, 50),
];

const COUNT = 20_000;
/** The values that `uniform` yields, down to 2^-53 from either end. */
const unit = fc.maxSafeNat().map((n) => (Math.floor(n / 2) + 0.5) * 2 ** -52);

describe("a count distribution", () => {
  it.each(claims)("$name follows its chances", ({ from, mass }) => {
    expect(pearson(draws(COUNT, 0).map(from), mass)).toBeLessThan(PEARSON_LIMIT);
  });

  it.each(claims)("$name has its closed-form mean and variance", ({ from, mean, variance }) => {
    const { z, ratio } = moments(draws(COUNT, 1).map(from), mean, variance);
    expect(Math.abs(z)).toBeLessThan(4);
    expect(Math.abs(ratio - 1)).toBeLessThan(0.12);
  });

  it.each(claims)("$name is the smallest count whose distribution function reaches the draw", ({ from, cdf }) => {
    fc.assert(
      fc.property(unit, (u) => {
        const k = from(u);
        expect(Number.isInteger(k) && k >= 0).toBe(true);
        expect(cdf(k)).toBeGreaterThanOrEqual(u - 1e-13);
        expect(cdf(k - 1)).toBeLessThanOrEqual(u + 1e-13);
      }),
      { numRuns: 200 },
    );
  });

  it.each(claims)("$name takes every step exactly where its distribution function does", ({ from, cdf, mean, variance }) => {
    const sd = Math.sqrt(variance);
    for (let z = -4; z <= 4; z += 0.25) {
      const k = Math.floor(mean + z * sd);
      const reached = k < 0 ? 0 : cdf(k);
      // Just below and just above the step: closer than the expansion alone could tell.
      const gap = 1e-9 * Math.min(reached, 1 - reached);
      if (gap < 1e-14) continue;
      expect(from(reached - gap)).toBeLessThanOrEqual(k);
      expect(from(reached + gap)).toBeGreaterThan(k);
    }
  });

  it("Poisson grows with the draw and with the mean, also where the method changes at 10", () => {
    const mean = fc.oneof(fc.double({ min: 0, max: 30, noNaN: true }), fc.double({ min: 9.9, max: 10.1, noNaN: true }), fc.double({ min: 0, max: 1e6, noNaN: true }));
    fc.assert(
      fc.property(unit, unit, mean, mean, (u, v, a, b) => {
        expect(poissonFrom(Math.min(u, v), a)).toBeLessThanOrEqual(poissonFrom(Math.max(u, v), a));
        expect(poissonFrom(u, Math.min(a, b))).toBeLessThanOrEqual(poissonFrom(u, Math.max(a, b)));
      }),
    );
  });

  it("binomial grows with the draw, the trials and the chance, and never exceeds the trials", () => {
    const chance = fc.double({ min: 0, max: 1, noNaN: true });
    const trials = fc.oneof(fc.nat(60), fc.nat(1_000_000));
    fc.assert(
      fc.property(unit, unit, trials, chance, chance, (u, v, n, p, q) => {
        expect(binomialFrom(Math.min(u, v), n, p)).toBeLessThanOrEqual(binomialFrom(Math.max(u, v), n, p));
        expect(binomialFrom(u, n, Math.min(p, q))).toBeLessThanOrEqual(binomialFrom(u, n, Math.max(p, q)));
        expect(binomialFrom(u, n, p)).toBeLessThanOrEqual(binomialFrom(u, n + 1, p));
        expect(binomialFrom(u, n, p)).toBeLessThanOrEqual(n);
      }),
    );
  });

  it("PoissonSampler gives the counts of poissonFrom", () => {
    fc.assert(
      fc.property(unit, fc.double({ min: 0, max: 1000, noNaN: true }), (u, mean) => {
        expect(new PoissonSampler(mean).from(u)).toBe(poissonFrom(u, mean));
      }),
    );
  });

  it("reaches the far tails as exactly as the middle", () => {
    const near = 2 ** -53;
    for (const { from, cdf, name } of claims) {
      expect(cdf(from(near)), name).toBeGreaterThanOrEqual(near);
      const k = from(1 - near);
      expect(from(1 - 2 * near)).toBeLessThanOrEqual(k);
      expect(cdf(k), name).toBeGreaterThan(1 - 4 * near);
    }
    // P(X > 35) = 3.19e-15, P(X > 36) = 5.82e-16, P(X > 37) = 1.03e-16 at mean 6.784; near is 1.11e-16.
    expect([7, 5, 1].map((steps) => poissonFrom(1 - steps * near, 6.784))).toEqual([36, 37, 37]);
  });

  it("is certain where chance has no say", () => {
    expect([poissonFrom(0.7, 0), binomialFrom(0.7, 0, 0.5), negativeBinomialFrom(0.7, 0, 3)]).toEqual([0, 0, 0]);
    expect([binomialFrom(0.3, 12, 0), binomialFrom(0.3, 12, 1)]).toEqual([0, 12]);
    expect(negativeBinomialFrom(0.4, 7, Infinity)).toBe(poissonFrom(0.4, 7));
  });

  it("says what it will not take", () => {
    expect(() => poissonFrom(0.5, -1)).toThrow("Poisson mean");
    expect(() => poissonFrom(0.5, NaN)).toThrow("Poisson mean");
    expect(() => binomialFrom(0.5, 2.5, 0.1)).toThrow("whole number");
    expect(() => binomialFrom(0.5, 2, 1.1)).toThrow("between 0 and 1");
  });
});

describe("the expansion of a count's quantile", () => {
  /** The largest error of the expansion over the error it owns up to, looked at every step within reach. */
  function worstShare(mean: number, s: number, cdf: (k: number) => number): number {
    const expansion = newExpansion();
    expect(isExpandable(mean, s)).toBe(true);
    expand(mean, s, expansion);
    const sd = Math.sqrt(mean + s * mean * mean);
    const stride = Math.max(1, Math.floor(sd / 25));
    let worst = 0;
    for (let k = Math.max(0, Math.floor(mean - 5 * sd)); k < mean + 5 * sd; k += stride) {
      const w = normalQuantile(cdf(k));
      // At u = F(k) the continuous quantile is k + 1.
      worst = Math.max(worst, Math.abs(position(expansion, w) - (k + 1)) / positionError(expansion, w));
    }
    return worst;
  }

  it("is off by less than half of its error bound", () => {
    for (const mean of [10, 10.5, 13, 20, 50, 300, 1000, 1500, 10_000, 1e6]) {
      expect(worstShare(mean, 0, poisson(mean).cdf), `Poisson ${mean}`).toBeLessThan(0.5);
    }
    for (const [n, p] of [[40, 0.5], [50, 0.3], [100, 0.12], [1000, 0.5], [5000, 0.5], [1e6, 0.01], [1e6, 0.4]]) {
      expect(worstShare(n * p, -1 / n, binomial(n, p).cdf), `binomial ${n} ${p}`).toBeLessThan(0.5);
    }
    for (const [mean, size] of [[50, 50], [50, 1e5], [300, 50], [3000, 100], [1e4, 1e4]]) {
      expect(worstShare(mean, 1 / size, negativeBinomial(mean, size).cdf), `nb ${mean} ${size}`).toBeLessThan(0.5);
    }
  });
});

describe("the multinomial distribution", () => {
  const weights = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 1e-6, max: 100, noNaN: true })), { minLength: 1, maxLength: 12 });

  it("shares out every trial, and none to a bucket without weight", () => {
    fc.assert(
      fc.property(weights, fc.nat(100_000), fc.integer({ min: 0, max: 1000 }), (shares, n, index) => {
        fc.pre(shares.some((share) => share > 0));
        const counts = new Int32Array(shares.length);
        multinomialFrom(draws(shares.length, index), n, shares, counts);
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(n);
        shares.forEach((share, i) => expect(counts[i] === 0 || share > 0).toBe(true));
        expect(Math.min(...counts)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it("gives each bucket its binomial share, and each pair its negative covariance", () => {
    const shares = [3, 1, 4, 2];
    const n = 50;
    const rounds = 20_000;
    const us = [0, 1, 2].map((bucket) => draws(rounds, 20 + bucket));
    const columns = shares.map(() => new Int32Array(rounds));
    const counts = new Int32Array(4);
    for (let i = 0; i < rounds; i += 1) {
      multinomialFrom(us.map((column) => column[i]), n, shares, counts);
      counts.forEach((count, bucket) => (columns[bucket][i] = count));
    }
    shares.forEach((share, bucket) => {
      const p = share / 10;
      expect(pearson(columns[bucket], (k) => (k > n ? 0 : binomialMass(k, n, p, 1 - p)))).toBeLessThan(PEARSON_LIMIT);
    });
    let product = 0;
    for (let i = 0; i < rounds; i += 1) product += (columns[0][i] - 15) * (columns[2][i] - 20);
    expect(product / rounds).toBeGreaterThan(-50 * 0.3 * 0.4 * 1.05);
    expect(product / rounds).toBeLessThan(-50 * 0.3 * 0.4 * 0.95);
  });
});

describe("Poisson counts of many means", () => {
  it("are those of poissonFrom, and none where nothing is expected", () => {
    const mean = fc.oneof(fc.double({ min: 0, max: 2, noNaN: true }), fc.double({ min: 0, max: 500, noNaN: true }), fc.constantFrom(0, 1e-300, 1));
    const draw = fc.double({ min: 1e-12, max: 1 - 1e-12, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(draw, mean), { minLength: 1, maxLength: 12 }), (cells) => {
        const means = Float64Array.from([-1, ...cells.map(([, m]) => m)]);
        const counts = new Float64Array(cells.length).fill(-1);
        poissonCounts(Float64Array.from(cells, ([u]) => u), means, 1, counts);
        expect(Array.from(counts)).toEqual(cells.map(([u, m]) => (m === 0 ? 0 : poissonFrom(u, m))));
      }),
    );
  });

  it("are refused of a mean that is no number", () => {
    expect(() => poissonCounts(Float64Array.of(0.5), Float64Array.of(NaN), 0, new Float64Array(1))).toThrow("a Poisson mean");
  });
});
