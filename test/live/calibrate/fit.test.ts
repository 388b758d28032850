// A calibration finds the times of the world that it looked at, and writes a world that the loader takes.

import { describe, expect, it } from "vitest";
import type { Calibration } from "../../../src/live/calibrate/calibration.js";
import { fit, SETTLING } from "../../../src/live/calibrate/fit.js";
import { stretchScenario } from "../../../src/live/calibrate/stretch-scenario.js";
import { calibratedText, hopIn, overheadIn } from "../../../src/live/calibrate/world-text.js";
import { NoWorldError, writtenWorld } from "../../../src/live/calibrate/written-world.js";
import { millis, seconds } from "../../../src/kernel/units.js";
import type { Scenario } from "../../../src/scenario/compiled.js";
import { loadScenario } from "../../../src/scenario/load.js";
import { simulate } from "../../../src/sim/simulate.js";
import { memoryFiles } from "../../scenario/fixtures.js";

const STRETCH = seconds(60);

const worldText = (order: string, charge: string, startup: string): string => `shakedown: 1
kind: world
name: pair
about: A shop that calls payments.
users: 500
services:
  shop:
    replicas: 2
    slots: 8
    startup: ${startup}
    endpoints:
      browse: { share: 60%, p50: 20ms, p95: 60ms, errors: 0.5% }
      order: { ${order}, calls: [payments/charge] }
  payments:
    replicas: 2
    slots: 8
    endpoints: { charge: { ${charge} } }
traffic: { enters: shop, rate: 60rps }
telemetry: { scrape: 1s, lag: 0s }
split-propagation: 500ms
`;

const WRITTEN = worldText("p50: 30ms, p95: 80ms", "exponential: 30ms", "{ p50: 1s, p95: 2s }");
const REAL = worldText("p50: 36ms, p95: 96ms", "p50: 25ms, p95: 95ms", "{ p50: 1200ms, p95: 2200ms }");

function scenarioOn(text: string): Scenario {
  const access = memoryFiles({ "/p/pair.yaml": text });
  const { path, access: withStretch } = stretchScenario(writtenWorld("/p/pair.yaml", access), { stretch: STRETCH, seed: 3 }, access);
  const loaded = loadScenario(path, withStretch);
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message, instead }) => `${message}; ${instead}`).join("\n"));
  return loaded.value;
}

let once: ReturnType<typeof fit> | null = null;
const fitted = (): ReturnType<typeof fit> => (once ??= fitReal());

function fitReal(): ReturnType<typeof fit> {
  const real = scenarioOn(REAL);
  const observed = simulate({ scenario: real, seed: real.seed, fidelity: "request", noiseFree: false, detail: "full", seen: false, driver: { kind: "strategy" } });
  return fit(scenarioOn(WRITTEN), observed, [{ from: SETTLING, to: STRETCH }]);
}

const full = (): Calibration => ({ ...fitted(), from: SETTLING, to: STRETCH, seed: 3, scrape: { scrapes: 240, failed: 0, lagP50: millis(3), lagP95: millis(9), jitterP95: millis(2) }, missed: 0, quality: ["5s to 10s: sent late"] });

