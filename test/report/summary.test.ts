// The summary fits a screen, reads without colour, and gives the reason beside every cross.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { costWords, seedsSummary, summary, timesWords } from "../../src/report/summary.js";
import { quantile, seedOutcome, seedsPass, wilson } from "../../src/report/seeds-summary.js";
import { caughtOutcome, cleanOutcome, emptyOutcome, falseRollbackOutcome } from "./support/sample-outcome.js";

// eslint-disable-next-line no-control-regex -- the escape character is what is looked for
const escapes = /\u001b/;
const plain = (outcome = caughtOutcome()): string => summary(outcome, { color: false, width: 100, report: "shakedown-out/slow-new-checkout/7/report.html" });

describe("the summary of a run", () => {
  it("holds the verdict with its reason, the times, the cost, the decisions, the report and the replay command", () => {
    const text = plain();
    for (const part of ["✗ failed", "✓ caught", "checkout v2 is harmful and was caught", "would have been 226ms", "detected after 2m 16s", "mitigated after 2m 27s", "restored after", "527.19 EUR", "[3] switch the flag new-checkout off", "shakedown-out/slow-new-checkout/7/report.html", caughtOutcome().replay])
      expect(text).toContain(part);
  });

  it("puts the reason under each expectation that failed", () => {
    const lines = plain().split("\n");
    const failed = lines.findIndex((line) => line.includes("✗ release v2: detected-within 2m"));
    expect(failed).toBeGreaterThan(0);
    expect(lines[failed + 1]).toContain("detected after 2m 16s, 16s later than expected");
  });

  it("has no escape code without colour, and the same words with it", () => {
    const colored = summary(caughtOutcome(), { color: true, width: 100, report: "shakedown-out/slow-new-checkout/7/report.html" });
    expect(plain()).not.toMatch(escapes);
    expect(colored).toMatch(escapes);
    // eslint-disable-next-line no-control-regex -- colour codes are removed to compare the words
    expect(colored.replace(/\u001b\[\d+m/g, "")).toBe(plain());
  });

  it("fits 45 lines of 100 columns, however much happened", () => {
    const base = caughtOutcome();
    fc.assert(fc.property(fc.nat(6), fc.nat(30), fc.nat(120), fc.nat(12), (releases, expectations, entries, invariants) => {
      const text = plain(caughtOutcome({
        releases: Array.from({ length: releases }, () => base.releases[0]),
        expectations: Array.from({ length: expectations }, (_, index) => base.expectations[index % 3]),
        timeline: Array.from({ length: entries }, (_, index) => ({ ...base.timeline[index % base.timeline.length], major: true })),
        invariants: Array.from({ length: invariants }, () => ({ ...base.invariants[0], held: false })),
      }));
      const lines = text.split("\n");
      expect(lines.length).toBeLessThanOrEqual(45);
      for (const line of lines) expect([...line].length).toBeLessThanOrEqual(100);
    }), { numRuns: 60 });
  });

  it("tells a release whole or not at all: verdict, reason, times and cost, in any width and beside any other", () => {
    const base = caughtOutcome().releases[0];
    const verdict = `v2 was harmful; ${"and a long tale of it, ".repeat(8)}told to the end.`;
    const causeReason = `Without the requests that v2's own defects touched, "${"trigger error-rate ".repeat(10)}" passes.`;
    const words = (text: string): string => text.replace(/\s+/g, " ");
    for (const releases of [1, 2, 4])
      for (const width of [60, 80, 100]) {
        const text = words(summary(caughtOutcome({ releases: Array.from({ length: releases }, () => ({ ...base, verdict, causeReason })) }), { color: false, width }));
        const told = text.split("told to the end.").length - 1;
        expect(told).toBeGreaterThanOrEqual(1);
        expect(text.split('trigger error-rate " passes.').length - 1).toBe(told);
        expect(text.split(words(timesWords(base))).length - 1).toBe(told);
        expect(text.split(words(costWords(base))).length - 1).toBe(told);
        if (told < releases) expect(text).toMatch(new RegExp(`… ${releases - told} more releases? in the report`));
      }
  });

  it("names the action of one release among several where it was the wrong one", () => {
    const base = caughtOutcome().releases[0];
    const both = (tookRightAction: boolean): string => plain(caughtOutcome({ releases: [{ ...base, tookRightAction }, base] })).replace(/\s+/g, " ");
    expect(both(false)).toContain("right action: switch the flag off ✗");
    expect(both(true)).not.toContain("right action");
  });

  it("of a run without a release says what failed in all, and has no gap where the release would be", () => {
    const without = caughtOutcome({ releases: [], decisions: [], totals: { requests: 160_000, failed: 16_000, slow: 1_600, orders: 10, orderEuro: 200 } });
    for (const outcome of [without, { ...without, timeline: [] }, emptyOutcome()]) expect(plain(outcome)).not.toMatch(/\n\n\n/);
    expect(plain(without)).toContain("\n\n  impact   16,000 of 160,000 pages failed (10%), 1,600 slow (1%)\n\n");
  });

  it("gives no reason for what nobody did to one release among several", () => {
    const [clean] = cleanOutcome().releases;
    expect(plain(caughtOutcome({ releases: [clean, clean] }))).not.toContain("Nobody acted");
  });

  it("marks a description that it cuts", () => {
    const about = "This scenario has a long tale. ".repeat(20);
    expect(plain(caughtOutcome({ scenario: { ...caughtOutcome().scenario, about } })).split("\n")[2]).toMatch(/…$/);
  });

  it("shows no NaN, undefined or null for any kind of outcome", () => {
    for (const outcome of [caughtOutcome(), cleanOutcome(), falseRollbackOutcome(), emptyOutcome()]) expect(plain(outcome)).not.toMatch(/NaN|undefined|null/);
  });

  it("lets no escape sequence of a scenario's name reach the terminal", () => {
    const text = plain(caughtOutcome({ scenario: { ...caughtOutcome().scenario, name: "evil\u001b[2J\u0007name", about: "\u001b]0;x\u0007" } }));
    expect(text).not.toMatch(escapes);
  });
});

describe("the summary of many seeds", () => {
  const outcomes = [caughtOutcome(), caughtOutcome({ seed: 8, passed: true }), falseRollbackOutcome({ seed: 9 }), cleanOutcome({ seed: 10 })];

  it("counts classifications, false rollbacks and passes against what was asked", () => {
    const text = seedsSummary(outcomes, { expectIn: 0.95 });
    expect(text).toMatch(/caught +2 .* 50%/);
    expect(text).toMatch(/false-rollback +1 .* 25%/);
    expect(text).toMatch(/clean +1 .* 25%/);
    expect(text).toContain("passed        2 of 4 (50%), expected in 95%: ✗ too few");
    expect(text).toContain("false rollbacks  1 of 4 (25%)");
  });

  it("names the seeds that were played, and none between them", () => {
    const played = (...seeds: number[]): string => /\((.*)\) ·/.exec(seedsSummary(seeds.map((seed) => cleanOutcome({ seed }))))?.[1] ?? "";
    expect(played(7)).toBe("7");
    expect(played(3, 1, 2)).toBe("1..3");
    expect(played(5, 1, 3)).toBe("1, 3, 5");
    expect(played(1, 2, 3, 9, 20, 21)).toBe("1..3, 9, 20..21");
    expect(played(...Array.from({ length: 50 }, (_, index) => 2 * index))).toBe("0, 2, 4, 6, 8, 10, 12 … 98");
  });

  it("says which seeds failed and why, and how to replay the first", () => {
    const text = seedsSummary(outcomes, { expectIn: 0.5 });
    expect(text).toContain("✓ enough");
    expect(text).toMatch(/✗ seed 7 +detected after 2m 16s/);
    expect(text).toContain(`replay        ${outcomes[0].replay}`);
  });

  it("lists only the first few failures and counts the rest", () => {
    const many = Array.from({ length: 40 }, (_, index) => caughtOutcome({ seed: index + 1 }));
    const text = seedsSummary(many);
    expect(text.split("\n").filter((line) => line.includes("✗ seed"))).toHaveLength(5);
    expect(text).toContain("and 35 more seeds");
  });

  it("gives quantiles of the detection time over the runs that detected", () => {
    const spread = [60, 120, 180, 240].map((second, index) => {
      const outcome = caughtOutcome({ seed: index + 1 });
      return { ...outcome, releases: outcome.releases.map((each) => ({ ...each, times: { ...each.times, detection: second * 1_000_000 } })) };
    });
    expect(seedsSummary(spread)).toContain("detected in   median 2m · 90% 4m · 95% 4m · most 4m  (4 runs)");
  });

  it("needs of an outcome only what is kept of it", () => {
    expect(seedsSummary(outcomes.map(seedOutcome), { expectIn: 0.95 })).toBe(seedsSummary(outcomes, { expectIn: 0.95 }));
    expect(JSON.stringify(seedOutcome(outcomes[0])).length).toBeLessThan(1_000);
  });

  it("says when the work was interrupted", () => {
    expect(seedsSummary(outcomes, { planned: 50 })).toContain("4 of 50 seeds done");
  });

  it("takes the nearest rank as quantile and Wilson's interval for a share", () => {
    expect([0.01, 0.25, 0.26, 0.5, 1].map((share) => quantile([10, 20, 30, 40], share))).toEqual([10, 10, 20, 20, 40]);
    // Worked example: 8 of 10 gives 0.490 to 0.943.
    expect(wilson(8, 10).low).toBeCloseTo(0.4902, 3);
    expect(wilson(8, 10).high).toBeCloseTo(0.9433, 3);
    expect(wilson(0, 10).low).toBe(0);
    expect(wilson(10, 10).high).toBe(1);
  });

  it("passes exactly when the share asked for is reached", () => {
    expect(seedsPass(outcomes, 0.5)).toBe(true);
    expect(seedsPass(outcomes, 0.51)).toBe(false);
  });
});
