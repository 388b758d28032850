// Replicas: start, admission, drain, kills, crash loops, memory, probes, autoscaling, warm-up, caches.

import { describe, expect, it } from "vitest";
import { createRequestWorld, type RequestWorld } from "../../../src/world/request/request-world.js";
import type { Effect } from "../../../src/world/effect.js";
import type { ServiceSpec } from "../../../src/world/spec.js";
import { errorRate, gauge, increase, meanLatency, p95, total } from "./measures.js";
import { callTo, endpoint, fault, input, millis, minutes, rate, seconds, service, shop, V2, world } from "./small-worlds.js";

function shopOf(more: Partial<ServiceSpec>, effects: readonly Effect[] = [], rps = 100): RequestWorld {
  return createRequestWorld(input(world({ ...rate(rps), services: [service(more)] }), { effects, versions: V2 }));
}

const statusOf = (one: RequestWorld, version: string) => one.status("shop").find((v) => v.version === version)!;

describe("a new version", () => {
  it("starts, gets ready after its startup time, and is admitted after two good probes", () => {
    const one = shopOf({});
    one.advanceTo(minutes(1));
    one.scale("shop", "v2", 3);
    expect(statusOf(one, "v2")).toMatchObject({ desired: 3, starting: 3, ready: 0 });
    one.advanceTo(minutes(1) + seconds(14));
    expect(statusOf(one, "v2").ready).toBe(0);
    one.advanceTo(minutes(1) + seconds(16));
    expect(statusOf(one, "v2")).toMatchObject({ starting: 0, ready: 3 });
  });

  it("is slow while it warms up", () => {
    const latency = (factor: number): number => {
      const one = shopOf({ warmUp: { for: minutes(2), factor } });
      one.scale("shop", "v2", 2);
      one.advanceTo(seconds(30));
      one.setWeights("shop", { v1: 0, v2: 1 });
      one.advanceTo(minutes(5));
      return meanLatency(one, { version: "v2" });
    };
    expect(latency(1)).toBeCloseTo(0.02, 3);
    expect(latency(5)).toBeGreaterThan(0.03);
  });

  it("has a cold cache, which fills: a regression that is none", () => {
    const cache = { hit: 0.9, fill: minutes(1), miss: { kind: "constant", value: millis(100) } } as const;
    const one = shopOf({ cache });
    one.scale("shop", "v2", 2);
    one.advanceTo(seconds(30));
    const warm = meanLatency(one, { version: "v1" });
    expect(warm).toBeGreaterThan(0.027);
    expect(warm).toBeLessThan(0.033);
    one.setWeights("shop", { v1: 0, v2: 1 });
    one.advanceTo(seconds(60));
    expect(meanLatency(one, { version: "v2" })).toBeGreaterThan(2 * warm);
    one.advanceTo(minutes(8));
    expect(p95(one, { version: "v2" })).toBeLessThan(0.26);
  });
});

describe("scaling down", () => {
  it("finishes the requests that a leaving replica has", () => {
    const one = shopOf({ replicas: 4, endpoints: [endpoint({ time: { kind: "constant", value: seconds(2) } })] }, [], 20);
    one.advanceTo(seconds(30));
    one.scale("shop", "v1", 2);
    expect(statusOf(one, "v1")).toMatchObject({ desired: 2, ready: 2, draining: 2 });
    one.advanceTo(seconds(33));
    expect(statusOf(one, "v1").draining).toBe(0);
  });

  it("cuts off what is not done when the drain time is over", () => {
    const spec = world({
      ...rate(2), drain: seconds(5), clients: { timeout: seconds(100), reload: { share: 0, after: 0, max: 0 } },
      services: [service({ replicas: 2, endpoints: [endpoint({ time: { kind: "constant", value: seconds(20) } })] })],
    });
    const one = createRequestWorld(input(spec));
    one.advanceTo(seconds(30));
    one.scale("shop", "v1", 1);
    one.advanceTo(seconds(34));
    expect(total(one, "errors")).toBe(0);
    one.advanceTo(seconds(36));
    expect(total(one, "errors")).toBeGreaterThan(5);
    expect(statusOf(one, "v1").draining).toBe(0);
  });

  it("loses no request when weight is taken away first", () => {
    const one = shopOf({});
    one.scale("shop", "v2", 2);
    one.advanceTo(minutes(1));
    one.setWeights("shop", { v1: 0, v2: 1 });
    one.advanceTo(minutes(1) + seconds(2));
    one.scale("shop", "v1", 0);
    one.advanceTo(minutes(2));
    expect(total(one, "errors")).toBe(0);
    expect(one.inFlight("shop", "v1")).toBe(0);
  });
});

