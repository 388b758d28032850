// The lab's statistics against tables, closed forms and simulation: a stated error is kept, peeking included.

import { describe, expect, it } from "vitest";
import { streamKey, uniform } from "../../src/kernel/draws.js";
import { clopperPearson, lowerLimit, upperLimit } from "../../src/lab/statistics/clopper-pearson.js";
import { confidenceSequence, logEvidenceAgainst, sideOf } from "../../src/lab/statistics/confidence-sequence.js";
import { mcNemar, pairedDifference, pairedShare, studentQuantile } from "../../src/lab/statistics/paired.js";

describe("Clopper and Pearson's interval", () => {
  it("agrees with published values and closed forms", () => {
    // 15 of 20: R's binom.test gives 0.5089541 and 0.9134285.
    expect(clopperPearson(15, 20).low).toBeCloseTo(0.5089541, 7);
    expect(clopperPearson(15, 20).high).toBeCloseTo(0.9134285, 7);
    // Without a hit: 1 - (alpha/2)^(1/n). The "rule of three" is its one-sided cousin.
    expect(clopperPearson(0, 30).high).toBeCloseTo(1 - 0.025 ** (1 / 30), 12);
    expect(clopperPearson(0, 30).low).toBe(0);
    expect(lowerLimit(300, 300, 0.05)).toBeCloseTo(0.05 ** (1 / 300), 12);
    expect(upperLimit(0, 300, 0.05)).toBeCloseTo(1 - 0.05 ** (1 / 300), 12);
  });
});

describe("the confidence sequence", () => {
  it("contains the observed share, is wider than the exact interval, and narrows as runs come in", () => {
    const widths = [10, 100, 1000, 10_000].map((runs) => {
      const { low, high } = confidenceSequence(0.9 * runs, runs);
      const exact = clopperPearson(0.9 * runs, runs);
      expect(low).toBeLessThan(exact.low);
      expect(high).toBeGreaterThan(exact.high);
      return high - low;
    });
    expect(widths.every((width, index) => index === 0 || width < widths[index - 1])).toBe(true);
    expect(confidenceSequence(0, 0)).toEqual({ low: 0, high: 1 });
    expect(confidenceSequence(50, 50).high).toBe(1);
  });

  it("is a martingale: the expected ratio after one more run is the ratio before it", () => {
    for (const [p, hits, runs] of [[0.3, 4, 11], [0.99, 50, 50], [0.01, 0, 7]]) {
      const before = Math.exp(logEvidenceAgainst(p, hits, runs));
      const after = p * Math.exp(logEvidenceAgainst(p, hits + 1, runs + 1)) + (1 - p) * Math.exp(logEvidenceAgainst(p, hits, runs + 1));
      expect(after / before).toBeCloseTo(1, 10);
    }
  });

  it("agrees with its own border", () => {
    const { low, high } = confidenceSequence(37, 50, { alpha: 0.1 });
    for (const p of [low, high]) expect(logEvidenceAgainst(p, 37, 50)).toBeCloseTo(-Math.log(0.1), 6);
    expect([low - 1e-6, (low + high) / 2, high + 1e-6].map((p) => sideOf(p, 37, 50, { alpha: 0.1 }))).toEqual(["above", "open", "below"]);
  });

  it("keeps its error over 4,000 suites at the bound with a look after every run, where peeking at the exact interval does not", () => {
    const suites = 4000;
    const runs = 400;
    const bound = 0.95;
    const alpha = 0.05;
    const key = streamKey(20_261_121, "suites");
    const exactAt = Array.from({ length: runs + 1 }, (_, n) => exactLimits(n, bound, alpha));
    const evidenceAt = Array.from({ length: runs + 1 }, (_, n) => sequenceLimits(n, bound, alpha));
    let sequence = 0;
    let peeking = 0;
    let fixed = 0;
    for (let suite = 0; suite < suites; suite += 1) {
      let hits = 0;
      let sequenceErred = false;
      let peekingErred = false;
      for (let n = 1; n <= runs; n += 1) {
        // True chance at the bound: any verdict is an error.
        if (uniform(key, suite, n) < bound) hits += 1;
        sequenceErred ||= hits < evidenceAt[n].low || hits > evidenceAt[n].high;
        peekingErred ||= hits < exactAt[n].low || hits > exactAt[n].high;
      }
      if (sequenceErred) sequence += 1;
      if (peekingErred) peeking += 1;
      if (hits < exactAt[runs].low || hits > exactAt[runs].high) fixed += 1;
    }
    // Three standard errors of 4,000 suites are 1 %.
    expect(sequence / suites).toBeLessThanOrEqual(alpha);
    expect(fixed / suites).toBeLessThanOrEqual(alpha + 0.01);
    expect(peeking / suites).toBeGreaterThan(3 * alpha);
  });
});

