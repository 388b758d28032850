// Every continuous distribution has its closed-form moments, its shape, and grows with the uniform draw.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { constantFrom } from "../../../src/kernel/distributions/constant.js";
import { Empirical } from "../../../src/kernel/distributions/empirical.js";
import { exponentialFrom } from "../../../src/kernel/distributions/exponential.js";
import { gammaFrom, GammaTable } from "../../../src/kernel/distributions/gamma.js";
import { lognormal, LognormalTable } from "../../../src/kernel/distributions/lognormal.js";
import { paretoFrom } from "../../../src/kernel/distributions/pareto.js";
import { uniformFrom } from "../../../src/kernel/distributions/uniform.js";
import { weibullFrom } from "../../../src/kernel/distributions/weibull.js";
import { exactExp, exactLog, exactPow, logGamma, normalCdf } from "../../../src/kernel/exact.js";
import { gammaLower } from "../../../src/kernel/incomplete.js";
import { draws, KOLMOGOROV_LIMIT, kolmogorov, moments } from "../support/goodness.js";

const gammaAt = (x: number): number => exactExp(logGamma(x));
const logOf = lognormal({ p50: 40, p95: 200 });
const tableOf = new LognormalTable(logOf);
const spread = exactExp(logOf.sigma ** 2);
const gammaTable = new GammaTable(2.5, 4);
const logCdf = (x: number): number => normalCdf((exactLog(x) - logOf.mu) / logOf.sigma);

interface Claim {
  readonly name: string;
  readonly from: (u: number) => number;
  readonly cdf: (x: number) => number;
  readonly mean: number;
  readonly variance: number;
}

const claims: readonly Claim[] = [
  { name: "exponential", from: (u) => exponentialFrom(u, 3), cdf: (x) => 1 - exactExp(-x / 3), mean: 3, variance: 9 },
  { name: "uniform", from: (u) => uniformFrom(u, -2, 6), cdf: (x) => (x + 2) / 8, mean: 2, variance: 64 / 12 },
  { name: "lognormal", from: logOf.from, cdf: logCdf, mean: logOf.mean, variance: (spread - 1) * logOf.mean ** 2 },
  {
    name: "lognormal by table",
    from: (u) => tableOf.from(u),
    cdf: logCdf,
    mean: tableOf.mean,
    variance: (spread - 1) * logOf.mean ** 2,
  },
  { name: "gamma of shape 0.3", from: (u) => gammaFrom(u, 0.3, 2), cdf: (x) => gammaLower(0.3, x / 2), mean: 0.6, variance: 1.2 },
  { name: "gamma of shape 40", from: (u) => gammaFrom(u, 40, 2), cdf: (x) => gammaLower(40, x / 2), mean: 80, variance: 160 },
  { name: "gamma by table", from: (u) => gammaTable.from(u), cdf: (x) => gammaLower(2.5, x / 4), mean: 10, variance: 40 },
  {
    name: "Weibull",
    from: (u) => weibullFrom(u, 1.5, 10),
    cdf: (x) => 1 - exactExp(-exactPow(x / 10, 1.5)),
    mean: 10 * gammaAt(1 + 1 / 1.5),
    variance: 100 * (gammaAt(1 + 2 / 1.5) - gammaAt(1 + 1 / 1.5) ** 2),
  },
  {
    name: "Pareto",
    from: (u) => paretoFrom(u, 5, 2),
    cdf: (x) => 1 - exactPow(2 / x, 5),
    mean: 2.5,
    variance: (4 * 5) / (16 * 3),
  },
];

/** The midpoints of 100,000 equal slices of (0, 1): a sample without chance. */
const GRID = Float64Array.from({ length: 100_000 }, (_, i) => (i + 0.5) / 100_000);

describe("a continuous distribution", () => {
  it.each(claims)("$name follows its distribution function", ({ from, cdf }) => {
    expect(kolmogorov(draws(20_000, 0).map(from), cdf)).toBeLessThan(KOLMOGOROV_LIMIT);
  });

  it.each(claims)("$name has its closed-form mean and variance", ({ from, mean, variance }) => {
    const { z, ratio } = moments(draws(100_000, 1).map(from), mean, variance);
    expect(Math.abs(z)).toBeLessThan(4);
    expect(Math.abs(ratio - 1)).toBeLessThan(0.1);
    const even = moments(GRID.map(from), mean, variance);
    expect(Math.abs(even.z)).toBeLessThan(0.2);
  });

  it.each(claims)("$name undoes its distribution function, out to the tails", ({ from, cdf, name }) => {
    const slack = name.endsWith("by table") ? 2e-5 : 1e-9;
    for (const u of [1e-6, 0.001, 0.0156, 0.02, 0.25, 0.4999, 0.5, 0.75, 0.98, 0.99, 0.9999, 0.9999999]) {
      expect(Math.abs(cdf(from(u)) - u)).toBeLessThan(slack * Math.min(u, 1 - u) + 1e-14);
    }
  });

  it.each(claims)("$name never decreases in the uniform draw", ({ from }) => {
    const unit = fc.double({ min: 2 ** -53, max: 1 - 2 ** -53, noNaN: true });
    fc.assert(
      fc.property(unit, unit, (a, b) => {
        const [low, high] = [from(Math.min(a, b)), from(Math.max(a, b))];
        expect(low).toBeLessThanOrEqual(high + 1e-13 * Math.abs(high));
      }),
    );
  });

  it("lognormal has the p50 and p95 it was given, and is a constant when they are equal", () => {
    expect(logOf.from(0.5)).toBeCloseTo(40, 10);
    expect(logOf.from(0.95)).toBeCloseTo(200, 9);
    const still = lognormal({ p50: 30, p95: 30 });
    expect([still.from(0.001), still.from(0.999), still.mean]).toEqual([30, 30, 30]);
  });

  it("gamma inverts from the smallest shapes to the largest", () => {
    const shape = fc.double({ min: -2, max: 5, noNaN: true }).map((power) => 10 ** power);
    const unit = fc.double({ min: 1e-10, max: 1 - 1e-10, noNaN: true });
    fc.assert(
      fc.property(shape, unit, (a, u) => {
        const x = gammaFrom(u, a, 1);
        // Below 1e-300 the quantile of a tiny shape underflows.
        if (x > 1e-290) expect(Math.abs(gammaLower(a, x) - u)).toBeLessThan(1e-12 + 1e-10 * Math.min(u, 1 - u));
      }),
    );
  });

  it("constant is its value", () => {
    expect([constantFrom(0.01, 7), constantFrom(0.99, 7)]).toEqual([7, 7]);
  });

  it("empirical has the quantiles and the range of its sample", () => {
    const empirical = new Empirical([30, 10, 20, 50, 40]);
    expect([0, 0.25, 0.5, 0.625, 1].map((u) => empirical.from(u))).toEqual([10, 20, 30, 35, 50]);
    expect(moments(GRID.map((u) => empirical.from(u)), empirical.mean, 200).z).toBeCloseTo(0, 6);
    expect(new Empirical([7]).from(0.3)).toBe(7);
    expect(() => new Empirical([])).toThrow("at least one value");
  });

  it("empirical never leaves its sample and never decreases", () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(values, unit, unit, (sample, a, b) => {
        const empirical = new Empirical(sample);
        const [low, high] = [empirical.from(Math.min(a, b)), empirical.from(Math.max(a, b))];
        expect(low).toBeGreaterThanOrEqual(Math.min(...sample));
        expect(high).toBeLessThanOrEqual(Math.max(...sample));
        expect(low).toBeLessThanOrEqual(high + 1e-9);
      }),
    );
  });
});
