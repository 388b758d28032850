// Presets on a database: slow queries, taken connections, a lock. Seen in its own figures and in what its callers answer.

import { describe, expect, it } from "vitest";
import { minutes, seconds } from "../../../src/kernel/units.js";
import { AFTER, BEFORE, DURING, expectNear, fault, FIDELITIES, play, release, SHOP, type Seen, type Stretch } from "../support/preset-stage.js";

const VIEW = { ...SHOP, endpoints: ["view"] } as const;
const ORDER = { ...SHOP, endpoints: ["order"] } as const;
const DB = { database: "orders-db" } as const;
const HELD: Stretch = { from: seconds(75), to: minutes(6) };

describe.each(FIDELITIES)("slow-database, in %s", (fidelity) => {
  // A query takes 35 ms on average; every page makes one, directly or through payments.
  const database = "{ p50: 30ms, p95: 75ms, pool: 100, wait: 500ms }";

  it("makes queries take four times as long, for every caller, and hold four times the connections", () => {
    const seen = play(fidelity, { database, script: fault("slow-database", "on: orders-db") });
    for (const where of [VIEW, ORDER, { service: "payments" }]) {
      expectNear(seen.mean(where, DURING) - seen.mean(where, BEFORE), 3 * 0.035, 0.006);
      expectNear(seen.mean(where, AFTER) - seen.mean(where, BEFORE), 0, 0.004);
    }
    const inUse = (stretch: Stretch): number => seen.average("db_pool_in_use_ratio", DB, stretch) * 100;
    // Little: 60 a second x 35 ms; four standard errors of a mean over 20 scrapes.
    expectNear(inUse(BEFORE), 2.1, 1.3);
    expectNear(inUse(DURING), 8.4, 2.6);
    expectNear(inUse(AFTER), 2.1, 1.3);
    expectNear(seen.increase("db_queries_total", DB, DURING) / 120, 60, 3);
    expectNear(seen.increase("db_pool_timeouts_total", DB, DURING), 0, 0);
  });

  it("as a defect slows the release's own queries alone", () => {
    const seen = play(fidelity, { database, held: 0.5, script: release("slow-database", "on: orders-db") });
    const [v1, v2] = ["v1", "v2"].map((version) => ({ ...VIEW, version }));
    expectNear(seen.mean(v2, HELD) - seen.mean(v1, HELD), 3 * 0.035, 0.006);
    // Payments asks as itself.
    expectNear(seen.mean({ service: "payments" }, HELD) - seen.mean({ service: "payments" }, { from: seconds(15), to: seconds(60) }), 0, 0.004);
    expect(seen.requests(v2, HELD, 1)).toBeLessThan(0.02 * seen.requests(v2, HELD));
  });
});

describe.each(FIDELITIES)("db-pool-exhaustion, in %s", (fidelity) => {
  // 60 queries a second of 21.9 ms want 1.31 connections.
  const database = "{ p50: 20ms, p95: 40ms, pool: 20, wait: 200ms }";

  it("takes the connections: the rest is busy, and queries wait", () => {
    const seen = play(fidelity, { database, script: fault("db-pool-exhaustion", "on: orders-db") });
    // Of 20 connections 18 are taken.
    expectNear(seen.average("db_pool_in_use_ratio", DB, DURING), 0.9 + 1.31 / 20, 0.025);
    expect(seen.average("db_pool_in_use_ratio", DB, BEFORE)).toBeLessThan(0.15);
    expect(seen.average("db_pool_in_use_ratio", DB, AFTER)).toBeLessThan(0.15);
    // M/M/2 at 0.66 would wait 17 ms; service times as regular as these, two thirds of that.
    expectNear(seen.mean(VIEW, DURING) - seen.mean(VIEW, BEFORE), 0.011, 0.004);
    expectNear(seen.mean(VIEW, AFTER) - seen.mean(VIEW, BEFORE), 0, 0.003);
  });

  it("fails the queries that find no connection in time", () => {
    const seen = play(fidelity, { database, script: fault("db-pool-exhaustion", "on: orders-db, pool: -19") });
    // One connection serves 45.7 of 60 a second; the others give up after 200 ms in the queue. (A queue of exponential
    // services, as cohort has it, loses 25 % where this one loses 24 %.)
    const lost = 1 - 1 / 1.314;
    expect(seen.lowest("db_pool_in_use_ratio", DB, { from: seconds(130), to: minutes(4) })).toBeGreaterThan(0.94);
    expectNear(seen.increase("db_pool_timeouts_total", DB, DURING) / (120 * 60), lost, 0.045);
    expectNear(seen.errorRate(VIEW, DURING), lost, 0.055);
    expectNear(seen.errorRate(ORDER, DURING), lost, 0.055);
    expect(seen.highest("db_pool_waiting", DB, DURING)).toBeGreaterThan(4);
    expect(seen.increase("db_pool_timeouts_total", DB, BEFORE) + seen.increase("db_pool_timeouts_total", DB, AFTER)).toBe(0);
    expect(seen.errorRate(SHOP, AFTER)).toBeLessThan(0.01);
  });

  it("as a defect takes them from everybody, as long as the release runs, and none in the lane that leaves it out", () => {
    const seen = play(fidelity, { database, held: 0.5, script: release("db-pool-exhaustion", "on: orders-db") });
    expectNear(seen.average("db_pool_in_use_ratio", DB, HELD), 0.9 + 1.31 / 20, 0.025);
    expect(seen.average("db_pool_in_use_ratio", DB, HELD, 1)).toBeLessThan(0.15);
  });
});

