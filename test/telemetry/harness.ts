// A small store to write samples into by hand, so that each test shows only what it is about.

import { seconds, type Micros } from "../../src/kernel/units.js";
import type { Answer, TelemetryQuery } from "../../src/telemetry/query.js";
import { serviceSchema, type SeriesInit, type ServiceSchema } from "../../src/telemetry/schema.js";
import { SeriesStore } from "../../src/telemetry/store.js";
import type { Target } from "../../src/telemetry/target.js";

export const s = seconds;
export const EDGES = [0.1, 0.5, 1];

export interface Fixture {
  readonly store: SeriesStore;
  readonly schema: ServiceSchema;
  readonly target: Target<ServiceSchema>;
}

/** One replica of shop v1 with endpoints `buy` and `look`, scraped every 15 s. */
export function fixture(options: { init?: SeriesInit; lanes?: number; retention?: Micros; edges?: readonly number[] } = {}): Fixture {
  const schema = serviceSchema({
    service: "shop",
    version: "v1",
    endpoints: ["buy", "look"],
    edgesSeconds: options.edges ?? EDGES,
    init: options.init ?? "zero",
  });
  const store = new SeriesStore({ lanes: options.lanes ?? 1, retention: options.retention ?? s(900), scrape: s(15) });
  const target = store.addTarget({ id: "shop-v1-0", labels: { service: "shop", version: "v1", replica: "0" }, schema });
  return { store, schema, target };
}

/** Sets the 2xx counter of `buy` and scrapes: one sample at each [seconds, value]. */
export function scrapeRequests({ schema, target }: Fixture, samples: readonly (readonly [number, number])[]): void {
  for (const [time, value] of samples) {
    target.live[0][schema.requestsIndex(0, 0)] = value;
    target.record(s(time), s(time));
  }
}

/** rate or increase of `buy`'s 2xx requests over a window in seconds. */
export function requests(fn: "rate" | "increase", window: number, offset = 0): TelemetryQuery {
  return {
    fn,
    metric: "http_requests_total",
    where: { service: "shop", endpoints: ["buy"], code: "2xx" },
    window: s(window),
    offset: s(offset),
  };
}

/** The value of an answer that must have one. */
export function valueOf(answer: Answer): number {
  if (answer.kind !== "value") throw new Error(`absent: ${answer.why}`);
  return answer.value;
}
