// When a series is there and when it is not: first events, restarts, failed scrapes, silence, lag.

import { describe, expect, it } from "vitest";
import { minutes } from "../../src/kernel/units.js";
import type { TelemetryQuery } from "../../src/telemetry/query.js";
import { platformSchema } from "../../src/telemetry/schema.js";
import { fixture, requests, s, scrapeRequests, valueOf } from "./harness.js";

const gauge = (metric: "up" | "memory_usage_ratio", fn: "latest" | "avg-over-time" = "latest"): TelemetryQuery => ({
  fn,
  metric,
  across: "avg",
  where: { service: "shop" },
  window: s(60),
});

describe("a lazy series", () => {
  const errors: TelemetryQuery = {
    fn: "increase",
    metric: "http_requests_total",
    where: { service: "shop", code: "5xx" },
    window: s(60),
  };

  it("is absent until its first event, while its siblings are there", () => {
    const f = fixture({ init: "lazy" });
    scrapeRequests(f, [[1015, 10], [1030, 20]]);
    expect(f.store.query(errors, s(1030))).toEqual({ kind: "absent", why: "no series" });
    expect(f.store.query(requests("increase", 60), s(1030)).kind).toBe("value");
  });

  it("hides its first events from rate: the jump from absent to 5 is no growth", () => {
    const f = fixture({ init: "lazy" });
    const failed = f.schema.requestsIndex(0, 1);
    f.target.record(s(1015), s(1015));
    f.target.live[0][failed] = 5;
    f.target.record(s(1030), s(1030));
    expect(f.store.query(errors, s(1030))).toEqual({ kind: "absent", why: "too few samples" });
    f.target.record(s(1045), s(1045));
    // Two samples of 5: the five errors never show.
    expect(valueOf(f.store.query(errors, s(1045)))).toBe(0);
  });

  it("shows its first events when it is exposed from the start", () => {
    const f = fixture({ init: "zero" });
    f.target.record(s(1015), s(1015));
    f.target.live[0][f.schema.requestsIndex(0, 1)] = 5;
    f.target.record(s(1030), s(1030));
    // `buy` and `look` are both there; growth 5 in 15 s from zero: no reach back, none forward.
    expect(valueOf(f.store.query(errors, s(1030)))).toBe(5);
  });

  it("brings a histogram's buckets, sum and count together", () => {
    const f = fixture({ init: "lazy" });
    f.target.live[0][f.schema.bucketIndex(0, 2)] = 1;
    f.target.live[0][f.schema.sumIndex(0)] = 0.7;
    f.target.record(s(15), s(15));
    const row = Array.from({ length: 4 }, (_, bucket) => f.target.value(0, 0, f.schema.bucketIndex(0, bucket)));
    expect(row).toEqual([0, 0, 1, 1]);
    expect(f.target.value(0, 0, f.schema.sumIndex(0))).toBe(0.7);
    expect(f.target.value(0, 0, f.schema.bucketIndex(1, 0))).toBeNaN();
  });

  it("shows conversions and their value from the first order on, a free one too", () => {
    const f = fixture({ init: "lazy" });
    f.target.live[0][f.schema.conversionsIndex(0)] = 1;
    f.target.record(s(15), s(15));
    expect(f.target.value(0, 0, f.schema.orderValueIndex(0))).toBe(0);
    expect(f.target.value(0, 0, f.schema.conversionsIndex(1))).toBeNaN();
    expect(f.target.value(0, 0, f.schema.orderValueIndex(1))).toBeNaN();
  });

  it("keeps the rate of the samples before it vanished at the window's end", () => {
    const f = fixture({ init: "lazy" });
    scrapeRequests(f, [[1015, 1000], [1030, 1010], [1045, 1020]]);
    f.target.restart();
    f.target.record(s(1060), s(1060));
    // 20 in 30 s; the start gap of 15 s counts, and so does the end gap of 15 s.
    expect(valueOf(f.store.query(requests("increase", 60), s(1060)))).toBe(40);
  });

  it("is gone again after a restart until the next first event, and rate skips the hole", () => {
    const f = fixture({ init: "lazy" });
    scrapeRequests(f, [[1005, 1000], [1020, 1010]]);
    f.target.restart();
    f.target.record(s(1035), s(1035));
    scrapeRequests(f, [[1050, 10]]);
    // Samples 1000, 1010, (stale), 10: growth 10 - 1000 + 1010 = 20 over 45 s in two intervals of 22.5 s on average.
    const answer = f.store.query(requests("increase", 60), s(1060));
    expect(answer).toMatchObject({ samples: 3 });
    expect(valueOf(answer)).toBeCloseTo((20 * 60) / 45, 12);
  });
});

