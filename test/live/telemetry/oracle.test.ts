// The outside oracle: the same recorded samples in our store and in a real Prometheus give the same digits.

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { VirtualClock } from "../../../src/kernel/clock.js";
import { MICROS_PER_MILLI, minutes, type Micros } from "../../../src/kernel/units.js";
import { findOnPath } from "../../../src/live/safety/children.js";
import { promql, rangeBoundsOf, type RangeBounds } from "../../../src/live/telemetry/promql.js";
import { PrometheusTelemetry } from "../../../src/live/telemetry/prometheus-telemetry.js";
import type { Answer, TelemetryQuery, WindowSnapshot } from "../../../src/telemetry/query.js";
import { serviceSchema, type ServiceSchema } from "../../../src/telemetry/schema.js";
import { LOOKBACK, SeriesStore } from "../../../src/telemetry/store.js";
import { prometheusWith, type LoadedPrometheus, type RecordedSeries } from "./prometheus-data.js";

/** Run time 0: the beginning of one of Prometheus' two-hour blocks. */
const EPOCH_MILLIS = 7_200_000 * 236_111;
const EDGES = [0.05, 0.1, 0.5, 1];
const CASES = 60;
const SEED = 20261121;

interface Step {
  readonly pauseMillis: number;
  readonly kind: "scrape" | "restart";
  /** Requests that each bucket gained, +Inf last. */
  readonly gained: readonly number[];
  readonly failed: number;
  readonly memory: number;
}

interface Case {
  readonly steps: readonly Step[];
  readonly asked: readonly Asked[];
}

interface Asked {
  readonly atMillis: number;
  readonly windowMillis: number;
  readonly offsetMillis: number;
  readonly q: number;
  readonly le: number;
}

// Counters count, mostly; sums of money and seconds have fractions.
const gain = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 0, max: 40 }) }, fc.double({ min: 0, max: 50, noNaN: true }));
const step: fc.Arbitrary<Step> = fc.record({
  pauseMillis: fc.oneof(
    { weight: 4, arbitrary: fc.constant(15_000) },
    { weight: 2, arbitrary: fc.integer({ min: 14_900, max: 15_100 }) },
    { weight: 1, arbitrary: fc.integer({ min: 200, max: 100_000 }) },
  ),
  kind: fc.oneof({ weight: 8, arbitrary: fc.constant<Step["kind"]>("scrape") }, { weight: 1, arbitrary: fc.constant<Step["kind"]>("restart") }),
  gained: fc.array(gain, { minLength: EDGES.length + 1, maxLength: EDGES.length + 1 }),
  failed: gain,
  memory: fc.double({ min: 0, max: 1, noNaN: true }),
});
const asked: fc.Arbitrary<Asked> = fc.record({
  atMillis: fc.noBias(fc.integer({ min: 30_000, max: 600_000 })),
  windowMillis: fc.noBias(fc.integer({ min: 10_000, max: 300_000 })),
  offsetMillis: fc.constantFrom(0, 0, 0, 30_000, 45_001),
  q: fc.double({ min: 0, max: 1, noNaN: true }),
  le: fc.double({ min: 0.001, max: 1.5, noNaN: true }),
});
const aCase: fc.Arbitrary<Case> = fc.record({
  steps: fc.array(step, { minLength: 25, maxLength: 50 }),
  asked: fc.array(asked, { minLength: 3, maxLength: 3 }),
});

const schemaOf = (service: string): ServiceSchema => serviceSchema({ service, version: "v1", endpoints: ["buy"], edgesSeconds: EDGES, init: "zero" });

/** The counters that a question reads; of a quantile every bucket. */
function columnsOf(query: TelemetryQuery): readonly number[] {
  const columns = [...schemaOf("").columns(query)];
  return query.fn === "quantile" ? columns.flatMap((first) => Array.from({ length: EDGES.length + 1 }, (_, bucket) => first + bucket)) : columns;
}

/** One scrape: milliseconds of run time, and every column. */
interface Row {
  readonly time: number;
  readonly values: readonly number[];
}

const toMillis = (duration: Micros): number => duration / MICROS_PER_MILLI;

