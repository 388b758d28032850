// The store against a second, plain account of Prometheus: per-series lists of samples, read as the documentation says.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toSeconds, type Micros } from "../../src/kernel/units.js";
import type { Answer, TelemetryQuery } from "../../src/telemetry/query.js";
import { fixture, s } from "./harness.js";

interface Sample {
  readonly time: Micros;
  readonly visibleAt: Micros;
  /** null: a stale marker. */
  readonly value: number | null;
}

/** rate() of one series as Prometheus' documentation and comments put it; null without two samples. */
function plainRate(series: readonly Sample[], start: Micros, end: Micros, at: Micros): number | null {
  const samples = series.filter(
    ({ time, visibleAt, value }) => value !== null && time > start && time <= end && visibleAt <= at,
  ) as readonly { time: Micros; value: number }[];
  if (samples.length < 2) return null;
  const first = samples[0];
  const last = samples[samples.length - 1];
  let growth = last.value - first.value;
  for (let i = 1; i < samples.length; i += 1) {
    if (samples[i].value < samples[i - 1].value) growth += samples[i - 1].value;
  }
  const sampled = toSeconds(last.time - first.time);
  const average = sampled / (samples.length - 1);
  const reach = (gap: number): number => (gap >= average * 1.1 ? average / 2 : gap);
  let toStart = reach(toSeconds(first.time - start));
  const toEnd = reach(toSeconds(end - last.time));
  if (growth > 0) toStart = Math.min(toStart, sampled * (first.value / growth));
  return growth * ((sampled + toStart + toEnd) / sampled / toSeconds(end - start));
}

/** The newest sample at or before `end` within five minutes, unless it is a stale marker. */
function plainLatest(series: readonly Sample[], end: Micros, at: Micros): number | null {
  const newest = series.filter(({ time, visibleAt }) => time <= end && visibleAt <= at).at(-1);
  return newest === undefined || newest.time <= end - s(300) ? null : newest.value;
}

type Step =
  | { readonly kind: "scrape" | "missed" | "failed" | "restart"; readonly growth: number; readonly lag: number };

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom("scrape", "scrape", "scrape", "scrape", "missed", "failed", "restart"),
  growth: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 300, noNaN: true })),
  lag: fc.constantFrom(5, 5, 5, 40),
});

/** Plays the steps, one per 15 s, into the store and into plain lists for one counter and one gauge. */
function play(steps: readonly Step[], init: "lazy" | "zero") {
  const f = fixture({ init, retention: s(15 * 80) });
  const live = f.target.live[0];
  const column = f.schema.requestsIndex(0, 0);
  const counter: Sample[] = [];
  const gauge: Sample[] = [];
  let exposed = false;
  let visibleAt = 0;
  steps.forEach(({ kind, growth, lag }, i) => {
    const time = s(15 * (i + 1));
    if (kind === "restart") f.target.restart();
    live[column] += growth;
    live[f.schema.memoryIndex] = growth;
    if (kind === "missed") return;
    visibleAt = Math.max(visibleAt, time + s(lag));
    if (kind === "failed") {
      f.target.recordStale(time, visibleAt, 0);
      if (exposed) counter.push({ time, visibleAt, value: null });
      gauge.push({ time, visibleAt, value: null });
      exposed = false;
      return;
    }
    f.target.record(time, time + s(lag));
    const there = init === "zero" || live[column] > 0;
    if (there || exposed) counter.push({ time, visibleAt, value: there ? live[column] : null });
    exposed = there;
    gauge.push({ time, visibleAt, value: growth });
  });
  return { store: f.store, counter, gauge };
}

const numberOf = (answer: Answer): number | null => (answer.kind === "value" ? answer.value : null);

describe("the store", () => {
  it("answers as the plain account does, for any history of scrapes, failures, restarts, lags and any question", () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 40 }),
        fc.constantFrom("lazy" as const, "zero" as const),
        fc.integer({ min: 0, max: 700_000 }),
        fc.integer({ min: 1, max: 300_000 }),
        fc.constantFrom(0, 0, 30_000, 45_001),
        (steps, init, atMillis, windowMillis, offsetMillis) => {
          const { store, counter, gauge } = play(steps, init);
          const at = atMillis * 1000;
          const window = windowMillis * 1000;
          const offset = offsetMillis * 1000;
          const end = at - offset;
          const rate: TelemetryQuery = {
            fn: "rate",
            metric: "http_requests_total",
            where: { code: "2xx", endpoints: ["buy"] },
            window,
            offset,
          };
          const memory: TelemetryQuery = { fn: "latest", metric: "memory_usage_ratio", across: "sum", where: {}, window, offset };
          expect(numberOf(store.query(rate, at))).toBe(plainRate(counter, end - window, end, at));
          expect(numberOf(store.query(memory, at))).toBe(plainLatest(gauge, end, at));
        },
      ),
      { numRuns: 400 },
    );
  });
});
