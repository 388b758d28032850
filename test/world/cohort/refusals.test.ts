// What cohort would get wrong it refuses, and says which database and when.

import { describe, expect, it } from "vitest";
import { millis, minutes, seconds } from "../../../src/kernel/units.js";
import { cohortRefusals, POOL_BUSY_MAX, SLOTS_BUSY_MAX } from "../../../src/world/cohort/refusals.js";
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
    // The slots themselves are full, which is refused for its own sake.
    const aboutPools = (slots: number) => cohortRefusals(input(asks(slots))).filter(({ what }) => what.includes("connection pool"));
    expect(aboutPools(4)).toEqual([]);
    expect(aboutPools(5)[0].what).toContain("reaches 90 %");
  });

  it("leave no queue at all when every one is taken", () => {
    expect(cohortRefusals(input(withLedger({}), { effects: [effect(onLedger, { kind: "pool", taken: 10 }, at(20, 25))] }))).toEqual([]);
  });
});

describe("a service's slots", () => {
  // 100 requests a second of `held` ms each keep ten slots busy for `held` hundredths of their time.
  const held = (ms: number) => world({ services: [service({ replicas: 1, slots: 10, endpoints: [endpoint({ time: { kind: "constant", value: millis(ms) } })] })] });
  const surge = (factor: number) => effect({ on: "traffic" }, { kind: "surge", factor }, at(20, 25));

  it("are held against the limit from just below and just above", () => {
    expect(cohortRefusals(input(held(100 * SLOTS_BUSY_MAX - 1)))).toEqual([]);
    expect(cohortRefusals(input(held(100 * SLOTS_BUSY_MAX + 1)))).toHaveLength(1);
  });

  it("are refused in a surge that asks for more than they can do, by name, height and time", () => {
    expect(cohortRefusals(input(held(60), { effects: [surge(1.5)] }))).toEqual([]);
    const [refusal, ...more] = cohortRefusals(input(held(60), { effects: [surge(2.5)] }));
    expect(more).toEqual([]);
    expect(refusal.what).toMatch(/^a service that is asked for more than 95 % of what its slots can do \(.* reaches 150 % between 20m and 25m\)$/);
    expect(refusal.instead).toMatch(/--fidelity request/);
  });

  it("count calls that time out as often as they are tried", () => {
    const retrying = (max: number) => world({
      services: [
        service({ replicas: 1, slots: 200, endpoints: [endpoint({ time: { kind: "constant", value: millis(10) }, calls: [
          { ...call({ kind: "endpoint", service: "back", endpoint: "work" }), timeout: millis(50), retries: { max, backoff: 0, budget: 1 } },
        ] })] }),
        service({ name: "back", replicas: 1, slots: 10, endpoints: [endpoint({ name: "work", time: { kind: "constant", value: millis(60) } })] }),
      ],
    });
    expect(cohortRefusals(input(retrying(0)))).toEqual([]);
    expect(cohortRefusals(input(retrying(1))).map(({ what }) => what)).toEqual([expect.stringContaining("(back reaches 120 % by calls that are tried again")]);
  });
});
