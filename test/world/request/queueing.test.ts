// The whole world model against queueing theory, where the theory is exact.

import { describe, expect, it } from "vitest";
import { lognormal } from "../../../src/kernel/distributions/lognormal.js";
import { createRequestWorld, type RequestWorld } from "../../../src/world/request/request-world.js";
import type { DurationSpec, ServiceSpec, WorldSpec } from "../../../src/world/spec.js";
import { errorRate, meanLatency, total } from "./measures.js";
import { database, endpoint, input, millis, minutes, rate, seconds, service, toDatabase, world } from "./small-worlds.js";

const CUSTOMERS = 150_000;
const MEAN_SECONDS = 0.02;
const EXPONENTIAL: DurationSpec = { kind: "exponential", mean: millis(20) };

/** Probability that all of c servers are busy with no queue: M/M/c/c. */
function erlangB(servers: number, load: number): number {
  let blocking = 1;
  for (let k = 1; k <= servers; k++) blocking = (load * blocking) / (k + load * blocking);
  return blocking;
}

/** Probability that a customer of M/M/c waits. */
function erlangC(servers: number, load: number): number {
  const blocking = erlangB(servers, load);
  return blocking / (1 - (load / servers) * (1 - blocking));
}

/** One replica whose slots are the servers; clients wait for ever. */
function station(rps: number, one: Partial<ServiceSpec>, more: Partial<WorldSpec> = {}): RequestWorld {
  const spec = world({
    ...rate(rps),
    services: [service({ replicas: 1, queue: 1_000_000, cpu: { idle: 0, busy: 0 }, endpoints: [endpoint({ time: EXPONENTIAL })], ...one })],
    clients: { timeout: seconds(1000), reload: { share: 0, after: 0, max: 0 } },
    ...more,
  });
  const played = createRequestWorld(input(spec, { detail: "light" }));
  played.advanceTo(minutes(CUSTOMERS / rps / 60));
  expect(total(played, "requests")).toBeGreaterThan(0.98 * CUSTOMERS);
  return played;
}

describe("one replica against the theory", () => {
  it.each([[1, 0.7], [4, 0.8]])("waits as M/M/c says: %i slots at a load of %d", (slots, utilisation) => {
    const load = slots * utilisation;
    const expected = MEAN_SECONDS + (erlangC(slots, load) * MEAN_SECONDS) / (slots - load);
    const mean = meanLatency(station(load / MEAN_SECONDS, { slots }));
    expect(Math.abs(mean / expected - 1)).toBeLessThan(0.04);
  });

  it("refuses as M/M/c/c says when nobody may wait", () => {
    const one = station(4 / MEAN_SECONDS, { slots: 5, queue: 0 });
    expect(Math.abs(errorRate(one) / erlangB(5, 4) - 1)).toBeLessThan(0.03);
  });

  it("waits as Pollaczek and Khinchine say with lognormal service", () => {
    const time: DurationSpec = { kind: "lognormal", p50: millis(15), p95: millis(45) };
    const { mean, sigma } = lognormal({ p50: 0.015, p95: 0.045 });
    const rps = 0.6 / mean;
    const secondMoment = mean * mean * Math.exp(sigma * sigma);
    const expected = mean + (rps * secondMoment) / (2 * (1 - 0.6));
    expect(Math.abs(meanLatency(station(rps, { slots: 1, endpoints: [endpoint({ time })] })) / expected - 1)).toBeLessThan(0.04);
  });

  it("two stations in a row: the times of M/M/inf and of M/M/2 add up", () => {
    const rps = 1.4 / MEAN_SECONDS;
    const one = station(rps,
      { slots: 100_000, endpoints: [endpoint({ time: EXPONENTIAL, calls: [toDatabase({ timeout: seconds(900) })] })] },
      { databases: [database({ time: EXPONENTIAL, pool: 2, wait: seconds(900) })] });
    const expected = 2 * MEAN_SECONDS + (erlangC(2, 1.4) * MEAN_SECONDS) / (2 - 1.4);
    expect(Math.abs(meanLatency(one) / expected - 1)).toBeLessThan(0.04);
  });
});
