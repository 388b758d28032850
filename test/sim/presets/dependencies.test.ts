// Presets on the link between two services: errors, latency, partition. Seen at the caller; the callee sees less traffic or nothing.

import { describe, expect, it } from "vitest";
import { minutes, seconds } from "../../../src/kernel/units.js";
import { AFTER, BEFORE, chanceOfShare, DURING, expectNear, fault, FIDELITIES, play, release, SHOP, type Stretch } from "../support/preset-stage.js";

const ORDER = { ...SHOP, endpoints: ["order"] } as const;
const VIEW = { ...SHOP, endpoints: ["view"] } as const;
const [V1, V2] = ["v1", "v2"].map((version) => ({ ...ORDER, version }));
const PAYMENTS = { service: "payments" } as const;
const LINK = "on: shop -> payments";
const HELD: Stretch = { from: seconds(75), to: minutes(6) };
/** Base errors of `order`, and a lost call on top. */
const withLost = (share: number): number => 1 - 0.995 * (1 - share);
/** Orders in two minutes are about 4,300. */
const CHANCE = chanceOfShare(0.3, 4000);

describe.each(FIDELITIES)("dependency-errors, in %s", (fidelity) => {
  it("fail that share of the caller's requests, on the way: the callee sees fewer, and none of them failing", () => {
    const seen = play(fidelity, { script: fault("dependency-errors", LINK) });
    expectNear(seen.errorRate(ORDER, DURING), withLost(0.3), CHANCE);
    expectNear(seen.errorRate(ORDER, BEFORE), 0.005, 0.005);
    expectNear(seen.errorRate(ORDER, AFTER), 0.005, 0.005);
    expectNear(seen.errorRate(VIEW, DURING), 0.005, 0.006);
    expectNear(seen.rate(PAYMENTS, DURING) / seen.rate(PAYMENTS, BEFORE), 0.7, 0.06);
    expectNear(seen.rate(PAYMENTS, AFTER) / seen.rate(PAYMENTS, BEFORE), 1, 0.09);
    expect(seen.errorRate(PAYMENTS, DURING)).toBe(0);
  });

  it("are mended by a retry as often as chance has it", () => {
    const paymentsCall = "{ to: payments/charge, timeout: 1s, retries: { max: 1, backoff: 20ms, budget: 100% } }";
    const seen = play(fidelity, { paymentsCall, script: fault("dependency-errors", LINK) });
    expectNear(seen.errorRate(ORDER, DURING), withLost(0.09), chanceOfShare(0.1, 4000));
  });

  it("as a defect show on the release alone, and not in the lane that leaves the release out", () => {
    const seen = play(fidelity, { held: 0.5, script: release("dependency-errors", LINK) });
    expectNear(seen.errorRate(V2, HELD), withLost(0.3), CHANCE);
    expectNear(seen.errorRate(V1, HELD), 0.005, 0.005);
    expectNear(seen.errorRate(V2, HELD, 1), 0.005 / (0.005 + 0.995 * 0.7), 0.006);
  });
});

describe.each(FIDELITIES)("dependency-latency, in %s", (fidelity) => {
  it("adds to every call: the caller is slower and holds more requests, the callee is as it was", () => {
    const seen = play(fidelity, { script: fault("dependency-latency", LINK) });
    expectNear(seen.mean(ORDER, DURING) - seen.mean(ORDER, BEFORE), 0.5, 0.01);
    expectNear(seen.mean(ORDER, AFTER) - seen.mean(ORDER, BEFORE), 0, 0.005);
    expectNear(seen.mean(VIEW, DURING) - seen.mean(VIEW, BEFORE), 0, 0.005);
    expectNear(seen.mean(PAYMENTS, DURING) - seen.mean(PAYMENTS, BEFORE), 0, 0.003);
    // The median of 0.55 s lies between the edges 0.5 s and 1 s.
    expectNear(seen.quantile(0.5, ORDER, DURING), 0.75, 0.25);
    // Little: 36 orders a second x 0.5 s over four replicas.
    const inFlight = (stretch: Stretch): number => seen.average("http_requests_in_flight", SHOP, stretch) * (fidelity === "request" ? 4 : 1);
    expectNear(inFlight(DURING) - inFlight(BEFORE), 18, 4.5);
    expect(seen.errorRate(ORDER, DURING)).toBeLessThan(0.012);
  });

  it("beyond the timeout fails the call after just that time", () => {
    const seen = play(fidelity, { script: fault("dependency-latency", `${LINK}, latency: +3s`) });
    expect(seen.errorRate(ORDER, DURING)).toBeGreaterThan(0.97);
    expectNear(seen.mean(ORDER, { from: seconds(130), to: minutes(4) }), 1.033, 0.02);
    expectNear(seen.errorRate(ORDER, AFTER), 0.005, 0.005);
  });

  it("as a defect shows on the release alone", () => {
    const seen = play(fidelity, { held: 0.5, script: release("dependency-latency", LINK) });
    expectNear(seen.mean(V2, HELD) - seen.mean(V1, HELD), 0.5, 0.01);
  });
});

describe.each(FIDELITIES)("partition, in %s", (fidelity) => {
  it("leaves every call unanswered until the caller gives up, and the callee without traffic", () => {
    const seen = play(fidelity, { script: fault("partition", LINK) });
    const settled: Stretch = { from: seconds(130), to: minutes(4) };
    expect(seen.errorRate(ORDER, settled)).toBe(1);
    // 33 ms of own work (nothing more where that failed), then the timeout of 1 s.
    expectNear(seen.mean(ORDER, settled), 1.028, 0.015);
    expect(seen.requests(PAYMENTS, settled)).toBe(0);
    expect(seen.answer({ fn: "quantile", metric: "http_request_duration_seconds", where: PAYMENTS, q: 0.95, window: seconds(60) }, minutes(4)))
      .toEqual({ kind: "absent", why: "no observations" });
    expect(seen.latest("up", PAYMENTS, minutes(4), "min")).toBe(1);
    expectNear(seen.errorRate(VIEW, DURING), 0.005, 0.006);
    expectNear(seen.errorRate(ORDER, AFTER), 0.005, 0.005);
    expectNear(seen.rate(PAYMENTS, AFTER) / seen.rate(PAYMENTS, BEFORE), 1, 0.09);
  });

  it("behind a breaker fails fast", () => {
    const paymentsCall = "{ to: payments/charge, timeout: 1s, breaker: { failure-ratio: 50%, min-requests: 20, window: 10s, open-for: 10s } }";
    const seen = play(fidelity, { paymentsCall, script: fault("partition", LINK) });
    const settled: Stretch = { from: seconds(150), to: minutes(4) };
    expect(seen.errorRate(ORDER, settled)).toBeGreaterThan(0.99);
    expect(seen.mean(ORDER, settled)).toBeLessThan(0.3);
    expect(seen.events("breaker-opened").length).toBeGreaterThan(0);
    expectNear(seen.errorRate(ORDER, AFTER), 0.005, 0.005);
  });

  it("as a defect cuts off the release alone", () => {
    const seen = play(fidelity, { held: 0.5, script: release("partition", LINK) });
    expect(seen.errorRate(V2, HELD)).toBe(1);
    expectNear(seen.errorRate(V1, HELD), 0.005, 0.005);
    expectNear(seen.rate(PAYMENTS, HELD), 18, 2);
  });
});
