// The minimum detectable effect: against the closed form of a static threshold, over any number of workers, and inverted.

import { describe, expect, it } from "vitest";
import { bundleOf, type Bundle } from "../../../src/lab/bundle.js";
import { searchBake, type BakeInput } from "../../../src/lab/detect/bake.js";
import { detect, type DetectInput, type DetectResult } from "../../../src/lab/detect/detect.js";
import { parseRegressionSize, type RegressionSize } from "../../../src/lab/detect/regression.js";
import { InlineRunner } from "../../../src/lab/inline-runner.js";
import type { Runner } from "../../../src/lab/runner.js";
import { clopperPearson } from "../../../src/lab/statistics/clopper-pearson.js";
import { minutes } from "../../../src/kernel/units.js";
import { answers } from "../../../src/report/lab/detect-words.js";
import { startPool } from "../support/bundles.js";
import { tiny, tinyText } from "../support/tiny.js";

const sizes = (...written: readonly string[]): readonly RegressionSize[] => written.flatMap((text) => parseRegressionSize(text) ?? []);
const seedsTo = (last: number): readonly number[] => Array.from({ length: last }, (_, k) => k + 1);

async function curveOf(input: Partial<DetectInput> & { readonly scenario: Bundle }, runner: Runner = new InlineRunner()): Promise<DetectResult> {
  const found = await detect({ sizes: sizes("2%"), on: null, within: null, fidelity: "cohort", seeds: seedsTo(10), ...input }, runner);
  if (!found.ok) throw new Error(found.problems[0].message);
  return found.value;
}

/** The chance of more than `most` among n, each with chance p. */
function binomialTail(n: number, p: number, most: number): number {
  let term = (1 - p) ** n;
  let below = term;
  for (let k = 1; k <= most; k += 1) {
    term *= ((n - k + 1) / k) * (p / (1 - p));
    below += term;
  }
  return 1 - below;
}

describe("the curve", () => {
  it("is the binomial tail where one window is held once against a static threshold", async () => {
    // 20 rps at the canary. The window of 5 min that is full first holds 19 scrape intervals of each replica.
    const strategy = "{ steps: [{ weight: 50%, bake: 10m }, { weight: 100%, bake: 1m, max-hold: 5m }], every: 5m, window: 5m, gates: { error-rate: { below: 50% } }, triggers: { error-rate: { above: 1%, for: 1 of 1 } }, thin-data: { min-requests: 1 } }";
    const text = tinyText({ strategy, duration: "14m" }).replace(/expect:[^]*/, "");
    const curve = await curveOf({ scenario: bundleOf("static.yaml", [{ path: "static.yaml", text }]), sizes: sizes("0.5%", "0.9%", "1.2%"), within: minutes(10), seeds: seedsTo(100) });
    const requests = 20 * 19 * 15;
    for (const { size, detected, runs } of curve.sizes) {
      const chance = binomialTail(requests, 0.001 + 0.999 * size, Math.floor(0.01 * requests));
      const { low, high } = clopperPearson(detected, runs, { confidence: 0.998 });
      expect(chance, `${size}: ${detected} of ${runs}`).toBeGreaterThan(low);
      expect(chance, `${size}: ${detected} of ${runs}`).toBeLessThan(high);
    }
    // At the threshold itself about half of the windows breach: the share of 80 % lies between the sizes.
    expect(curve.detectable[0].size).toMatchObject({ kind: "at" });
  });

  it("counts only what is in time, and keeps the delays of all", async () => {
    const scenario = tiny({ errors: "+20%" });
    const [all, none] = [await curveOf({ scenario, sizes: sizes("20%") }), await curveOf({ scenario, sizes: sizes("20%"), within: 1 })];
    expect(all.sizes[0]).toMatchObject({ detected: 10, everDetected: 10 });
    expect(none.sizes[0]).toMatchObject({ detected: 0, everDetected: 10, delayP50: all.sizes[0].delayP50 });
    expect(none.detectable[0].size).toEqual({ kind: "above", size: 0.2 });
    expect(all.detectable[0].size).toEqual({ kind: "below", size: 0.2 });
  });

  it("is the same for any number of workers, and says when it was interrupted", async () => {
    const scenario = tiny();
    const pool = await startPool(2);
    try {
      expect(await curveOf({ scenario, sizes: sizes("1%", "5%") }, pool)).toEqual(await curveOf({ scenario, sizes: sizes("1%", "5%") }));
    } finally {
      await pool.close();
    }
    const stop = new AbortController();
    const cut = await detect({ scenario, sizes: sizes("1%", "5%"), on: null, within: null, fidelity: "cohort", seeds: seedsTo(5) }, new InlineRunner(), { signal: stop.signal, onProgress: (runs) => (runs === 12 ? stop.abort() : undefined) });
    expect(cut.ok && cut.value).toMatchObject({ interrupted: true, healthy: { runs: 5 }, sizes: [{ written: "+1%", runs: 5 }] });
  });

  it("has nothing to detect where no release is made", async () => {
    const scenario = bundleOf("t.yaml", [{ path: "t.yaml", text: tinyText().replace(/script:[^]*/, "script: []\n") }]);
    const found = await detect({ scenario, sizes: sizes("1%"), on: null, within: null, fidelity: "cohort", seeds: [1] }, new InlineRunner());
    expect(found.ok ? "" : found.problems[0].message).toContain("the script makes no release");
  });
});

