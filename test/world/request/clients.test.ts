// Clients: patience, reloads, orders, and the traffic that they make.

import { describe, expect, it } from "vitest";
import { createRequestWorld, type RequestWorld } from "../../../src/world/request/request-world.js";
import type { Effect } from "../../../src/world/effect.js";
import { HarmColumn } from "../../../src/world/ledger.js";
import type { WorldSpec } from "../../../src/world/spec.js";
import { errorRate, increase, total } from "./measures.js";
import { endpoint, fault, input, minutes, rate, seconds, service, shop, world } from "./small-worlds.js";

function play(more: Partial<WorldSpec>, effects: readonly Effect[] = [], end = minutes(5)): RequestWorld {
  const one = createRequestWorld(input(world({ ...rate(100), ...more }), { effects }));
  one.advanceTo(end);
  return one;
}

const failing = (errors: number) => [service({ endpoints: [endpoint({ errors })] })];

describe("a client", () => {
  it("gives up after its timeout: a failed page of that length, while the service answers in vain", () => {
    const one = play({
      clients: { timeout: seconds(1), reload: { share: 0, after: 0, max: 0 } },
      services: [service({ slots: 500, endpoints: [endpoint({ time: { kind: "constant", value: seconds(2) } })] })],
    });
    expect(errorRate(one)).toBe(1);
    expect(total(one, "latencySeconds") / total(one, "requests")).toBeCloseTo(1, 9);
    expect(errorRate(one, { scope: "service" })).toBe(0);
  });

  it("loads a failed page again, by its share and at most so often", () => {
    const one = play({ services: failing(1), clients: { timeout: seconds(10), reload: { share: 0.5, after: seconds(1), max: 2 } } });
    // 1 + 1/2 + 1/4 pages per arrival.
    expect(total(one, "requests") / (100 * 300)).toBeCloseTo(1.75, 1);
  });

  it("draws anew for a reload: most reloaded pages succeed", () => {
    const one = play({ services: failing(0.3), clients: { timeout: seconds(10), reload: { share: 1, after: seconds(1), max: 1 } } });
    const arrivals = total(one, "requests") / 1.3;
    expect(total(one, "errors") / arrivals).toBeCloseTo(0.3 + 0.09, 1);
  });
});

describe("orders", () => {
  const selling = { services: [service({ endpoints: [endpoint({ conversion: 0.1, orderValue: 50 })] })] };

  it("come from successful pages, at the endpoint's conversion and value", () => {
    const one = play(selling);
    expect(total(one, "conversions") / total(one, "requests")).toBeCloseTo(0.1, 1);
    expect(total(one, "orderEuro")).toBe(50 * total(one, "conversions"));
    expect(increase(one, "conversions_total") / increase(one, "http_requests_total")).toBeCloseTo(0.1, 1);
    expect(increase(one, "order_value_euro_total")).toBeCloseTo(50 * increase(one, "conversions_total"), 3);
    expect(one.ledger.harmBy).toHaveLength(0);
  });

  it("conversion drop without errors: fewer orders, healthy responses", () => {
    const one = play(selling, [fault(shop, { kind: "conversion", drop: 0.4 })]);
    expect(total(one, "conversions") / total(one, "requests")).toBeCloseTo(0.06, 2);
    expect(total(one, "errors")).toBe(0);
    expect(one.ledger.harmBy).toHaveLength(0);
  });

  it("a release's conversion drop is booked as lost orders, at their expected value", () => {
    const one = play(selling, [fault(shop, { kind: "conversion", drop: 0.4 }, 0, minutes(100), { release: 0 })]);
    expect(one.ledger.harmBy[HarmColumn.lostOrderEuro]).toBeCloseTo(total(one, "requests") * 0.1 * 50 * 0.4, 3);
    expect(one.ledger.harmBy[HarmColumn.pages]).toBeGreaterThan(0);
  });

  it("so are orders that its failed pages took away, but not those of base errors", () => {
    const broken = fault(shop, { kind: "errors", ratio: 0.2 }, 0, minutes(100), { release: 0 });
    const one = play({ services: [service({ endpoints: [endpoint({ errors: 0.1, conversion: 0.1, orderValue: 50 })] })] }, [broken]);
    expect(one.ledger.harmBy[HarmColumn.lostOrderEuro]).toBeCloseTo(total(one, "harmedErrors") * 0.1 * 50, 6);
    expect(total(one, "harmedErrors")).toBeLessThan(0.75 * total(one, "errors"));
    expect(total(one, "harmedErrors")).toBeGreaterThan(0.5 * total(one, "errors"));
  });
});

describe("traffic", () => {
  it("surge: the rate is multiplied in its window", () => {
    const surge = fault({ on: "traffic" }, { kind: "surge", factor: 3 }, minutes(2), minutes(3));
    const one = play({}, [surge]);
    expect(total(one, "requests")).toBeGreaterThan(100 * 60 * 7 * 0.97);
    expect(total(one, "requests")).toBeLessThan(100 * 60 * 7 * 1.03);
    expect(increase(one, "http_requests_total", {}, 0, minutes(2)) / 120).toBeCloseTo(100, -1);
  });

  it("follows a trace, linearly between its rows", () => {
    const spec: Partial<WorldSpec> = {
      traffic: [{
        enters: "shop", rate: 200, bursts: null, spread: { kind: "poisson" },
        shape: { kind: "trace", times: [0, minutes(2), minutes(4)], relative: [0, 1, 0.5] },
      }],
    };
    const one = play(spec);
    // Areas: 120 s x 0.5, 120 s x 0.75, 60 s x 0.5.
    expect(total(one, "requests") / (200 * (60 + 90 + 30))).toBeCloseTo(1, 1);
  });

  it("reaches the endpoints by their shares", () => {
    const one = play({ services: [service({ endpoints: [endpoint({ name: "a", share: 0.7 }), endpoint({ name: "b", share: 0.3 })] })] });
    expect(total(one, "requests", { endpoint: "a" }) / total(one, "requests")).toBeCloseTo(0.7, 1);
  });
});
