// Flags: on from the deploy, seen by each replica in its own time; and conditions of effects: rate, warm life, window, users.

import { describe, expect, it } from "vitest";
import { createRequestWorld, type RequestWorld } from "../../../src/world/request/request-world.js";
import type { Effect } from "../../../src/world/effect.js";
import { errorRate, gauge, increase, seenErrorRate, total } from "./measures.js";
import { database, endpoint, defect, fault, input, minutes, rate, seconds, service, shop, toDatabase, V2, world } from "./small-worlds.js";

const WITH_FLAG = [{ service: "shop", version: "v2", flag: "new-checkout" }] as const;

function onV2(effects: readonly Effect[], rps = 100): RequestWorld {
  const one = createRequestWorld(input(world(rate(rps)), { effects, versions: WITH_FLAG }));
  one.scale("shop", "v2", 4);
  one.advanceTo(seconds(30));
  one.setWeights("shop", { v1: 0, v2: 1 });
  return one;
}

const flagged: Effect = defect(shop, { kind: "errors", ratio: 0.5 }, {
  carrier: { with: "flag", service: "shop", version: "v2", flag: "new-checkout" },
});

describe("a flag", () => {
  it("is on from the deploy, and carries its defect", () => {
    const one = onV2([flagged]);
    one.advanceTo(minutes(2));
    expect(one.flagOn("new-checkout")).toBe(true);
    expect(seenErrorRate(one, { version: "v2" })).toBeCloseTo(0.5, 1);
    expect(errorRate(one, { version: "v1" })).toBe(0);
  });

  it("when switched off, takes the defect away within its propagation, replica by replica", () => {
    const one = onV2([flagged]);
    one.advanceTo(minutes(2));
    expect(one.setFlag("new-checkout", false)).toBe(true);
    expect(one.flagOn("new-checkout")).toBe(false);
    const failedIn = (to: number): number => {
      const before = total(one, "errors");
      one.advanceTo(to);
      return total(one, "errors") - before;
    };
    const first = failedIn(minutes(2) + seconds(0.9));
    expect(first).toBeGreaterThan(25);
    const during = failedIn(minutes(2) + seconds(5.1));
    expect(during).toBeGreaterThan(0);
    expect(during).toBeLessThan(4.2 * 50);
    expect(failedIn(minutes(4))).toBe(0);
  });

  it("cannot be changed while the flag service is down, which shows in telemetry", () => {
    const down = fault({ on: "flag-service" }, { kind: "flag-service-down" }, minutes(1), minutes(2));
    const one = onV2([flagged, down]);
    one.advanceTo(minutes(1) + seconds(20));
    expect(one.setFlag("new-checkout", false)).toBe(false);
    expect(one.flagOn("new-checkout")).toBe(true);
    expect(gauge(one, "flag_service_up")).toBe(0);
    one.advanceTo(minutes(3));
    expect(gauge(one, "flag_service_up")).toBe(1);
    expect(one.setFlag("new-checkout", false)).toBe(true);
  });

  it("off then on again: replicas end with the newest value", () => {
    const one = onV2([flagged]);
    one.advanceTo(minutes(1));
    one.setFlag("new-checkout", false);
    one.advanceTo(minutes(1) + seconds(1));
    one.setFlag("new-checkout", true);
    one.advanceTo(minutes(4));
    expect(seenErrorRate(one, { version: "v2" })).toBeCloseTo(0.5, 1);
  });
});

describe("a flag that was changed twice while a replica started", () => {
  it("is what the replica read, whichever change is still on its way", () => {
    const kill = fault({ ...shop, version: "v2" } as never, { kind: "kill", count: 4 }, minutes(1));
    const allFail = defect(shop, { kind: "errors", ratio: 1 }, { carrier: flagged.carrier });
    const startup = { kind: "constant", value: seconds(4) } as const;
    const one = createRequestWorld(input(world({ services: [service({ startup })] }), { effects: [kill, allFail], versions: WITH_FLAG }));
    one.scale("shop", "v2", 4);
    one.advanceTo(seconds(30));
    one.setWeights("shop", { v1: 0, v2: 1 });
    one.advanceTo(minutes(1) + seconds(3));
    one.setFlag("new-checkout", false);
    one.advanceTo(minutes(1) + seconds(3.5));
    one.setFlag("new-checkout", true);
    const answered = (): number => total(one, "requests") - total(one, "errors");
    const before = answered();
    one.advanceTo(minutes(2));
    expect(answered()).toBe(before);
  });
});

