// The store: which series a query finds, lanes that do not mix, and memory that stays bounded.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Selector, TelemetryQuery } from "../../src/telemetry/query.js";
import { databaseSchema, flagServiceSchema, serviceSchema } from "../../src/telemetry/schema.js";
import { SeriesStore } from "../../src/telemetry/store.js";
import { EDGES, fixture, requests, s, scrapeRequests, valueOf } from "./harness.js";

const increase = (where: Selector, window = 31): TelemetryQuery => ({
  fn: "increase",
  metric: "http_requests_total",
  where,
  window: s(window),
});

describe("a selector", () => {
  const store = new SeriesStore({ lanes: 1, scrape: s(15) });
  const weight = { "v1/0": 1, "v1/1": 2, "v2/0": 4 };
  for (const [name, per] of Object.entries(weight)) {
    const [version, replica] = name.split("/");
    const schema = serviceSchema({ service: "shop", version, endpoints: ["buy", "look"], edgesSeconds: EDGES, init: "zero" });
    const target = store.addTarget({ id: name, labels: { service: "shop", version, replica }, schema });
    target.record(s(15), s(15));
    target.live[0][schema.requestsIndex(0, 0)] = per;
    target.live[0][schema.requestsIndex(0, 1)] = per * 10;
    target.live[0][schema.requestsIndex(1, 0)] = per * 100;
    target.record(s(30), s(30));
  }
  // Every counter starts at zero within the window and is scraped at its end: the increase is the value.
  const found = (where: Selector): number => valueOf(store.query(increase(where), s(30)));

  it("matches by service, version, replica, endpoint and code; a label left out matches every value", () => {
    expect(found({})).toBe(7 * 111);
    expect(found({ service: "shop", version: "v1" })).toBe(3 * 111);
    expect(found({ replica: "0" })).toBe(5 * 111);
    expect(found({ code: "5xx" })).toBe(70);
    expect(found({ endpoints: ["look"] })).toBe(700);
    expect(found({ endpoints: ["buy", "look"], code: "2xx", version: "v2" })).toBe(404);
  });

  it("finds nothing where a label is unknown, or the metric has no such label", () => {
    expect(store.query(increase({ service: "other" }), s(30))).toEqual({ kind: "absent", why: "no series" });
    expect(store.query(increase({ database: "orders" }), s(30)).kind).toBe("absent");
    const latency: TelemetryQuery = { ...increase({ code: "2xx" }), fn: "increase", metric: "http_request_duration_seconds_count" };
    expect(store.query(latency, s(30)).kind).toBe("absent");
  });

  it("sees targets that come after it was asked first", () => {
    const f = fixture();
    const query = increase({ service: "shop" }, 60);
    expect(f.store.query(query, s(1)).kind).toBe("absent");
    const later = f.store.addTarget({ id: "later", labels: { service: "shop" }, schema: f.schema });
    scrapeRequests({ ...f, target: later }, [[15, 0], [30, 8]]);
    expect(f.store.query(query, s(30)).kind).toBe("value");
  });
});

describe("exporters", () => {
  it("of databases and of the flag service have their own series", () => {
    const store = new SeriesStore({ lanes: 1, scrape: s(15) });
    const schema = databaseSchema({ database: "orders" });
    const orders = store.addTarget({ id: "orders", labels: { database: "orders" }, schema });
    const flagSchema = flagServiceSchema();
    const flags = store.addTarget({ id: "flags", labels: {}, schema: flagSchema });
    flags.live[0][flagSchema.upIndex] = 1;
    flags.record(s(15), s(15));
    orders.record(s(15), s(15));
    orders.live[0][schema.poolTimeoutsIndex] = 3;
    orders.live[0][schema.poolInUseIndex] = 0.75;
    orders.record(s(30), s(30));
    const where = { database: "orders" };
    const window = s(31);
    const ask = (query: TelemetryQuery): number => valueOf(store.query(query, s(30)));
    expect(ask({ fn: "increase", metric: "db_pool_timeouts_total", where, window })).toBe(3);
    expect(ask({ fn: "latest", metric: "db_pool_in_use_ratio", across: "max", where, window })).toBe(0.75);
    expect(ask({ fn: "latest", metric: "flag_service_up", across: "min", where: {}, window })).toBe(1);
  });
});

