// What a file means: the design's example files load to the scenario they describe, with the documented defaults.

import { describe, expect, it } from "vitest";

import { minutes, seconds } from "../../src/kernel/units.js";
import { CANARY, edit, inline, load, loaded, SHOP, SLOW_CHECKOUT } from "./fixtures.js";

const MIB = 1_048_576;

describe("the design's example scenario", () => {
  const scenario = loaded();

  it("keeps its name, seed, length and where its parts come from", () => {
    expect(scenario).toMatchObject({
      name: "slow-new-checkout", seed: 7, duration: minutes(120), fidelity: "cohort", expectIn: 0.95,
      file: "/p/basics/slow.yaml", worldFile: "/p/worlds/shop.yaml", strategyFile: "/p/strategies/canary.yaml",
    });
  });

  it("reads objectives in their own units, a loss of conversion as a negative ratio", () => {
    expect(scenario.objectives).toEqual([
      { metric: "error-rate", limit: 0.005 },
      { metric: "p95", limitSeconds: 0.5 },
      { metric: "conversion", limit: -0.05 },
    ]);
  });

  it("lays the written costs over the default ones", () => {
    expect(scenario.cost).toEqual({ failedRequest: 0.02, slowRequest: 0.002, lostOrder: 0.3, delayPerHour: 20, rollback: 100, page: 50 });
  });

  it("declares the release without its defects, the flag's endpoints by their names in the service", () => {
    const [release] = scenario.script;
    expect(release).toMatchObject({
      kind: "release", at: minutes(10), index: 0,
      release: { service: "checkout", version: "v2", lines: 180, flag: { name: "new-checkout", endpoints: ["create-order"] }, schema: [] },
      source: { file: "/p/basics/slow.yaml", line: 13 },
    });
    expect(release.kind === "release" && JSON.stringify(release.release)).not.toContain("latency");
  });

  it("makes the defect an effect that travels with the flag from the release on", () => {
    expect(scenario.effects[0]).toEqual({
      id: "v2: latency x3 on checkout/create-order",
      target: { on: "service", service: "checkout", endpoint: "create-order" },
      what: { kind: "latency", factor: 3, add: 0 },
      users: 1,
      when: { from: minutes(10), to: minutes(120), rpsAbove: 8, afterWarmLife: 0 },
      carrier: { with: "flag", service: "checkout", version: "v2", flag: "new-checkout" },
      release: 0,
    });
  });

  it("makes the fault an effect of the script with a window", () => {
    expect(scenario.script[1]).toMatchObject({ kind: "fault", at: minutes(40), until: minutes(42), text: "telemetry-gap: scrapes dropped in telemetry" });
    expect(scenario.effects[1]).toMatchObject({
      target: { on: "telemetry" }, what: { kind: "drop-scrapes" }, carrier: { with: "script" }, release: null,
      when: { from: minutes(40), to: minutes(42) },
    });
  });

  it("reads expectations of a release, and rules over time", () => {
    expect(scenario.expectations).toMatchObject([
      { kind: "release", release: "v2", classification: "caught", action: "disable-flag", detectedWithin: minutes(3), source: { line: 21 } },
      {
        kind: "rule", temporal: "never", within: null,
        claim: { series: "weight", seen: false, of: "v2", op: ">", value: 0.25 },
        while: { series: "error-rate", seen: false, of: "v2", op: ">", value: 0.05 },
      },
    ]);
  });
});