/** One service per case, so that no case sees another's series. */
function record(cases: readonly Case[]) {
  const store = new SeriesStore({ lanes: 1, scrape: minutes(1 / 60), retention: minutes(120) });
  const series: RecordedSeries[] = [];
  const scraped = cases.map(({ steps }, i) => {
    const labels = { service: `case-${i}`, version: "v1", replica: "r" };
    const schema = schemaOf(labels.service);
    const target = store.addTarget({ id: labels.service, labels, schema });
    const live = target.live[0];
    const rows: Row[] = [];
    let time = 0;
    for (const { pauseMillis, kind, gained, failed, memory } of steps) {
      time += pauseMillis;
      if (kind === "restart") target.restart();
      gained.forEach((count, bucket) => (live[schema.bucketIndex(0, bucket)] += count));
      live[schema.requestsIndex(0, 0)] += gained[0];
      live[schema.requestsIndex(0, 1)] += failed;
      live[schema.memoryIndex] = memory;
      target.record(time * MICROS_PER_MILLI, time * MICROS_PER_MILLI);
      rows.push({ time, values: Array.from({ length: schema.size }, (_, column) => target.value(target.rows - 1, 0, column)) });
    }
    const add = (name: string, more: Readonly<Record<string, string>>, column: number): void => {
      series.push({ name, labels: { ...labels, ...more }, samples: rows.map((row) => [EPOCH_MILLIS + row.time, row.values[column]]) });
    };
    add("http_requests_total", { endpoint: "buy", code: "2xx" }, schema.requestsIndex(0, 0));
    add("http_requests_total", { endpoint: "buy", code: "5xx" }, schema.requestsIndex(0, 1));
    add("memory_usage_ratio", {}, schema.memoryIndex);
    [...EDGES.map(String), "+Inf"].forEach((le, bucket) => add("http_request_duration_seconds_bucket", { endpoint: "buy", le }, schema.bucketIndex(0, bucket)));
    return rows;
  });
  return { store, series, rows: scraped };
}

/** Every kind of question about one series (of a quantile: one per bucket), so that no sum's order blurs the digits. */
function questions(place: number, { windowMillis, offsetMillis, q, le }: Asked): readonly TelemetryQuery[] {
  const where = { service: `case-${place}`, version: "v1" };
  const range = { window: windowMillis * MICROS_PER_MILLI, offset: offsetMillis * MICROS_PER_MILLI };
  const gauge = { metric: "memory_usage_ratio", where, across: "max", ...range } as const;
  return [
    { fn: "rate", metric: "http_requests_total", where: { ...where, code: "2xx" }, ...range },
    { fn: "increase", metric: "http_requests_total", where: { ...where, code: "5xx", endpoints: ["buy"] }, ...range },
    { fn: "increase", metric: "http_request_duration_seconds_bucket", le, where, ...range },
    { fn: "quantile", metric: "http_request_duration_seconds", q, where, ...range },
    { fn: "max-over-time", ...gauge },
    { fn: "min-over-time", ...gauge },
    { fn: "avg-over-time", ...gauge },
    { fn: "latest", ...gauge },
  ];
}

/**
 * Whether Prometheus 2 may say otherwise, by one of the two rules that Prometheus 3 (and we) changed: a sample right on
 * the left end of a range, and a counter that on its own slope began about one interval before a sparse range's first sample.
 */
function ruleChanged(rows: readonly Row[], { atMillis, windowMillis, offsetMillis }: Asked, query: TelemetryQuery): "left end" | "near zero" | null {
  const end = atMillis - offsetMillis;
  const start = query.fn === "latest" ? end - toMillis(LOOKBACK) : end - windowMillis;
  if (rows.some(({ time }) => time === start)) return "left end";
  const inside = rows.filter(({ time }) => time > start && time <= end);
  if (inside.length < 2 || "across" in query) return null;
  const sampled = inside[inside.length - 1].time - inside[0].time;
  const average = sampled / (inside.length - 1);
  if (inside[0].time - start < 1.1 * average) return null;
  const beganNear = columnsOf(query).some((column) => {
    const first = inside[0].values[column];
    const growth = inside.reduce((sum, { values }, i) => (i === 0 ? 0 : sum + values[column] - (values[column] < inside[i - 1].values[column] ? 0 : inside[i - 1].values[column])), 0);
    const toZero = sampled * (first / growth);
    return toZero > 0.49 * average && toZero < 1.11 * average;
  });
  return beganNear ? "near zero" : null;
}

/** A few at a time. */
async function eachOf<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

const asNumber = (answer: Answer): number | null => (answer.kind === "value" ? answer.value : null);

const missing = findOnPath("prometheus") === null || findOnPath("promtool") === null;

