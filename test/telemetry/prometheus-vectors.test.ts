// Prometheus' own expectations: inputs and results of its PromQL test suite (promqltest/testdata, 3.x), put to our store.

import { describe, expect, it } from "vitest";
import { minutes } from "../../src/kernel/units.js";
import type { Answer, Selector } from "../../src/telemetry/query.js";
import { serviceSchema } from "../../src/telemetry/schema.js";
import { SeriesStore } from "../../src/telemetry/store.js";
import { valueOf } from "./harness.js";

/** `from`, then `steps` more samples that rise by `by` each (its notation from+byxsteps). */
const rising = (from: number, by: number, steps: number): number[] => Array.from({ length: steps + 1 }, (_, i) => from + i * by);

/** Loads one counter with a sample per interval from time 0, and answers questions about it. */
function counter(intervalMinutes: number, values: readonly number[]) {
  const store = new SeriesStore({ lanes: 1, scrape: minutes(intervalMinutes), retention: minutes(200) });
  const schema = serviceSchema({ service: "s", version: "v", endpoints: ["e"], edgesSeconds: [1], init: "zero" });
  const target = store.addTarget({ id: "t", labels: {}, schema });
  values.forEach((value, i) => {
    target.live[0][schema.requestsIndex(0, 0)] = value;
    target.record(minutes(i * intervalMinutes), minutes(i * intervalMinutes));
  });
  const ask = (fn: "rate" | "increase", at: number, window: number, offset = 0): Answer =>
    store.query(
      { fn, metric: "http_requests_total", where: { code: "2xx" }, window: minutes(window), offset: minutes(offset) },
      minutes(at),
    );
  return {
    rate: (at: number, window: number, offset = 0) => ask("rate", at, window, offset),
    increase: (at: number, window: number) => ask("increase", at, window),
  };
}

const foo = rising(0, 10, 10);
const bar = [...rising(0, 18, 5), ...rising(0, 18, 5)];
const dings = rising(10, 10, 10);
const bumms = rising(1, 10, 10);

describe("increase()", () => {
  it.each([
    ["foo", foo, 100, 100],
    ["bar", bar, 160, 162],
    ["dings", dings, 100, 105],
    ["bumms", bumms, 100, 101],
  ])("of %s at 50m over 50m and over 100m", (_, values, over50, over100) => {
    expect(valueOf(counter(5, values).increase(50, 50))).toBeCloseTo(over50, 9);
    expect(valueOf(counter(5, values).increase(50, 100))).toBeCloseTo(over100, 9);
  });

  it("takes a fall from 3 to 2 for a reset that reached 2 again", () => {
    expect(valueOf(counter(5, [0, 1, 2, 3, 2, 3, 4]).increase(30, 30))).toBeCloseTo(7, 12);
  });
});

describe("rate()", () => {
  it("handles a reset in the middle of the range", () => {
    expect(valueOf(counter(5, [...rising(0, 27, 4), ...rising(0, 27, 5)]).rate(50, 50))).toBeCloseTo(0.08, 12);
  });

  it("ignores a reset at the end, and has nothing from a single sample", () => {
    const atTheEnd = counter(5, [...rising(0, 10, 9), 0, 10]);
    expect(atTheEnd.rate(50, 5)).toEqual({ kind: "absent", why: "too few samples" });
    expect(valueOf(atTheEnd.rate(50, 6))).toBe(0);
  });

  it("is per second, and looks back by its offset", () => {
    expect(valueOf(counter(5, rising(0, 80, 10)).rate(50, 50))).toBeCloseTo(0.26666666666666666, 15);
    expect(valueOf(counter(5, rising(0, 10, 10)).rate(50, 10, 5))).toBeCloseTo(0.03333333333333333, 15);
    expect(valueOf(counter(5, rising(0, 20, 10)).rate(50, 10, 5))).toBeCloseTo(0.06666666666666667, 15);
  });

  it.each([
    [0, 0.5, 0.6],
    [60, 0.55, 0.6],
    [120, 0.6, 0.6],
    [180, 0.6, 0.6],
    [240, 0.6, 0.6],
    [300, 0.6, 0.6],
  ])("cuts off at zero for a counter that starts at %i", (from, at10, at50) => {
    const rate = counter(4, rising(from, 240, 10));
    expect(valueOf(rate.rate(10, 20))).toBeCloseTo(at10, 12);
    expect(valueOf(rate.rate(50, 20))).toBeCloseTo(at50, 12);
  });
});