describe("a replica that dies", () => {
  it("pod-kill: its share of requests fails until the balancer notices or it is back; one restart", () => {
    const one = shopOf({ replicas: 4, startup: { kind: "constant", value: seconds(60) } }, [fault(shop, { kind: "kill", count: 1 }, minutes(1))]);
    one.advanceTo(minutes(2));
    // Three probes, five seconds apart: 10 to 15 seconds of a quarter of the requests.
    const failed = total(one, "errors");
    expect(failed).toBeGreaterThan(100 * 10 * 0.25 * 0.8);
    expect(failed).toBeLessThan(100 * 15 * 0.25 * 1.2);
    expect(statusOf(one, "v1").ready).toBe(3);
    one.advanceTo(minutes(3));
    expect(statusOf(one, "v1").ready).toBe(4);
    expect(total(one, "errors")).toBe(failed);
    expect(increase(one, "container_restarts_total", {}, 0, minutes(3))).toBeGreaterThan(0.9);
    expect(one.events.filter((e) => e.kind === "replica-killed")).toHaveLength(1);
  });

  it("pod-kill above a rate: when the rate is first met, and once", () => {
    const when = { from: minutes(1), to: minutes(100), rpsAbove: 80, afterWarmLife: 0 };
    const surge = (from: number, to: number): Effect => fault({ on: "traffic" }, { kind: "surge", factor: 3 }, from, to, { id: `surge at ${from}` });
    const one = shopOf({ slots: 50 }, [fault(shop, { kind: "kill", count: 1 }, 0, 0, { when }), surge(minutes(2), minutes(3)), surge(minutes(4), minutes(5))]);
    one.advanceTo(minutes(2));
    expect(one.events.filter((e) => e.kind === "replica-killed")).toHaveLength(0);
    one.advanceTo(minutes(2) + seconds(10));
    expect(one.events.filter((e) => e.kind === "replica-killed")).toHaveLength(1);
    one.advanceTo(minutes(6));
    expect(one.events.filter((e) => e.kind === "replica-killed")).toHaveLength(1);
  });

  it("takes a request and the one that it waits for along, when both are its own", () => {
    const time = { kind: "constant", value: millis(200) } as const;
    const inner = callTo({ kind: "endpoint", service: "shop", endpoint: "price" }, { timeout: seconds(5), retries: { max: 1, backoff: millis(10), budget: 1 } });
    const spec = world({
      traffic: [{ ...rate(100).traffic[0], shape: { kind: "trace", times: [0, minutes(2) - 1, minutes(2), minutes(2) + 1], relative: [1, 1, 1, 1e-9] } }],
      services: [service({ replicas: 1, slots: 200, endpoints: [endpoint({ time, calls: [inner] }), endpoint({ name: "price", share: 0, time })] })],
    });
    const one = createRequestWorld(input(spec, { effects: [fault(shop, { kind: "kill", count: 1 }, minutes(1))] }));
    one.advanceTo(minutes(1) + seconds(1));
    expect(one.inFlight("shop", "v1")).toBe(0);
    one.advanceTo(minutes(4));
    expect(one.inFlight("shop", "v1")).toBe(0);
    expect(one.underWay()).toBe(0);
  });

  it("crash loop: restarts again and again", () => {
    const one = shopOf({ replicas: 3 }, [fault(shop, { kind: "restart-loop", every: seconds(30) }, minutes(1))]);
    one.advanceTo(minutes(6));
    // 30 s of life and 10 s of startup: 7 rounds of 3 replicas.
    expect(one.events.filter((e) => e.kind === "replica-killed").length).toBeGreaterThanOrEqual(18);
    expect(increase(one, "container_restarts_total")).toBeGreaterThan(15);
    expect(errorRate(one)).toBeGreaterThan(0.05);
  });

  it("memory leak: the gauge grows to the limit, then the replica is killed and begins again", () => {
    const one = shopOf({}, [fault(shop, { kind: "memory-growth", bytesPerMinute: 100 }, minutes(1))]);
    one.advanceTo(minutes(4));
    expect(gauge(one, "memory_usage_ratio")).toBeGreaterThan(0.65);
    expect(gauge(one, "memory_usage_ratio")).toBeLessThan(0.71);
    one.advanceTo(minutes(7) + seconds(1));
    expect(one.events.filter((e) => e.kind === "out-of-memory")).toHaveLength(2);
    one.advanceTo(minutes(8));
    expect(gauge(one, "memory_usage_ratio")).toBeLessThan(0.52);
  });

  it("startup failure: never gets ready, counted by the platform, and tried again", () => {
    const failing = fault({ on: "service", service: "shop", version: "v2" }, { kind: "startup-failure", share: 1, retryAfter: seconds(20) });
    const one = shopOf({}, [failing]);
    one.scale("shop", "v2", 2);
    one.advanceTo(minutes(5));
    expect(statusOf(one, "v2")).toMatchObject({ desired: 2, starting: 2, ready: 0 });
    expect(increase(one, "startup_failures_total", { version: "v2" })).toBeGreaterThan(12);
    expect(gauge(one, "replicas_ready", { version: "v2" })).toBe(0);
    expect(gauge(one, "replicas_desired", { version: "v2" })).toBe(2);
  });
});

