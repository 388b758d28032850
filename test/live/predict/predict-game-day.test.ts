// A game day is compared with simulated seeds of its own scenario at its own speed, and its page says what came of it.

import { describe, expect, it } from "vitest";
import { windowTally } from "../../../src/lab/predict/prediction.js";
import { NO_OVERHEAD } from "../../../src/live/calibrate/calibration.js";
import { seconds } from "../../../src/kernel/units.js";
import { predictGameDay } from "../../../src/live/predict/predict-game-day.js";
import { atSpeed } from "../../../src/live/gameday/speed.js";
import { predictedPretty } from "../../../src/report/predict/pretty.js";
import { predictedHtml } from "../../../src/report/predict/page.js";
import { repeatsMarkdown } from "../../../src/report/predict/repeats.js";
import type { Simulation } from "../../../src/sim/play.js";
import { simulate } from "../../../src/sim/simulate.js";
import { shopScenario } from "../../lab/predict/shop.js";

const scenario = shopScenario({ errors: "+40%" });
const quality = { window: (from: number, to: number) => ({ from, to, comparable: from < seconds(50), why: from < seconds(50) ? "" : "sent late", lateShare: 0, sentShare: 1, sendLagP99: 0, eventLoopP99: 0, proxyOwnP95: 0 }) };

/** Stands for a game day: the same books, journals and rows, from a simulated run. */
const gameDay = (speed: number): Simulation =>
  simulate({ scenario: atSpeed(scenario, speed), seed: scenario.seed, fidelity: "request", noiseFree: false, detail: "full", seen: false, driver: { kind: "strategy" }, queryLatency: 0 });

const predicted = (speed: number, hopSeconds = 0, lasted = scenario.duration) =>
  predictGameDay({ simulation: gameDay(speed), lasted, quality, scenario, worldFile: "calibrated.yaml", hopSeconds, overhead: NO_OVERHEAD, speed, source: { kind: "built-in" }, seeds: 40 });

describe("the prediction of a game day", () => {
  const report = predicted(1);

  it("finds a run that behaves as simulated inside, by windows of the strategy", () => {
    const { inside, outside, notComparable } = windowTally(report);
    expect(report.width).toBe(scenario.strategy.window);
    expect(inside / (inside + outside)).toBeGreaterThan(0.85);
    expect(notComparable).toBeGreaterThan(0);
    expect(report.words.map(({ verdict, observed }) => [verdict, observed])).toEqual([["inside", "trigger: roll-back"], ["inside", "rolled-back"]]);
    expect(report.times.map(({ what }) => what)).toEqual(["time to detect", "decided at", "finished at"]);
  });

  it("is of the sped-up scenario when the game day was", () => {
    const fast = predicted(2);
    expect(fast.duration).toBe(seconds(30));
    expect(fast.width).toBe(scenario.strategy.window / 2);
    expect(windowTally(fast).outside).toBeLessThan(windowTally(fast).inside / 5);
  });

  it("compares up to where the game day ended, though its world's clock went on", () => {
    const early = predicted(1, 0, seconds(18.3));
    expect(early.duration).toBe(seconds(18.3));
    expect(early.windows.filter(({ subject }) => subject.version === null).map(({ to }) => to)).toEqual([5, 10, 15, 18.3].map(seconds));
  });

  it("adds the way by the proxy to what simulated clients wait, and to nothing else", () => {
    const withHop = predicted(1, 0.03);
    const p50 = (of: typeof report, version: string | null) => of.whole.find(({ subject }) => subject.version === version)!.figures.find(({ metric }) => metric === "p50")!;
    expect(p50(withHop, null).band!.middle).toBeCloseTo(p50(report, null).band!.middle + 0.03, 6);
    expect(p50(withHop, null).verdict).toBe("outside");
    expect(p50(withHop, "v1")).toEqual(p50(report, "v1"));
  });

  it("prints a mark for each window, and says what the marks mean", () => {
    const text = predictedPretty(report, { width: 100, page: "predicted.html" });
    expect(text).toMatch(/✓ shop v2: result +rolled-back +simulated: rolled-back in 40 of 40/);
    expect(text).toMatch(/shop v1 +error rate +([✓✗?·] ){8,}/);
    expect(text).toContain("no claim: · measured badly");
    expect(text).toContain("predicted.html");
  });

  it("makes a page that loads nothing, with a picture for each figure of each version", async () => {
    const page = await predictedHtml(report);
    expect(page).not.toMatch(/(src|href)="https?:/);
    expect(page.match(/<svg /g)!.length).toBe(4 * new Set(report.windows.map(({ subject }) => `${subject.service} ${subject.version}`)).size);
    expect(page).toContain("sent late");
  });

  it("sums repeats up, with the aims beside them", () => {
    const repeat = { seed: 1, passed: true, failed: [], report, quality: [{ comparable: true, lateShare: 0 }, { comparable: false, lateShare: 0.5 }] };
    const text = repeatsMarkdown({ scenarios: [{ name: "shop", repeats: [repeat, repeat] }], steady: null, asked: 20, atOnce: 1 });
    expect(text).toContain("2 times (of 20 asked for");
    expect(text).toMatch(/\| shop \| 2 \| 2 of 2 \| 2 of 2 comparable \|/);
    expect(text).toContain("✓ **The same decision and action in 2 of 2 comparable repeats**");
    expect(text).toContain("2 of 4 windows of 10 s were measured badly");
  });

  it("counts a decision that was measured badly apart, whatever was decided", () => {
    const late = { ...report, words: report.words.map((word) => ({ ...word, verdict: "not comparable" as const })) };
    const other = { ...late, words: late.words.map((word) => ({ ...word, observed: "else" })) };
    const repeat = (each: typeof report) => ({ seed: 1, passed: true, failed: [], report: each, quality: [] });
    const text = (...reports: (typeof report)[]): string => repeatsMarkdown({ scenarios: [{ name: "shop", repeats: reports.map(repeat) }], steady: null, asked: 20, atOnce: 1 });
    expect(text(report, late, other)).toContain("in 1 of 1 comparable repeats");
    expect(text(report, late, other)).toContain("In 2 other repeats a window between release and end was measured badly: no claim is made there, though 1 of 2 went the same.");
    expect(text(late)).toContain("No repeat makes a claim about its decision");
    expect(text(late)).toMatch(/\| shop \| 1 \| 1 of 1 \| 0 of 0 comparable \|/);
  });
});
