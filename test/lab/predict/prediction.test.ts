// A prediction claims what it should: a run of the same world lies inside, one of another world does not.

import { describe, expect, it } from "vitest";
import { figuresOf, windowsOf, type RunFigures } from "../../../src/lab/predict/figures.js";
import { compare, tallyOf, windowTally, type PredictedReport } from "../../../src/lab/predict/prediction.js";
import { simulateMany } from "../../../src/lab/predict/simulate-many.js";
import { seconds } from "../../../src/kernel/units.js";
import type { Scenario } from "../../../src/scenario/compiled.js";
import { simulate } from "../../../src/sim/simulate.js";
import { shopScenario } from "./shop.js";

const WIDTH = seconds(10);
const SEEDS = Array.from({ length: 40 }, (_, k) => 100 + k);

const head = { scenario: "drill", seed: 1, world: "shop", hopSeconds: 0, width: WIDTH, duration: seconds(60) };

function figures(scenario: Scenario, seed: number, options: Parameters<typeof figuresOf>[1]): RunFigures {
  return figuresOf(simulate({ scenario, seed, fidelity: "request", noiseFree: false, detail: "full", seen: false, driver: { kind: "strategy" } }), options);
}

/** Predictions of the same world, made once. */
const known = new Map<string, readonly RunFigures[]>();

function predictions(scenario: Scenario, options: Parameters<typeof figuresOf>[1]): readonly RunFigures[] {
  const key = JSON.stringify([scenario.world, scenario.script, options.counted]);
  const runs = known.get(key) ?? simulateMany({ ...options, scenario, seeds: SEEDS });
  known.set(key, runs);
  return runs;
}

function laidOver(observed: Scenario, predicted: Scenario, { seed = 1, bad = [] }: { readonly seed?: number; readonly bad?: readonly number[] } = {}): PredictedReport {
  const windows = windowsOf(WIDTH, observed.duration).map((window, k) => ({ ...window, comparable: !bad.includes(k), why: bad.includes(k) ? "sent late" : "" }));
  const options = { windows, counted: windows.map(({ comparable }) => comparable) };
  return compare(head, { figures: figures(observed, seed, options), windows }, predictions(predicted, options));
}

