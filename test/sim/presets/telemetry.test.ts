// Presets on what comes in and what is seen of it: traffic surge, telemetry gap, telemetry lag, a flag service that is down.

import { describe, expect, it } from "vitest";
import { minutes, seconds, type Micros } from "../../../src/kernel/units.js";
import { AFTER, BEFORE, DURING, expectNear, fault, FIDELITIES, play, release, SHOP, type Seen, type Stretch } from "../support/preset-stage.js";

const PAYMENTS = { service: "payments" } as const;

/** Seconds since the newest sample that an engine gets to see of `where`; null when it gets none. */
function age(seen: Seen, where: typeof SHOP | typeof PAYMENTS, at: Micros, window: Micros = minutes(2)): number | null {
  const answer = seen.answer({ fn: "increase", metric: "http_requests_total", where, window }, at);
  return answer.kind === "value" ? (at - answer.newest) / 1e6 : null;
}

describe.each(FIDELITIES)("traffic-surge, in %s", (fidelity) => {
  it("multiplies the traffic while it lasts, down to the services behind", () => {
    const seen = play(fidelity, { script: fault("traffic-surge") });
    for (const where of [SHOP, PAYMENTS]) {
      const rate = (stretch: Stretch): number => seen.rate(where, stretch);
      // Four standard errors of a ratio of two counts of 3,800 and more.
      expectNear(rate(DURING) / rate(BEFORE), 2, 0.16);
      expectNear(rate(AFTER) / rate(BEFORE), 1, 0.1);
    }
    expectNear(seen.rate(SHOP, BEFORE), 60, 3);
  });

  it("has its own figure, and may be less than there was", () => {
    const seen = play(fidelity, { script: fault("traffic-surge", "surge: x0.25") });
    expectNear(seen.rate(SHOP, DURING) / seen.rate(SHOP, BEFORE), 0.25, 0.03);
  });
});

describe.each(FIDELITIES)("telemetry-gap, in %s", (fidelity) => {
  it("brings no sample of anything while it lasts: answers are stale, then absent", () => {
    const seen = play(fidelity, { script: fault("telemetry-gap") });
    expect(age(seen, SHOP, minutes(2))).toBeLessThan(5);
    expect(age(seen, SHOP, seconds(160))).toBeGreaterThanOrEqual(40);
    const short = { metric: "http_requests_total", where: SHOP, window: seconds(30) } as const;
    expect(seen.answer({ fn: "rate", ...short }, seconds(170))).toEqual({ kind: "absent", why: "no series" });
    expect(seen.answer({ fn: "quantile", metric: "http_request_duration_seconds", where: SHOP, q: 0.95, window: seconds(30) }, minutes(4)).kind).toBe("absent");
    expect(seen.answer({ fn: "max-over-time", metric: "up", where: SHOP, across: "max", window: seconds(60) }, minutes(4)).kind).toBe("absent");
    // An instant gauge is looked back for: an old figure that only its time gives away.
    const cpu = seen.answer({ fn: "latest", metric: "cpu_usage_ratio", where: SHOP, across: "avg", window: minutes(5) }, minutes(4));
    expect(cpu.kind === "value" && minutes(4) - cpu.newest).toBeGreaterThanOrEqual(minutes(2));
    expect(age(seen, SHOP, seconds(255))).toBeLessThan(5);
  });

  it("loses no request: counters had gone on", () => {
    const seen = play(fidelity, { script: fault("telemetry-gap") });
    const across: Stretch = { from: seconds(90), to: seconds(270) };
    expectNear(seen.requests(SHOP, across), 180 * 60, 4 * Math.sqrt(180 * 60));
  });

  it("of one service leaves the others in sight", () => {
    const seen = play(fidelity, { script: fault("telemetry-gap", "on: telemetry shop") });
    expect(age(seen, SHOP, minutes(4), seconds(60))).toBeNull();
    expect(age(seen, PAYMENTS, minutes(4), seconds(60))).toBeLessThan(5);
    // What the platform says of the service goes on.
    const ready = seen.answer({ fn: "latest", metric: "replicas_ready", where: SHOP, across: "sum", window: minutes(5) }, minutes(4));
    expect(ready.kind === "value" && minutes(4) - ready.newest).toBeLessThan(seconds(5));
  });
});

describe.each(FIDELITIES)("telemetry-lag, in %s", (fidelity) => {
  const seen = play(fidelity, { script: fault("telemetry-lag") });

  it("shows samples a minute late: engines see the past", () => {
    expect(age(seen, SHOP, minutes(2))).toBeLessThan(5);
    // In the first minute nothing new arrives; from then on what arrives is a minute old.
    expectNear(age(seen, SHOP, seconds(165)) ?? NaN, 45, 5);
    for (const at of [185, 200, 220, 240]) expectNear(age(seen, SHOP, seconds(at)) ?? NaN, 62.5, 2.5);
    expect(seen.answer({ fn: "rate", metric: "http_requests_total", where: SHOP, window: seconds(30) }, seconds(220))).toEqual({ kind: "absent", why: "no series" });
    expect(age(seen, SHOP, seconds(310))).toBeLessThan(5);
  });

  it("changes when figures are seen, not the figures", () => {
    const without = play(fidelity, { script: "  []" });
    const asked = { fn: "increase", metric: "http_requests_total", where: SHOP, window: minutes(2), offset: minutes(2) } as const;
    expect(seen.answer(asked, minutes(6))).toEqual(without.answer(asked, minutes(6)));
  });

  it("of one service leaves the others in time", () => {
    const one = play(fidelity, { script: fault("telemetry-lag", "on: telemetry shop") });
    expectNear(age(one, SHOP, minutes(4)) ?? NaN, 62.5, 2.5);
    expect(age(one, PAYMENTS, minutes(4))).toBeLessThan(5);
  });
});

describe.each(FIDELITIES)("flag-service-down, in %s", (fidelity) => {
  const ORDER_V2 = { service: "shop", endpoints: ["order"], version: "v2" } as const;
  const flagged = release("errors", "with: flag, on: shop/order, errors: +20%", ", flag: { name: new, endpoints: [shop/order] }");
  const up = (seen: Seen, at: Micros): number => seen.latest("flag_service_up", {}, at);

  it("shows in the service's own figure, and keeps a flag from being switched", () => {
    const seen = play(fidelity, { held: 0.5, flagOffAt: minutes(3), script: `${flagged}\n${fault("flag-service-down")}` });
    expect([up(seen, minutes(2)), up(seen, seconds(130)), up(seen, minutes(4)), up(seen, seconds(250)), up(seen, minutes(6))]).toEqual([1, 0, 0, 1, 1]);
    expect(seen.world.flagOn("new")).toBe(true);
    expect(seen.errorRate(ORDER_V2, AFTER)).toBeGreaterThan(0.15);
    expect(seen.world.setFlag("new", false)).toBe(true);
  });
});
