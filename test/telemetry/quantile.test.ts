// histogram_quantile against values worked out by hand from Prometheus' rules.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seconds } from "../../src/kernel/units.js";
import { histogramQuantile } from "../../src/telemetry/quantile.js";
import type { TelemetryQuery } from "../../src/telemetry/query.js";
import { serviceSchema } from "../../src/telemetry/schema.js";
import { fixture, s, valueOf, type Fixture } from "./harness.js";

const EDGES = Float64Array.from([0.1, 0.5, 1]);
/** Cumulated counts, +Inf last. */
const quantile = (q: number, counts: readonly number[]): number =>
  histogramQuantile(q, EDGES, Float64Array.from(counts));

describe("histogramQuantile", () => {
  it("interpolates linearly within the bucket that holds the rank", () => {
    // Rank 0.5 x 20 = 10, in (0.1, 0.5] with 4 below and 12 in it: 0.1 + 0.4 x (10 - 4) / 12 = 0.3.
    expect(quantile(0.5, [4, 16, 18, 20])).toBeCloseTo(0.3, 15);
  });

  it("starts the lowest bucket at zero", () => {
    // Rank 0.1 x 20 = 2 of the 4 in (0, 0.1]: 0.05.
    expect(quantile(0.1, [4, 16, 18, 20])).toBeCloseTo(0.05, 15);
  });

  it("answers with the highest finite edge when the rank lies in the +Inf bucket", () => {
    expect(quantile(0.95, [4, 16, 18, 20])).toBe(1);
    expect(quantile(0.5, [0, 0, 0, 20])).toBe(1);
  });

  it("takes the lower bucket when the rank meets its count exactly", () => {
    // Rank 0.8 x 20 = 16 is reached by the second bucket: its upper edge.
    expect(quantile(0.8, [4, 16, 18, 20])).toBe(0.5);
  });

  it("has no value without observations", () => {
    expect(quantile(0.5, [0, 0, 0, 0])).toBeNaN();
  });

  it("is -Inf below 0 and +Inf above 1", () => {
    expect(quantile(-0.1, [4, 16, 18, 20])).toBe(-Infinity);
    expect(quantile(1.1, [4, 16, 18, 20])).toBe(Infinity);
  });

  it("lifts a bucket that has less than the one below it", () => {
    // 10, 8, 18, 20 becomes 10, 10, 18, 20: rank 14 is half way into (0.5, 1]: 0.75.
    expect(quantile(0.7, [10, 8, 18, 20])).toBeCloseTo(0.75, 12);
  });

  it("levels steps that are only floating-point noise", () => {
    // The third bucket is larger by one part in 10^15: an upper half-percent must not land there.
    const noisy = 16 * (1 + 4e-16);
    expect(quantile(1, [4, 16, noisy, noisy])).toBe(0.5);
  });

  it("never falls as q rises, and stays between zero and the highest edge", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(1000), { minLength: 4, maxLength: 4 }).filter((counts) => counts.some((count) => count > 0)),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (counts, a, b) => {
          let total = 0;
          const cumulated = counts.map((count) => (total += count));
          const low = quantile(Math.min(a, b), cumulated);
          const high = quantile(Math.max(a, b), cumulated);
          // q = 0 in an empty lowest bucket is 0/0, in Prometheus too.
          if (low !== low) return Math.min(a, b) === 0;
          return low >= 0 && low <= high + 1e-12 && high <= 1;
        },
      ),
    );
  });
});

const p = (q: number, where: TelemetryQuery["where"] = { service: "shop" }): TelemetryQuery => ({
  fn: "quantile",
  metric: "http_request_duration_seconds",
  q,
  where,
  window: s(60),
});

/** Adds observations per bucket (not cumulated) to an endpoint. */
function observe({ target, schema }: Fixture, endpoint: number, counts: readonly number[]): void {
  counts.forEach((count, bucket) => (target.live[0][schema.bucketIndex(endpoint, bucket)] += count));
}

