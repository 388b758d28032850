// The kernel against queueing theory: thirty seeds fixed in advance, a million customers each, per textbook system.

import { describe, expect, it } from "vitest";
import { exponentialFrom } from "../../src/kernel/distributions/exponential.js";
import { lognormal, LognormalTable } from "../../src/kernel/distributions/lognormal.js";
import { exactExp } from "../../src/kernel/exact.js";
import { erlangB, meanWaitMMc, pollaczekKhinchine } from "../../src/kernel/queueing.js";
import { simulateStations, type Station, type Stay } from "./support/stations.js";

const SEEDS = 30;
const CUSTOMERS = 1_000_000;
/** The network starts empty; this many customers pass before the count begins. */
const WARM_UP = 20_000;
/** Student's t with 29 degrees of freedom: 99.9 % of replication means lie within this many standard errors. */
const T_999 = 3.6594;
const TIMEOUT = 120_000;

interface Interval {
  readonly mean: number;
  readonly halfWidth: number;
}

function replicate(arrivalRate: number, stations: readonly Station[], figure: (stay: Stay) => number): Interval {
  const values: number[] = [];
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    values.push(figure(simulateStations(seed, CUSTOMERS, WARM_UP, arrivalRate, stations)));
  }
  const mean = values.reduce((sum, value) => sum + value, 0) / SEEDS;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, halfWidth: (T_999 * Math.sqrt(squares / (SEEDS - 1))) / Math.sqrt(SEEDS) };
}

const contains = (interval: Interval, value: number): boolean =>
  Math.abs(interval.mean - value) <= interval.halfWidth;

/** The interval holds the truth, is narrow, and would have shown servers that are 2 % slower than theory assumes. */
function expectTruth(interval: Interval, truth: number, truthIfSlower: number): void {
  expect(interval.halfWidth / truth).toBeLessThanOrEqual(0.01);
  expect(interval.mean).toBeGreaterThan(truth - interval.halfWidth);
  expect(interval.mean).toBeLessThan(truth + interval.halfWidth);
  expect(contains(interval, truthIfSlower)).toBe(false);
}

const exponential = (mean: number) => (u: number) => exponentialFrom(u, mean);
const SLOWER = 1.02;

describe("a station simulated on the kernel", { timeout: TIMEOUT }, () => {
  it("waits as M/M/1 does at 70 % load", () => {
    const station = { servers: 1, places: Infinity, service: exponential(1) };
    const interval = replicate(0.7, [station], (stay) => stay.meanWait);
    expectTruth(interval, meanWaitMMc(1, 0.7, 1), meanWaitMMc(1, 0.7, 1 / SLOWER));
  });

  it("fails the same test when its server is 2 % slower than the theory is told", () => {
    const station = { servers: 1, places: Infinity, service: exponential(SLOWER) };
    const interval = replicate(0.7, [station], (stay) => stay.meanWait);
    expect(contains(interval, meanWaitMMc(1, 0.7, 1))).toBe(false);
    expect(contains(interval, meanWaitMMc(1, 0.7, 1 / SLOWER))).toBe(true);
  });

  it("waits as Erlang's C says at four servers and 75 % load", () => {
    const station = { servers: 4, places: Infinity, service: exponential(1) };
    const interval = replicate(3, [station], (stay) => stay.meanWait);
    expectTruth(interval, meanWaitMMc(4, 3, 1), meanWaitMMc(4, 3, 1 / SLOWER));
  });

  it("waits as Pollaczek and Khinchine say with lognormal service at 60 % load", () => {
    const shape = lognormal({ p50: 1, p95: 3 });
    const table = new LognormalTable(shape);
    const squaredVariation = exactExp(shape.sigma * shape.sigma) - 1;
    const rate = 0.6 / shape.mean;
    const station = { servers: 1, places: Infinity, service: (u: number) => table.from(u) };
    const interval = replicate(rate, [station], (stay) => stay.meanWait);
    const truth = pollaczekKhinchine(rate, shape.mean, squaredVariation);
    expectTruth(interval, truth, pollaczekKhinchine(rate, shape.mean * SLOWER, squaredVariation));
  });

  it("turns customers away as Erlang's B says at ten servers without a queue", () => {
    const station = { servers: 10, places: 0, service: exponential(1) };
    const interval = replicate(7, [station], (stay) => stay.refused);
    expectTruth(interval, erlangB(10, 7), erlangB(10, 7 * SLOWER));
  });

  it("waits as Jackson's product form says in two stations one after the other", () => {
    const front = { servers: 1, places: Infinity, service: exponential(0.6) };
    const back = { servers: 2, places: Infinity, service: exponential(1.2) };
    const interval = replicate(1, [front, back], (stay) => stay.meanWait);
    const truth = (slower: number): number =>
      meanWaitMMc(1, 1, 1 / (0.6 * slower)) + meanWaitMMc(2, 1, 1 / (1.2 * slower));
    expectTruth(interval, truth(1), truth(SLOWER));
  });
});
