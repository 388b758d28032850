// What cohort would get wrong it refuses, and says which database and when.

import { describe, expect, it } from "vitest";
import { millis, minutes, seconds } from "../../../src/kernel/units.js";
import { cohortRefusals, POOL_BUSY_MAX } from "../../../src/world/cohort/refusals.js";
import type { DatabaseSpec } from "../../../src/world/spec.js";
import { call, effect, endpoint, input, service, shop, world } from "./small-world.js";

// 100 queries per second of 5 ms keep half a connection busy.
const ledger = (over: Partial<DatabaseSpec>): DatabaseSpec =>
  ({ name: "ledger", time: { kind: "exponential", mean: millis(5) }, errors: 0, pool: 10, wait: millis(500), ...over });
const withLedger = (over: Partial<DatabaseSpec>) => shop({ databases: [ledger(over)] });
const at = (from: number, to: number) => ({ when: { from: minutes(from), to: minutes(to), rpsAbove: null, afterWarmLife: 0 } });
const onLedger = { on: "database", database: "ledger" } as const;

describe("a database's connections", () => {
  it("may be half busy", () => {
    expect(cohortRefusals(input(withLedger({ pool: 1 })))).toEqual([]);
  });

  it("are refused when they are asked for more than they can do, by name, height and time", () => {
    const taken = effect(onLedger, { kind: "pool", taken: 9 }, at(20, 25));
    const [refusal, ...more] = cohortRefusals(input(withLedger({ time: { kind: "exponential", mean: millis(11.8) } }), { effects: [taken] }));
    expect(more).toEqual([]);
    expect(refusal.what).toBe("a connection pool that is more than 80 % busy (ledger reaches 118 % between 20m and 25m)");
    expect(refusal.why).toMatch(/backlog/);
    expect(refusal.instead).toMatch(/--fidelity request/);
  });

  it("are held against the limit from just below and just above", () => {
    const pool = (mean: number) => cohortRefusals(input(withLedger({ pool: 1, time: { kind: "constant", value: millis(mean) } })));
    expect(pool(10 * POOL_BUSY_MAX - 0.1)).toEqual([]);
    expect(pool(10 * POOL_BUSY_MAX + 0.1)).toHaveLength(1);
  });

  it("count slower queries, surges and several effects together", () => {
    const base = withLedger({ pool: 1, time: { kind: "constant", value: millis(2) } });
    const slow = effect(onLedger, { kind: "latency", factor: 2, add: 0 }, at(10, 30));
    const surge = effect({ on: "traffic" }, { kind: "surge", factor: 2.5 }, at(20, 40));
    expect(cohortRefusals(input(base, { effects: [slow] }))).toEqual([]);
    expect(cohortRefusals(input(base, { effects: [surge] }))).toEqual([]);
    expect(cohortRefusals(input(base, { effects: [slow, surge] })).map(({ what }) => what)).toEqual([
      expect.stringContaining("(ledger reaches 100 % between 20m and 30m)"),
    ]);
  });

  it("count the height of a burst, not its mean over time", () => {
    const base = withLedger({ pool: 1 });
    const [traffic] = base.traffic;
    const bursts = { every: minutes(10), lasts: seconds(30), factor: 2 };
    expect(cohortRefusals(input({ ...base, traffic: [{ ...traffic, bursts }] }))[0].what).toContain("ledger reaches 100 %");
  });

  it("get no more queries than the caller's slots can ask", () => {
    // 4 slots of 50 ms ask at most 80 times a second, which queries of 9 ms keep 72 % busy, though 100 pages a second come.
    const asks = (slots: number) => world({
      services: [service({ replicas: 1, slots, endpoints: [endpoint({ time: { kind: "constant", value: millis(50) }, calls: [call({ kind: "database", database: "ledger" })] })] })],
      databases: [ledger({ pool: 1, time: { kind: "constant", value: millis(9) } })],
    });
    expect(cohortRefusals(input(asks(4)))).toEqual([]);
    expect(cohortRefusals(input(asks(5)))[0].what).toContain("reaches 90 %");
  });

  it("leave no queue at all when every one is taken", () => {
    expect(cohortRefusals(input(withLedger({}), { effects: [effect(onLedger, { kind: "pool", taken: 10 }, at(20, 25))] }))).toEqual([]);
  });
});