describe("a replica that does not answer", () => {
  it("is taken out by the balancer after three probes, and restarted by its liveness probe", () => {
    const hang = fault({ on: "service", service: "shop", replica: 0 }, { kind: "outage" }, minutes(1), minutes(1) + seconds(40));
    const one = shopOf({ replicas: 4 }, [hang]);
    one.advanceTo(minutes(1) + seconds(25));
    expect(statusOf(one, "v1").ready).toBe(3);
    one.advanceTo(minutes(3));
    expect(one.events.some((e) => e.kind === "replica-killed" && e.text.includes("liveness"))).toBe(true);
    expect(statusOf(one, "v1").ready).toBe(4);
    const failed = total(one, "errors");
    expect(failed).toBeGreaterThan(100 * 10 * 0.25 * 0.8);
    expect(failed).toBeLessThan(100 * 16 * 0.25 * 1.2);
  });

  it("zone outage: every service loses the replicas in that zone", () => {
    const outage = fault({ on: "zone", zone: 1 }, { kind: "outage" }, minutes(1), minutes(2));
    const one = shopOf({ replicas: 4, zones: 2 }, [outage]);
    one.advanceTo(minutes(1) + seconds(30));
    expect(statusOf(one, "v1").ready).toBe(2);
    expect(gauge(one, "up", { service: "shop" })).toBeLessThan(1);
    one.advanceTo(minutes(3));
    expect(statusOf(one, "v1").ready).toBe(4);
  });
});

describe("a replica that does not answer twice over", () => {
  const hang = (from: number, to: number): Effect => fault({ on: "service", service: "shop", replica: 1 }, { kind: "outage" }, from, to, { id: `outage at ${from}` });
  const restarts = (effects: readonly Effect[]): number[] => {
    const one = shopOf({ replicas: 4, zones: 2 }, effects);
    one.advanceTo(minutes(6));
    return one.events.filter((e) => e.kind === "replica-killed").map((e) => e.at);
  };

  it("is restarted for what outlasts the loss of its zone, too", () => {
    const zone = fault({ on: "zone", zone: 1 }, { kind: "outage" }, minutes(1), minutes(3));
    expect(restarts([zone])).toEqual([]);
    expect(restarts([zone, hang(minutes(2), minutes(2) + seconds(35))])).toEqual([minutes(2) + seconds(30)]);
  });

  it("is restarted after three failed probes in a row, not by those of an outage that ended", () => {
    expect(restarts([hang(minutes(1), minutes(1) + seconds(20)), hang(minutes(1) + seconds(25), minutes(1) + seconds(50))])).toEqual([]);
  });
});

