// Cause is exact: what a release's effects failed or slowed carries its id, and its lane is a world without it.

import { describe, expect, it } from "vitest";
import { createRequestWorld, type RequestWorld } from "../../../src/world/request/request-world.js";
import type { Effect } from "../../../src/world/effect.js";
import { HarmColumn } from "../../../src/world/ledger.js";
import type { WorldSpec } from "../../../src/world/spec.js";
import { gauge, increase, p95, seenErrorRate, total } from "./measures.js";
import {
  callTo, database, defect, endpoint, fault, input, millis, minutes, rate, seconds, service, shop, toDatabase, V2, world,
} from "./small-worlds.js";

function canary(effects: readonly Effect[], more: Partial<WorldSpec> = {}, weight = 0.5): RequestWorld {
  const one = createRequestWorld(input(world({ ...rate(100), ...more }), { effects, versions: V2 }));
  one.scale("shop", "v2", 2);
  one.advanceTo(seconds(30));
  one.setWeights("shop", { v1: 1 - weight, v2: weight });
  one.advanceTo(minutes(5));
  return one;
}

const SHOP_WITH_ERRORS = { services: [service({ endpoints: [endpoint({ errors: 0.02 })] })] };
const BROKEN = defect(shop, { kind: "errors", ratio: 0.1 });

describe("a defect that only makes errors", () => {
  it("leaves its lane as a world without it: fewer requests, exactly the same errors", () => {
    const sick = canary([BROKEN], SHOP_WITH_ERRORS);
    const well = canary([], SHOP_WITH_ERRORS);
    const where = { version: "v2", code: "5xx" } as const;
    expect(increase(sick, "http_requests_total", where, 1)).toBeCloseTo(increase(well, "http_requests_total", where), 6);
    expect(increase(sick, "http_requests_total", where)).toBeGreaterThan(3 * increase(well, "http_requests_total", where));
  });

  it("is charged with its own failures only", () => {
    const one = canary([BROKEN], SHOP_WITH_ERRORS);
    const harmed = total(one, "harmedErrors");
    expect(total(one, "harmedErrors", { version: "v1" })).toBe(0);
    expect(harmed / total(one, "requests", { version: "v2" })).toBeCloseTo(0.1 * 0.98, 1);
    expect(one.ledger.harmBy[HarmColumn.pages]).toBe(harmed);
    expect(one.ledger.firstHarmAt[0]).toBeGreaterThan(seconds(31));
    expect(one.ledger.firstHarmAt[0]).toBeLessThan(seconds(35));
    expect(one.ledger.lastHarmAt[0]).toBeGreaterThan(minutes(5) - seconds(3));
  });

  it("without any request on its version harms nobody", () => {
    const one = canary([BROKEN], {}, 0);
    expect(one.ledger.harmBy[HarmColumn.pages]).toBe(0);
    expect(one.ledger.firstHarmAt[0]).toBeNaN();
  });
});

describe("a slow defect", () => {
  it("is slow past the objective in lane 0 and healthy in its own lane", () => {
    const one = canary([defect(shop, { kind: "latency", factor: 20, add: 0 }, { users: 0.3 })]);
    expect(p95(one, { version: "v2" })).toBeGreaterThan(0.3);
    expect(p95(one, { version: "v2" }, 1)).toBeLessThan(0.05);
    expect(total(one, "harmedSlow")).toBe(one.ledger.harmBy[HarmColumn.pages]);
    expect(total(one, "harmedSlow")).toBe(total(one, "slow"));
    expect(total(one, "harmedSlow", { segment: "rest" })).toBe(0);
  });

  it("also charges those who wait behind its requests, at a service both versions call", () => {
    const spec: Partial<WorldSpec> = {
      ...rate(60),
      services: [
        service({ slots: 100, endpoints: [endpoint({ calls: [toDatabase({ timeout: seconds(5) })] })] }),
      ],
      databases: [database({ pool: 5, time: { kind: "constant", value: millis(20) }, wait: seconds(5) })],
    };
    const hog = defect({ on: "database", database: "db" }, { kind: "latency", factor: 6.5, add: 0 });
    const one = canary([hog], spec);
    const slow = total(one, "slow", { version: "v1" });
    expect(slow).toBeGreaterThan(20);
    expect(total(one, "harmedSlow", { version: "v1" })).toBe(slow);
    expect(p95(one, { version: "v1" })).toBeGreaterThan(2 * p95(one, { version: "v1" }, 1));
    expect(gauge(one, "db_pool_in_use_ratio", {}, 1)).toBeLessThan(gauge(one, "db_pool_in_use_ratio"));
  });

  it("charges a caller that times out on it", () => {
    const spec: Partial<WorldSpec> = {
      services: [
        service({ name: "front", slots: 100, endpoints: [endpoint({ calls: [callTo({ kind: "endpoint", service: "shop", endpoint: "get" }, { timeout: millis(100) })] })] }),
        service(),
      ],
      ...rate(50, "front"),
    };
    const one = canary([defect(shop, { kind: "latency", factor: 10, add: 0 })], spec);
    const failed = total(one, "errors");
    expect(failed).toBeGreaterThan(1000);
    expect(total(one, "harmedErrors")).toBe(failed);
    expect(seenErrorRate(one, { service: "front" })).toBeCloseTo(0.5, 1);
    expect(seenErrorRate(one, { service: "front" }, 1)).toBe(0);
  });
});

