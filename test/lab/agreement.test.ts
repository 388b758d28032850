// The comparison of the fidelities: its statistics against known values, one cell in earnest, and a control that must fail.

import { describe, expect, it } from "vitest";
import { streamKey, uniform } from "../../src/kernel/draws.js";
import { normalQuantile } from "../../src/kernel/exact.js";
import { CELLS, refusalsOf, cellNamed, WINDOW, type Cell } from "../../src/lab/agreement/cells.js";
import { agrees, COLUMNS, compareSamples, TOLERANCES, verdictOf, type CellComparison } from "../../src/lab/agreement/compare.js";
import { measure, SOURCES, type Sample, type Source } from "../../src/lab/agreement/measure.js";
import { clopperPearson, kolmogorovSmirnov, meanEstimate, variation } from "../../src/lab/agreement/statistics.js";
import { agreementMarkdown, agreementTable } from "../../src/lab/agreement/table.js";
import type { Fidelity } from "../../src/world/world.js";

/** Standard normal draws, the same in every run. */
function normals(stream: string, count: number): number[] {
  const key = streamKey(7, stream);
  return Array.from({ length: count }, (_, k) => normalQuantile(uniform(key, k, 0)));
}

describe("a share's exact interval", () => {
  it("is Clopper and Pearson's: 5 of 20 lies within 8.66 % and 49.10 % at 95 %", () => {
    const { low, high } = clopperPearson(5, 20, 0.05);
    expect(low).toBeCloseTo(0.08657, 4);
    expect(high).toBeCloseTo(0.49105, 4);
  });

  it("reaches to the end when nothing, or everything, was hit", () => {
    expect(clopperPearson(0, 20, 0.01)).toEqual({ low: 0, high: expect.closeTo(1 - 0.005 ** (1 / 20), 10) });
    expect(clopperPearson(20, 20, 0.01)).toEqual({ low: expect.closeTo(0.005 ** (1 / 20), 10), high: 1 });
  });
});

describe("the two-sample Kolmogorov-Smirnov test", () => {
  it("measures the largest distance of the two distributions, ties and never included", () => {
    expect(kolmogorovSmirnov([1, 2, 3, 4], [3, 4, 5, 6], 0.01).distance).toBe(0.5);
    expect(kolmogorovSmirnov([1, 1, 1, 2], [1, 2, 2, 2], 0.01).distance).toBe(0.5);
    expect(kolmogorovSmirnov([1, Infinity, Infinity, Infinity], [Infinity, Infinity, Infinity, Infinity], 0.01).distance).toBe(0.25);
    expect(kolmogorovSmirnov([Infinity, Infinity], [Infinity, Infinity], 0.01)).toMatchObject({ distance: 0, p: 1 });
  });

  it("has 1.628 / sqrt(n m / (n + m)) as its critical distance at 1 % for large samples", () => {
    const { critical } = kolmogorovSmirnov(normals("a", 500), normals("b", 500), 0.01);
    expect(critical * Math.sqrt(250)).toBeCloseTo(1.628 / (1 + 0.12 / Math.sqrt(250)), 2);
  });

  it("finds nothing in two samples of one law, at the rate it claims, and a shift of half a deviation every time", () => {
    const trials = Array.from({ length: 200 }, (_, k) => [normals(`left ${k}`, 100), normals(`right ${k}`, 100)]);
    const alarms = trials.filter(([a, b]) => kolmogorovSmirnov(a, b, 0.05).p < 0.05).length;
    expect(alarms).toBeGreaterThan(1);
    expect(alarms).toBeLessThan(22);
    expect(kolmogorovSmirnov(normals("left", 500), normals("right", 500).map((x) => x + 0.5), 0.01).p).toBeLessThan(1e-6);
  });
});