describe("CPU and capacity", () => {
  it("cpu stress: the gauge rises, and past the limit the service slows by the excess", () => {
    const one = shopOf({ cpu: { idle: 0.1, busy: 0 } }, [fault(shop, { kind: "cpu", add: 1.4 })]);
    one.advanceTo(minutes(3));
    expect(gauge(one, "cpu_usage_ratio")).toBe(1);
    expect(meanLatency(one)).toBeCloseTo(0.03, 3);
  });

  it("the CPU gauge is the average of work in progress over the scrape interval", () => {
    const one = shopOf({ slots: 4, cpu: { idle: 0.1, busy: 0.8 } });
    one.advanceTo(minutes(5));
    // 2 replicas x 4 slots, 100 rps x 20 ms = 2 in progress.
    const answer = one.telemetry.query(
      { fn: "avg-over-time", metric: "cpu_usage_ratio", where: {}, window: minutes(4), across: "avg" }, one.now());
    expect(answer.kind === "value" ? answer.value : 0).toBeCloseTo(0.1 + (0.8 * 2) / 8, 2);
  });

  it("capacity: with fewer slots requests queue, then are refused", () => {
    const one = shopOf({ slots: 4, queue: 20 }, [fault(shop, { kind: "capacity", loss: 0.75 }, minutes(1))]);
    one.advanceTo(minutes(1));
    expect(errorRate(one)).toBe(0);
    one.advanceTo(minutes(5));
    // Two slots of 50 requests per second each would just do; waiting is long, and some are refused.
    expect(gauge(one, "http_queue_length")).toBeGreaterThan(2);
    expect(p95(one)).toBeGreaterThan(0.1);
  });
});

describe("the autoscaler", () => {
  const autoscale = { min: 2, max: 10, targetCpu: 0.5, interval: seconds(15), downAfter: minutes(5) };

  it("adds replicas until CPU is near its target, and takes them away only after its patience", () => {
    const surge = fault({ on: "traffic" }, { kind: "surge", factor: 4 }, minutes(2), minutes(6));
    const one = shopOf({ slots: 4, cpu: { idle: 0, busy: 1 }, autoscale }, [surge]);
    one.advanceTo(minutes(6));
    // 400 rps x 20 ms = 8 slots busy, at 50 % of 4 slots each: 4 replicas.
    expect(statusOf(one, "v1").desired).toBeGreaterThanOrEqual(4);
    expect(statusOf(one, "v1").desired).toBeLessThanOrEqual(6);
    one.advanceTo(minutes(9));
    expect(statusOf(one, "v1").desired).toBeGreaterThanOrEqual(4);
    one.advanceTo(minutes(13));
    expect(statusOf(one, "v1").desired).toBe(2);
    expect(one.events.some((e) => e.kind === "autoscaled")).toBe(true);
  });

  it("adds replicas between two scrapes, the first of which may be a new replica's", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const scaled = { ...autoscale, max: 12, interval: seconds(20) };
      const spec = world({ ...rate(50), services: [service({ cpu: { idle: 0.9, busy: 0 }, autoscale: scaled })] });
      const one = createRequestWorld(input(spec, { seed }));
      one.advanceTo(minutes(3));
      expect(statusOf(one, "v1").desired).toBe(12);
      expect(gauge(one, "cpu_usage_ratio")).toBeCloseTo(0.9, 9);
    }
  });

  it("leaves a canary alone", () => {
    const one = shopOf({ slots: 4, cpu: { idle: 0.9, busy: 0.1 }, autoscale });
    one.scale("shop", "v2", 1);
    one.advanceTo(minutes(1));
    one.setWeights("shop", { v1: 0.9, v2: 0.1 });
    one.advanceTo(minutes(5));
    expect(statusOf(one, "v1").desired).toBe(10);
    expect(statusOf(one, "v2").desired).toBe(1);
  });
});

describe("caches", () => {
  it("cache cold start: losing the content makes the service slow for a while", () => {
    const cache = { hit: 0.95, fill: minutes(1), miss: { kind: "constant", value: millis(200) } } as const;
    const one = shopOf({ cache }, [fault(shop, { kind: "cache-cold" }, minutes(3))]);
    one.advanceTo(minutes(3));
    expect(p95(one)).toBeLessThan(0.25);
    const before = total(one, "latencySeconds") / total(one, "requests");
    const requests = total(one, "requests");
    const latency = total(one, "latencySeconds");
    one.advanceTo(minutes(3) + seconds(30));
    expect((total(one, "latencySeconds") - latency) / (total(one, "requests") - requests)).toBeGreaterThan(3 * before);
  });
});
