// The cohort world's waits against closed forms.

import { describe, expect, it } from "vitest";
import { LOADS, nearestLoad } from "../../../src/world/cohort/load-grid.js";
import { queueModel } from "../../../src/world/cohort/queue-model.js";
import { atom, convolve, firstMoment, massUpTo, cutAt, secondMoment } from "../../../src/world/cohort/grid.js";
import { durationMass } from "../../../src/world/cohort/service-time.js";
import { steppedService } from "../../../src/world/cohort/wait.js";
import { fluctuationOf, tieOf } from "../../../src/world/cohort/fluctuation.js";
import { LEVEL_CHANCES, levelOf, levelsOf } from "../../../src/world/cohort/levels.js";
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

});

describe("the service time that a queue is worked out for", () => {
  it("is kept so exactly that waits, which grow by (1 + c^2) / 2 times the mean, are off by less than 1.2 %", () => {
    for (const squared of [0.1, 0.395, 0.438, 0.56, 1, 2.7]) {
      for (const mean of [0.0123, 0.1556, 0.1638, 0.9]) {
        const stepped = steppedService(mean, mean * mean * (1 + squared));
        const stretch = (stepped.mean * (1 + stepped.variation)) / (mean * (1 + squared));
        expect(Math.abs(stretch - 1)).toBeLessThan(0.012);
        expect(Math.abs(stepped.variation - squared)).toBeLessThan(0.01);
      }
    }
  });
});

describe("a queue that breathes", () => {
  const queue = (replicas: number) => queueModel({ choices: 2, inTurn: false, replicas, slots: 4, places: 40 });
  const HELD = { meanSeconds: 0.156, variation: 0.375, tickSeconds: 15 };
  const breathing = (replicas: number, load: number, echo = 0) => {
    const chain = queue(replicas).chain(nearestLoad(load));
    const fluctuation = fluctuationOf(chain, HELD.variation, false, echo);
    return { fluctuation, tie: tieOf(fluctuation, HELD.meanSeconds, HELD.variation, HELD.tickSeconds), levels: (share: number) => levelsOf(chain, fluctuation, share) };
  };

  it.each([[2, 0.7], [6, 0.7], [2, 0.85], [6, 0.85], [2, 0.95], [2, 1.5]])("of %d replicas at load %d: its ticks together are its steady law, waits, their squares and refusals", (replicas, load) => {
    const { tie, levels } = breathing(replicas, load);
    const point = queue(replicas).point(nearestLoad(load));
    const together = { refused: 0, waits: 0, waitMean: 0, waitSquare: 0 };
    levels(tie.share).forEach(({ refused, waits, waitMean, waitSquare }, i) => {
      const admitted = LEVEL_CHANCES[i] * (1 - refused);
      together.refused += LEVEL_CHANCES[i] * refused;
      together.waits += admitted * waits;
      together.waitMean += admitted * waitMean;
      together.waitSquare += admitted * waitSquare;
    });
    const admitted = 1 - point.refused;
    expect(together.refused).toBeCloseTo(point.refused, 4);
    expect(together.waits).toBeCloseTo(point.waits * admitted, 3);
    expect(together.waitMean / (point.waitMean * admitted)).toBeCloseTo(1, 2);
    expect(together.waitSquare / (point.waitSquare * admitted)).toBeCloseTo(1, 2);
  });

  it("has busier ticks at higher levels, which normal scores take as often as their chances say", () => {
    const { levels } = breathing(2, 0.85);
    const waits = levels(0.2).map(({ waitMean }) => waitMean);
    expect([...waits].sort((a, b) => a - b)).toEqual(waits);
    expect(LEVEL_CHANCES.reduce((sum, chance) => sum + chance, 0)).toBeCloseTo(1, 12);
    expect([levelOf(-9), levelOf(-0.01), levelOf(0.01), levelOf(9)]).toEqual([0, 7, 8, 15]);
  });

  // A simulation of three million customers each, lognormal service as here: variance of the slowest twentieth's count over the binomial's.
  it.each([[2, 0.7, 2.79], [2, 0.85, 40.8], [6, 0.7, 1.26], [6, 0.85, 5.1]])("of %d replicas at load %d scatters its slow answers %d times as much as chance alone", (replicas, load, simulated) => {
    const { crowd, self } = breathing(replicas, load).fluctuation;
    const times = 1 + ((crowd * (3 + HELD.variation)) / 4 + self) / (0.05 * 0.95);
    expect(Math.sqrt(times / simulated)).toBeGreaterThan(0.88);
    expect(Math.sqrt(times / simulated)).toBeLessThan(1.12);
  });

  it("refuses, when full, what arrivals less services leave: for exponential service (1 - e)(2 - 2e) more per arrival than one by one, and more when refused pages come again", () => {
    const chain = queue(2).chain(nearestLoad(1.25));
    const e = queue(2).point(nearestLoad(1.25)).refused;
    expect(fluctuationOf(chain, 1, false, 0).crowd / (2 * (1 - e) * (1 - e))).toBeCloseTo(1, 1);
    expect(fluctuationOf(chain, 1, false, 0.3).crowd).toBeGreaterThan(1.2 * fluctuationOf(chain, 1, false, 0).crowd);
  });

  it("forgets within a tick when it is calm and remembers when it is nearly full", () => {
    expect(breathing(6, 0.7).tie.kept).toBeLessThan(0.02);
    expect(breathing(6, 0.95).tie.kept).toBeGreaterThan(0.1);
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
    expect(variance(sum) / (2 * variance(time))).toBeCloseTo(1, 2);
    expect(convolve(time, atom(0)).total).toBeCloseTo(1, 9);
  });

  it("are cut at a deadline without losing anything", () => {
    const cut = cutAt(time, 0.1);
    expect(cut.within.total + cut.beyond).toBeCloseTo(1, 9);
    expect(cut.beyond).toBeCloseTo(1 - massUpTo(time, 0.1), 9);
  });
});
