// Whatever goes wrong, the books balance: everything that began has ended, and Little's law holds.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRequestWorld, type RequestWorld } from "../../../src/world/request/request-world.js";
import type { Effect, EffectKind, EffectTarget } from "../../../src/world/effect.js";
import { total } from "./measures.js";
import { callTo, database, endpoint, fault, input, millis, minutes, rate, seconds, service, toDatabase, world } from "./small-worlds.js";

const END = minutes(3);

const SERVICES: EffectTarget[] = [
  { on: "service", service: "front" }, { on: "service", service: "back" }, { on: "service", service: "front", version: "v2" },
  { on: "service", service: "back", replica: 1 }, { on: "zone", zone: 0 },
];
const ON_SERVICE: EffectKind[] = [
  { kind: "errors", ratio: 0.3 }, { kind: "latency", factor: 8, add: millis(5) }, { kind: "memory-growth", bytesPerMinute: 900 },
  { kind: "cpu", add: 1.2 }, { kind: "capacity", loss: 0.9 }, { kind: "restart-loop", every: seconds(15) },
  { kind: "startup-failure", share: 0.5, retryAfter: seconds(3) }, { kind: "kill", count: 2 }, { kind: "outage" }, { kind: "cache-cold" },
];
const ON_DATABASE: EffectKind[] = [
  { kind: "errors", ratio: 0.2 }, { kind: "latency", factor: 30, add: 0 }, { kind: "pool", taken: 6 }, { kind: "lock", hold: seconds(9) }, { kind: "outage" },
];
const ON_LINK: EffectKind[] = [{ kind: "errors", ratio: 0.3 }, { kind: "latency", factor: 2, add: millis(40) }, { kind: "outage" }];

const acting = fc.oneof(
  fc.record({ target: fc.constantFrom(...SERVICES), what: fc.constantFrom(...ON_SERVICE) }),
  fc.record({ target: fc.constant<EffectTarget>({ on: "database", database: "db" }), what: fc.constantFrom(...ON_DATABASE) }),
  fc.record({ target: fc.constant<EffectTarget>({ on: "link", from: "front", to: "back" }), what: fc.constantFrom(...ON_LINK) }),
  fc.record({ target: fc.constant<EffectTarget>({ on: "link", from: "back", to: "db" }), what: fc.constantFrom(...ON_LINK) }),
);
const effects = fc.array(fc.record({
  acting, from: fc.integer({ min: 0, max: 150 }), lasts: fc.integer({ min: 1, max: 60 }),
  carrier: fc.constantFrom("script", "version", "flag"), users: fc.constantFrom(1, 1, 0.4), warm: fc.constantFrom(0, 0, 20), above: fc.constantFrom(null, null, 5),
}), { minLength: 1, maxLength: 6 });

