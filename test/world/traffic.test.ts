// The rate of pages: its shape, its integral, and the inverse by which arrivals are drawn.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileModel } from "../../src/world/model.js";
import { RateCurve, rateCurve } from "../../src/world/traffic.js";
import type { Effect } from "../../src/world/effect.js";
import type { TrafficSpec } from "../../src/world/spec.js";
import { fault, hours, input, minutes, seconds, world } from "./request/small-worlds.js";

const PLAIN: TrafficSpec = { enters: "shop", rate: 100, shape: { kind: "constant" }, bursts: null, spread: { kind: "poisson" } };

function curveOf(more: Partial<TrafficSpec>, horizon: number, effects: readonly Effect[] = [], noiseFree = false, seed = 1): RateCurve {
  const model = compileModel(input(world({ traffic: [{ ...PLAIN, ...more }] }), { effects, seed }));
  return rateCurve(model, model.traffic[0], horizon, noiseFree);
}

describe("a rate curve", () => {
  const pieces = fc.array(fc.record({
    length: fc.integer({ min: 1, max: 1e8 }), from: fc.double({ min: 0, max: 500, noNaN: true }), to: fc.double({ min: 0, max: 500, noNaN: true }),
  }), { minLength: 1, maxLength: 8 });

  it("its inverse finds the time at which the expected count is reached", () => {
    fc.assert(fc.property(pieces, fc.double({ min: 0.001, max: 0.999, noNaN: true }), (list, share) => {
      let at = 0;
      const starts = list.map(({ length }) => { const start = at; at += length; return start; });
      // The last piece has no end: level, so that it can be reached.
      const from = [...list.map((p) => p.from), 1];
      const to = [...list.map((p) => p.to), 1];
      const curve = new RateCurve([...starts, at], from, to);
      const target = share * (curve.cumulated(at) + 5);
      const found = curve.timeReaching(target, curve.pieceReaching(target, 0));
      expect(Math.abs(curve.cumulated(found) - target)).toBeLessThan(1e-6 * (1 + target));
    }));
  });

  it("says that a rate of zero brings nobody", () => {
    const curve = new RateCurve([0, seconds(1)], [0, 0], [0, 0]);
    expect(curve.timeReaching(0.5, curve.pieceReaching(0.5, 0))).toBe(Infinity);
  });
});

describe("shapes of traffic", () => {
  it("daily: the peak at its hour, the low half a day later, the mean in the middle", () => {
    const curve = curveOf({ shape: { kind: "daily", low: 0.2, peakAt: hours(15), startsAt: hours(9) } }, hours(24));
    expect(curve.rate(hours(6))).toBeCloseTo(100, 6);
    expect(curve.rate(hours(18))).toBeCloseTo(20, 6);
    expect(curve.rate(hours(0))).toBeCloseTo(60, 6);
    expect(curve.expected(0, hours(24)) / 86_400).toBeCloseTo(60, 2);
  });

  it("a trace: linear between its rows, level outside", () => {
    const curve = curveOf({ shape: { kind: "trace", times: [minutes(1), minutes(3)], relative: [0.5, 1] } }, minutes(10));
    expect([0, 1, 2, 3, 9].map((m) => curve.rate(minutes(m)))).toEqual([50, 50, 75, 100, 100]);
  });

  it("surges multiply, only in their windows", () => {
    const curve = curveOf({}, minutes(10), [
      fault({ on: "traffic" }, { kind: "surge", factor: 2 }, minutes(2), minutes(6)),
      fault({ on: "traffic", enters: "shop" }, { kind: "surge", factor: 3 }, minutes(4), minutes(8), { id: "second" }),
    ]);
    expect([1, 3, 5, 7, 9].map((m) => curve.rate(minutes(m)))).toEqual([100, 200, 600, 300, 100]);
  });
});

describe("variation of traffic", () => {
  const cv = 0.3;
  const gamma = { spread: { kind: "gamma", cv, slot: seconds(10) } } as const;

  it("gamma: slots of mean 1 with the coefficient of variation asked for", () => {
    const curve = curveOf(gamma, hours(12));
    const slots = Array.from({ length: 4320 }, (_, i) => curve.rate(seconds(10 * i + 5)) / 100);
    const mean = slots.reduce((a, b) => a + b, 0) / slots.length;
    const variance = slots.reduce((a, b) => a + (b - mean) ** 2, 0) / slots.length;
    expect(mean).toBeGreaterThan(0.98);
    expect(mean).toBeLessThan(1.02);
    expect(Math.sqrt(variance)).toBeGreaterThan(0.28);
    expect(Math.sqrt(variance)).toBeLessThan(0.32);
  });

  it("bursts: as often, as long and as high as they say; evenly spread when noise-free", () => {
    const bursts = { bursts: { every: minutes(10), lasts: minutes(1), factor: 3 } };
    const mean = curveOf(bursts, hours(400)).expected(0, hours(400)) / (400 * 3600);
    expect(mean).toBeGreaterThan(116);
    expect(mean).toBeLessThan(124);
    const steady = curveOf(bursts, hours(1), [], true);
    expect(steady.rate(0)).toBeCloseTo(120, 9);
    expect(steady.rate(minutes(31))).toBeCloseTo(120, 9);
  });

  it("another seed draws other slots, the same seed the same", () => {
    const at = seconds(25);
    expect(curveOf(gamma, hours(1)).rate(at)).toBe(curveOf(gamma, hours(1)).rate(at));
    expect(curveOf(gamma, hours(1), [], false, 2).rate(at)).not.toBe(curveOf(gamma, hours(1)).rate(at));
  });
});
