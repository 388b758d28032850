// What `--speed` divides, and what it leaves alone.

import { describe, expect, it } from "vitest";
import { millis, minutes, seconds } from "../../../src/kernel/units.js";
import { atSpeed, speedRefusal } from "../../../src/live/gameday/speed.js";
import type { Scenario } from "../../../src/scenario/compiled.js";
import type { Effect, EffectKind } from "../../../src/world/effect.js";
import { loaded } from "../../scenario/fixtures.js";

/** Every number of a value by its path; list places are left out, so that all of a list read alike. */
function numbers(value: unknown, path = "", found: [string, number][] = []): [string, number][] {
  if (typeof value === "number") found.push([path, value]);
  else if (Array.isArray(value)) value.forEach((each) => numbers(each, path, found));
  else if (typeof value === "object" && value !== null) {
    for (const [key, each] of Object.entries(value)) numbers(each, path === "" ? key : `${path}.${key}`, found);
  }
  return found;
}

/** Paths whose number changed, with the factor by which it did. */
function changed(before: unknown, after: unknown): ReadonlyMap<string, number> {
  const then = numbers(after);
  const moved = numbers(before).flatMap(([path, value], index) => {
    expect(then[index][0]).toBe(path);
    return value === then[index][1] ? [] : [[path, then[index][1] / value] as const];
  });
  return new Map(moved);
}

const withEffects = (scenario: Scenario, kinds: readonly EffectKind[]): Scenario => ({
  ...scenario,
  effects: kinds.map((what): Effect => ({
    id: what.kind, target: { on: "telemetry" }, what, users: 0.5, carrier: { with: "script" }, release: null,
    when: { from: minutes(10), to: minutes(20), rpsAbove: 8, afterWarmLife: minutes(5) },
  })),
});

describe("a scenario at speed 10", () => {
  const scenario = loaded();
  const { world } = scenario;
  const full: Scenario = {
    ...scenario,
    person: { answersAfter: minutes(5), answer: "roll-back" },
    world: {
      ...world,
      traffic: world.traffic.map((each) => ({ ...each, shape: { kind: "constant" }, bursts: { every: minutes(9), lasts: minutes(1), factor: 2 }, spread: { kind: "gamma", cv: 0.3, slot: seconds(10) } })),
      services: world.services.map((each) => ({
        ...each,
        autoscale: { min: 2, max: 9, targetCpu: 0.6, interval: seconds(15), downAfter: minutes(5) },
        cache: { hit: 0.9, fill: minutes(3), miss: { kind: "constant", value: 20_000 } },
      })),
      telemetry: { ...world.telemetry, lookback: minutes(5) },
    },
    strategy: { ...scenario.strategy, triggers: scenario.strategy.triggers.map((each) => ({ ...each, window: minutes(4) })) },
  };
  const moved = changed(full, atSpeed(full, 10));

  it("divides what the delivery and its script wait for, and nothing else", () => {
    expect([...moved.keys()].sort()).toEqual(
      [
        "duration", "script.at", "script.until", "effects.when.from", "effects.when.to", "person.answersAfter", "expectations.detectedWithin",
        "strategy.steps.bake", "strategy.steps.maxHold", "strategy.every", "strategy.window", "strategy.triggers.window",
        "strategy.rollback.stableKeptFor", "strategy.rollback.flagWatch", "strategy.actionTimeout", "strategy.askTimeout",
        "world.services.healthCheck.interval", "world.services.liveness.interval", "world.services.startup.p50", "world.services.startup.p95", "world.services.warmUp.for",
        "world.services.autoscale.interval", "world.services.autoscale.downAfter", "world.services.cache.fill",
        "world.traffic.bursts.every", "world.traffic.bursts.lasts", "world.traffic.spread.slot",
        "world.telemetry.scrape", "world.telemetry.lag", "world.telemetry.lookback",
        "world.flags.propagation.min", "world.flags.propagation.max", "world.splitPropagation",
      ].sort(),
    );
  });

  it("divides each of them by ten", () => {
    for (const [path, factor] of moved) expect([path, factor]).toEqual([path, expect.closeTo(0.1, 6)]);
  });

  it("keeps service times, call timeouts, breakers, drain, rates and counts", () => {
    const { world: then } = atSpeed(full, 10);
    expect(then.services.map(({ endpoints }) => endpoints)).toEqual(full.world.services.map(({ endpoints }) => endpoints));
    expect(then.services.map(({ slots, queue, replicas, cpu, memory }) => ({ slots, queue, replicas, cpu, memory }))).toEqual(
      full.world.services.map(({ slots, queue, replicas, cpu, memory }) => ({ slots, queue, replicas, cpu, memory })),
    );
    expect([then.databases, then.clients, then.drain, then.traffic[0].rate]).toEqual([full.world.databases, full.world.clients, full.world.drain, full.world.traffic[0].rate]);
    expect(atSpeed(full, 10).strategy.steps.map(({ minRequests }) => minRequests)).toEqual(full.strategy.steps.map(({ minRequests }) => minRequests));
  });

  it("lets a trace go by ten times as fast, at the same rates", () => {
    const [before] = world.traffic;
    const [after] = atSpeed(scenario, 10).world.traffic;
    if (before.shape.kind !== "trace" || after.shape.kind !== "trace") throw new Error("the fixture's traffic is a trace");
    expect(after.shape.times).toEqual(before.shape.times.map((at) => Math.round(at / 10)));
    expect(after.shape.relative).toEqual(before.shape.relative);
  });

  it("turns a day's rise and fall into as much rise and fall in a tenth of the time", () => {
    const daily: Scenario = { ...scenario, duration: minutes(600), world: { ...world, traffic: [{ ...world.traffic[0], shape: { kind: "daily", low: 0.2, peakAt: 0, startsAt: 0 } }] } };
    const { shape } = atSpeed(daily, 10).world.traffic[0];
    if (shape.kind !== "trace") throw new Error("a daily shape becomes its corners");
    const sixHours = shape.times.findIndex((at) => at >= minutes(36));
    expect(shape.relative[0]).toBeCloseTo(1, 6);
    expect(shape.relative[sixHours]).toBeCloseTo(0.6, 2);
  });
});

