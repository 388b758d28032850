// Two replicas whose balancer joins the less busy one, between the closed forms that bound them.

import { describe, expect, it } from "vitest";
import { LOADS, nearestLoad } from "../../../src/world/cohort/load-grid.js";
import { queueModel } from "../../../src/world/cohort/queue-model.js";

const waitOfTwo = (load: number, choices: number): number =>
  queueModel({ choices, inTurn: false, replicas: 2, slots: 1, places: 200 }).point(nearestLoad(load)).waitMean;

describe("two replicas of one slot, joined at the shorter queue", () => {
  it.each([0.3, 0.5, 0.7, 0.8, 0.9])("wait longer than one common queue (M/M/2), and less than at random (M/M/1), at load %d", (load) => {
    const rho = LOADS[nearestLoad(load)];
    const common = (rho * rho) / (1 - rho * rho);
    const alone = rho / (1 - rho);
    expect(waitOfTwo(load, 1)).toBeCloseTo(alone, 3);
    expect(waitOfTwo(load, 2)).toBeGreaterThan(common);
    // The less busy of two is worth more than half of the way.
    expect(waitOfTwo(load, 2)).toBeLessThan(common + (alone - common) / 2);
  });
});

it("two replicas of thousands of slots are worked out in a moment, and stay close together", () => {
  const model = (choices: number) => queueModel({ choices, inTurn: false, replicas: 2, slots: 2500, places: 200 }).point(nearestLoad(0.98));
  expect(model(2).waits).toBeLessThan(model(1).waits);
  expect(model(2).busy).toBeCloseTo(model(1).busy, 0);
}, 15_000);
