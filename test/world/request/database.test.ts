// Databases: connections, waiting for one, locks, pool exhaustion, slow queries, outages.

import { describe, expect, it } from "vitest";
import { createRequestWorld, type RequestWorld } from "../../../src/world/request/request-world.js";
import type { Effect } from "../../../src/world/effect.js";
import type { CallSpec, DatabaseSpec } from "../../../src/world/spec.js";
import { errorRate, gauge, increase, meanLatency, p95 } from "./measures.js";
import { database, endpoint, fault, input, millis, minutes, rate, seconds, service, toDatabase, world } from "./small-worlds.js";

function shopWithDatabase(db: Partial<DatabaseSpec>, call: Partial<CallSpec> = {}, effects: readonly Effect[] = [], rps = 100): RequestWorld {
  const spec = world({
    ...rate(rps),
    services: [service({ replicas: 4, slots: 50, endpoints: [endpoint({ calls: [toDatabase(call)] })] })],
    databases: [database(db)],
  });
  return createRequestWorld(input(spec, { effects }));
}

const DB = { on: "database", database: "db" } as const;

describe("a database", () => {
  it("adds its query time to the request", () => {
    const one = shopWithDatabase({});
    one.advanceTo(minutes(2));
    expect(meanLatency(one)).toBeCloseTo(0.025, 4);
    expect(increase(one, "db_queries_total", { database: "db" }, 0, minutes(1))).toBeCloseTo(6000, -3);
  });

  it("makes queries wait as M/M/c says when connections are scarce", () => {
    const rps = 80;
    const one = shopWithDatabase({ pool: 1, time: { kind: "exponential", mean: millis(10) }, wait: seconds(100) }, { timeout: seconds(200) }, [], rps);
    one.advanceTo(minutes(20));
    // M/M/1 at 0.8: 10 ms / (1 - 0.8) = 50 ms in the database.
    expect(meanLatency(one)).toBeGreaterThan(0.02 + 0.045);
    expect(meanLatency(one)).toBeLessThan(0.02 + 0.055);
    expect(gauge(one, "db_pool_in_use_ratio")).toBeLessThanOrEqual(1);
  });

  it("gives up waiting for a connection after `wait`, counts a pool timeout and fails the request", () => {
    const one = shopWithDatabase({ pool: 1, time: { kind: "constant", value: millis(20) }, wait: millis(100) });
    one.advanceTo(minutes(3));
    // 100 queries per second want a connection that serves 50.
    expect(errorRate(one)).toBeCloseTo(0.5, 1);
    expect(increase(one, "db_pool_timeouts_total", {}, 0, minutes(2))).toBeCloseTo(6000, -3);
    expect(gauge(one, "db_pool_in_use_ratio")).toBe(1);
    expect(gauge(one, "db_pool_waiting")).toBeGreaterThan(2);
  });

  it("counts a query timeout when the caller gives up during the query", () => {
    const one = shopWithDatabase({ time: { kind: "constant", value: millis(200) }, pool: 100 }, { timeout: millis(100) });
    one.advanceTo(minutes(2));
    expect(errorRate(one)).toBe(1);
    expect(increase(one, "db_query_timeouts_total", {}, 0, minutes(1))).toBeCloseTo(6000, -3);
  });
});

describe("effects on a database", () => {
  it("slow: queries take longer, and so does the service", () => {
    const one = shopWithDatabase({}, {}, [fault(DB, { kind: "latency", factor: 20, add: 0 })]);
    one.advanceTo(minutes(3));
    expect(meanLatency(one)).toBeCloseTo(0.12, 3);
    expect(p95(one, { service: "shop" })).toBeGreaterThan(0.1);
  });

  it("errors: queries fail", () => {
    const one = shopWithDatabase({}, {}, [fault(DB, { kind: "errors", ratio: 0.1 })]);
    one.advanceTo(minutes(3));
    expect(errorRate(one)).toBeCloseTo(0.1, 1);
  });

  it("pool: connections are taken, the rest is exhausted", () => {
    const taken = fault(DB, { kind: "pool", taken: 9 }, minutes(1), minutes(2));
    const one = shopWithDatabase({ pool: 10, time: { kind: "constant", value: millis(20) }, wait: millis(100) }, {}, [taken]);
    one.advanceTo(minutes(2) - 1);
    expect(errorRate(one)).toBeGreaterThan(0.2);
    expect(gauge(one, "db_pool_in_use_ratio")).toBe(1);
    one.advanceTo(minutes(3));
    expect(gauge(one, "db_pool_in_use_ratio")).toBeLessThan(0.6);
    expect(increase(one, "http_requests_total", { code: "5xx" }, 0, seconds(40))).toBe(0);
  });

  it("lock: the queue piles up while it is held, and drains after it", () => {
    const lock = fault(DB, { kind: "lock", hold: seconds(8) }, minutes(1), minutes(2));
    const one = shopWithDatabase({ pool: 20, wait: seconds(20) }, { timeout: seconds(20) }, [lock], 20);
    one.advanceTo(minutes(1) + seconds(7));
    expect(one.inFlight("shop", "v1")).toBeGreaterThan(100);
    one.advanceTo(minutes(1) + seconds(12));
    expect(one.inFlight("shop", "v1")).toBeLessThan(10);
    expect(errorRate(one)).toBe(0);
    one.advanceTo(minutes(1) + seconds(30));
    expect(p95(one)).toBeGreaterThan(1);
  });

  it("outage: no answers, then pool timeouts, then recovery", () => {
    const outage = fault(DB, { kind: "outage" }, minutes(1), minutes(2));
    const one = shopWithDatabase({ pool: 10, wait: millis(200) }, { timeout: millis(500) }, [outage]);
    one.advanceTo(minutes(2));
    expect(increase(one, "db_pool_timeouts_total", {}, 0, seconds(45))).toBeGreaterThan(1000);
    expect(increase(one, "db_query_timeouts_total", {}, 0, minutes(2))).toBeGreaterThan(0);
    one.advanceTo(minutes(3));
    expect(increase(one, "http_requests_total", { code: "5xx" }, 0, seconds(40))).toBe(0);
    expect(gauge(one, "db_pool_in_use_ratio")).toBeLessThan(0.5);
  });
});
