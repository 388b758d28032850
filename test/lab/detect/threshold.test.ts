// Where a measured curve reaches a share: rising curves are read off, falling neighbours pooled, ends named.

import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { crossing, risingCurve, type CurvePoint } from "../../../src/lab/detect/threshold.js";
import { nextTry } from "../../../src/lab/detect/bake.js";

const straight = { to: (size: number) => size, from: (place: number) => place };
const points = (...shares: readonly number[]): readonly CurvePoint[] => shares.map((share, k) => ({ size: k + 1, share, weight: 100 }));

describe("the rising curve", () => {
  it("leaves rising points as they are and pools those that fall", () => {
    expect(risingCurve(points(0.1, 0.4, 0.9)).map(({ share }) => share)).toEqual([0.1, 0.4, 0.9]);
    expect(risingCurve(points(0.1, 0.6, 0.4, 0.9)).map(({ share }) => share)).toEqual([0.1, 0.5, 0.5, 0.9]);
  });

  it("never falls, and keeps the mean of the shares", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 12 }), (hits) => {
        const curve = risingCurve(points(...hits.map((each) => each / 100)));
        const mean = (shares: readonly number[]): number => shares.reduce((sum, share) => sum + share, 0) / shares.length;
        for (let k = 1; k < curve.length; k += 1) expect(curve[k].share).toBeGreaterThanOrEqual(curve[k - 1].share);
        expect(mean(curve.map(({ share }) => share))).toBeCloseTo(mean(hits) / 100, 9);
      }),
      { numRuns: 200 },
    );
  });
});

describe("where the curve reaches a share", () => {
  it("lies straight between two points, on the scale that is asked for", () => {
    expect(crossing(points(0, 0.5, 1), 0.75, straight)).toEqual({ kind: "at", size: 2.5 });
    const log = crossing([{ size: 1, share: 0, weight: 1 }, { size: 100, share: 1, weight: 1 }], 0.5, { to: Math.log, from: Math.exp });
    expect(log?.kind === "at" && log.size).toBeCloseTo(10, 9);
  });

  it("is named before the first and after the last point, and is nothing without points", () => {
    expect(crossing(points(0.9, 1), 0.8, straight)).toEqual({ kind: "below", size: 1 });
    expect(crossing(points(0.1, 0.7), 0.8, straight)).toEqual({ kind: "above", size: 2 });
    expect(crossing([], 0.8, straight)).toBeNull();
  });
});

describe("the search for a bake", () => {
  /** Tries until nothing is left to learn; `enough` says from which bake on it does. */
  function searched(enough: number, shortest: number, longest: number): { readonly found: number | null; readonly tries: number } {
    let [short, found, tries] = [0, 0, 0];
    for (let next = nextTry(short, found, shortest, longest); next !== null; next = nextTry(short, found, shortest, longest)) {
      tries += 1;
      if (next >= enough) found = next;
      else short = next;
    }
    return { found: found === 0 ? null : found, tries };
  }

  it("finds the shortest that does, to one evaluation or 5 %, in few tries", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 480 }), (enough) => {
        const { found, tries } = searched(enough, 2, 480);
        expect(found).toBeGreaterThanOrEqual(enough);
        expect((found ?? 0) - enough).toBeLessThanOrEqual(Math.max(0, 0.05 * (found ?? 0)));
        expect(tries).toBeLessThanOrEqual(15);
      }),
    );
  });

  it("says when not even the longest does, after having tried just that", () => {
    expect(searched(500, 4, 480).found).toBeNull();
    expect(searched(480, 4, 480).found).toBe(480);
    expect(searched(1, 4, 480)).toEqual({ found: 4, tries: 1 });
  });
});
