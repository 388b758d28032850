// What calibration measured beyond the written world takes as long at any speed.

import { describe, expect, it } from "vitest";
import { millis, seconds } from "../../../src/kernel/units.js";
import { predictGameDay } from "../../../src/live/predict/predict-game-day.js";
import { calibratedAtSpeed } from "../../../src/live/predict/calibrated-at-speed.js";
import { NO_OVERHEAD, type Overhead } from "../../../src/live/calibrate/calibration.js";
import { atSpeed } from "../../../src/live/gameday/speed.js";
import { simulate } from "../../../src/sim/simulate.js";
import type { Scenario } from "../../../src/scenario/compiled.js";
import type { DurationSpec } from "../../../src/world/spec.js";
import { shopScenario } from "../../lab/predict/shop.js";

const overhead: Overhead = { startup: millis(900), split: millis(2), lag: millis(7) };

/** As `calibrate` writes it: what was written, and what real processes add. */
function world(startup: DurationSpec, split: number, lag: number): Scenario {
  const scenario = shopScenario();
  const services = scenario.world.services.map((service) => ({ ...service, startup }));
  return { ...scenario, duration: seconds(120), world: { ...scenario.world, services, splitPropagation: split, telemetry: { ...scenario.world.telemetry, lag } } };
}

const calibrated = world({ kind: "constant", value: millis(1_900) }, millis(202), millis(7));

describe("a calibrated scenario at a speed", () => {
  it("divides what was written, and adds what real processes take in full", () => {
    const { world: fast, duration } = calibratedAtSpeed(calibrated, 10, overhead);
    expect(fast.services[0].startup).toEqual({ kind: "constant", value: millis(1_000) });
    expect(fast.splitPropagation).toBe(millis(22));
    expect(fast.telemetry).toMatchObject({ lag: millis(7), scrape: millis(100) });
    expect(duration).toBe(seconds(12));
  });

  it.each<readonly [DurationSpec, DurationSpec]>([
    [{ kind: "lognormal", p50: millis(1_900), p95: millis(2_900) }, { kind: "lognormal", p50: millis(1_400), p95: millis(1_900) }],
    [{ kind: "exponential", mean: millis(1_900) }, { kind: "exponential", mean: millis(1_400) }],
    [{ kind: "gamma", mean: millis(1_900), shape: 3 }, { kind: "gamma", mean: millis(1_400), shape: 3 }],
    [{ kind: "uniform", from: millis(1_900), to: millis(2_900) }, { kind: "uniform", from: millis(1_400), to: millis(1_900) }],
  ])("does so with start-ups of any shape: %j", (startup, expected) => {
    expect(calibratedAtSpeed(world(startup, 0, 0), 2, overhead).world.services[0].startup).toEqual(expected);
  });

  it("is the same at speed 1, and as any scenario's without overhead", () => {
    expect(calibratedAtSpeed(calibrated, 1, overhead)).toBe(calibrated);
    expect(calibratedAtSpeed(calibrated, 2, NO_OVERHEAD)).toEqual(atSpeed(calibrated, 2));
  });

  it("makes the prediction of a game day at that speed the one that real processes meet", () => {
    const speed = 2;
    // The platform looks every two seconds whether replicas are there, so a slow boot is needed to see it.
    const slow = { ...overhead, startup: millis(2_500) };
    const seen = world({ kind: "constant", value: millis(1_000) + slow.startup }, millis(200) + slow.split, slow.lag);
    // Real processes: half of what was written, and all that they add.
    const real = atSpeed(world({ kind: "constant", value: millis(1_000) + speed * slow.startup }, millis(200) + speed * slow.split, speed * slow.lag), speed);
    const simulation = simulate({ scenario: real, seed: real.seed, fidelity: "request", noiseFree: false, detail: "full", seen: false, driver: { kind: "strategy" }, queryLatency: 0 });
    const quality = { window: (from: number, to: number) => ({ from, to, comparable: true, why: "", lateShare: 0, sentShare: 1, sendLagP99: 0, eventLoopP99: 0, proxyOwnP95: 0 }) };
    const finished = (measured: Overhead) =>
      predictGameDay({ simulation, lasted: simulation.world.now(), quality, scenario: seen, worldFile: "calibrated.yaml", hopSeconds: 0, overhead: measured, speed, source: { kind: "built-in" }, seeds: 10 }).times.find(({ what }) => what === "finished at")!;
    expect(finished(slow)).toMatchObject({ verdict: "inside" });
    expect(finished(NO_OVERHEAD)).toMatchObject({ verdict: "outside" });
  });
});
