// The cohort world's waits against closed forms.

import { describe, expect, it } from "vitest";
import { LOADS, nearestLoad } from "../../../src/world/cohort/load-grid.js";
import { queueModel } from "../../../src/world/cohort/queue-model.js";
import { atom, convolve, firstMoment, massUpTo, cutAt, secondMoment } from "../../../src/world/cohort/grid.js";
import { durationMass } from "../../../src/world/cohort/service-time.js";
import { levelsAt } from "../../../src/world/cohort/fluctuation.js";
import { millis } from "../../../src/kernel/units.js";

function erlangC(servers: number, offered: number): number {
  let blocking = 1;
  for (let n = 1; n <= servers; n += 1) blocking = (offered * blocking) / (n + offered * blocking);
  return blocking / (1 - (offered / servers) * (1 - blocking));
}

const alone = (slots: number, places: number) => queueModel({ choices: 1, inTurn: false, replicas: 1, slots, places });

describe("a replica's queue", () => {
  it.each([[1, 0.5], [1, 0.85], [4, 0.7], [16, 0.85]])("with %d slots at load %d waits as Erlang C says", (slots, load) => {
    const point = alone(slots, 2000).point(nearestLoad(load));
    const waits = erlangC(slots, load * slots);
    expect(point.waits).toBeCloseTo(waits, 6);
    expect(point.waitMean).toBeCloseTo(waits / (slots * (1 - load)), 5);
    expect(point.inSystem).toBeCloseTo(load * slots + (load * waits) / (1 - load), 3);
  });

  it("without a queue refuses as Erlang B says, far beyond saturation as well", () => {
    for (const load of [0.5, 0.9, 1.2]) {
      let blocking = 1;
      for (let n = 1; n <= 8; n += 1) blocking = (load * 8 * blocking) / (n + load * 8 * blocking);
      expect(alone(8, 0).point(nearestLoad(load)).refused).toBeCloseTo(blocking, 9);
    }
  });

  it("accepts what it serves: arrivals that are not refused leave through busy slots", () => {
    for (const shape of [{ choices: 1, inTurn: false }, { choices: 2, inTurn: false }, { choices: 4, inTurn: false }]) {
      for (const load of [0.3, 0.85, 1.5]) {
        const at = nearestLoad(load);
        const point = queueModel({ ...shape, replicas: 4, slots: 8, places: 20 }).point(at);
        expect(point.busy / (LOADS[at] * 8 * (1 - point.refused))).toBeCloseTo(1, 2);
      }
    }
  });

  it("waits less the more replicas the balancer compares", () => {
    const wait = (choices: number, inTurn = false): number => queueModel({ choices, inTurn, replicas: 4, slots: 8, places: 50 }).point(nearestLoad(0.85)).waitMean;
    expect(wait(2)).toBeLessThan(wait(1, true));
    expect(wait(1, true)).toBeLessThan(wait(1));
    expect(wait(4)).toBeLessThanOrEqual(wait(2));
    // No policy beats one common queue.
    expect(wait(4)).toBeGreaterThan(alone(32, 200).point(nearestLoad(0.85)).waitMean * 0.99);
  });

  it("keeps its mean wait when it breathes", () => {
    const queue = queueModel({ choices: 1, inTurn: false, replicas: 4, slots: 8, places: 50 });
    const levels = levelsAt(queue, nearestLoad(0.85), 0.5);
    const mean = levels.loads.reduce((sum, at) => sum + queue.point(at).waitMean / levels.loads.length, 0);
    expect(mean / queue.point(nearestLoad(0.85)).waitMean).toBeCloseTo(1, 1);
  });
});

describe("durations on the grid", () => {
  const time = durationMass({ kind: "lognormal", p50: millis(40), p95: millis(120) }, 1, 0);

  it("have the mean and the quantiles of the distribution", () => {
    expect(firstMoment(time)).toBeCloseTo(0.04 * Math.exp((Math.log(3) / 1.6448536) ** 2 / 2), 4);
    expect(massUpTo(time, 0.04)).toBeCloseTo(0.5, 2);
    expect(massUpTo(time, 0.12)).toBeCloseTo(0.95, 2);
  });

  it("add up: means and variances of sums, mass conserved", () => {
    const sum = convolve(time, time);
    const variance = (mass: typeof time): number => secondMoment(mass) - firstMoment(mass) ** 2;
    expect(sum.total).toBeCloseTo(1, 9);
    expect(firstMoment(sum)).toBeCloseTo(2 * firstMoment(time), 9);
    expect(variance(sum) / (2 * variance(time))).toBeCloseTo(1, 1);
    expect(convolve(time, atom(0)).total).toBeCloseTo(1, 9);
  });

  it("are cut at a deadline without losing anything", () => {
    const cut = cutAt(time, 0.1);
    expect(cut.within.total + cut.beyond).toBeCloseTo(1, 9);
    expect(cut.beyond).toBeCloseTo(1 - massUpTo(time, 0.1), 9);
  });
});
