// What every Telemetry port must do, whatever is behind it: one set of behaviours for the simulator, the scraper and Prometheus.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MICROS_PER_SECOND, seconds, type Micros } from "../../src/kernel/units.js";
import type { Answer, Selector, TelemetryQuery, WindowSnapshot } from "../../src/telemetry/query.js";
import { serviceSchema, type ServiceSchema } from "../../src/telemetry/schema.js";

/** Where the behaviours are tried. Time is run time; a rig makes it pass. */
export interface Rig {
  now(): Micros;
  pass(duration: Micros): Promise<void>;
  /** Sends the questions and makes time pass until the answers are there. */
  ask(queries: readonly TelemetryQuery[], sent?: () => void): Promise<WindowSnapshot>;
  /** The process is gone for good: it is scraped no more. */
  remove(replica: Replica): void;
  close(): Promise<void>;
}

export interface RigOptions {
  readonly scrape: Micros;
  readonly lookback: Micros;
  readonly replicas: readonly Replica[];
}

/** A replica with steady traffic: what it exposes follows from the time alone. */
export class Replica {
  readonly labels: { readonly service: string; readonly version: string; readonly replica: string };
  readonly schema: ServiceSchema;
  readonly live: Float64Array;
  startedAt: Micros = 0;
  memory = 0.25;
  /** Its page never comes. */
  silent = false;

  constructor(readonly id: string, version: string, init: "lazy" | "zero" = "lazy") {
    this.labels = { service: "shop", version, replica: id };
    this.schema = serviceSchema({ service: "shop", version, endpoints: ["buy", "look"], edgesSeconds: [0.1, 0.5, 1], init });
    this.live = new Float64Array(this.schema.size);
  }

  /** 100 requests per second of `buy` (none of `look`): a tenth fails, nine tenths take up to 100 ms, the rest up to 500 ms. */
  update(now: Micros): void {
    const { live, schema } = this;
    const requests = Math.max(0, Math.floor((100 * (now - this.startedAt)) / MICROS_PER_SECOND));
    const failed = Math.floor(requests / 10);
    const quick = Math.floor(requests * 0.9);
    live[schema.requestsIndex(0, 0)] = requests - failed;
    live[schema.requestsIndex(0, 1)] = failed;
    live[schema.bucketIndex(0, 0)] = quick;
    live[schema.bucketIndex(0, 1)] = requests - quick;
    live[schema.sumIndex(0)] = requests * 0.125;
    live[schema.conversionsIndex(0)] = Math.floor(requests / 20);
    live[schema.memoryIndex] = this.memory;
  }
}

const WINDOW = seconds(2);

const valueOf = (answer: Answer): number => (answer.kind === "value" ? answer.value : NaN);