describe("a fault at speed 10", () => {
  const kinds: readonly EffectKind[] = [
    { kind: "memory-growth", bytesPerMinute: 1_000 }, { kind: "lock", hold: seconds(40) }, { kind: "restart-loop", every: seconds(90) },
    { kind: "startup-failure", share: 1, retryAfter: seconds(30) }, { kind: "lag", add: seconds(20) }, { kind: "action-fails", times: 2, after: seconds(10) },
    { kind: "errors", ratio: 0.1 }, { kind: "latency", factor: 3, add: 50_000 }, { kind: "cpu", add: 0.5 }, { kind: "surge", factor: 2 }, { kind: "pool", taken: 5 },
  ];
  const before = withEffects(loaded(), kinds);
  const after = atSpeed(before, 10);

  it("has a tenth of its own times", () => {
    expect(after.effects[0].when).toEqual({ from: minutes(1), to: minutes(2), rpsAbove: 8, afterWarmLife: seconds(30) });
    const [, lock, loop, start, lag, action] = after.effects.map(({ what }) => what);
    expect([lock, loop, start, lag, action]).toEqual([
      { kind: "lock", hold: seconds(4) }, { kind: "restart-loop", every: seconds(9) }, { kind: "startup-failure", share: 1, retryAfter: seconds(3) },
      { kind: "lag", add: seconds(2) }, { kind: "action-fails", times: 2, after: seconds(1) },
    ]);
  });

  it("grows memory ten times as fast, so that it is as full at the same point of the story", () => {
    expect(after.effects[0].what).toEqual({ kind: "memory-growth", bytesPerMinute: 10_000 });
  });

  it("does to a request what it did before", () => {
    expect(after.effects.slice(6).map(({ what }) => what)).toEqual(kinds.slice(6));
  });
});

describe("speed", () => {
  it("1 leaves the scenario as it is", () => {
    const scenario = loaded();
    expect(atSpeed(scenario, 1)).toBe(scenario);
  });

  it("is refused when metrics would be scraped more often than twice a second, with the highest that goes", () => {
    const scenario = loaded();
    expect(speedRefusal(scenario, 30)).toBeNull();
    expect(speedRefusal(scenario, 40)).toContain("the speed goes up to 30");
    expect(speedRefusal(scenario, 0.5)).toContain("from 1 on");
    const often = { ...scenario, world: { ...scenario.world, telemetry: { ...scenario.world.telemetry, scrape: millis(250) } } };
    expect(speedRefusal(often, 1)).toBe("a game day asks for metrics every 500 ms at most, and this world wants them every 250 ms: write telemetry: { scrape: 500ms } in it, or longer");
  });

  it("never waits shorter for a platform's action than real processes need to start", () => {
    const scenario = loaded();
    expect(atSpeed({ ...scenario, strategy: { ...scenario.strategy, actionTimeout: minutes(2) } }, 30).strategy.actionTimeout).toBe(seconds(15));
    expect(atSpeed({ ...scenario, strategy: { ...scenario.strategy, actionTimeout: seconds(9) } }, 30).strategy.actionTimeout).toBe(seconds(9));
  });
});
