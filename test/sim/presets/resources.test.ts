// Presets on what a replica has: memory, CPU, noisy neighbours, caches. Seen in gauges and durations, and gone again afterwards.

import { describe, expect, it } from "vitest";
import { minutes, seconds } from "../../../src/kernel/units.js";
import { AFTER, BEFORE, DURING, expectNear, fault, FIDELITIES, play, release, Seen, SHOP, staged, worldOf, type Stretch } from "../support/preset-stage.js";

const V1 = { ...SHOP, version: "v1" } as const;
const V2 = { ...SHOP, version: "v2" } as const;
const HELD: Stretch = { from: seconds(90), to: minutes(6) };

/** Mean of a request's own work over the shop's two endpoints, in seconds. */
const OWN_SECONDS = 0.6 * 0.0328 + 0.4 * 0.0219;

describe.each(FIDELITIES)("memory-leak, in %s", (fidelity) => {
  const used = (seen: Seen, at: number, where = SHOP, lane = 0): number => seen.latest("memory_usage_ratio", where, at, "avg", lane);

  it("grows by its figure while it lasts, and stays where it is when it has ended", () => {
    const seen = play(fidelity, { script: fault("memory-leak", "on: shop, memory: +100MB/min") });
    expect(seen.highest("memory_usage_ratio", SHOP, BEFORE)).toBeCloseTo(0.4, 6);
    expect(used(seen, seconds(230)) - used(seen, seconds(170))).toBeCloseTo(0.1, 6);
    expect(used(seen, minutes(5))).toBeCloseTo(0.6, 6);
    expect(used(seen, minutes(6))).toBeCloseTo(0.6, 6);
    expect(seen.highest("memory_usage_ratio", { service: "payments" }, DURING)).toBeLessThan(0.6);
  });

  it("ends in restarts at the limit, which begin at the base again", () => {
    const seen = play(fidelity, { script: fault("memory-leak", "on: shop, memory: +600MB/min") });
    // 600 MB are left; a minute later all four replicas are killed.
    expectNear(seen.increase("container_restarts_total", SHOP, { from: seconds(15), to: minutes(6) }), 4, 0.5);
    expect(seen.events("out-of-memory").map(({ at }) => at)).toEqual([minutes(3), minutes(3), minutes(3), minutes(3)]);
    expect(seen.highest("memory_usage_ratio", SHOP, { from: minutes(2), to: minutes(3) })).toBeGreaterThan(0.9);
    expect(used(seen, seconds(195))).toBeLessThan(0.5);
  });

  it("as a defect shows on the release alone, and not in the lane that leaves the release out", () => {
    const seen = play(fidelity, { script: release("memory-leak", "on: shop, memory: +60MB/min"), held: 0.5 });
    expect(used(seen, minutes(5), V2) - used(seen, minutes(2), V2)).toBeCloseTo(0.18, 6);
    expect(used(seen, minutes(6), V1)).toBeCloseTo(0.4, 6);
    expect(used(seen, minutes(6), V2, 1)).toBeCloseTo(0.4, 6);
  });
});

describe.each(FIDELITIES)("a version whose replicas leak and differ in age, in %s", (fidelity) => {
  it("shows what its oldest replica uses, and goes on from there when that one is killed", () => {
    const world = worldOf(fidelity, staged({ script: release("memory-leak", "on: shop, memory: +120MB/min"), until: minutes(8) }));
    world.scale("shop", "v2", 1);
    world.advanceTo(minutes(3));
    world.setWeights("shop", { v1: 0.5, v2: 0.5 });
    world.scale("shop", "v2", 4);
    world.advanceTo(minutes(7));
    const seen = new Seen(world);
    const [oldest] = seen.events("out-of-memory");
    // 600 MB at 120 MB a minute, from the first moment of the oldest's life.
    expect(oldest.at).toBeGreaterThanOrEqual(minutes(5));
    expect(oldest.at).toBeLessThan(seconds(320));
    const warned = (until: number): number => seen.highest("memory_usage_ratio", V2, { from: until - seconds(20), to: until });
    expectNear(warned(minutes(4)), 0.86, 0.03);
    expect(warned(seconds(285))).toBeGreaterThan(0.9);
    // Those that are left are three minutes younger.
    expectNear(warned(minutes(6)), 0.74, 0.03);
  });
});

