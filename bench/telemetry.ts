// What measuring costs: a scrape, a check's queries, and all of a run's telemetry without the world that it measures.

import { minutes, seconds, type Micros } from "../src/kernel/units.js";
import { bucketEdgesSeconds } from "../src/telemetry/catalogue.js";
import type { TelemetryQuery } from "../src/telemetry/query.js";
import { serviceSchema, type ServiceSchema } from "../src/telemetry/schema.js";
import { Scraper } from "../src/telemetry/scraper.js";
import { SeriesStore, type Target } from "../src/telemetry/store.js";
import type { BenchRow } from "./row.js";

const SCRAPE = seconds(15);
const LANES = 2;
const ENDPOINTS = ["list", "show", "buy"];
/** A steady target's range is read by its two ends: that is worth this much against row by row. */
const SHORTCUT_TARGET = 2;

interface Rig {
  readonly store: SeriesStore;
  readonly scraper: Scraper;
  readonly targets: readonly Target<ServiceSchema>[];
}

/** Two versions of a service with two replicas each. */
function rig(): Rig {
  const store = new SeriesStore({ lanes: LANES, scrape: SCRAPE });
  const scraper = new Scraper(store, { interval: SCRAPE, lag: seconds(5), missed: 0, seed: 7 });
  const targets = ["v1", "v2"].flatMap((version) => {
    const schema = serviceSchema({
      service: "shop", version, endpoints: ENDPOINTS, edgesSeconds: bucketEdgesSeconds([0.3]), init: "lazy",
    });
    return ["0", "1"].map((replica) =>
      store.addTarget({ id: `${version}-${replica}`, labels: { service: "shop", version, replica }, schema }));
  });
  targets.forEach((target, i) => scraper.register(target, seconds(i)));
  return { store, scraper, targets };
}

/** Some requests for everybody, in a few buckets. */
function serve({ targets }: Rig): void {
  for (const { schema, live } of targets) {
    for (const lane of live) {
      for (let endpoint = 0; endpoint < ENDPOINTS.length; endpoint += 1) {
        lane[schema.requestsIndex(endpoint, 0)] += 100;
        lane[schema.bucketIndex(endpoint, 4)] += 70;
        lane[schema.bucketIndex(endpoint, 5)] += 30;
        lane[schema.sumIndex(endpoint)] += 8;
      }
    }
  }
}

const where = { service: "shop", version: "v2" };
const window = minutes(2);
const P95: TelemetryQuery = { fn: "quantile", q: 0.95, metric: "http_request_duration_seconds", where, window };
const CHECKS: readonly TelemetryQuery[] = ["v1", "v2"].flatMap((version): TelemetryQuery[] => {
  const of = { service: "shop", version };
  return [
    { fn: "increase", metric: "http_requests_total", where: of, window },
    { fn: "increase", metric: "http_requests_total", where: { ...of, code: "5xx" }, window },
    { fn: "quantile", q: 0.95, metric: "http_request_duration_seconds", where: of, window },
    { fn: "max-over-time", metric: "memory_usage_ratio", across: "max", where: of, window },
    { fn: "increase", metric: "conversions_total", where: of, window },
  ];
});

/** CPU seconds of this process, so that other processes count less. */
function cpuSeconds(work: () => void): number {
  const started = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1e6;
}

/** The least of five: what the work takes when nothing is in its way. */
const best = (work: () => void): number => Math.min(...Array.from({ length: 5 }, () => cpuSeconds(work)));

/** All scrapes up to `end`, with `between` after each. */
function play(one: Rig, end: Micros, between: (at: Micros) => void): void {
  for (let at = one.scraper.nextAt(); at <= end; at = one.scraper.nextAt()) {
    serve(one);
    one.scraper.scrapeDue(at);
    between(at);
  }
}

/** Microseconds per p95 query of a rig that was played for half an hour. */
function p95Micros(one: Rig): number {
  const queries = 50_000;
  return (best(() => {
    for (let i = 0; i < queries; i += 1) one.store.query(P95, minutes(30) - (i % 100) * 1000);
  }) / queries) * 1e6;
}

export function telemetryBench(): Promise<readonly BenchRow[]> {
  const scrapes = 100_000;
  const single = rig().targets[0];
  let row = 0;
  const scrape = best(() => {
    for (let i = 0; i < scrapes; i += 1) single.record((row += 1) * SCRAPE, row * SCRAPE);
  }) / scrapes;

  const steady = rig();
  play(steady, minutes(30), () => undefined);
  const broken = rig();
  // One counter that falls at each scrape: all series of the target are read row by row.
  play(broken, minutes(30), () => {
    for (const { schema, live } of broken.targets) live[0][schema.conversionsIndex(0)] = 1_000_000 - broken.targets[0].rows;
  });
  const byEnds = p95Micros(steady);
  const byRows = p95Micros(broken);

  const runs = 10;
  const run = best(() => {
    for (let i = 0; i < runs; i += 1) {
      const one = rig();
      play(one, minutes(90), (at) => {
        // The first target is scraped at whole multiples of the interval: after every second of them all checks ask.
        if (at % (2 * SCRAPE) === 0) for (const query of CHECKS) one.store.query(query, at);
      });
    }
  }) / runs;

  return Promise.resolve([
    { name: "telemetry: scrape of a lane with 60 series", value: (scrape / LANES) * 1e9, unit: "ns", target: "", met: null },
    { name: "telemetry: p95 over 2 replicas x 3 endpoints", value: byEnds, unit: "µs", target: "", met: null },
    {
      name: "telemetry: steady series by their ends, against row by row", value: byRows / byEnds, unit: "x",
      target: `at least ${SHORTCUT_TARGET}`, met: byRows / byEnds >= SHORTCUT_TARGET,
    },
    { name: "telemetry: of 90 minutes, 4 targets, 180 checks", value: run * 1e3, unit: "ms", target: "", met: null },
  ]);
}