describe("a world", () => {
  const { world } = loaded();
  const [checkout, payments] = world.services;

  it("has the documented defaults where the file is silent", () => {
    expect(payments).toMatchObject({
      version: "p1", replicas: 3, slots: 16, queue: 200,
      healthCheck: { interval: seconds(10), healthyAfter: 2, unhealthyAfter: 3 },
      startup: { kind: "lognormal", p50: seconds(10), p95: seconds(20) },
      warmUp: { for: seconds(60), factor: 2 },
      cpu: { idle: 0.05, busy: 0.9 },
      memory: { base: 400 * MIB, limit: 1024 * MIB },
      autoscale: null, cache: null,
    });
    expect(world.flags.propagation).toEqual({ min: seconds(1), max: seconds(10) });
  });

  it("resolves calls to endpoints and databases", () => {
    expect(checkout.endpoints[0].calls.map(({ to }) => to)).toEqual([
      { kind: "endpoint", service: "payments", endpoint: "charge" },
      { kind: "database", database: "orders-db" },
    ]);
  });

  it("gives the rest of the traffic to the endpoints without a share", () => {
    expect(payments.endpoints.map(({ share }) => share)).toEqual([1]);
    const [service] = loaded({ "/p/basics/slow.yaml": inline() }).world.services;
    expect(service.endpoints.map(({ share }) => share)).toEqual([0.5, 0.5]);
  });

  it("gives every latency objective a histogram edge of its own", () => {
    const { world: own } = loaded({ "/p/basics/slow.yaml": edit(SLOW_CHECKOUT, "p95: 500ms", "p95: 430ms") });
    expect(own.telemetry.bucketEdgesSeconds).toContain(0.43);
    expect([...own.telemetry.bucketEdgesSeconds].sort((a, b) => a - b)).toEqual(own.telemetry.bucketEdgesSeconds);
  });

  it("scales the trace so that its highest rate within the run is the written one", () => {
    const [traffic] = world.traffic;
    expect(traffic.rate).toBe(400);
    if (traffic.shape.kind !== "trace") throw new Error("a trace");
    const { times, relative } = traffic.shape;
    expect(times[0]).toBe(0);
    expect(times[times.length - 1]).toBe(minutes(120));
    expect(relative[times.indexOf(minutes(60))]).toBe(1);
    expect(relative[0]).toBe(212 / 800);
    expect(times.every((time, i) => i === 0 || time > times[i - 1])).toBe(true);
  });

  it("cuts a stretch between rows by straight lines", () => {
    const { world: own } = loaded({ "/p/worlds/shop.yaml": edit(SHOP, "09:00", "09:02") });
    const { shape } = own.traffic[0];
    // 09:00 has 212, 09:05 has 213: two fifths on the way.
    expect(shape.kind === "trace" && shape.relative[0] * 800).toBeCloseTo(212.4, 9);
  });
});