describe("across series", () => {
  it("sums, averages, and takes the highest or lowest of the series' values", () => {
    const f = fixture();
    const other = f.store.addTarget({ id: "b", labels: { service: "shop" }, schema: f.schema });
    f.target.live[0][f.schema.cpuIndex] = 0.2;
    other.live[0][f.schema.cpuIndex] = 0.6;
    f.target.record(s(15), s(15));
    other.record(s(16), s(16));
    const cpu = (across: "sum" | "avg" | "max" | "min"): number =>
      valueOf(f.store.query({ fn: "latest", metric: "cpu_usage_ratio", across, where: {}, window: s(60) }, s(20)));
    expect([cpu("sum"), cpu("avg"), cpu("max"), cpu("min")]).toEqual([0.8, 0.4, 0.6, 0.2]);
  });

  it("says the time of the newest sample of all, whichever series it is of", () => {
    const f = fixture();
    const other = f.store.addTarget({ id: "b", labels: { service: "shop" }, schema: f.schema });
    for (const time of [16, 31]) {
      f.target.record(s(time), s(time));
      other.record(s(time - 3), s(time - 3));
    }
    const where = {};
    const asked: TelemetryQuery[] = [
      { fn: "latest", metric: "cpu_usage_ratio", across: "sum", where, window: s(60) },
      { fn: "avg-over-time", metric: "cpu_usage_ratio", across: "sum", where, window: s(60) },
      increase(where, 60),
    ];
    for (const query of asked) expect(f.store.query(query, s(40))).toMatchObject({ newest: s(31) });
  });
});

describe("retention", () => {
  it("keeps memory bounded and answers as if nothing had been forgotten", () => {
    const short = fixture({ retention: s(300) });
    const long = fixture({ retention: s(15 * 500) });
    const samples = Array.from({ length: 400 }, (_, i) => [15 * i, 3 * i + (i % 7)] as const);
    scrapeRequests(short, samples);
    scrapeRequests(long, samples);
    expect(short.target.values.length).toBe((300 / 15 + 3) * short.schema.size);
    const query = requests("rate", 120, 60);
    expect(short.store.query(query, s(15 * 399 + 4))).toEqual(long.store.query(query, s(15 * 399 + 4)));
  });

  it("refuses a query that reaches back past it, rather than answer from half the window", () => {
    const f = fixture({ retention: s(300) });
    scrapeRequests(f, Array.from({ length: 100 }, (_, i) => [15 * i, i] as const));
    expect(() => f.store.query(requests("rate", 400), s(15 * 99))).toThrow(/retention/);
    expect(f.store.query(requests("rate", 299), s(15 * 99)).kind).toBe("value");
  });

  it("can be lengthened until the first scrape", () => {
    const f = fixture({ retention: s(300) });
    f.store.retain(s(1200));
    scrapeRequests(f, Array.from({ length: 100 }, (_, i) => [15 * i, i] as const));
    expect(f.store.query(requests("rate", 1200), s(15 * 99)).kind).toBe("value");
    expect(() => f.store.retain(s(9999))).toThrow(/first scrape/);
  });
});

