// The weighted split: sticky by user, close to its weight, and moved only by the balancer's own health check.

import { describe, expect, it } from "vitest";
import { createRequestWorld, type RequestWorld } from "../../../src/world/request/request-world.js";
import { errorRate, total } from "./measures.js";
import { input, minutes, rate, seconds, service, V2, world } from "./small-worlds.js";

function canary(weight: number, more = {}): RequestWorld {
  const one = createRequestWorld(input(world({ ...rate(200), ...more }), { versions: V2 }));
  one.scale("shop", "v2", 2);
  one.advanceTo(minutes(1));
  one.setWeights("shop", { v1: 1 - weight, v2: weight });
  return one;
}

describe("a split between two versions", () => {
  it("sends close to the weight of pages to the new version", () => {
    const one = canary(0.25);
    one.advanceTo(minutes(6));
    const before = 60 * 200;
    const share = total(one, "requests", { version: "v2" }) / (total(one, "requests") - before);
    expect(share).toBeGreaterThan(0.235);
    expect(share).toBeLessThan(0.265);
  });

  it("is sticky: with one user in the world, all pages go to one version, and a rising weight never moves it back", () => {
    for (let seed = 1; seed <= 12; seed++) {
      const one = createRequestWorld(input(world({ ...rate(20), users: 1 }), { versions: V2, seed }));
      one.scale("shop", "v2", 2);
      let onNew = false;
      [0, 0.2, 0.4, 0.6, 0.8, 1].forEach((weight, i) => {
        one.advanceTo(minutes(1 + i));
        one.setWeights("shop", { v1: 1 - weight, v2: weight });
        one.advanceTo(minutes(1 + i) + seconds(5));
        const before = { v1: total(one, "requests", { version: "v1" }), v2: total(one, "requests", { version: "v2" }) };
        one.advanceTo(minutes(1 + i) + seconds(40));
        const toV1 = total(one, "requests", { version: "v1" }) - before.v1;
        const toV2 = total(one, "requests", { version: "v2" }) - before.v2;
        expect(toV1 === 0 || toV2 === 0).toBe(true);
        if (onNew) expect(toV1).toBe(0);
        onNew ||= toV2 > 0;
      });
      expect(onNew).toBe(true);
    }
  });

  it("takes effect after its propagation, not before", () => {
    const one = canary(1, { splitPropagation: seconds(7) });
    one.advanceTo(minutes(1) + seconds(6));
    expect(total(one, "requests", { version: "v2" })).toBe(0);
    expect(one.status("shop").map((v) => v.weight)).toEqual([1, 0]);
    one.advanceTo(minutes(1) + seconds(8));
    expect(total(one, "requests", { version: "v2" })).toBeGreaterThan(0);
  });

  it("answers 503 when the version has no admitted replica: a mistake that shows", () => {
    const one = createRequestWorld(input(world(rate(200)), { versions: V2 }));
    one.setWeights("shop", { v1: 0.5, v2: 0.5 });
    one.advanceTo(minutes(2));
    expect(errorRate(one)).toBeGreaterThan(0.45);
    expect(errorRate(one, { version: "v2" })).toBe(1);
    expect(errorRate(one, { version: "v1" })).toBe(0);
  });
});

describe("a balancing policy", () => {
  it.each(["round-robin", "random", "least-request", "power-of-two"] as const)("%s uses all replicas", (balancing) => {
    const one = createRequestWorld(input(world({ ...rate(100), services: [service({ replicas: 4, balancing })] })));
    one.advanceTo(minutes(5));
    for (let i = 0; i < 4; i++) {
      const answer = one.telemetry.query(
        { fn: "increase", metric: "http_requests_total", where: { replica: `shop-v1-${i}` }, window: minutes(3) }, one.now());
      expect(answer.kind === "value" ? answer.value : 0).toBeGreaterThan(3 * 60 * 25 * 0.9);
    }
  });

  it("waits less with power of two choices than at random, near saturation", () => {
    const wait = (balancing: "random" | "power-of-two"): number => {
      const spec = world({ ...rate(160), services: [service({ replicas: 4, slots: 1, balancing })] });
      const one = createRequestWorld(input(spec));
      one.advanceTo(minutes(5));
      return total(one, "latencySeconds") / total(one, "requests") - 0.02;
    };
    expect(wait("power-of-two")).toBeLessThan(0.6 * wait("random"));
  });
});