/** Hits within which n runs say nothing against `bound`, by the exact interval. */
function exactLimits(n: number, bound: number, alpha: number): { low: number; high: number } {
  const open = hitsWhere(n, (hits) => {
    const { low, high } = n === 0 ? { low: 0, high: 1 } : clopperPearson(hits, n, { confidence: 1 - alpha });
    return low <= bound && bound <= high;
  });
  return open;
}

function sequenceLimits(n: number, bound: number, alpha: number): { low: number; high: number } {
  return hitsWhere(n, (hits) => sideOf(bound, hits, n, { alpha }) === "open");
}

/** The first and last number of hits that is open; those are one stretch around the expected number. */
function hitsWhere(n: number, open: (hits: number) => boolean): { low: number; high: number } {
  const centre = Math.round(0.95 * n);
  let [low, high] = [centre, centre];
  while (low > 0 && open(low - 1)) low -= 1;
  while (high < n && open(high + 1)) high += 1;
  return { low, high };
}

describe("paired comparison", () => {
  it("gives Student's interval for the mean difference, and what the pairing saved", () => {
    // Differences 1, 2, 3: mean 2, sd 1, t(0.975, 2) = 4.30265.
    const found = pairedDifference([1, 2, 3], [2, 4, 6]);
    expect(found).toMatchObject({ pairs: 3, mean: 2, meanA: 2, meanB: 4, effectSize: 2 });
    expect(found.high - found.mean).toBeCloseTo(4.302653 / Math.sqrt(3), 5);
    expect(found.correlation).toBeCloseTo(1, 12);
    // Var of the difference 1, of unpaired runs 1 + 4: five times as many seeds for the same width.
    expect(found.varianceRatio).toBeCloseTo(1 / 5, 12);
    expect(found.seedsSaved).toBe(12);
    expect(studentQuantile(0.975, 10)).toBeCloseTo(2.228139, 6);
    expect(studentQuantile(0.975, 1e6)).toBeCloseTo(1.959966, 5);
  });

  it("says nothing about correlation where nothing varies", () => {
    expect(pairedDifference([1, 1], [1, 1])).toMatchObject({ mean: 0, low: 0, high: 0, effectSize: 0, correlation: null, varianceRatio: null, seedsSaved: null });
  });

  it("counts the seeds that differ and tests them exactly", () => {
    const a = [true, true, true, true, true, true, true, false];
    const b = [true, false, false, false, false, false, false, false];
    const found = pairedShare(a, b);
    expect(found).toMatchObject({ hitsA: 7, hitsB: 1, onlyA: 6, onlyB: 0, difference: -0.75 });
    expect(found.pValue).toBeCloseTo(2 / 64, 12);
    expect(found.high).toBeLessThan(0.4);
    expect(found.low).toBeGreaterThanOrEqual(-1);
    expect(mcNemar(3, 3)).toBe(1);
    expect(mcNemar(0, 0)).toBe(1);
  });
});