describe("gauges and platform counters of a release's lane", () => {
  it("leave out its memory growth, its CPU and its restarts", () => {
    const one = canary([
      defect(shop, { kind: "memory-growth", bytesPerMinute: 50 }),
      defect(shop, { kind: "cpu", add: 0.4 }),
      defect(shop, { kind: "restart-loop", every: minutes(4) }),
    ]);
    expect(gauge(one, "cpu_usage_ratio", { version: "v2" }) - gauge(one, "cpu_usage_ratio", { version: "v2" }, 1)).toBeCloseTo(0.4, 6);
    expect(gauge(one, "memory_usage_ratio", { version: "v2" }, 1)).toBeCloseTo(0.4, 9);
    expect(increase(one, "container_restarts_total", { version: "v2" })).toBeGreaterThan(1.5);
    expect(increase(one, "container_restarts_total", { version: "v2" }, 1)).toBe(0);
  });

  it("keep the orders that its conversion drop took away", () => {
    const selling = { services: [service({ endpoints: [endpoint({ conversion: 0.2, orderValue: 10 })] })] };
    const sick = canary([defect(shop, { kind: "conversion", drop: 0.5 })], selling);
    const well = canary([], selling);
    const v2 = { version: "v2" };
    expect(increase(sick, "conversions_total", v2)).toBeLessThan(0.6 * increase(well, "conversions_total", v2));
    expect(increase(sick, "conversions_total", v2, 1)).toBeCloseTo(increase(well, "conversions_total", v2), 6);
    expect(sick.ledger.harmBy[HarmColumn.pages]).toBeGreaterThan(500);
  });
});

describe("a fault of the script", () => {
  it("is nobody's release: no lane leaves it out, no harm is booked", () => {
    const one = canary([BROKEN, fault({ on: "service", service: "shop", version: "v1" }, { kind: "errors", ratio: 0.2 })]);
    expect(seenErrorRate(one, { version: "v1" }, 1)).toBeCloseTo(0.2, 1);
    expect(total(one, "harmedErrors", { version: "v1" })).toBe(0);
  });
});

describe("a breaker that a fault opened", () => {
  it("is nobody's, though a release made some of the calls fail before", () => {
    const breaker = { failureRatio: 0.5, minRequests: 10, window: seconds(5), openFor: seconds(10) };
    const one = canary([
      defect(shop, { kind: "errors", ratio: 0.3 }, { when: { from: 0, to: minutes(2), rpsAbove: null, afterWarmLife: 0 } }),
      fault(shop, { kind: "errors", ratio: 1 }, minutes(3)),
    ], {
      services: [
        service({ name: "front", endpoints: [endpoint({ calls: [callTo({ kind: "endpoint", service: "shop", endpoint: "get" }, { breaker })] })] }),
        service(),
      ],
      ...rate(50, "front"),
    });
    expect(one.events.some(({ kind }) => kind === "breaker-opened")).toBe(true);
    expect(one.ledger.harmBy[HarmColumn.pages]).toBeGreaterThan(100);
    expect(one.ledger.lastHarmAt[0]).toBeLessThan(minutes(2) + seconds(1));
  });
});

describe("lost capacity", () => {
  it("by a release's crash loop is charged to it: refused, cut off and late requests alike", () => {
    const one = canary([defect(shop, { kind: "restart-loop", every: seconds(20) })]);
    const failed = total(one, "errors", { version: "v2" });
    expect(failed).toBeGreaterThan(500);
    expect(total(one, "harmedErrors", { version: "v2" })).toBe(failed);
    expect(total(one, "harmedErrors", { version: "v1" })).toBe(0);
  });

  it("by replicas that do not answer is charged to their release, also when the balancer has given them up", () => {
    const one = canary([defect(shop, { kind: "outage" }, { when: { from: minutes(2), to: minutes(100), rpsAbove: null, afterWarmLife: 0 } })]);
    const failed = total(one, "errors", { version: "v2" });
    expect(failed).toBeGreaterThan(5000);
    expect(total(one, "harmedErrors", { version: "v2" })).toBe(failed);
  });

  it("by a pod-kill of the script is nobody's", () => {
    const one = canary([BROKEN, fault({ on: "service", service: "shop", version: "v1" }, { kind: "kill", count: 1 }, minutes(2))]);
    expect(total(one, "errors", { version: "v1" })).toBeGreaterThan(100);
    expect(total(one, "harmedErrors", { version: "v1" })).toBe(0);
  });

  it("by fewer slots is charged to it while its requests queue", () => {
    const one = canary([defect(shop, { kind: "capacity", loss: 0.95 })], { ...rate(190), services: [service({ slots: 20, queue: 15 })] });
    // One slot per replica of v2: 100 requests per second at most, and 95 come: long queues, refusals.
    const hurt = total(one, "slow", { version: "v2" }) + total(one, "errors", { version: "v2" });
    const harmed = total(one, "harmedSlow", { version: "v2" }) + total(one, "harmedErrors", { version: "v2" });
    expect(hurt).toBeGreaterThan(0);
    expect(harmed).toBe(hurt);
  });
});