describe("predicted against observed", () => {
  const scenario = shopScenario();

  it("has about 95 % of a run's figures inside when the world is the same", () => {
    const tallies = [1, 2, 3, 4].map((seed) => windowTally(laidOver(scenario, scenario, { seed })));
    const inside = tallies.reduce((sum, tally) => sum + tally.inside, 0);
    const claims = tallies.reduce((sum, tally) => sum + tally.inside + tally.outside, 0);
    expect(claims).toBeGreaterThan(120);
    expect(inside / claims).toBeGreaterThan(0.88);
  });

  it("has the latencies of a slower world outside, and its throughput inside", () => {
    const report = laidOver(shopScenario({ p50: "28ms", p95: "84ms" }), scenario);
    expect(windowTally(report, "p50").inside).toBe(0);
    expect(windowTally(report, "throughput").outside).toBeLessThan(windowTally(report, "throughput").inside / 4);
  });

  it("says whether decision and result are what the seeds have", () => {
    const [decision, result] = laidOver(shopScenario({ errors: "+40%" }), shopScenario({ errors: "+40%" })).words;
    expect(decision).toMatchObject({ observed: "trigger: roll-back", verdict: "inside" });
    expect(result).toMatchObject({ observed: "rolled-back", verdict: "inside", predicted: [{ text: "rolled-back", seeds: SEEDS.length }] });
    expect(laidOver(shopScenario({ errors: "+40%" }), scenario).words.map(({ verdict }) => verdict)).toEqual(["outside", "outside"]);
  });

  it("makes no claim of a window that was measured badly, and leaves it out of the whole", () => {
    const report = laidOver(scenario, scenario, { bad: [0, 1] });
    const early = report.windows.filter(({ from }) => from < 2 * WIDTH);
    expect(new Set(early.flatMap(({ figures: each }) => each.map(({ verdict }) => verdict)))).toEqual(new Set(["not comparable"]));
    expect(early.every(({ why }) => why === "sent late")).toBe(true);
    const clients = (of: PredictedReport): number => of.whole.find(({ subject }) => subject.version === null)!.requests;
    expect(clients(report)).toBeLessThan(clients(laidOver(scenario, scenario)));
  });

  it("makes no claim of a decision, a result or a time when a window between release and then was measured badly", () => {
    const bad = shopScenario({ errors: "+40%" });
    const verdicts = (report: PredictedReport): Record<string, string> => Object.fromEntries([...report.words, ...report.times].map(({ what, verdict }) => [what, verdict]));
    const all = ["decision", "result", "time to detect", "decided at", "finished at"];
    const good = laidOver(bad, bad);
    const [, { observed: decidedAt }, { observed: finishedAt }] = good.times;
    expect(good.words.map(({ restsOn }) => restsOn)).toEqual([{ from: seconds(10), to: decidedAt }, { from: seconds(10), to: finishedAt }]);
    const window = (at: number): number => Math.floor(at / WIDTH);
    expect(window(decidedAt!)).toBeGreaterThan(1);
    // Before the release, and after it was over, nothing of it depends on the load.
    expect(verdicts(laidOver(bad, bad, { bad: [0, 5] }))).toEqual(verdicts(good));
    for (const late of [1, window(decidedAt!)]) {
      expect(verdicts(laidOver(bad, bad, { bad: [late] }))).toEqual(Object.fromEntries(all.map((what) => [what, "not comparable"])));
    }
  });

  it("makes no claim of what never came when a window until the end of the release was measured badly", () => {
    const observed = laidOver(scenario, shopScenario({ errors: "+40%" }), { bad: [3] });
    const report = laidOver(scenario, shopScenario({ errors: "+40%" }));
    expect(report.times.find(({ what }) => what === "decided at")).toMatchObject({ observed: null, verdict: "outside" });
    expect(observed.times.find(({ what }) => what === "decided at")).toMatchObject({ observed: null, verdict: "not comparable" });
    expect(observed.words.map(({ verdict }) => verdict)).toEqual(["not comparable", "not comparable"]);
  });

  it("makes no claim of a few requests, and gives their standard error", () => {
    const few = laidOver(shopScenario({ rate: "2rps" }), shopScenario({ rate: "2rps" }));
    const { figures: each } = few.windows.find(({ subject }) => subject.version === "v1")!;
    expect(each.map(({ verdict }) => verdict).slice(0, 3)).toEqual(["too small", "too small", "too small"]);
    for (const { standardError } of each) expect(standardError).toBeGreaterThan(0);
    expect(tallyOf(few.windows.flatMap(({ figures: all }) => all.filter(({ metric }) => metric === "p95").map(({ verdict }) => verdict)))).toMatchObject({ inside: 0, outside: 0 });
  });

  it("knows how unsure a p95 is: as much as it varies from seed to seed", () => {
    const windows = windowsOf(seconds(30), seconds(60));
    const clients = simulateMany({ scenario, seeds: SEEDS, windows, counted: windows.map(() => true) }).map((run) => run.subjects[0].windows[0]);
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    const p95s = clients.map(({ p95 }) => p95!);
    const deviation = Math.sqrt(mean(p95s.map((value) => (value - mean(p95s)) ** 2)));
    const error = mean(clients.map(({ quantileErrors }) => quantileErrors.p95!));
    expect(error / deviation).toBeGreaterThan(0.6);
    expect(error / deviation).toBeLessThan(1.6);
  });

  it("does not count a window in which neither world has anything", () => {
    const before = laidOver(scenario, scenario).windows.filter(({ subject, to }) => subject.version === "v2" && to <= seconds(10));
    expect(before).toEqual([]);
  });
});
