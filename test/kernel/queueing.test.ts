// The closed forms against textbook values, against each other, and against birth-death chains solved term by term.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  boundedQueueMMc,
  erlangB,
  erlangC,
  meanWaitAllenCunneen,
  meanWaitMMc,
  pollaczekKhinchine,
  waitBeyondMMc,
} from "../../src/kernel/queueing.js";

/** M/M/c/K by its balance equations: the chances of 0 ... K present. */
function chain(servers: number, places: number, load: number): number[] {
  let chances = [1];
  for (let n = 1; n <= servers + places; n += 1) {
    chances.push((chances[n - 1] * load) / Math.min(n, servers));
    if (chances[n] > 1e100) chances = chances.map((chance) => chance / chances[n]);
  }
  const total = chances.reduce((sum, chance) => sum + chance, 0);
  return chances.map((chance) => chance / total);
}

const servers = fc.integer({ min: 1, max: 60 });
const share = fc.double({ min: 0.01, max: 0.98, noNaN: true });

describe("Erlang's formulas", () => {
  it("have the values of the published tables", () => {
    expect(erlangB(10, 4.4612)).toBeCloseTo(0.01, 5);
    expect(erlangB(100, 84.064)).toBeCloseTo(0.01, 5);
    expect(erlangC(2, 1)).toBeCloseTo(1 / 3, 14);
    expect(erlangC(1, 0.3)).toBeCloseTo(0.3, 14);
  });

  it("agree with the balance equations", () => {
    fc.assert(
      fc.property(servers, fc.double({ min: 0.01, max: 100, noNaN: true }), (c, load) => {
        expect(erlangB(c, load)).toBeCloseTo(chain(c, 0, load)[c], 12);
      }),
    );
  });

  it("C is above B, and certain when the load reaches the servers", () => {
    fc.assert(
      fc.property(servers, share, (c, rho) => {
        expect(erlangC(c, c * rho)).toBeGreaterThanOrEqual(erlangB(c, c * rho));
        expect(erlangC(c, c * rho)).toBeLessThanOrEqual(1);
      }),
    );
    expect([erlangC(3, 3), erlangC(3, 9)]).toEqual([1, 1]);
    expect(meanWaitMMc(3, 3, 1)).toBe(Infinity);
    expect(waitBeyondMMc(3, 3, 1, 50)).toBe(1);
  });

  it("stay finite for thousands of servers", () => {
    expect(erlangB(5000, 4900)).toBeGreaterThan(0);
    expect(erlangB(5000, 10)).toBeGreaterThanOrEqual(0);
    expect(boundedQueueMMc(5000, 100, 10, 1)).toMatchObject({ refused: 0, meanQueue: 0 });
  });
});

describe("waiting times", () => {
  it("of M/M/1 are those of Pollaczek and Khinchine with exponential service", () => {
    expect(pollaczekKhinchine(0.7, 1, 1)).toBeCloseTo(meanWaitMMc(1, 0.7, 1), 12);
    expect(pollaczekKhinchine(0.7, 1, 0)).toBeCloseTo(meanWaitMMc(1, 0.7, 1) / 2, 12);
    expect(meanWaitAllenCunneen(1, 0.7, 1, 1, 0.4)).toBeCloseTo(pollaczekKhinchine(0.7, 1, 0.4), 12);
    expect(pollaczekKhinchine(1, 1, 1)).toBe(Infinity);
  });

  it("of M/M/c add up from their tail", () => {
    let sum = 0;
    const step = 0.001;
    for (let i = 0; i < 60_000; i += 1) sum += waitBeyondMMc(4, 3, 1, (i + 0.5) * step) * step;
    expect(sum).toBeCloseTo(meanWaitMMc(4, 3, 1), 6);
  });
});

describe("a bounded queue", () => {
  it("agrees with the balance equations at every load, over the capacity too", () => {
    const load = fc.double({ min: 0.01, max: 120, noNaN: true });
    fc.assert(
      fc.property(servers, fc.nat(200), load, (c, places, arrivalRate) => {
        const chances = chain(c, places, arrivalRate);
        const queue = chances.reduce((sum, chance, n) => sum + Math.max(0, n - c) * chance, 0);
        const refused = chances[c + places];
        const bounded = boundedQueueMMc(c, places, arrivalRate, 1);
        expect(bounded.refused).toBeCloseTo(refused, 9);
        expect(Math.abs(bounded.meanQueue - queue)).toBeLessThan(1e-9 * (1 + queue));
        expect(bounded.busy).toBeCloseTo(chances.reduce((sum, chance, n) => sum + Math.min(n, c) * chance, 0), 8);
        const waiting = chances.reduce((sum, chance, n) => sum + (n >= c && n < c + places ? chance : 0), 0);
        expect(bounded.waiting).toBeCloseTo(waiting / (1 - refused), 9);
        // Little's law for those who were let in.
        expect(bounded.meanWait * arrivalRate * (1 - bounded.refused)).toBeCloseTo(bounded.meanQueue, 8);
      }),
    );
  });

  it("without places is Erlang's B, with very many Erlang's C", () => {
    expect(boundedQueueMMc(10, 0, 7, 1).refused).toBeCloseTo(erlangB(10, 7), 14);
    const wide = boundedQueueMMc(10, 100_000, 7, 1);
    expect(wide.refused).toBeLessThan(1e-15);
    expect(wide.waiting).toBeCloseTo(erlangC(10, 7), 12);
    expect(wide.meanWait).toBeCloseTo(meanWaitMMc(10, 7, 1), 12);
  });

  it("far over capacity is nearly always full", () => {
    const flooded = boundedQueueMMc(2, 5000, 20, 1);
    expect(flooded.refused).toBeCloseTo(0.9, 9);
    expect(flooded.meanQueue).toBeCloseTo(5000 - 2 / 18, 6);
    expect(boundedQueueMMc(4, 10, 0, 1)).toMatchObject({ refused: 0, busy: 0, meanWait: 0 });
  });
});