describe("the variation between windows", () => {
  const rows = (scale: number): number[][] => Array.from({ length: 200 }, (_, run) => normals(`run ${run}`, 10).map((x, k) => scale * x + 100 * k));

  it("is the deviation between runs: what every run does alike, a surge say, is none", () => {
    const { value, standardError } = variation(rows(3));
    expect(Math.abs(value - 3)).toBeLessThan(3 * standardError);
    expect(variation([[1, 7, 2], [1, 7, 2], [1, 7, 2]]).value).toBe(0);
  });

  it("has the error that theory gives it: deviation / sqrt(2 x windows)", () => {
    const { standardError } = variation(rows(1));
    expect(standardError / (1 / Math.sqrt(2 * 200 * 10))).toBeGreaterThan(0.8);
    expect(standardError / (1 / Math.sqrt(2 * 200 * 10))).toBeLessThan(1.25);
  });

  it("counts a run whose windows move together as one observation, not as ten", () => {
    const together = normals("together", 200).map((x) => Array.from({ length: 10 }, () => x));
    const { standardError } = variation(together);
    expect(standardError / (1 / Math.sqrt(2 * 200))).toBeGreaterThan(0.75);
  });

  it("leaves windows without an answer out", () => {
    expect(variation([[1, null], [3, null], [5, 8]]).value).toBeCloseTo(2, 12);
  });
});

describe("the mean's estimate", () => {
  it("has the textbook's standard error", () => {
    expect(meanEstimate([1, 2, 3, 4])).toEqual({ value: 2.5, standardError: Math.sqrt(5 / 3 / 4) });
  });
});

/** Made-up samples whose every figure is around `level`, with a relative spread. */
function madeUp(stream: string, level: number, spread: number, seeds = 100): Sample[] {
  const draws = normals(stream, seeds * 12);
  return Array.from({ length: seeds }, (_, k) => {
    const all = (of: number): Record<Source, number> => Object.fromEntries(SOURCES.map((source, s) => [source, of * (1 + spread * draws[k * 12 + s])])) as Record<Source, number>;
    const series = Array.from({ length: 5 }, (_, w) => level * (1 + spread * draws[k * 12 + 5 + w]));
    const windows = { errorRate: series.map((x) => x / 100), p95Seconds: series };
    return {
      seed: k + 1, errorRate: all(level / 100), meanSeconds: all(level), p95Seconds: all(level), windows: { "telemetry v1": windows, "telemetry v2": windows },
      acted: draws[k * 12 + 10] > 0.5 ? 1e8 * (3 + draws[k * 12 + 11]) : null, detection: null,
    };
  });
}

const MADE_UP = { name: "made up", about: "made up", defect: false };

describe("a comparison", () => {
  it("agrees when both sides draw from one law", () => {
    const comparison = compareSamples(MADE_UP, madeUp("one", 0.3, 0.02), madeUp("another", 0.3, 0.02));
    expect(COLUMNS.map((column) => verdictOf(comparison, column))).toEqual(COLUMNS.map(() => "agrees"));
    expect(agrees(comparison)).toBe(true);
  });

  it("misses a mean that is 6 % off when its standard error is 0.3 %", () => {
    const comparison = compareSamples(MADE_UP, madeUp("one", 0.3, 0.02), madeUp("another", 0.318, 0.02));
    expect(verdictOf(comparison, "mean")).toBe("misses");
    expect(agrees(comparison)).toBe(false);
    const mean = comparison.findings.find(({ column }) => column === "mean");
    expect(mean?.difference).toBeCloseTo(0.06, 2);
    expect(mean?.standardError).toBeCloseTo(0.003, 3);
  });

  it("calls the same 6 % noise when ten seeds scatter by 20 %", () => {
    const comparison = compareSamples(MADE_UP, madeUp("one", 0.3, 0.2, 10), madeUp("another", 0.34, 0.2, 10));
    expect(comparison.findings.filter(({ column }) => column === "mean").map(({ verdict }) => verdict)).not.toContain("misses");
    expect(verdictOf(comparison, "mean")).toBe("noise");
  });

  it("misses windows that are half as lively", () => {
    const comparison = compareSamples(MADE_UP, madeUp("one", 0.3, 0.02), madeUp("another", 0.3, 0.01));
    expect(verdictOf(comparison, "variation of p95")).toBe("misses");
    expect(verdictOf(comparison, "mean")).toBe("agrees");
  });

  it("misses rollback rates outside each other's intervals, and delays of another distribution", () => {
    const later = madeUp("another", 0.3, 0.02).map((sample) => ({ ...sample, acted: 9e8 }));
    const comparison = compareSamples(MADE_UP, madeUp("one", 0.3, 0.02), later);
    expect(verdictOf(comparison, "rollback rate")).toBe("misses");
    expect(verdictOf(comparison, "delay")).toBe("misses");
  });

  it("takes a figure that one seed lacks for no agreement", () => {
    const [first, ...rest] = madeUp("another", 0.3, 0.02);
    const lacking = { ...first, meanSeconds: { ...first.meanSeconds, clients: null } };
    expect(agrees(compareSamples(MADE_UP, madeUp("one", 0.3, 0.02), [lacking, ...rest]))).toBe(false);
  });
});