/** Runs the behaviours, in their order: they share one stretch of time. */
export function conformsToTelemetry(scrape: Micros, open: (options: RigOptions) => Promise<Rig>): void {
  const one = new Replica("one", "v1");
  const two = new Replica("two", "v1");
  const other = new Replica("other", "v2", "zero");
  const v1: Selector = { service: "shop", version: "v1" };
  const v2: Selector = { service: "shop", version: "v2" };
  const increase = (where: Selector, window = WINDOW): TelemetryQuery => ({ fn: "increase", metric: "http_requests_total", where, window });
  const gauge = (fn: "latest" | "avg-over-time" | "max-over-time" | "min-over-time", metric: "memory_usage_ratio" | "up", across: "sum" | "avg" | "min" | "max", where: Selector, offset = 0): TelemetryQuery =>
    ({ fn, metric, across, where, window: WINDOW, offset });
  const per = WINDOW / scrape;
  let rig: Rig;
  const ask = async (...queries: TelemetryQuery[]): Promise<readonly Answer[]> => (await rig.ask(queries)).answers;
  /** Lets time pass until the question's answer is as wanted; real worlds take their time. */
  const until = async (query: TelemetryQuery, wanted: (answer: Answer) => boolean, atMost: Micros): Promise<Answer> => {
    const deadline = rig.now() + atMost;
    for (;;) {
      const [answer] = await ask(query);
      if (wanted(answer) || rig.now() > deadline) return answer;
      await rig.pass(scrape);
    }
  };

  describe("behind the Telemetry port", () => {
    beforeAll(async () => {
      rig = await open({ scrape, lookback: seconds(3), replicas: [one, two, other] });
      for (const replica of [one, two, other]) await until(gauge("latest", "up", "min", { replica: replica.id }), (answer) => valueOf(answer) === 1, seconds(15));
      await rig.pass(WINDOW + 2 * scrape);
    }, 40_000);
    afterAll(() => rig.close());

    it("answers come later, once, in the order of the questions and stamped with their time", async () => {
      const before = rig.now();
      let sent = false;
      const queries = [increase(v1), increase(v2)];
      const snapshot = await rig.ask(queries, () => (sent = true));
      expect(sent).toBe(true);
      expect(snapshot.queries).toEqual(queries);
      expect(snapshot.answers).toHaveLength(2);
      expect(snapshot.at).toBeGreaterThanOrEqual(before);
      expect(snapshot.at).toBeLessThanOrEqual(rig.now());
    });

    it("an increase is summed over replicas, endpoints and codes, and says what it rests on", async () => {
      const snapshot = await rig.ask([increase(v1), increase({ ...v1, code: "5xx" }), increase({ ...v1, replica: "one" }), increase({ ...v1, endpoints: ["buy"] })]);
      const [all, failed, half, buy] = snapshot.answers;
      expect(valueOf(all) / 400).toBeCloseTo(1, 1);
      expect(valueOf(failed) / 40).toBeCloseTo(1, 1);
      expect(valueOf(half) / 200).toBeCloseTo(1, 1);
      expect(buy).toEqual(all);
      if (all.kind !== "value") return;
      expect(all.series).toBe(4);
      expect(Math.abs(all.samples / 4 - per)).toBeLessThanOrEqual(1.5);
      expect(snapshot.at - all.newest).toBeLessThanOrEqual(1.5 * scrape);
    });

    it("a rate is per second, of counts, sums and buckets alike", async () => {
      const where = { service: "shop" };
      const [rate, count, sum, fast, all] = await ask(
        { fn: "rate", metric: "conversions_total", where, window: WINDOW },
        { fn: "rate", metric: "http_request_duration_seconds_count", where, window: WINDOW },
        { fn: "rate", metric: "http_request_duration_seconds_sum", where, window: WINDOW },
        { fn: "rate", metric: "http_request_duration_seconds_bucket", le: 0.1, where, window: WINDOW },
        { fn: "rate", metric: "http_request_duration_seconds_bucket", le: 0.2, where, window: WINDOW },
      );
      expect(valueOf(rate) / 15).toBeCloseTo(1, 0);
      expect(valueOf(count) / 300).toBeCloseTo(1, 1);
      expect(valueOf(sum) / 37.5).toBeCloseTo(1, 1);
      expect(valueOf(fast) / 270).toBeCloseTo(1, 1);
      expect(valueOf(all)).toBeCloseTo(valueOf(count), 6);
    });

    it("a quantile is interpolated in its bucket", async () => {
      const quantile = (q: number): TelemetryQuery => ({ fn: "quantile", metric: "http_request_duration_seconds", q, where: v1, window: WINDOW });
      const [median, p95] = await ask(quantile(0.5), quantile(0.95));
      expect(valueOf(median)).toBeCloseTo(0.0556, 2);
      expect(valueOf(p95)).toBeCloseTo(0.3, 1);
    });

    it("gauges go over time first and across replicas then", async () => {
      one.memory = 0.75;
      await until(gauge("latest", "memory_usage_ratio", "max", v1), (answer) => valueOf(answer) === 0.75, seconds(3));
      const answers = await ask(
        gauge("latest", "memory_usage_ratio", "sum", v1),
        gauge("latest", "memory_usage_ratio", "avg", v1),
        gauge("max-over-time", "memory_usage_ratio", "max", v1),
        gauge("min-over-time", "memory_usage_ratio", "min", { replica: "one" }),
        gauge("avg-over-time", "up", "avg", v1),
        gauge("latest", "memory_usage_ratio", "sum", v1, 3 * scrape),
      );
      expect(answers.map(valueOf)).toEqual([1, 0.5, 0.75, 0.25, 1, 0.5]);
      expect(answers[0]).toMatchObject({ series: 2, samples: 2 });
    });

    it("what has no answer says why", async () => {
      const quantile = (where: Selector): TelemetryQuery => ({ fn: "quantile", metric: "http_request_duration_seconds", q: 0.9, where, window: WINDOW });
      const [unknown, lazy, zero, few] = await ask(increase({ service: "shop", version: "v9" }), quantile({ ...v1, endpoints: ["look"] }), quantile({ ...v2, endpoints: ["look"] }), increase(v1, Math.floor(0.9 * scrape)));
      expect(unknown).toEqual({ kind: "absent", why: "no series" });
      expect(lazy).toEqual({ kind: "absent", why: "no series" });
      expect(zero).toEqual({ kind: "absent", why: "no observations" });
      expect(few.kind).toBe("absent");
    });

    it("a process that starts anew costs no more than what nobody had scraped", async () => {
      other.startedAt = rig.now();
      await rig.pass(3 * scrape);
      const [after] = await ask(increase(v2));
      expect(valueOf(after) / 200).toBeGreaterThan(0.75);
      expect(valueOf(after) / 200).toBeLessThan(1.1);
    });

    it("a process that hangs is down at once: no latest value, and its last samples still in the ranges", async () => {
      two.silent = true;
      const down = await until(gauge("latest", "up", "min", { replica: "two" }), (answer) => valueOf(answer) === 0, seconds(5));
      expect(valueOf(down)).toBe(0);
      const snapshot = await rig.ask([gauge("latest", "memory_usage_ratio", "sum", v1), gauge("latest", "memory_usage_ratio", "sum", { replica: "two" }), increase({ replica: "two" })]);
      expect(snapshot.answers[0]).toMatchObject({ value: 0.75, series: 1 });
      expect(snapshot.answers[1]).toEqual({ kind: "absent", why: "no series" });
      const [, , past] = snapshot.answers;
      expect(past.kind).toBe("value");
      if (past.kind === "value") expect(snapshot.at - past.newest).toBeGreaterThan(0.5 * scrape);
    });

    it("a process that is gone leaves no series behind, not even `up`", async () => {
      rig.remove(other);
      const gone = await until(gauge("latest", "up", "sum", v2), (answer) => answer.kind === "absent", seconds(14));
      expect(gone).toEqual({ kind: "absent", why: "no series" });
      await rig.pass(WINDOW);
      expect(await ask(increase(v2), gauge("avg-over-time", "memory_usage_ratio", "sum", v2))).toEqual([{ kind: "absent", why: "no series" }, { kind: "absent", why: "no series" }]);
    }, 40_000);
  });
}