describe.each(FIDELITIES)("cpu-stress, in %s", (fidelity) => {
  const cpu = (seen: Seen, where: typeof SHOP, stretch: Stretch, lane = 0): number => seen.average("cpu_usage_ratio", where, stretch, lane);

  it("adds to the CPU of every replica, and costs no time as long as there is some left", () => {
    const seen = play(fidelity, { script: fault("cpu-stress", "on: shop, cpu: +60%") });
    const [before, during, after] = [BEFORE, DURING, AFTER].map((stretch) => cpu(seen, SHOP, stretch));
    // Idle 10 %, and 60 rps x 28 ms of own work in 64 slots at 60 %.
    expect(before).toBeCloseTo(0.1 + (60 * OWN_SECONDS * 0.6) / 64, 2);
    expectNear(during - before, 0.5925, 0.0125);
    expect(after).toBeCloseTo(before, 2);
    expectNear(seen.mean(SHOP, DURING) / seen.mean(SHOP, BEFORE), 1, 0.05);
  });

  it("above the limit slows every request's own work by the excess", () => {
    const seen = play(fidelity, { script: fault("cpu-stress", "on: shop, cpu: +140%") });
    expect(seen.lowest("cpu_usage_ratio", SHOP, { from: seconds(135), to: minutes(4) })).toBe(1);
    // Demand 10 % + 140 % + what requests need themselves.
    const slower = (seen.mean(SHOP, DURING) - seen.mean(SHOP, BEFORE)) / OWN_SECONDS;
    expectNear(slower, 0.56, 0.06);
    expectNear(seen.mean(SHOP, AFTER) / seen.mean(SHOP, BEFORE), 1, 0.05);
  });

  it("as a defect shows on the release alone, and not in the lane that leaves the release out", () => {
    const seen = play(fidelity, { script: release("cpu-stress", "on: shop, cpu: +60%"), held: 0.5 });
    expect(cpu(seen, V2, HELD)).toBeCloseTo(0.71, 2);
    expect(cpu(seen, V1, HELD)).toBeCloseTo(0.11, 2);
    expect(cpu(seen, V2, HELD, 1)).toBeCloseTo(0.11, 2);
  });
});

describe.each(FIDELITIES)("noisy-neighbour, in %s", (fidelity) => {
  it("takes CPU and makes own work slower, on every version alike", () => {
    const seen = play(fidelity, { script: `${release("errors", "on: shop/order, errors: +0%")}\n${fault("noisy-neighbour", "on: shop")}`, held: 0.5 });
    for (const where of [V1, V2]) {
      const [before, during, after] = [{ from: seconds(75), to: minutes(2) }, DURING, AFTER].map((stretch) => ({
        cpu: seen.average("cpu_usage_ratio", where, stretch), mean: seen.mean(where, stretch),
      }));
      expectNear(during.cpu - before.cpu, 0.4, 0.05);
      expect(after.cpu).toBeCloseTo(before.cpu, 2);
      expectNear((during.mean - before.mean) / OWN_SECONDS, 0.5, 0.1);
      expectNear(after.mean / before.mean, 1, 0.05);
    }
  });

  it("as a defect shows on the release alone", () => {
    const seen = play(fidelity, { script: release("noisy-neighbour"), held: 0.5 });
    expectNear(seen.average("cpu_usage_ratio", V2, HELD) - seen.average("cpu_usage_ratio", V1, HELD), 0.4, 0.05);
    expectNear((seen.mean(V2, HELD) - seen.mean(V1, HELD)) / OWN_SECONDS, 0.5, 0.1);
  });
});

describe.each(FIDELITIES)("cache-cold, in %s", (fidelity) => {
  const shop = { cache: "{ hit: 90%, fill: 30s, miss: { constant: 50ms } }" };

  it("makes requests miss at once, and fewer of them as the cache fills", () => {
    const seen = play(fidelity, { shop, script: fault("cache-cold", "on: shop") });
    const warm = seen.mean(SHOP, BEFORE);
    // Misses beyond the usual: 90 % x exp(-t / 30 s), each 50 ms.
    const extra = (stretch: Stretch): number => seen.mean(SHOP, stretch) - warm;
    expectNear(extra({ from: minutes(2), to: seconds(135) }), 0.0345, 0.0045);
    expectNear(extra({ from: seconds(150), to: seconds(165) }), 0.0135, 0.0045);
    expect(Math.abs(extra(AFTER))).toBeLessThan(0.002);
  });

  it("as a defect shows on the release alone", () => {
    const seen = play(fidelity, { shop, held: 0.5, script: release("cache-cold", "on: shop, when: { from: 4m }") });
    const [v1, v2] = [V1, V2].map((where) => (stretch: Stretch) => seen.mean(where, stretch));
    const cold = { from: minutes(4), to: seconds(255) };
    expectNear(v2(cold) - v1(cold), 0.0345, 0.0065);
    const warm = { from: seconds(180), to: minutes(4) };
    expect(Math.abs(v2(warm) - v1(warm))).toBeLessThan(0.004);
  });
});