function storm(list: typeof effects extends fc.Arbitrary<infer T> ? T : never, seed: number, lookIn: (one: RequestWorld) => void = () => undefined): RequestWorld {
  const compiled = list.map((one, i): Effect => fault(one.acting.target, one.acting.what, 0, 0, {
    id: `effect ${i}`, users: one.users, release: one.carrier === "script" ? null : i % 2,
    when: { from: seconds(one.from), to: seconds(one.from + one.lasts), rpsAbove: one.above, afterWarmLife: seconds(one.warm) },
    carrier: one.carrier === "script" ? { with: "script" }
      : one.carrier === "flag" ? { with: "flag", service: "front", version: "v2", flag: "f" }
        : { with: "version", service: "front", version: "v2" },
  }));
  const breaker = { failureRatio: 0.5, minRequests: 10, window: seconds(5), openFor: seconds(2) };
  const retries = { max: 2, backoff: millis(20), budget: 0.5 };
  const time = { kind: "lognormal", p50: millis(15), p95: millis(60) } as const;
  const cache = { hit: 0.8, fill: seconds(20), miss: { kind: "exponential", mean: millis(10) } } as const;
  const spec = world({
    traffic: [{ ...rate(60, "front").traffic[0], shape: { kind: "trace", times: [0, END - 1, END, END + 1], relative: [1, 1, 1, 1e-9] } }],
    services: [
      service({ name: "front", slots: 4, queue: 20, balancing: "power-of-two", cache, warmUp: { for: seconds(20), factor: 3 }, endpoints: [endpoint({
        time, conversion: 0.1, orderValue: 5,
        calls: [callTo({ kind: "endpoint", service: "back", endpoint: "get" }, { timeout: millis(300), retries, breaker }), toDatabase({ share: 0.5, optional: true, timeout: millis(400) })],
      })] }),
      service({ name: "back", slots: 4, queue: 10, balancing: "least-request", endpoints: [endpoint({ time, calls: [toDatabase({ timeout: millis(500), retries })] })] }),
    ],
    databases: [database({ pool: 6, wait: millis(200) })],
    clients: { timeout: seconds(2), reload: { share: 0.5, after: seconds(1), max: 2 } }, drain: seconds(5),
  });
  const one = createRequestWorld(input(spec, { effects: compiled, versions: [{ service: "front", version: "v2", flag: "f" }], seed }));
  one.scale("front", "v2", 2);
  one.advanceTo(seconds(25));
  one.setWeights("front", { v1: 0.5, v2: 0.5 });
  one.advanceTo(seconds(90));
  one.setFlag("f", seed % 2 === 0);
  lookIn(one);
  one.advanceTo(seconds(130));
  lookIn(one);
  one.setWeights("front", { v1: 1, v2: 0 });
  one.advanceTo(seconds(140));
  one.scale("front", "v2", 0);
  one.advanceTo(minutes(8));
  return one;
}

describe("a storm of effects", () => {
  it("leaves Little's law exact in its midst: requests still inside are on neither side", () => {
    let inside = 0;
    fc.assert(fc.property(effects, fc.integer({ min: 1, max: 100 }), (list, seed) => {
      storm(list, seed, (one) => {
        inside += one.underWay();
        for (const name of ["front", "back"]) {
          const { inFlightSeconds, latencySeconds } = one.littlesLaw(name);
          expect(inFlightSeconds).toBeCloseTo(latencySeconds, 4);
        }
      });
    }), { numRuns: 4 });
    expect(inside).toBeGreaterThan(0);
  });

  it("leaves a world at rest when traffic has ended: nothing under way, Little's law exact, harm within the failures", () => {
    fc.assert(fc.property(effects, fc.integer({ min: 1, max: 100 }), (list, seed) => {
      const one = storm(list, seed);
      expect(one.underWay()).toBe(0);
      for (const name of ["front", "back"]) {
        const { inFlightSeconds, latencySeconds, arrivals } = one.littlesLaw(name);
        expect(arrivals).toBeGreaterThan(0);
        expect(inFlightSeconds).toBeCloseTo(latencySeconds, 4);
      }
      expect(one.inFlight("front", "v1") + one.inFlight("front", "v2") + one.inFlight("back", "v1")).toBe(0);
      expect(total(one, "harmedErrors")).toBeLessThanOrEqual(total(one, "errors"));
      expect(total(one, "harmedSlow")).toBeLessThanOrEqual(total(one, "slow"));
      expect(total(one, "errors") + total(one, "slow")).toBeLessThanOrEqual(total(one, "requests"));
      const histogram = one.ledger.histogram.reduce((sum, count) => sum + count, 0);
      expect(histogram).toBe(total(one, "requests") + total(one, "requests", { scope: "service" }));
      const db = one.telemetry.query({ fn: "latest", metric: "db_pool_in_use_ratio", where: {}, window: minutes(1), across: "max" }, one.now());
      expect(db.kind === "value" ? db.value : NaN).toBe(0);
    }), { numRuns: 8 });
  });
});
