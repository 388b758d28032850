// An effect that can touch nothing is refused where it is written, with what to write instead.

import { describe, expect, it } from "vitest";
import { memoryFiles } from "./fixtures.js";
import { loadScenario } from "../../src/scenario/load.js";

const PATH = "/p/reach.yaml";

/** Shop (cached, order converts) -> payments -> orders-db; nothing asks spare-db, nobody but clients calls shop. */
const scenario = (script: string, paymentsCall = "payments/charge"): string => `shakedown: 1
kind: scenario
for: 1h
world:
  services:
    shop: { zones: 2, cache: { hit: 90%, fill: 1m, miss: { constant: 20ms } }, endpoints: { order: { share: 50%, p50: 45ms, p95: 140ms, conversion: 20%, calls: [${paymentsCall}] }, view: { p50: 20ms, p95: 60ms } } }
    payments: { version: p1, endpoints: { charge: { p50: 60ms, p95: 170ms, conversion: 5%, calls: [orders-db] } } }
  databases: { orders-db: { p50: 3ms, p95: 12ms, pool: 40 }, spare-db: { p50: 3ms, p95: 12ms, pool: 40 } }
  traffic: { enters: shop, rate: 100rps }
strategy: {}
script:
  - { at: 10m, ${script} }
`;

/** `written | message | instead` of each problem; `written` is what the file has at its place. */
function said(text: string): readonly string[] {
  const loaded = loadScenario(PATH, memoryFiles({ [PATH]: text }));
  if (loaded.ok) return [];
  const lines = text.split("\n");
  return loaded.problems.map(({ line, column, message, instead }) => `${/^[^,}]*/.exec(lines[line - 1].slice(column - 1))?.[0].trim()} | ${message} | ${instead}`);
}
const fault = (fault: string): readonly string[] => said(scenario(`fault: { ${fault} }`));
const defect = (defect: string, service = "shop"): readonly string[] => said(scenario(`release: { service: ${service}, version: v2, defects: [{ ${defect} }] }`));

describe("an effect that can touch nothing is refused:", () => {
  it("a zone that does not exist", () => {
    expect(fault("zone-outage: { on: zone 7 }")).toEqual(["zone 7 | the world has no zone 7 | write zone 0 to 2"]);
    expect(fault("zone-outage: { zone: 7 }")).toEqual(["7 | the world has no zone 7 | write zone 0 to 2"]);
    expect(fault("effect: { on: shop, zone: 2, kill: 1 }")).toEqual(["2 | `shop` has no zone 2 | write zone 0 to 1"]);
    expect(defect("on: shop, zone: 2, errors: +5%")).toEqual(["2 | `shop` has no zone 2 | write zone 0 to 1"]);
  });

  it("a replica that does not exist, unless an autoscaler may start it", () => {
    expect(fault("effect: { on: shop, replica: 99, kill: 1 }")).toEqual(["99 | `shop` has no replica 99 | write replica 0 to 2"]);
    expect(fault("effect: { on: shop, replica: 3, errors: +5% }")).toEqual(["3 | `shop` has no replica 3 | write replica 0 to 2"]);
    expect(fault("effect: { on: shop, replica: 2, errors: +5% }")).toEqual([]);
    const scaled = scenario("fault: { effect: { on: shop, replica: 6, errors: +5% } }").replace("shop: { zones: 2,", "shop: { zones: 2, autoscale: { min: 2, max: 10 },");
    expect(said(scaled)).toEqual([]);
  });

  it("a call that nobody makes", () => {
    expect(fault("partition: { on: payments -> shop }")).toEqual(["payments -> shop | `payments` never calls `shop` | write shop -> payments"]);
    expect(fault("dependency-errors: { on: shop -> orders-db }")).toEqual(["shop -> orders-db | `shop` never calls `orders-db` | calls: `shop -> payments`"]);
    expect(fault("dependency-errors: { on: payments -> spare-db }")).toEqual(["payments -> spare-db | `payments` never calls `spare-db` | calls: `payments -> orders-db`"]);
    expect(defect("preset: partition, on: payments -> shop", "payments")).toEqual(["payments -> shop | `payments` never calls `shop` | calls: `payments -> orders-db`"]);
    expect(defect("preset: partition, on: payments -> orders-db")).toEqual(["payments -> orders-db | a defect of `shop` is not in the calls of `payments` | calls: `shop -> payments`"]);
  });

  it("a cache that is not there", () => {
    expect(fault("cache-cold: { on: payments }")).toEqual(["payments | `payments` has no cache | services with a cache: `shop`"]);
    expect(defect("cache: cold", "payments")).toEqual(["{ cache: cold | `payments` has no cache | services with a cache: `shop`"]);
  });

  it("orders where nothing converts, or where no client sees it", () => {
    expect(fault("conversion-drop: { on: shop/view }")).toEqual(["shop/view | nothing converts at `shop/view` | endpoints that convert: `shop/order`"]);
    expect(fault("conversion-drop: { on: payments }")).toEqual(["payments | nothing converts at `payments` | endpoints that convert: `shop/order`"]);
    expect(defect("on: shop/view, conversion: -30%")).toEqual(["shop/view | nothing converts at `shop/view` | endpoints that convert: `shop/order`"]);
  });

  it("a database that nobody asks, or that the release's own service does not ask", () => {
    expect(fault("slow-database: { on: spare-db }")).toEqual(["spare-db | nothing asks the database `spare-db` | name it in the `calls` of an endpoint"]);
    expect(defect("on: orders-db, latency: x4")).toEqual(["orders-db | `shop` never asks `orders-db` | write it as a fault, or on the service itself"]);
  });

  it("traffic that enters elsewhere", () => {
    expect(fault("traffic-surge: { on: traffic payments }")).toEqual(["traffic payments | no traffic enters `payments` | write traffic shop"]);
  });
});

describe("an effect that can touch something is taken", () => {
  it.each([
    "zone-outage: { zone: 2 }", "zone-outage: { zone: 1, on: shop }", "partition: { on: shop -> payments }", "cache-cold: { on: shop }",
    "conversion-drop: { on: shop }", "conversion-drop: { on: shop/order }", "slow-database: { on: orders-db }", "traffic-surge: { on: traffic shop }",
  ])("%s", (written) => {
    expect(fault(written)).toEqual([]);
  });

  it("in a defect, too", () => {
    expect([defect("on: shop -> payments, errors: +5%"), defect("on: orders-db, latency: x4", "payments"), defect("on: orders-db, lock: 30s"), defect("on: payments, errors: +5%")].flat()).toEqual([]);
  });

  it("and what is wrong with the world is not said again at its effects", () => {
    expect(said(scenario("fault: { partition: { on: shop -> payments } }", "paymnts/charge")).length).toBe(1);
  });
});