describe("a quantile query", () => {
  it("sums the rates of each bucket over endpoints and replicas before it interpolates", () => {
    const f = fixture();
    for (const endpoint of [0, 1]) observe(f, endpoint, [1000, 1000, 1000, 1000]);
    f.target.record(s(1015), s(1015));
    observe(f, 0, [4, 0, 0, 0]);
    observe(f, 1, [0, 12, 2, 2]);
    f.target.record(s(1030), s(1030));
    // Growth cumulated: 4, 16, 18, 20; one factor for all, so it cancels: the median is 0.3 as above.
    const answer = f.store.query(p(0.5), s(1030));
    expect(valueOf(answer)).toBeCloseTo(0.3, 12);
    // 2 endpoints x 4 buckets, two samples each.
    expect(answer).toMatchObject({ series: 8, samples: 16, newest: s(1030) });
    // Of endpoint `buy` alone, all is in the lowest bucket: 0.1 x 2 / 4.
    expect(valueOf(f.store.query(p(0.5, { endpoints: ["buy"] }), s(1030)))).toBeCloseTo(0.05, 12);
  });

  it("is absent, not zero, when nothing was observed in the window", () => {
    const f = fixture();
    observe(f, 0, [4, 12, 2, 2]);
    f.target.record(s(1015), s(1015));
    f.target.record(s(1030), s(1030));
    expect(f.store.query(p(0.5), s(1030))).toEqual({ kind: "absent", why: "no observations" });
  });

  it("sums by edge when replicas have other buckets", () => {
    const f = fixture();
    const schema = serviceSchema({ service: "shop", version: "v2", endpoints: ["buy"], edgesSeconds: [0.5, 2], init: "zero" });
    const other = f.store.addTarget({ id: "shop-v2-0", labels: { service: "shop", version: "v2" }, schema });
    for (const time of [1015, 1030]) {
      observe(f, 0, [10, 10, 0, 0]);
      [20, 10, 0].forEach((count, bucket) => (other.live[0][schema.bucketIndex(0, bucket)] += count));
      f.target.record(s(time), s(time));
      other.record(s(time), s(time));
    }
    // Growth by edge: 0.1 -> 10; 0.5 -> 20 + 20 = 40; 1 -> 20, lifted to 40; 2 -> 30, lifted to 40; +Inf -> 50.
    // Both counters were zero one interval before, so both reach back 15 s and no factor differs.
    // Rank 0.5 x 50 = 25: 0.1 + 0.4 x (25 - 10) / 30 = 0.3.
    expect(valueOf(f.store.query(p(0.5), s(1030)))).toBeCloseTo(0.3, 12);
    // Rank 45 lies in the +Inf bucket: the highest finite edge of all.
    expect(valueOf(f.store.query(p(0.9), s(1030)))).toBe(2);
  });

  it("does not see the edges of targets that have no such series", () => {
    const f = fixture();
    const schema = serviceSchema({ service: "shop", version: "v2", endpoints: ["other"], edgesSeconds: [0.3], init: "zero" });
    f.store.addTarget({ id: "shop-v2-0", labels: {}, schema });
    for (const time of [1015, 1030]) {
      observe(f, 0, [4, 12, 2, 2]);
      f.target.record(s(time), s(time));
    }
    // An edge at 0.3 without a count would be lifted to 4, and all 12 would seem to lie in (0.3, 0.5].
    expect(valueOf(f.store.query(p(0.5, { endpoints: ["buy"] }), s(1030)))).toBeCloseTo(0.3, 12);
  });

  it("takes in replicas that come after it was asked first, with the same buckets or others", () => {
    const f = fixture();
    const query = p(0.5);
    expect(f.store.query(query, s(1)).kind).toBe("absent");
    const edges = [[0.1, 0.5, 1], [0.2]];
    edges.forEach((edgesSeconds, i) => {
      const schema = serviceSchema({ service: "shop", version: "v2", endpoints: ["buy"], edgesSeconds, init: "zero" });
      const late = f.store.addTarget({ id: `late-${i}`, labels: {}, schema });
      const ofRow = (n: number): void => {
        late.live[0].fill(10 * n, schema.bucketIndex(0, 0), schema.bucketIndex(0, schema.buckets - 1) + 1);
        late.record(s(1000 + 15 * n), s(1000 + 15 * n));
      };
      [1, 2].forEach(ofRow);
      const answer = f.store.query({ ...query, window: s(45) }, s(1030));
      // First four buckets of one replica; then two more, 0.2 among them with 10 below it.
      expect(answer).toMatchObject({ kind: "value", series: i === 0 ? 4 : 6 });
    });
    // Growth by edge 0.1: 10, 0.2: 10, 0.5: 20, 1: 30, +Inf: 40 + 20; rank 30 is reached at 1.
    expect(valueOf(f.store.query(query, s(1030)))).toBeCloseTo(1, 12);
  });

  it("counts observations below an edge, and all of them, from the same buckets", () => {
    const f = fixture();
    f.target.record(s(1015), s(1015));
    observe(f, 0, [4, 12, 2, 2]);
    f.target.live[0][f.schema.sumIndex(0)] = 7.5;
    f.target.record(s(1030), s(1030));
    const base = { fn: "increase", where: { endpoints: ["buy"] }, window: seconds(15.5) } as const;
    // First sample 0: the zero clamp keeps the start at the sample, the end gap is 0: growth itself.
    const at = s(1030);
    expect(valueOf(f.store.query({ ...base, metric: "http_request_duration_seconds_count" }, at))).toBe(20);
    expect(valueOf(f.store.query({ ...base, metric: "http_request_duration_seconds_sum" }, at))).toBe(7.5);
    const bucket = (le: number): number =>
      valueOf(f.store.query({ ...base, metric: "http_request_duration_seconds_bucket", le }, at));
    expect([bucket(0.1), bucket(0.5), bucket(0.7), bucket(1), bucket(9)]).toEqual([4, 16, 18, 18, 20]);
  });
});
