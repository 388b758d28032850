// Same input, same run; another weight, strategy action or rollback leaves every request's first-hand luck as it was.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRequestWorld, type RequestWorld } from "../../../src/world/request/request-world.js";
import type { Effect } from "../../../src/world/effect.js";
import { defect, endpoint, input, minutes, rate, seconds, service, shop, toDatabase, callTo, database, V2, world } from "./small-worlds.js";

const lognormal = { kind: "lognormal", p50: 20_000, p95: 60_000 } as const;

function twoServices(seed: number, effects: readonly Effect[]): RequestWorld {
  const spec = world({
    ...rate(50),
    services: [
      service({ balancing: "power-of-two", endpoints: [endpoint({
        time: lognormal, errors: 0.01, conversion: 0.1, orderValue: 9,
        calls: [callTo({ kind: "endpoint", service: "back", endpoint: "get" }, { retries: { max: 2, backoff: 1000, budget: 1 } })],
      })] }),
      service({ name: "back", endpoints: [endpoint({ time: lognormal, errors: 0.02, calls: [toDatabase({ share: 0.5 })] })] }),
    ],
    databases: [database({ time: lognormal })],
    clients: { timeout: seconds(3), reload: { share: 0.5, after: seconds(2), max: 2 } },
  });
  return createRequestWorld(input(spec, { effects, versions: V2, seed }));
}

interface Plan {
  readonly deployAt: number;
  readonly weightAt: number;
  readonly weight: number;
  readonly rollBackAt: number;
}

function drive(one: RequestWorld, plan: Plan): void {
  const steps: readonly (readonly [number, () => void])[] = [
    [plan.deployAt, () => one.scale("shop", "v2", 2)],
    [plan.weightAt, () => one.setWeights("shop", { v1: 1 - plan.weight, v2: plan.weight })],
    [plan.rollBackAt, () => one.setWeights("shop", { v1: 1, v2: 0 })],
    [plan.rollBackAt + 5, () => one.scale("shop", "v2", 0)],
  ];
  for (const [at, act] of [...steps].sort((a, b) => a[0] - b[0])) {
    one.advanceTo(seconds(at));
    act();
  }
  one.advanceTo(minutes(2));
}

const plans = fc.record({
  deployAt: fc.integer({ min: 0, max: 20 }), weightAt: fc.integer({ min: 0, max: 100 }),
  weight: fc.double({ min: 0, max: 1, noNaN: true }), rollBackAt: fc.integer({ min: 30, max: 110 }),
});
const BROKEN = defect(shop, { kind: "errors", ratio: 0.3 });
const SLOW = defect(shop, { kind: "latency", factor: 3, add: 0 }, { id: "slow" });

describe("the request world", () => {
  it("gives the same digest, ledger and telemetry for the same input", () => {
    const plan: Plan = { deployAt: 5, weightAt: 40, weight: 0.4, rollBackAt: 90 };
    const play = (): RequestWorld => {
      const one = twoServices(3, [BROKEN, SLOW]);
      drive(one, plan);
      return one;
    };
    const [a, b] = [play(), play()];
    expect(a.digest.hex()).toBe(b.digest.hex());
    expect(a.ledger.totals).toEqual(b.ledger.totals);
    expect(a.hops()).toBe(b.hops());
  });

  it("gives another digest for another seed or another action", () => {
    const digest = (seed: number, weight: number): string => {
      const one = twoServices(seed, []);
      drive(one, { deployAt: 5, weightAt: 40, weight, rollBackAt: 90 });
      return one.digest.hex();
    };
    expect(new Set([digest(1, 0.4), digest(2, 0.4), digest(1, 0.5)]).size).toBe(3);
  });

  it("does not depend on how its time is cut into steps", () => {
    const whole = twoServices(4, []);
    whole.advanceTo(minutes(2));
    const cut = twoServices(4, []);
    for (let at = 0; at <= 120; at += 0.7) cut.advanceTo(seconds(at));
    cut.advanceTo(minutes(2));
    expect(cut.digest.hex()).toBe(whole.digest.hex());
  });
});

describe("common random numbers", () => {
  /** Every first-hand draw of a run, by request and hop. */
  function draws(seed: number, plan: Plan, effects: readonly Effect[]): Map<string, string> {
    const one = twoServices(seed, effects);
    const seen = new Map<string, string>();
    one.watch({
      arrival: (stream, number, at, user, endpointIndex) => seen.set(`${stream}/${number}`, `${at} ${user} ${endpointIndex}`),
      hop: (stream, number, base, demand, baseError) => seen.set(`${stream}/${number}/${base}`, `${demand} ${baseError}`),
    });
    drive(one, plan);
    return seen;
  }

  it("leave arrival, user, service demand and base-error draw identical under other weights, rollbacks and defects", () => {
    fc.assert(fc.property(plans, plans, fc.integer({ min: 1, max: 1000 }), (one, other, seed) => {
      const a = draws(seed, one, [BROKEN]);
      const b = draws(seed, other, [SLOW]);
      let shared = 0;
      for (const [key, value] of a) {
        const twin = b.get(key);
        if (twin === undefined) continue;
        shared += 1;
        expect(twin).toBe(value);
      }
      // Every arrival and its first hop are in both.
      expect(shared).toBeGreaterThan(1.9 * 120 * 40);
    }), { numRuns: 4 });
  });
});
