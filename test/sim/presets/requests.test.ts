// Presets on what requests get: errors, latency and lost orders, as a fault of an endpoint and as a release's defect.

import { describe, expect, it } from "vitest";
import { minutes, seconds } from "../../../src/kernel/units.js";
import { AFTER, BEFORE, chanceOfShare, DURING, expectNear, fault, FIDELITIES, play, release, type Seen, type Stretch } from "../support/preset-stage.js";

const ORDER = { service: "shop", endpoints: ["order"] } as const;
const VIEW = { service: "shop", endpoints: ["view"] } as const;
const HELD: Stretch = { from: 75e6, to: 360e6 };
const V1 = { ...ORDER, version: "v1" } as const;
const V2 = { ...ORDER, version: "v2" } as const;

/** The share that telemetry shows is `expected`, as far as chance allows. */
function expectShare(seen: number, expected: number, n: number): void {
  expect(n).toBeGreaterThan(500);
  expect(Math.abs(seen - expected)).toBeLessThan(chanceOfShare(expected, n));
}

const expectErrors = (seen: Seen, where: typeof ORDER | typeof VIEW, stretch: Stretch, expected: number, lane = 0): void =>
  expectShare(seen.errorRate(where, stretch, lane), expected, seen.requests(where, stretch, lane));

/** Base errors are 0.5 %, drawn apart from the effect's. */
const both = (extra: number): number => 1 - (1 - 0.005) * (1 - extra);

describe.each(FIDELITIES)("errors, in %s", (fidelity) => {
  it("fail that share of the endpoint's requests while they last, and of no other's", () => {
    const seen = play(fidelity, { script: fault("errors", "on: shop/order, errors: +20%") });
    expectErrors(seen, ORDER, BEFORE, 0.005);
    expectErrors(seen, ORDER, DURING, both(0.2));
    expectErrors(seen, ORDER, AFTER, 0.005);
    expectErrors(seen, VIEW, DURING, 0.005);
  });

  it("of some users only, fail their share", () => {
    const seen = play(fidelity, { script: fault("errors", "on: shop/order, errors: +100%, users: 30%") });
    expectErrors(seen, ORDER, DURING, both(0.3));
    expectErrors(seen, ORDER, AFTER, 0.005);
  });

  it("on one replica fail its requests alone", () => {
    const seen = play(fidelity, { script: fault("errors", "on: shop/order, errors: +40%, replica: 1") });
    const [one, late] = [{ ...ORDER, replica: "shop-v1-1" }, { from: seconds(130), to: minutes(4) }];
    expectShare(seen.errorRate(one, late), both(0.4), seen.requests(one, late));
    expectNear(seen.requests(one, late) / seen.requests(ORDER, late), 0.25, 0.04);
    expectShare(seen.errorRate(ORDER, late), both(0.1), seen.requests(ORDER, late));
  });

  it("as a defect show on the release alone, and not in the lane that leaves the release out", () => {
    const seen = play(fidelity, { script: release("errors", "on: shop/order, errors: +20%"), held: 0.5 });
    expectErrors(seen, V2, HELD, both(0.2));
    expectErrors(seen, V1, HELD, 0.005);
    expectErrors(seen, V2, HELD, 0.005, 1);
  });

  it("behind a flag end when the flag is switched off", () => {
    const seen = play(fidelity, { script: release("errors", "with: flag, on: shop/order, errors: +20%", ", flag: { name: new, endpoints: [shop/order] }"), held: 0.5, flagOffAt: 180e6 });
    expectErrors(seen, V2, { from: 75e6, to: 180e6 }, both(0.2));
    expectErrors(seen, V2, { from: 190e6, to: 360e6 }, 0.005);
  });
});

describe.each(FIDELITIES)("latency, in %s", (fidelity) => {
  // Own work of `view`: p50 20 ms; the query's mean on top.
  it("stretches the endpoint's own work while it lasts, and leaves the other endpoint alone", () => {
    const seen = play(fidelity, { script: fault("latency", "on: shop/view, latency: x3") });
    const [before, during, after] = [BEFORE, DURING, AFTER].map((stretch) => seen.mean(VIEW, stretch));
    const own = ownMean(20, 40);
    expect(during - before).toBeGreaterThan(1.9 * own);
    expect(during - before).toBeLessThan(2.1 * own);
    expectNear(after / before, 1, 0.05);
    expectNear(seen.mean(ORDER, DURING) / seen.mean(ORDER, BEFORE), 1, 0.05);
    // Telemetry's median lies in the bucket of the true one.
    expect(seen.quantile(0.5, VIEW, BEFORE)).toBeLessThan(0.025 * 1.1);
    expectNear(seen.quantile(0.5, VIEW, DURING), 0.075, 0.025);
  });

  it("as a time adds to every request", () => {
    const seen = play(fidelity, { script: fault("latency", "on: shop/view, latency: +200ms") });
    expect(seen.mean(VIEW, DURING) - seen.mean(VIEW, BEFORE)).toBeCloseTo(0.2, 2);
    expect(seen.quantile(0.05, VIEW, DURING)).toBeGreaterThan(0.1);
  });

  it("as a defect shows on the release alone, and not in the lane that leaves the release out", () => {
    const seen = play(fidelity, { script: release("latency", "on: shop/view, latency: x3"), held: 0.5 });
    const [v1, v2] = ["v1", "v2"].map((version) => seen.mean({ ...VIEW, version }, HELD));
    expectNear((v2 - v1) / (2 * ownMean(20, 40)), 1, 0.05);
    // Every request of v2 to `view` carries the release: nothing is left of them.
    expect(seen.requests({ ...VIEW, version: "v2" }, HELD, 1)).toBe(0);
    expect(seen.requests({ ...ORDER, version: "v2" }, HELD, 1)).toBeGreaterThan(1000);
  });
});

describe.each(FIDELITIES)("conversion-drop, in %s", (fidelity) => {
  const n = (seen: Seen, stretch: Stretch, where = ORDER): number => seen.requests({ ...where, code: "2xx" }, stretch);

  it("loses that share of orders without a single error", () => {
    const seen = play(fidelity, { script: fault("conversion-drop", "on: shop/order, conversion: -30%") });
    expectShare(seen.conversion(ORDER, BEFORE), 0.5, n(seen, BEFORE));
    expectShare(seen.conversion(ORDER, DURING), 0.35, n(seen, DURING));
    expectShare(seen.conversion(ORDER, AFTER), 0.5, n(seen, AFTER));
    expect(seen.increase("order_value_euro_total", ORDER, DURING) / seen.increase("conversions_total", ORDER, DURING)).toBeCloseTo(20, 6);
    expectErrors(seen, ORDER, DURING, 0.005);
  });

  it("as a defect shows on the release alone, and not in the lane that leaves the release out", () => {
    const seen = play(fidelity, { script: release("conversion-drop", "on: shop/order, conversion: -30%"), held: 0.5 });
    expectShare(seen.conversion(V2, HELD), 0.35, n(seen, HELD, V2));
    expectShare(seen.conversion(V1, HELD), 0.5, n(seen, HELD, V1));
    expectShare(seen.conversion(V2, HELD, 1), 0.5, n(seen, HELD, V2));
  });
});

/** Mean of a lognormal by median and 95th percentile, in seconds. */
function ownMean(p50: number, p95: number): number {
  const sigma = Math.log(p95 / p50) / 1.6448536269514722;
  return (p50 / 1000) * Math.exp(sigma ** 2 / 2);
}