describe("conditions of an effect", () => {
  const errors = { kind: "errors", ratio: 0.5 } as const;
  const always = { from: 0, to: minutes(1000), rpsAbove: null, afterWarmLife: 0 };

  it("above a rate per ready replica: only then", () => {
    // Four replicas: 25 rps each.
    const above = (rpsAbove: number): number => {
      const one = onV2([defect(shop, errors, { when: { ...always, rpsAbove } })]);
      one.advanceTo(minutes(3));
      return seenErrorRate(one, { version: "v2" });
    };
    expect(above(20)).toBeCloseTo(0.5, 1);
    expect(above(32)).toBe(0);
  });

  it("after warm life: only on replicas that have been ready so long", () => {
    const one = onV2([defect(shop, errors, { when: { ...always, afterWarmLife: minutes(2) } })]);
    one.advanceTo(minutes(2));
    expect(total(one, "errors")).toBe(0);
    one.advanceTo(minutes(5));
    expect(seenErrorRate(one, { version: "v2" })).toBeCloseTo(0.5, 1);
  });

  it("after warm life holds for effects on the replica, too", () => {
    const one = onV2([defect(shop, { kind: "cpu", add: 0.5 }, { when: { ...always, afterWarmLife: minutes(2) } })]);
    one.advanceTo(minutes(2));
    expect(gauge(one, "cpu_usage_ratio", { version: "v2" })).toBeLessThan(0.3);
    one.advanceTo(minutes(3));
    expect(gauge(one, "cpu_usage_ratio", { version: "v2" })).toBeGreaterThan(0.5);
  });

  it("after warm life holds for effects on a database, too", () => {
    const when = { ...always, afterWarmLife: minutes(2) };
    const spec = world({ services: [service({ endpoints: [endpoint({ calls: [toDatabase()] })] })], databases: [database({ pool: 20 })] });
    const hog = defect({ on: "database", database: "db" }, { kind: "pool", taken: 18 }, { when });
    const one = createRequestWorld(input(spec, { effects: [hog], versions: WITH_FLAG }));
    one.scale("shop", "v2", 2);
    one.advanceTo(minutes(2));
    expect(gauge(one, "db_pool_in_use_ratio")).toBeLessThan(0.5);
    one.advanceTo(minutes(3));
    expect(gauge(one, "db_pool_in_use_ratio")).toBeGreaterThanOrEqual(0.9);
  });

  it("in a window: only from its start to its end", () => {
    const one = onV2([fault(shop, errors, minutes(2), minutes(3))]);
    one.advanceTo(minutes(2));
    expect(total(one, "errors")).toBe(0);
    one.advanceTo(minutes(3));
    const failed = total(one, "errors");
    expect(failed).toBeGreaterThan(60 * 50 * 0.9);
    one.advanceTo(minutes(5));
    expect(total(one, "errors")).toBeLessThanOrEqual(failed + 2);
    expect(one.events.filter((e) => e.kind === "effect-started" || e.kind === "effect-ended").map((e) => e.at)).toEqual([minutes(2), minutes(3)]);
  });

  it("for some users: they fail always, the others never", () => {
    const one = onV2([defect(shop, { kind: "errors", ratio: 1 }, { users: 0.1 })]);
    one.advanceTo(minutes(4));
    expect(errorRate(one, { version: "v2", segment: "targeted" })).toBe(1);
    expect(errorRate(one, { version: "v2", segment: "rest" })).toBe(0);
    expect(errorRate(one, { version: "v2" })).toBeCloseTo(0.1, 1);
  });

  it("on one endpoint: not on the others", () => {
    const spec = world({ ...rate(100), services: [service({ endpoints: [endpoint({ name: "a", share: 0.5 }), endpoint({ name: "b", share: 0.5 })] })] });
    const one = createRequestWorld(input(spec, { effects: [fault({ ...shop, endpoint: "a" } as never, errors)], versions: V2 }));
    one.advanceTo(minutes(2));
    expect(errorRate(one, { endpoint: "a" })).toBeCloseTo(0.5, 1);
    expect(errorRate(one, { endpoint: "b" })).toBe(0);
    expect(increase(one, "http_requests_total", { endpoints: ["b"], code: "5xx" })).toBe(0);
  });
});

describe("effects on telemetry", () => {
  const rows = (one: RequestWorld): number => {
    const answer = one.telemetry.query({ fn: "increase", metric: "http_requests_total", where: { code: "2xx" }, window: minutes(1) }, one.now());
    return answer.kind === "value" ? answer.samples : 0;
  };

  it("gap: nothing is scraped while it lasts, though the world goes on", () => {
    const one = onV2([fault({ on: "telemetry" }, { kind: "drop-scrapes" }, minutes(2), minutes(4))]);
    one.advanceTo(minutes(2) - 1);
    expect(rows(one)).toBeGreaterThan(0);
    one.advanceTo(minutes(3) + seconds(30));
    expect(rows(one)).toBe(0);
    one.advanceTo(minutes(6));
    expect(rows(one)).toBeGreaterThan(0);
    expect(errorRate(one)).toBe(0);
  });

  it("overlapping gaps: the end of one is not the end of the other", () => {
    const gap = (from: number, to: number, id: string): Effect => fault({ on: "telemetry" }, { kind: "drop-scrapes" }, from, to, { id });
    const one = onV2([gap(minutes(2), minutes(4), "first"), gap(minutes(3), minutes(8), "second")]);
    one.advanceTo(minutes(7));
    expect(rows(one)).toBe(0);
    one.advanceTo(minutes(10));
    expect(rows(one)).toBeGreaterThan(0);
  });

  it("lag: samples can be seen later", () => {
    const newest = (add: number): number => {
      const one = onV2([fault({ on: "telemetry" }, { kind: "lag", add }, minutes(1))]);
      one.advanceTo(minutes(4));
      const answer = one.telemetry.query({ fn: "increase", metric: "http_requests_total", where: {}, window: minutes(3) }, one.now());
      return answer.kind === "value" ? one.now() - answer.newest : NaN;
    };
    expect(newest(0)).toBeLessThan(seconds(15));
    expect(newest(seconds(60))).toBeGreaterThanOrEqual(seconds(60));
  });
});
