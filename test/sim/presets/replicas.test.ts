// Presets that take replicas away: crash loops, failing starts, kills, zones. Seen in restarts, readiness, `up` and lost requests.

import { describe, expect, it } from "vitest";
import { minutes, seconds, type Micros } from "../../../src/kernel/units.js";
import type { Selector } from "../../../src/telemetry/query.js";
import { AFTER, BEFORE, DURING, expectNear, fault, FIDELITIES, play, release, SHOP, type Seen, type Stretch } from "../support/preset-stage.js";

const V1 = { ...SHOP, version: "v1" } as const;
const V2 = { ...SHOP, version: "v2" } as const;
const PAYMENTS = { service: "payments" } as const;
const ALL: Stretch = { from: seconds(15), to: minutes(6) };

const restarts = (seen: Seen, where: Selector, stretch: Stretch, lane = 0): number => seen.increase("container_restarts_total", where, stretch, lane);
const failedStarts = (seen: Seen, where: Selector, stretch: Stretch, lane = 0): number => seen.increase("startup_failures_total", where, stretch, lane);
const ready = (seen: Seen, at: Micros, where: Selector = SHOP): number => seen.latest("replicas_ready", where, at, "sum");

describe.each(FIDELITIES)("crash-loop, in %s", (fidelity) => {
  it("restarts every replica after its time of life, again and again, until it ends", () => {
    const seen = play(fidelity, { script: fault("crash-loop", "on: shop, restart-loop: 20s") });
    expect(restarts(seen, SHOP, BEFORE)).toBe(0);
    // 20 s of life and 10 s of start: four crashes of four replicas in two minutes.
    expectNear(restarts(seen, SHOP, ALL), 16, 1.6);
    expectNear(restarts(seen, SHOP, { from: seconds(125), to: seconds(245) }) / 2, 8, 1);
    expect(restarts(seen, SHOP, AFTER)).toBe(0);
    expect(seen.lowest("replicas_ready", SHOP, DURING)).toBe(0);
    expect(ready(seen, minutes(6))).toBe(4);
    const [before, during, after] = [BEFORE, DURING, AFTER].map((stretch) => seen.rate(SHOP, stretch));
    // Nobody answers a third of the time, and each crash takes along what was counted since the last scrape.
    expectNear(during / before, 0.62, 0.13);
    expectNear(after / before, 1, 0.1);
  });

  it("as a defect restarts the release alone, and no replica in the lane that leaves the release out", () => {
    const seen = play(fidelity, { script: release("crash-loop", "on: shop, restart-loop: 20s"), held: 0.5 });
    expectNear(restarts(seen, V2, { from: seconds(75), to: seconds(345) }) / 4.5, 8, 1);
    expect(restarts(seen, V1, ALL)).toBe(0);
    expect(restarts(seen, V2, ALL, 1)).toBe(0);
  });
});

describe.each(FIDELITIES)("startup-failure, in %s", (fidelity) => {
  it("keeps what starts while it lasts from getting ready, and counts each failed start", () => {
    const kill = "  - { at: 130s, fault: { pod-kill: { on: shop, kill: 2 }, for: 1s } }";
    const seen = play(fidelity, { script: `${fault("startup-failure", "on: shop, retry-after: 30s")}\n${kill}` });
    expect(failedStarts(seen, SHOP, BEFORE)).toBe(0);
    // Starts take 10 s and are tried again after 30 s: at 2:20, 3:00 and 3:40 they fail, the one of 4:10 works.
    expectNear(failedStarts(seen, SHOP, ALL), 6, 0.5);
    expect([ready(seen, minutes(2)), ready(seen, seconds(150)), ready(seen, minutes(4)), ready(seen, minutes(5))]).toEqual([4, 2, 2, 4]);
    expect(failedStarts(seen, SHOP, AFTER)).toBe(0);
  });

  it("as a defect means a release that never gets ready nor any traffic", () => {
    const seen = play(fidelity, { script: release("startup-failure", "on: shop"), held: 0 });
    // Four replicas, one try in 40 s.
    expectNear(failedStarts(seen, V2, ALL), 33.5, 3.5);
    expect(failedStarts(seen, V2, ALL, 1)).toBe(0);
    expect(failedStarts(seen, V1, ALL)).toBe(0);
    expect([ready(seen, minutes(6), V2), ready(seen, minutes(6), V1)]).toEqual([0, 4]);
    expect(seen.latest("replicas_desired", V2, minutes(6))).toBe(4);
    expect(seen.requests(V2, ALL)).not.toBeGreaterThan(0);
  });
});