describe("a strategy", () => {
  it("reads the design's example with its figures", () => {
    const { strategy } = loaded();
    expect(strategy.steps).toEqual([
      { weight: 0.05, bake: minutes(15), maxHold: minutes(15), minRequests: 50, onInconclusive: "hold" },
      { weight: 0.25, bake: minutes(30), maxHold: minutes(30), minRequests: 50, onInconclusive: "hold" },
      { weight: 1, bake: minutes(10), maxHold: minutes(10), minRequests: 50, onInconclusive: "hold" },
    ]);
    expect(strategy.gates.map(({ id, required }) => [id, required])).toEqual([
      ["gate error-rate below 1%", true],
      ["gate p95 below 500ms", true],
      ["gate throughput within 10%", true],
      ["gate memory below 85%", true],
    ]);
    expect(strategy.gates[1].compare).toEqual({ kind: "below", value: 0.5 });
    expect(strategy.triggers.slice(0, 2)).toMatchObject([
      { id: "trigger error-rate above 1%", compare: { kind: "above", value: 0.01 }, persistence: { need: 3, of: 5 } },
      { id: "trigger p95 above 1.5x baseline", compare: { kind: "times-baseline", factor: 1.5 } },
    ]);
    expect(strategy).toMatchObject({ onGateFail: "hold", rollback: { prefer: "flag-or-full", stableKeptFor: minutes(10), flagShare: 0.8, flagWatch: minutes(1), attempts: 2 } });
  });

  it("holds conversion to at least its limit, for a gate and for a trigger", () => {
    const text = edit(edit(CANARY, "memory: { below: 85% }", "conversion: { above: 4% }"), "p95: { times-baseline: 1.5, for: 3 of 5 }", "conversion: { below: 3%, for: 2 of 3 }");
    const { gates, triggers } = loaded({ "/p/strategies/canary.yaml": text }).strategy;
    expect([...gates, ...triggers].filter(({ metric }) => metric === "conversion")).toMatchObject([
      { id: "gate conversion above 4%", compare: { kind: "at-least", value: 0.04 } },
      { id: "trigger conversion below 3%", compare: { kind: "at-least", value: 0.03 } },
    ]);
  });

  it("is the textbook canary when nothing is written", () => {
    const unnamed = (text: string) => ({ ...loaded({ "/p/basics/slow.yaml": text }).strategy, name: "" });
    expect(unnamed(inline())).toEqual(unnamed(SLOW_CHECKOUT));
  });

  it("adds the hard triggers unless they are switched off", () => {
    expect(loaded().strategy.triggers.some(({ hard }) => hard !== undefined)).toBe(true);
    const off = loaded({ "/p/strategies/canary.yaml": edit(CANARY, "prefer: flag-or-full", "prefer: flag-or-full, hard-triggers: off") });
    expect(off.strategy.triggers.map(({ hard }) => hard)).toEqual([undefined, undefined]);
  });

  it("rolls back at the first failing gate under the seed preset", () => {
    expect(loaded({ "/p/strategies/canary.yaml": `${CANARY}preset: seed\n` }).strategy.onGateFail).toBe("roll-back");
    expect(loaded({ "/p/strategies/canary.yaml": `${CANARY}preset: seed\non-gate-fail: hold\n` }).strategy.onGateFail).toBe("hold");
  });

  it("takes a list of checks of one metric, each with a window, an endpoint and a baseline of its own", () => {
    const own = edit(CANARY, "error-rate: { above: 1%, for: 3 of 5 }", "error-rate: [{ above: 1% }, { times-baseline: 2, endpoint: create-order, baseline: past, window: 10m, hard: security }]");
    expect(loaded({ "/p/strategies/canary.yaml": own }).strategy.triggers[1]).toEqual({
      id: "trigger error-rate above 2x baseline on create-order of the past", role: "trigger", metric: "error-rate", endpoint: "create-order",
      compare: { kind: "times-baseline", factor: 2 }, baseline: "past", window: minutes(10), hard: "security", persistence: { need: 3, of: 5 }, required: false,
    });
  });
});

describe("a script", () => {
  it("is played in order of time, whatever the order in the file", () => {
    const { script } = loaded({ "/p/basics/slow.yaml": inline({ script: "  - { at: 30m, answer: roll-back }\n  - { at: 10m, release: { service: checkout, version: v2 } }" }) });
    expect(script.map(({ kind, at }) => [kind, at])).toEqual([["release", minutes(10)], ["answer", minutes(30)]]);
  });

  it("gives effects with equal words ids of their own", () => {
    const { effects } = loaded({ "/p/basics/slow.yaml": inline({ script: "  - { at: 10m, fault: { effect: [{ on: checkout, errors: +2% }, { on: checkout, errors: +2% }] } }" }) });
    expect(effects.map(({ id }) => id)).toEqual(["fault at 10m: errors +2% on checkout", "fault at 10m: errors +2% on checkout #2"]);
  });

  it("ends a fault without a length with the run", () => {
    const { script } = loaded({ "/p/basics/slow.yaml": inline({ script: "  - { at: 10m, fault: { pod-kill: { on: checkout } } }" }) });
    expect(script[0]).toMatchObject({ until: minutes(60) });
  });
});

it("asks what the fidelity refuses once a scenario is well, and points at the effect", () => {
  const result = load({}, { refuse: (scenario) => [{ message: "cohort can't do this", instead: null, effect: scenario.effects[0].id }] });
  expect(result).toMatchObject({ ok: false, problems: [{ line: 16, column: 26, message: "cohort can't do this", instead: "write fidelity: request" }] });
});
