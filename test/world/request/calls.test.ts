// Calls to other services: timeouts, retries with their budget, breakers, optional calls, links.

import { describe, expect, it } from "vitest";
import { createRequestWorld, type RequestWorld } from "../../../src/world/request/request-world.js";
import type { Effect } from "../../../src/world/effect.js";
import type { CallSpec } from "../../../src/world/spec.js";
import { errorRate, increase, meanLatency, total } from "./measures.js";
import { callTo, endpoint, fault, input, millis, minutes, rate, seconds, service, world } from "./small-worlds.js";

const toBack = (more: Partial<CallSpec> = {}): CallSpec => callTo({ kind: "endpoint", service: "back", endpoint: "get" }, more);

function chain(call: CallSpec, backErrors: number, effects: readonly Effect[] = [], back = {}): RequestWorld {
  const spec = world({
    ...rate(100),
    services: [
      service({ endpoints: [endpoint({ calls: [call] })] }),
      service({ name: "back", endpoints: [endpoint({ errors: backErrors })], ...back }),
    ],
  });
  const one = createRequestWorld(input(spec, { effects }));
  one.advanceTo(minutes(3));
  return one;
}

const shopRequests = { service: "shop" };
const backRequests = { scope: "service", service: "back" } as const;

describe("a call", () => {
  it("adds the callee's time to the caller's", () => {
    expect(meanLatency(chain(toBack(), 0))).toBeCloseTo(0.04, 3);
  });

  it("is made by its share of requests", () => {
    const one = chain(toBack({ share: 0.3 }), 0);
    expect(total(one, "requests", backRequests) / total(one, "requests")).toBeCloseTo(0.3, 1);
  });

  it("fails the request when it fails, unless it is optional", () => {
    expect(errorRate(chain(toBack(), 0.2))).toBeCloseTo(0.2, 1);
    expect(errorRate(chain(toBack({ optional: true }), 0.2))).toBe(0);
  });

  it("is given up after its timeout, while the callee goes on", () => {
    const one = chain(toBack({ timeout: millis(10) }), 0);
    expect(errorRate(one)).toBe(1);
    expect(meanLatency(one)).toBeCloseTo(0.03, 4);
    expect(errorRate(one, backRequests)).toBe(0);
    expect(meanLatency(one, backRequests)).toBeCloseTo(0.02, 4);
  });
});

describe("a retry", () => {
  it("turns an error rate e into e^2, at the price of more requests", () => {
    const one = chain(toBack({ retries: { max: 1, backoff: millis(10), budget: 1 } }), 0.2);
    expect(errorRate(one)).toBeGreaterThan(0.03);
    expect(errorRate(one)).toBeLessThan(0.05);
    expect(total(one, "requests", backRequests) / total(one, "requests")).toBeCloseTo(1.2, 1);
  });

  it("stops at its budget: a share of the first tries", () => {
    const one = chain(toBack({ retries: { max: 3, backoff: 0, budget: 0.1 } }), 1);
    const tries = total(one, "requests", backRequests) / total(one, "requests");
    expect(tries).toBeGreaterThan(1.08);
    expect(tries).toBeLessThan(1.11);
  });
});

describe("a breaker", () => {
  const breaker = { failureRatio: 0.5, minRequests: 20, window: seconds(10), openFor: seconds(5) };

  it("opens on failures and then spares the callee most calls", () => {
    const one = chain(toBack({ breaker }), 1);
    expect(one.events.some((e) => e.kind === "breaker-opened")).toBe(true);
    expect(total(one, "requests", backRequests)).toBeLessThan(0.05 * total(one, "requests"));
    expect(errorRate(one)).toBe(1);
  });

  it("closes again when the callee has recovered", () => {
    const down = fault({ on: "service", service: "back" }, { kind: "errors", ratio: 1 }, minutes(1), minutes(2));
    const one = chain(toBack({ breaker }), 0, [down]);
    expect(one.events.some((e) => e.kind === "breaker-closed")).toBe(true);
    expect(increase(one, "http_requests_total", { ...shopRequests, code: "5xx" }, 0, seconds(40))).toBe(0);
  });

  it("never opens below its number of requests", () => {
    const one = chain(toBack({ breaker: { ...breaker, minRequests: 1_000_000 } }), 1);
    expect(one.events.filter((e) => e.kind === "breaker-opened")).toEqual([]);
  });
});

describe("a link between two services", () => {
  const link = { on: "link", from: "shop", to: "back" } as const;

  it("fails calls by an errors effect, without the callee seeing them", () => {
    const one = chain(toBack(), 0, [fault(link, { kind: "errors", ratio: 0.25 })]);
    expect(errorRate(one)).toBeCloseTo(0.25, 1);
    expect(errorRate(one, backRequests)).toBe(0);
    expect(total(one, "requests", backRequests) / total(one, "requests")).toBeCloseTo(0.75, 1);
  });

  it("adds its latency to the caller alone", () => {
    const one = chain(toBack(), 0, [fault(link, { kind: "latency", factor: 1, add: millis(50) })]);
    expect(meanLatency(one)).toBeCloseTo(0.09, 3);
    expect(meanLatency(one, backRequests)).toBeCloseTo(0.02, 3);
  });

  it("lets nothing through in a partition: callers wait for their timeout", () => {
    const one = chain(toBack({ timeout: millis(200) }), 0, [fault(link, { kind: "outage" }, minutes(1), minutes(2))]);
    expect(errorRate(one)).toBeCloseTo(1 / 3, 1);
    expect(total(one, "requests", backRequests) / total(one, "requests")).toBeCloseTo(2 / 3, 1);
    expect(increase(one, "http_requests_total", { service: "shop", code: "5xx" }, 0, seconds(45))).toBe(0);
  });
});

describe("a slow callee", () => {
  it("starves its callers of slots", () => {
    const slow = fault({ on: "service", service: "back" }, { kind: "latency", factor: 40, add: 0 });
    const one = chain(toBack({ timeout: seconds(5) }), 0, [slow], { slots: 100, replicas: 4 });
    // 2 x 16 slots, each held for 820 ms: 39 requests per second of 100 get through.
    expect(errorRate(one)).toBeGreaterThan(0.4);
    expect(errorRate(one)).toBeLessThan(0.7);
  });
});