describe.each(FIDELITIES)("pod-kill, in %s", (fidelity) => {
  // Back after 30 s; the balancer takes a dead replica out at its third probe, 20 s after the first.
  const shop = { startup: "{ constant: 30s }", "health-check": "{ interval: 10s, healthy-after: 2, unhealthy-after: 3 }" };

  it("restarts as many replicas as it says, once", () => {
    const seen = play(fidelity, { shop, script: fault("pod-kill", "on: shop, kill: 2") });
    expect(restarts(seen, SHOP, BEFORE)).toBe(0);
    expectNear(restarts(seen, SHOP, ALL), 2, 0.5);
    expect(restarts(seen, SHOP, AFTER)).toBe(0);
    expect([ready(seen, minutes(2)), ready(seen, seconds(140)), ready(seen, seconds(170))]).toEqual([4, 2, 4]);
    expect(seen.lowest("up", SHOP, BEFORE)).toBe(1);
    expect(seen.lowest("up", SHOP, { from: minutes(2), to: seconds(145) })).toBe(0);
    expect(seen.latest("up", SHOP, minutes(3), "min")).toBe(1);
    expect(restarts(seen, PAYMENTS, ALL)).toBe(0);
  });

  it("loses what the balancer still sends to the dead replica", () => {
    const seen = play(fidelity, { shop, script: fault("pod-kill", "on: shop, kill: 1") });
    // A quarter of 20 s out of a minute, and what the dead one had counted since its last scrape.
    expectNear(seen.requests(SHOP, { from: seconds(90), to: seconds(150) }) / (60 * 60), 0.907, 0.05);
    expectNear(seen.rate(SHOP, AFTER) / seen.rate(SHOP, BEFORE), 1, 0.06);
  });

  it("as a defect kills replicas of the release alone", () => {
    const seen = play(fidelity, { script: release("pod-kill", "on: shop, kill: 2, when: { from: 2m, to: 3m }"), held: 0.5 });
    expectNear(restarts(seen, V2, ALL), 2, 0.5);
    expect(restarts(seen, V1, ALL)).toBe(0);
    expect(restarts(seen, V2, ALL, 1)).toBe(0);
  });
});

describe.each(FIDELITIES)("zone-outage, in %s", (fidelity) => {
  const seen = play(fidelity, { script: fault("zone-outage", "zone: 1") });

  it("silences the zone's replicas of every service until it ends", () => {
    for (const where of [SHOP, PAYMENTS]) {
      expect(seen.lowest("up", where, BEFORE)).toBe(1);
      expect(seen.lowest("up", where, { from: minutes(2), to: seconds(130) })).toBe(0);
      expect(seen.lowest("up", where, { from: seconds(180), to: seconds(240) })).toBe(0);
      expect(seen.lowest("up", where, AFTER)).toBe(1);
      expect(seen.latest("up", where, minutes(6), "min")).toBe(1);
    }
  });

  it("costs half of the shop's answers until the balancer has noticed, and none later", () => {
    const rate = (from: number, to: number): number => seen.rate(SHOP, { from: seconds(from), to: seconds(to) }) / 60;
    // Probes at 2:00, 2:05 and 2:10.
    expectNear(rate(120, 150), 0.825, 0.105);
    expectNear(rate(150, 240), 1, 0.07);
    expectNear(rate(270, 360), 1, 0.07);
  });

  it("fails the callers of a silent replica until the balancer has noticed", () => {
    // A third of the calls to payments in 10 s: 6 a second of 30 that are answered.
    expectNear(seen.errorRate(SHOP, { from: minutes(2), to: seconds(150) }), 0.0425, 0.0175);
    expect(seen.errorRate(SHOP, { from: seconds(150), to: seconds(240) })).toBeLessThan(0.01);
  });
});