describe("an instant query", () => {
  it("looks back five minutes for the newest sample, left-open", () => {
    const f = fixture();
    f.target.live[0][f.schema.memoryIndex] = 0.4;
    f.target.record(s(1000), s(1000));
    const memory = gauge("memory_usage_ratio");
    expect(f.store.query(memory, s(1000) + minutes(5) - 1)).toMatchObject({ value: 0.4, newest: s(1000) });
    expect(f.store.query(memory, s(1000) + minutes(5))).toEqual({ kind: "absent", why: "no series" });
  });

  it("ends at once when a scrape fails: stale series, and `up` is 0", () => {
    const f = fixture();
    f.target.live[0][f.schema.memoryIndex] = 0.4;
    f.target.record(s(1000), s(1000));
    f.target.recordStale(s(1015), s(1015), 0);
    expect(f.store.query(gauge("memory_usage_ratio"), s(1014))).toMatchObject({ value: 0.4 });
    expect(f.store.query(gauge("memory_usage_ratio"), s(1015))).toEqual({ kind: "absent", why: "no series" });
    expect(f.store.query(gauge("up"), s(1014))).toMatchObject({ value: 1 });
    expect(f.store.query(gauge("up"), s(1015))).toMatchObject({ value: 0 });
  });

  it("goes on after silence: what was not scraped at all leaves the last value in sight", () => {
    const f = fixture();
    f.target.live[0][f.schema.memoryIndex] = 0.4;
    f.target.record(s(1000), s(1000));
    expect(f.store.query(gauge("memory_usage_ratio"), s(1200))).toMatchObject({ value: 0.4 });
    expect(f.store.query(gauge("up"), s(1200))).toMatchObject({ value: 1 });
  });

  it("averages over the window what was there, and skips what was stale", () => {
    const f = fixture();
    for (const [time, memory] of [[1000, 9], [1015, 0.2], [1030, 0.4], [1060, 0.9]] as const) {
      f.target.live[0][f.schema.memoryIndex] = memory;
      f.target.record(s(time), s(time));
      if (time === 1030) f.target.recordStale(s(1045), s(1045), 0);
    }
    // (1000, 1060]: 0.2, 0.4, stale, 0.9.
    expect(valueOf(f.store.query(gauge("memory_usage_ratio", "avg-over-time"), s(1060)))).toBeCloseTo(0.5, 12);
    expect(valueOf(f.store.query(gauge("up", "avg-over-time"), s(1060)))).toBe(0.75);
  });

  it("finds the highest and the lowest over time", () => {
    const f = fixture();
    for (const [time, memory] of [[1015, 0.2], [1030, 0.7], [1045, 0.3]] as const) {
      f.target.live[0][f.schema.memoryIndex] = memory;
      f.target.record(s(time), s(time));
    }
    const over = (fn: "max-over-time" | "min-over-time"): number =>
      valueOf(f.store.query({ fn, metric: "memory_usage_ratio", across: "sum", where: {}, window: s(60) }, s(1045)));
    expect([over("max-over-time"), over("min-over-time")]).toEqual([0.7, 0.2]);
  });
});

describe("a sample that was scraped but has not arrived", () => {
  it("is not there yet", () => {
    const f = fixture();
    f.target.live[0][f.schema.memoryIndex] = 0.4;
    f.target.record(s(1000), s(1005));
    expect(f.store.query(gauge("memory_usage_ratio"), s(1005) - 1).kind).toBe("absent");
    expect(f.store.query(gauge("memory_usage_ratio"), s(1005))).toMatchObject({ value: 0.4, newest: s(1000) });
  });

  it("waits for its predecessor: samples arrive in their order", () => {
    const f = fixture();
    f.target.live[0][f.schema.memoryIndex] = 0.4;
    f.target.record(s(1000), s(1100));
    f.target.live[0][f.schema.memoryIndex] = 0.6;
    f.target.record(s(1015), s(1020));
    expect(f.store.query(gauge("memory_usage_ratio"), s(1099)).kind).toBe("absent");
    expect(f.store.query(gauge("memory_usage_ratio"), s(1100))).toMatchObject({ value: 0.6 });
  });
});

describe("up", () => {
  it("of the platform's own exporter does not speak for the service", () => {
    const f = fixture();
    const schema = platformSchema({ service: "shop", version: "v1" });
    const platform = f.store.addTarget({ id: "platform-shop-v1", labels: {}, schema });
    platform.live[0][schema.readyIndex] = 3;
    f.target.recordStale(s(15), s(15), 0);
    platform.record(s(15), s(15));
    expect(f.store.query(gauge("up"), s(15))).toMatchObject({ value: 0, series: 1 });
    const ready: TelemetryQuery = { fn: "latest", metric: "replicas_ready", across: "sum", where: { service: "shop" }, window: s(60) };
    expect(valueOf(f.store.query(ready, s(15)))).toBe(3);
  });
});