interface Histogram {
  readonly job: string;
  readonly instance: string;
  /** Growth per five minutes of each cumulated bucket, +Inf last. */
  readonly growth: readonly number[];
}

/** Loads histograms with eleven samples, five minutes apart; `service` stands for the suite's job, `replica` for its instance. */
function histograms(edges: readonly number[], loaded: readonly Histogram[]) {
  const store = new SeriesStore({ lanes: 1, scrape: minutes(5), retention: minutes(200) });
  for (const { job, instance, growth } of loaded) {
    const schema = serviceSchema({ service: job, version: "v", endpoints: ["e"], edgesSeconds: edges, init: "zero" });
    const target = store.addTarget({ id: `${job}/${instance}`, labels: { replica: instance }, schema });
    for (let i = 0; i <= 10; i += 1) {
      growth.forEach((cumulated, bucket) => {
        target.live[0][schema.bucketIndex(0, bucket)] = i * (cumulated - (growth[bucket - 1] ?? 0));
      });
      target.record(minutes(5 * i), minutes(5 * i));
    }
  }
  return (q: number, at: number, window: number, where: Selector = {}): number =>
    valueOf(
      store.query({ fn: "quantile", metric: "http_request_duration_seconds", q, where, window: minutes(window) }, minutes(at)),
    );
}

describe("histogram_quantile() of rates", () => {
  it.each([
    [-0.1, -Infinity],
    [0, 0],
    [0.2, 0.048],
    [0.5, 0.15],
    [0.8, 0.72],
    [1, 1],
    [1.01, Infinity],
  ])("q = %d of testhistogram is %d", (q, expected) => {
    const quantile = histograms([0.1, 0.2, 1], [{ job: "j", instance: "i", growth: [5, 7, 11, 12] }]);
    const value = quantile(q, 50, 10);
    if (Number.isFinite(expected)) expect(value).toBeCloseTo(expected, 12);
    else expect(value).toBe(expected);
  });

  it.each([
    [1 / 6, 1],
    [1 / 2, 3],
    [5 / 6, 5],
  ])("q = %d of testhistogram2 lies in the middle of a bucket", (q, expected) => {
    const quantile = histograms([0, 2, 4, 6], [{ job: "j", instance: "i", growth: [0, 1, 2, 3, 3] }]);
    expect(quantile(q, 47, 15)).toBeCloseTo(expected, 12);
  });

  const requestDuration = histograms([0.1, 0.2], [
    { job: "job1", instance: "ins1", growth: [1, 3, 4] },
    { job: "job1", instance: "ins2", growth: [2, 5, 6] },
    { job: "job2", instance: "ins1", growth: [3, 4, 6] },
    { job: "job2", instance: "ins2", growth: [4, 7, 9] },
  ]);

  it.each<[string, Selector, number, number]>([
    ["all of them", {}, 0.075, 0.1277777777777778],
    ["ins1", { replica: "ins1" }, 0.075, 0.13333333333333333],
    ["ins2", { replica: "ins2" }, 0.075, 0.125],
    ["job1", { service: "job1" }, 0.1, 0.14],
    ["job2", { service: "job2" }, 0.064285714285714, 0.1125],
    ["job1 ins1", { service: "job1", replica: "ins1" }, 0.11, 0.15],
    ["job1 ins2", { service: "job1", replica: "ins2" }, 0.09, 0.13333333333333333],
    ["job2 ins1", { service: "job2", replica: "ins1" }, 0.06, 0.1],
    ["job2 ins2", { service: "job2", replica: "ins2" }, 0.0675, 0.11666666666666667],
  ])("of %s", (_, where, q30, q50) => {
    expect(requestDuration(0.3, 50, 10, where)).toBeCloseTo(q30, 12);
    expect(requestDuration(0.5, 50, 10, where)).toBeCloseTo(q50, 12);
  });
});