describe.each(FIDELITIES)("lock-queue, in %s", (fidelity) => {
  const expectLocked = (seen: Seen, at: number): void => {
    const held: Stretch = { from: at + seconds(3), to: at + seconds(18) };
    expectNear(seen.lowest("db_pool_in_use_ratio", DB, held), 1, 0);
    // 60 a second wait half a second each for a connection.
    expectNear(seen.average("db_pool_waiting", DB, held), 30, 12);
    expect(seen.errorRate(SHOP, held)).toBeGreaterThan(0.99);
    // All but those that hold the 20 connections time out in the queue.
    expectNear(seen.increase("db_pool_timeouts_total", DB, { from: at - seconds(15), to: at + seconds(45) }), 60 * 19.5, 160);
    expect(seen.increase("db_query_timeouts_total", DB, { from: at - seconds(15), to: at + seconds(45) })).toBeGreaterThan(10);
    const later: Stretch = { from: at + seconds(30), to: at + seconds(120) };
    expect(seen.errorRate(SHOP, later)).toBeLessThan(0.01);
    expect(seen.highest("db_pool_waiting", DB, later)).toBe(0);
    expect(seen.highest("db_pool_in_use_ratio", DB, later)).toBeLessThan(0.5);
  };

  it("makes every query wait until the lock is released, and the queue fails", () => {
    const seen = play(fidelity, { script: fault("lock-queue", "on: orders-db, lock: 20s") });
    expect(seen.errorRate(SHOP, BEFORE)).toBeLessThan(0.01);
    expectLocked(seen, minutes(2));
  });

  it("piles up and drains without an error when everybody has the patience", () => {
    const seen = play(fidelity, { rps: 10, database: "{ p50: 4ms, p95: 10ms, pool: 20, wait: 30s }", queryTimeout: "30s", paymentsCall: "{ to: payments/charge, timeout: 30s }", clients: "{ timeout: 60s, reload: { share: 0% } }", script: fault("lock-queue", "on: orders-db, lock: 10s") });
    const around: Stretch = { from: seconds(105), to: seconds(165) };
    expect(seen.errorRate(SHOP, around)).toBeLessThan(0.03);
    // A hundred requests of ten seconds wait 5 s on average; all six hundred work for 50 ms.
    const waited = seen.mean(SHOP, around) * seen.requests(SHOP, around);
    expectNear(waited, 100 * 5 + 600 * 0.05, 4 * Math.sqrt(100 * 33));
    expect(seen.quantile(0.95, SHOP, AFTER)).toBeLessThan(0.25);
  });

  it("as a defect holds everybody's queries, and nobody's in the lane that leaves the release out", () => {
    const seen = play(fidelity, { held: 0.5, script: release("lock-queue", "on: orders-db, lock: 20s, when: { from: 2m, to: 4m }") });
    expectLocked(seen, minutes(2));
    expect(seen.increase("db_pool_timeouts_total", DB, HELD, 1)).toBe(0);
  });
});