describe("a calibration", () => {
  it("finds each endpoint's own times, also behind calls and of another shape", () => {
    const { endpoints } = fitted();
    const of = (name: string) => endpoints.find(({ endpoint }) => endpoint === name)!.fitted!;
    const near = (value: number, real: number): void => expect(Math.abs(value / real - 1)).toBeLessThan(0.03);
    near(of("browse").p50, millis(20));
    near(of("browse").p95, millis(60));
    near(of("order").p50, millis(36));
    near(of("order").p95, millis(96));
    near(of("charge").p50, millis(25));
    near(of("charge").p95, millis(95));
  });

  it("finds what a start takes more, and that a hop takes nothing where there is none", () => {
    const { startup, split, hop } = fitted();
    expect(startup!.samples).toBe(2);
    expect(startup!.by).toBeGreaterThan(millis(100));
    expect(startup!.by).toBeLessThan(millis(400));
    expect(Math.abs(split!.by)).toBeLessThan(millis(1));
    expect(hop).toMatchObject({ by: 0 });
    expect(hop.samples).toBeGreaterThan(3_000);
  });

  it("writes a world that loads, says what each figure rests on, and keeps the rest as it was", () => {
    const calibration = { ...full(), hop: { by: 1_832, samples: 3_200 } };
    const access = memoryFiles({ "/p/pair.yaml": WRITTEN });
    const text = calibratedText(writtenWorld("/p/pair.yaml", access), calibration, "/p/out.yaml");
    expect(hopIn(text)).toBe(1_832);
    expect(text).toContain("Take care: 5s to 10s: sent late.");
    expect(text).toMatch(/p50: \S+ # whole answers took .* requests/);
    const { world } = scenarioOn(text);
    const before = scenarioOn(WRITTEN).world;
    const charge = world.services[1].endpoints[0].time;
    const found = calibration.endpoints.find(({ endpoint }) => endpoint === "charge")!.fitted!;
    expect(charge).toEqual({ kind: "lognormal", p50: Math.round(found.p50), p95: Math.round(found.p95) });
    expect(world.services[0].startup).toMatchObject({ p50: seconds(1) + Math.round(calibration.startup!.by) });
    expect(world.telemetry.lag).toBe(millis(3));
    expect(world.traffic).toEqual(before.traffic);
    expect(world.services[0].endpoints[0].errors).toBe(0.005);
  });

  it("says apart what real processes add, so that it can be taken out again", () => {
    const access = memoryFiles({ "/p/pair.yaml": WRITTEN });
    const calibration = { ...full(), split: { by: -2_000, samples: 3 } };
    const text = calibratedText(writtenWorld("/p/pair.yaml", access), calibration, "/p/out.yaml");
    expect(overheadIn(text)).toEqual({ startup: Math.round(calibration.startup!.by), split: -2_000, lag: millis(3) });
    const lagging = WRITTEN.replace("lag: 0s", "lag: 1s");
    expect(overheadIn(calibratedText(writtenWorld("/p/pair.yaml", memoryFiles({ "/p/pair.yaml": lagging })), { ...calibration, scrape: { ...calibration.scrape, lagP50: millis(1_003) } }, "/p/out.yaml"))!.lag).toBe(millis(3));
    expect(overheadIn(WRITTEN)).toBeNull();
  });

  it("starts from a world inside a scenario, and moves the way to its trace", () => {
    const inline = `shakedown: 1\nkind: scenario\nfor: 1m\nstrategy: s.yaml\nworld:\n  services: { shop: { endpoints: { look: { p50: 10ms, p95: 20ms } } } }\n  traffic: { enters: shop, trace: ../traces/day.csv, scale-to: 20rps }\n`;
    const written = writtenWorld("/p/scenarios/a.yaml", memoryFiles({ "/p/scenarios/a.yaml": inline }));
    expect(written.reference).toBeNull();
    const text = calibratedText(written, { ...full(), endpoints: [], startup: null, split: null }, "/p/elsewhere/out.yaml");
    expect(text).toContain("trace: ../traces/day.csv");
    expect(text).toContain("start-up: not measured");
  });

  it("refuses a file that holds no world", () => {
    const access = memoryFiles({ "/p/s.yaml": "shakedown: 1\nkind: strategy\nsteps: []\n", "/p/list.yaml": "- a\n" });
    expect(() => writtenWorld("/p/s.yaml", access)).toThrow(NoWorldError);
    expect(() => writtenWorld("/p/list.yaml", access)).toThrow(NoWorldError);
    expect(() => writtenWorld("/p/none.yaml", access)).toThrow(NoWorldError);
  });
});
