// What cohort would get wrong it refuses, and says which database and when.

import { describe, expect, it } from "vitest";
import { millis, minutes, seconds } from "../../../src/kernel/units.js";
import { cohortRefusals, POOL_BUSY_MAX, SLOTS_BUSY_MAX } from "../../../src/world/cohort/refusals.js";
import type { EffectKind, EffectTarget } from "../../../src/world/effect.js";
import type { CallSpec, DatabaseSpec } from "../../../src/world/spec.js";
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

describe("a request rate as a condition", () => {
  const above = (target: EffectTarget, what: EffectKind) =>
    cohortRefusals(input(shop(), { effects: [effect(target, what, { id: "defect", when: { from: 0, to: minutes(60), rpsAbove: 1000, afterWarmLife: 0 } })] }));
  const onCheckout = { on: "service", service: "checkout" } as const;

  it("is refused for what happens to a replica as such, by name", () => {
    const kinds: EffectKind[] = [
      { kind: "capacity", loss: 0.5 }, { kind: "outage" }, { kind: "memory-growth", bytesPerMinute: 1e6 }, { kind: "restart-loop", every: seconds(60) },
      { kind: "startup-failure", share: 1, retryAfter: seconds(30) }, { kind: "kill", count: 1 }, { kind: "cache-cold" },
    ];
    for (const what of kinds) {
      const [refusal, ...more] = above(onCheckout, what);
      expect(more).toEqual([]);
      expect(refusal.what).toBe(`defect: ${what.kind} only above a request rate`);
      expect(refusal.instead).toMatch(/--fidelity request/);
    }
    expect(above({ on: "zone", zone: 0 }, { kind: "outage" })).toHaveLength(1);
  });

  it("is played for what single requests meet, and for the CPU", () => {
    for (const what of [{ kind: "errors", ratio: 0.1 }, { kind: "latency", factor: 2, add: 0 }, { kind: "conversion", drop: 0.1 }, { kind: "cpu", add: 0.1 }] as const) {
      expect(above(onCheckout, what)).toEqual([]);
    }
  });
});

describe("calls", () => {
  const named = (name: string, calls: readonly CallSpec[]) => ({ name, time: { kind: "constant", value: millis(1) } as const, calls });
  const to = (name: string, endpointName: string) => call({ kind: "endpoint", service: name, endpoint: endpointName });

  it("back into the same service are refused, by the way that they take", () => {
    const own = world({ services: [service({ endpoints: [endpoint(named("page", [to("checkout", "price")])), endpoint({ ...named("price", []), share: 0 })] })] });
    expect(cohortRefusals(input(own)).map(({ what }) => what)).toEqual(["calls that lead back into a service (checkout -> checkout)"]);
    const there = world({ services: [
      service({ endpoints: [endpoint(named("page", [to("stock", "ask")])), endpoint({ ...named("price", []), share: 0 })] }),
      service({ name: "stock", version: "s1", endpoints: [endpoint(named("ask", [to("checkout", "price")]))] }),
    ] });
    const [refusal, ...more] = cohortRefusals(input(there));
    expect(more).toEqual([]);
    expect(refusal.what).toBe("calls that lead back into a service (checkout -> stock -> checkout)");
    expect(refusal.instead).toMatch(/--fidelity request/);
  });

  it("may be many deep and meet again: each endpoint is worked out once", () => {
    const depth = 30;
    const at = (i: number) => (i === 0 ? "checkout" : `s${i}`);
    const deep = world({
      traffic: [{ ...world().traffic[0], rate: 1e-6 }],
      databases: [ledger({ pool: 1 })],
      services: Array.from({ length: depth }, (_, i) => service({
        name: at(i), version: `v${i}`, slots: 100,
        endpoints: [endpoint(named("work", i + 1 < depth ? [to(at(i + 1), "work"), to(at(i + 1), "work")] : [call({ kind: "database", database: "ledger" })]))],
      })),
    });
    // Each of the last one's requests comes by one of 2^29 ways.
    expect(cohortRefusals(input(deep, { versions: [{ service: at(depth - 1), version: "next", flag: null }], effects: [
      effect({ on: "service", service: at(depth - 1) }, { kind: "errors", ratio: 0.1 }, { release: 0, carrier: { with: "version", service: at(depth - 1), version: "next" } }),
    ] })).map(({ what }) => what)).toEqual([expect.stringContaining("ledger reaches 268 %")]);
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