describe("the cells", () => {
  it("are four loads with and without a defect, and three kinds of stress; cohort refuses all of those", () => {
    expect(CELLS.map(({ name }) => name)).toEqual([
      "load 30%", "load 50%", "load 70%", "load 85%", "load 30% defect", "load 50% defect", "load 70% defect", "load 85% defect", "surge", "retry storm", "pool exhaustion",
    ]);
    const refused = CELLS.map((one) => ({ cell: one.name, refusals: refusalsOf(one) })).filter(({ refusals }) => refusals.length > 0);
    expect(refused.map(({ cell, refusals }) => [cell, refusals[0].what])).toEqual([
      ["surge", expect.stringMatching(/^a service that is asked for more than 95 % of what its slots can do \(shop reaches 150 % between 8m and 11m\)$/)],
      ["retry storm", expect.stringMatching(/^a service that is asked .* \(payments reaches 154 % by calls that are tried again between 8m and 11m\)$/)],
      ["pool exhaustion", expect.stringMatching(/^a connection pool .* \(ledger-db reaches 1\d\d % between 8m and 11m\)$/)],
    ]);
    expect(agreementTable([], refused)).toMatch(/pool exhaustion +refused by cohort[^]*refused: pool exhaustion: cohort cannot do a connection pool[^]*cohort refuses 3 of 3 cells/);
  });

  it("are measured over whole windows", () => {
    for (const { from, to, scenario } of CELLS) {
      expect((to - from) % WINDOW).toBe(0);
      expect(to).toBeLessThanOrEqual(scenario.duration);
    }
  });
});

const SEEDS = 20;
const samplesOf = (cell: Cell, fidelity: Fidelity): Sample[] => Array.from({ length: SEEDS }, (_, k) => measure(cell, fidelity, k + 1));

function cell(name: string): Cell {
  const found = cellNamed(name);
  if (found === undefined) throw new Error(`there is no cell ${name}`);
  return found;
}

const missed = ({ findings }: CellComparison): string[] => findings.filter(({ verdict }) => verdict === "misses").map(({ column, what }) => `${column} of ${what}`);

describe("the two fidelities at a load of 50 %, over 20 seeds", () => {
  const healthy = cell("load 50%");
  const request = samplesOf(healthy, "request");

  it("agree, and nearly every figure is inside its tolerance", () => {
    const comparison = compareSamples(healthy, request, samplesOf(healthy, "cohort"));
    expect(missed(comparison)).toEqual([]);
    const inside = comparison.findings.filter(({ verdict }) => verdict === "agrees").length;
    expect(inside).toBeGreaterThanOrEqual(comparison.findings.length - 4);
    expect(agreementTable([comparison])).toContain("0 miss");
    expect(agreementMarkdown([comparison], { commit: "abc", modelVersion: "1", seeds: SEEDS, command: "a test" })).toContain("| load 50% | ✓ |");
  }, 90_000);

  it("do not when cohort alone has the defect: errors of the canary miss, and so does what the engines do", () => {
    const comparison = compareSamples(healthy, request, samplesOf(cell("load 50% defect"), "cohort"));
    expect(missed(comparison)).toContain("error rate of telemetry v2");
    expect(missed(comparison)).toContain("delay of release to false rollback");
    const canary = comparison.findings.find(({ column, what }) => column === "error rate" && what === "telemetry v2");
    expect(canary?.difference).toBeGreaterThan(4 * TOLERANCES.errorRate);
    expect(comparison.findings.find(({ column, what }) => column === "error rate" && what === "telemetry v1")?.verdict).not.toBe("misses");
  }, 90_000);
});