describe.skipIf(missing)(missing ? "no prometheus and promtool on PATH: no outside oracle" : "recorded series with resets, gaps and irregular times", () => {
  const cases = fc.sample(aCase, { numRuns: CASES, seed: SEED });
  const { store, series, rows } = record(cases);
  let prometheus: LoadedPrometheus;
  let bounds: RangeBounds;

  beforeAll(async () => {
    prometheus = await prometheusWith(series);
    bounds = rangeBoundsOf(prometheus.version);
  }, 60_000);
  afterAll(() => prometheus.close());

  /** What Prometheus says to a question; null for nothing, or for not a number. */
  const theirs = async (expression: string, atMillis: number): Promise<number | null> => {
    const [found] = await prometheus.api.query(expression, EPOCH_MILLIS + atMillis);
    if (found === undefined || Number.isNaN(found.values[0])) return null;
    return found.values[0];
  };

  const all = cases.flatMap(({ asked: list }, place) => list.flatMap((one) => questions(place, one).map((query) => ({ place, one, query }))));

  it("are the same to the last digit in our store and in PromQL", async () => {
    const skipped = { "left end": 0, "near zero": 0 };
    let values = 0;
    const wrong: string[] = [];
    await eachOf(all, async ({ place, one, query }) => {
      const changed = bounds === "closed" ? ruleChanged(rows[place], one, query) : null;
      if (changed !== null) return void (skipped[changed] += 1);
      const ours = asNumber(store.query(query, one.atMillis * MICROS_PER_MILLI));
      // Nothing lies on the range's left end, so both kinds of bounds mean the same samples, and this one the same width.
      let text = promql(query, { bounds: "left-open", edgesSeconds: EDGES });
      // Prometheus 2 rounds its running mean at each sample; sum and count it keeps as Prometheus 3 does.
      if (query.fn === "avg-over-time") text = `${text.replaceAll("avg_over_time", "sum_over_time")} / ${text.replaceAll("avg_over_time", "count_over_time")}`;
      const found = await theirs(text, one.atMillis);
      if (ours !== null) values += 1;
      if (!Object.is(found, ours)) wrong.push(`${text} at ${one.atMillis} ms: ${found} there, ${ours} here`);
    });
    expect(wrong).toEqual([]);
    expect(all.length).toBeGreaterThan(1_000);
    expect(values / all.length).toBeGreaterThan(0.8);
    expect(skipped["near zero"] / all.length).toBeLessThan(0.1);
    expect(skipped["left end"] / all.length).toBeLessThan(0.02);
  }, 60_000);

  it("with a sample right on a range's left end: the range that a version is asked for holds the same samples", async () => {
    const windowMillis = 60_000;
    await eachOf(cases.slice(0, 20).map((_, place) => place), async (place) => {
      const atMillis = rows[place][2].time + windowMillis;
      const query: TelemetryQuery = { fn: "increase", metric: "http_requests_total", where: { service: `case-${place}`, code: "2xx" }, window: windowMillis * MICROS_PER_MILLI };
      const answer = store.query(query, atMillis * MICROS_PER_MILLI);
      const text = promql(query, { bounds, edgesSeconds: EDGES });
      expect(await theirs(text.replace("increase", "count_over_time"), atMillis)).toBe(answer.kind === "value" ? answer.samples : null);
      const found = await theirs(text, atMillis);
      if (answer.kind === "value" && answer.value > 0) expect(Math.abs((found ?? NaN) / answer.value - 1)).toBeLessThan(2 / windowMillis);
    });
  });

  it("are the same answers, all figures included, through the Telemetry port", async () => {
    const clock = new VirtualClock();
    const troubles: string[] = [];
    const telemetry = new PrometheusTelemetry({ url: prometheus.url, clock, epochMillis: EPOCH_MILLIS, timeoutMillis: 10_000, onTrouble: (text) => troubles.push(text) });
    const moments = cases.flatMap(({ asked: list }, place) => list.map((one) => ({ at: one.atMillis * MICROS_PER_MILLI, queries: questions(place, one) })));
    moments.sort((a, b) => a.at - b.at);
    for (const { at, queries } of moments) {
      clock.runUntil(at, () => undefined);
      let snapshot: WindowSnapshot | null = null;
      telemetry.ask(queries, (delivered) => (snapshot = delivered));
      // The clock delivers, and stands still while nobody turns it.
      const answers = await vi.waitFor(() => {
        clock.runUntil(clock.now(), () => undefined);
        expect(snapshot).not.toBeNull();
        return (snapshot as WindowSnapshot | null)?.answers;
      }, { timeout: 10_000, interval: 1 });
      expect(answers).toEqual(queries.map((query) => store.query(query, at)));
    }
    await telemetry.close();
    expect(troubles).toEqual([]);
  }, 60_000);
});
