// The autoscaler's arithmetic: Kubernetes' formula, its patience, and what a delivery asked for.

import { describe, expect, it } from "vitest";
import { minutes, seconds } from "../../src/kernel/units.js";
import { Autoscaler } from "../../src/world/autoscaling.js";

const scaler = () => new Autoscaler({ min: 2, max: 10, targetCpu: 0.5, interval: seconds(15), downAfter: minutes(5) });

describe("an autoscaler", () => {
  it("grows at once to what its target needs, within its range and outside its tolerance", () => {
    expect(scaler().desired(0, 0, 4, 4, 0.8)).toBe(7);
    expect(scaler().desired(0, 0, 8, 8, 0.8)).toBe(10);
    expect(scaler().desired(0, 0, 4, 4, 0.54)).toBe(4);
  });

  it("shrinks only after its patience, from its first round on", () => {
    const one = scaler();
    expect(one.desired(0, 0, 6, 6, 0.1)).toBe(6);
    expect(one.desired(0, minutes(5), 6, 6, 0.1)).toBe(6);
    expect(one.desired(0, minutes(5) + seconds(15), 6, 6, 0.1)).toBe(2);
  });

  it("leaves a size that the delivery asked for as long as one of its own", () => {
    const one = scaler();
    for (let at = 0; at <= minutes(10); at += seconds(15)) one.desired(0, at, 2, 2, 0.5);
    one.asked(0, minutes(10), 5);
    expect(one.desired(0, minutes(10) + seconds(15), 5, 2, 0.5)).toBe(5);
    expect(one.desired(0, minutes(15) + seconds(30), 5, 5, 0.2)).toBe(2);
  });

  it("holds no delivery's size beyond its own range", () => {
    const one = scaler();
    one.asked(0, 0, 12);
    expect(one.desired(0, seconds(15), 12, 12, 0.1)).toBe(10);
  });
});