describe("properties", () => {
  const steps = fc.array(fc.nat(50), { minLength: 2, maxLength: 30 });

  it("the rate of a steady counter is its slope, wherever the window lies", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.nat(14_999), fc.integer({ min: 3, max: 20 }), (slope, phase, intervals) => {
        const f = fixture();
        // Old enough that zero is farther than any gap.
        scrapeRequests(f, Array.from({ length: 40 }, (_, i) => [1000 + 15 * i, slope * (1000 + 15 * i)] as const));
        const at = s(1000 + 15 * 38) + phase * 1000;
        const rate = valueOf(f.store.query(requests("rate", intervals * 15), at));
        expect(rate / slope).toBeCloseTo(1, 9);
      }),
      { numRuns: 60 },
    );
  });

  it("restarts never make a rate negative, and never more than was counted in reach of the window", () => {
    fc.assert(
      fc.property(steps, fc.array(fc.nat(29), { maxLength: 4 }), fc.constantFrom("lazy" as const, "zero" as const), (growth, restarts, init) => {
        const f = fixture({ init });
        const column = f.schema.requestsIndex(0, 0);
        let counted = 0;
        growth.forEach((step, i) => {
          if (restarts.includes(i)) f.target.restart();
          f.target.live[0][column] += step;
          counted += step;
          f.target.record(s(15 * (i + 1)), s(15 * (i + 1)));
        });
        const end = 15 * growth.length;
        const answer = f.store.query(requests("increase", end), s(end));
        if (answer.kind !== "value") return;
        expect(answer.value).toBeGreaterThanOrEqual(0);
        // At most one interval is reached out to before the first sample.
        expect(answer.value).toBeLessThanOrEqual(counted * (1 + 1.1 / (answer.samples - 1)) + 1e-9);
      }),
    );
  });

  it("a lane's answers depend on that lane alone", () => {
    fc.assert(
      fc.property(steps, steps, (a, b) => {
        const single = fixture();
        const double = fixture({ lanes: 2 });
        const column = single.schema.requestsIndex(0, 0);
        a.forEach((step, i) => {
          single.target.live[0][column] += step;
          double.target.live[0][column] += step;
          double.target.live[1][column] += b[i % b.length];
          for (const f of [single, double]) f.target.record(s(15 * (i + 1)), s(15 * (i + 1)));
        });
        const query = requests("rate", 120);
        const at = s(15 * a.length + 3);
        expect(double.store.query(query, at, 0)).toEqual(single.store.query(query, at, 0));
      }),
      { numRuns: 50 },
    );
  });

  it("the buckets of a scrape never fall, and the last one is the count", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100), { minLength: 4, maxLength: 4 }), (counts) => {
        const f = fixture();
        counts.forEach((count, bucket) => (f.target.live[0][f.schema.bucketIndex(1, bucket)] = count));
        f.target.record(s(15), s(15));
        const row = counts.map((_, bucket) => f.target.value(0, 0, f.schema.bucketIndex(1, bucket)));
        expect(row).toEqual([...row].sort((x, y) => x - y));
        expect(row[3]).toBe(counts.reduce((sum, count) => sum + count, 0));
      }),
      { numRuns: 50 },
    );
  });
});

describe("the schema", () => {
  it("puts a duration into the first bucket whose edge is not below it", () => {
    const { schema } = fixture();
    expect([0, 0.1, 0.1000001, 0.5, 0.9, 1, 1.1].map((seconds) => schema.bucketOf(seconds))).toEqual([0, 0, 1, 1, 2, 2, 3]);
  });

  it("gives every series a column of its own", () => {
    const { schema } = fixture();
    const columns = [0, schema.cpuIndex, schema.memoryIndex, schema.inFlightIndex, schema.queueIndex];
    for (const endpoint of [0, 1]) {
      columns.push(schema.requestsIndex(endpoint, 0), schema.requestsIndex(endpoint, 1));
      columns.push(schema.conversionsIndex(endpoint), schema.orderValueIndex(endpoint), schema.sumIndex(endpoint));
      for (let bucket = 0; bucket < schema.buckets; bucket += 1) columns.push(schema.bucketIndex(endpoint, bucket));
    }
    expect(columns.sort((a, b) => a - b)).toEqual(Array.from({ length: schema.size }, (_, i) => i));
  });
});