describe("the bake time", () => {
  const scenario = tiny({ rate: "10rps", strategy: "{ steps: [{ weight: 20%, bake: 1m }, { weight: 100%, bake: 2m }], every: 30s, window: 1m, gates: { error-rate: { below: 50% } }, triggers: { error-rate: { above: 3%, for: 2 of 3 } }, thin-data: { min-requests: 20 } }" });
  const input: BakeInput = { scenario, size: sizes("4%")[0], on: null, share: 0.8, fidelity: "cohort", seeds: seedsTo(20), longest: minutes(60) };

  it("is the shortest tried at which enough runs notice in the first step", async () => {
    const found = await searchBake(input, new InlineRunner());
    if (!found.ok || found.value.bake === null) throw new Error("nothing found");
    const { bake, tooShort, tried, before } = found.value;
    expect(before).toBe(60e6);
    const shareAt = (at: number | null) => tried.find((each) => each.bake === at)?.share ?? -1;
    expect(shareAt(bake)).toBeGreaterThanOrEqual(0.8);
    expect(shareAt(tooShort)).toBeLessThan(0.8);
    expect(bake).toBeGreaterThan(tooShort ?? 0);
    expect(found.value.runs).toBe(20 * tried.length);
    const best = tried.find((each) => each.bake === bake);
    // Its gate looks at 50 % errors: only a trigger can notice 4 %.
    expect(best?.atGate).toBe(0);
  });

  it("is told with what noticed, beside the delays of the strategy as it is, and with what nobody looked at", async () => {
    const gated = tiny({ rate: "10rps", strategy: "{ steps: [{ weight: 20%, bake: 1m }, { weight: 100%, bake: 2m }], every: 30s, window: 1m, gates: { error-rate: { below: 1% } }, triggers: {}, thin-data: { min-requests: 20 } }" });
    const found = await searchBake({ ...input, scenario: gated, seeds: seedsTo(10) }, new InlineRunner());
    if (!found.ok || found.value.bake === null) throw new Error("nothing found");
    const { tried, bake } = found.value;
    const best = tried.find((each) => each.bake === bake);
    expect(best?.atGate).toBe(best?.detected);
    const curve = await detect({ ...input, scenario: gated, sizes: sizes("4%"), within: null, seeds: [1, 2] }, new InlineRunner());
    if (!curve.ok) throw new Error("nothing found");
    const text = answers({ curve: curve.value, bake: found.value }).join("\n");
    expect(text).toContain("In each of these runs the gate at the bake's end noticed, not a trigger before it. The delays in the table are another thing");
    expect(text).toMatch(/how often a healthy one is taken back from 20% after .* was not played/);
  });

  it("is searched without what the script does after the longest run, wherever that is written", async () => {
    const later = "script:\n  - { at: 50m, release: { service: api, version: v3 } }\n  - { at: 51m, fault: { pod-kill: { on: api } } }\n";
    const text = (changed: string) => changed.replace("name: tiny", "name: later").replace("for: 12m", "for: 60m").replace("script:\n", later);
    const of = (bundle: Bundle) => bundleOf(bundle.entry, bundle.files.map((file) => ({ ...file, text: text(file.text) })));
    const short: BakeInput = { ...input, seeds: seedsTo(5), longest: minutes(3) };
    const [plain, cut] = [await searchBake(short, new InlineRunner()), await searchBake({ ...short, scenario: of(scenario) }, new InlineRunner())];
    expect(cut.ok ? "" : cut.problems[0].message).toBe("");
    expect(cut).toEqual(plain);
  });

  it("plays the whole script where what would be left of it is about what was cut", async () => {
    const kept = "script:\n  - { at: 20m, fault: { effect: { on: api, latency: x1.1, when: { from: 35m } } } }\n";
    const text = (changed: string) => changed.replace("for: 12m", "for: 60m").replace("script:\n", kept);
    const of = (bundle: Bundle) => bundleOf(bundle.entry, bundle.files.map((file) => ({ ...file, text: text(file.text) })));
    const found = await searchBake({ ...input, scenario: of(scenario), seeds: seedsTo(5), longest: minutes(3) }, new InlineRunner());
    expect(found.ok ? "" : found.problems[0].message).toBe("");
  });

  it("is not found where nothing is ever noticed: a regression below the threshold", async () => {
    const found = await searchBake({ ...input, size: sizes("0.1%")[0], seeds: [1, 2, 3], longest: minutes(5) }, new InlineRunner());
    expect(found.ok && found.value).toMatchObject({ bake: null, longest: minutes(5), tooShort: minutes(5), interrupted: false });
  });
});
