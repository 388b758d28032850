// Our own elementary functions against values computed in 30 digits, and against the laws they must keep.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  exactExp,
  exactLog,
  exactPow,
  expm1,
  log1p,
  logGamma,
  normalCdf,
  normalQuantile,
} from "../../src/kernel/exact.js";

/** The distance of two doubles of one sign in units in the last place. */
function ulps(actual: number, expected: number): number {
  if (actual === expected) return 0;
  const view = new DataView(new ArrayBuffer(16));
  view.setFloat64(0, actual);
  view.setFloat64(8, expected);
  return Math.abs(Number(view.getBigInt64(0) - view.getBigInt64(8)));
}

type Vector = readonly [...inputs: number[], expected: number];

function expectWithin(limit: number, f: (...inputs: number[]) => number, vectors: readonly Vector[]): void {
  for (const vector of vectors) {
    const inputs = vector.slice(0, -1);
    const expected = vector[vector.length - 1];
    expect(ulps(f(...inputs), expected), `f(${inputs.join(", ")})`).toBeLessThanOrEqual(limit);
  }
}

describe("exact maths", () => {
  it("exactLog is within one unit in the last place", () => {
    expectWithin(1, exactLog, [
      [2, 0.6931471805599453],
      [10, 2.302585092994046],
      [0.1, -2.3025850929940455],
      [0.7071, -0.346583180371942],
      [1.0000001, 9.999999505838704e-8],
      [0.9999999, -1.0000000494736474e-7],
      [3.5e-310, -712.5486158596588],
      [1e300, 690.7755278982137],
      [2.718281828459045, 1],
      [1.4142135623730951, 0.3465735902799727],
    ]);
  });

  it("exactExp is within one unit in the last place, subnormal results included", () => {
    expectWithin(1, exactExp, [
      [1, 2.718281828459045],
      [-1, 0.36787944117144233],
      [0.3465, 1.4141094938303624],
      [10, 22026.465794806718],
      [-30.25, 7.287724095819692e-14],
      [700, 1.0142320547350045e304],
      [-700.5, 5.980196118639791e-305],
      [1e-9, 1.000000001],
      [-745, 5e-324],
      [709.78, 1.7928227943945155e308],
    ]);
  });

  it("exactPow is within two units in the last place, however large the exponent", () => {
    expectWithin(2, exactPow, [
      [2, 0.5, 1.4142135623730951],
      [10, -3, 0.001],
      [10, 300, 1e300],
      [1.0001, 70000, 1096.2494295603437],
      [0.1, 0.1, 0.7943282347242815],
      [3.7, 100.25, 9.166907260535635e56],
      [0.999, -5e5, 1.8025487076009537e217],
      [7, 17, 232630513987207],
      [1e-300, 0.75, 1e-225],
      [1234.5678, -8.25, 3.126091600610584e-26],
    ]);
  });

  it("exactPow keeps the special cases of the language", () => {
    const values = [0, -0, 1, -1, 2, -2, 3, 0.5, -0.5, Infinity, -Infinity, NaN];
    for (const x of values) for (const y of values) expect(exactPow(x, y), `${x} ** ${y}`).toBe(x ** y);
  });

  it("log1p and expm1 keep their accuracy near zero", () => {
    expectWithin(3, log1p, [
      [1e-10, 9.999999999500001e-11],
      [-1e-10, -1.00000000005e-10],
      [0.5, 0.4054651081081644],
      [-0.5, -0.6931471805599453],
      [1e-300, 1e-300],
      [1e10, 23.025850930040455],
      [-0.999, -6.907755278982136],
    ]);
    expectWithin(4, expm1, [
      [1e-10, 1.00000000005e-10],
      [-1e-10, -9.999999999500001e-11],
      [0.3, 0.3498588075760031],
      [-0.3, -0.2591817793182821],
      [2.5, 11.182493960703473],
      [-40, -1],
    ]);
  });

  it("normalCdf is accurate to its own size far down the tail", () => {
    expectWithin(6, normalCdf, [
      [0, 0.5],
      [1, 0.8413447460685429],
      [-1, 0.15865525393145705],
      [1.959963984540054, 0.975],
      [-5, 2.866515718791939e-7],
      [-10, 7.619853024160525e-24],
      [-20, 2.7536241186062337e-89],
      [-37, 5.725571222524577e-300],
      [3.3, 0.9995165758576162],
    ]);
  });

  it("normalQuantile is accurate to its own size", () => {
    expectWithin(10, normalQuantile, [
      [0.5, 0],
      [0.95, 1.6448536269514722],
      [0.05, -1.6448536269514726],
      [0.975, 1.9599639845400538],
      [0.001, -3.0902323061678136],
      [1e-10, -6.361340902404057],
      [1e-100, -21.273453560965326],
      [1e-300, -37.0470962993612],
      [0.9999, 3.7190164854557084],
    ]);
  });

  it("logGamma is accurate to its own size, near its zeros too", () => {
    expectWithin(20, logGamma, [
      [0.5, 0.5723649429247001],
      [1, 0],
      [2, 0],
      [1.5, -0.12078223763524522],
      [0.001, 6.907178885383853],
      [2.9, 0.6028696102493114],
      [5.5, 3.9578139676187165],
      [10, 12.801827480081469],
      [100.5, 361.4355404677776],
      [1e6, 12815504.569147611],
      [1e-8, 18.42068073818021],
      [1.001, -0.0005763935982833062],
    ]);
  });

  it("answers at the edges of the domain as the language does", () => {
    for (const x of [0, -0, -1, Infinity, -Infinity, NaN]) {
      expect(exactLog(x)).toBe(Math.log(x));
      expect(log1p(x)).toBe(Math.log1p(x));
      expect(exactExp(x)).toBe(Math.exp(x));
      expect(expm1(x) + 0).toBe(Math.expm1(x) + 0);
    }
    expect([normalQuantile(0), normalQuantile(1), normalQuantile(2)]).toEqual([-Infinity, Infinity, NaN]);
    expect([normalCdf(-Infinity), normalCdf(Infinity), normalCdf(NaN)]).toEqual([0, 1, NaN]);
  });

  it("log and exp undo each other", () => {
    fc.assert(
      fc.property(fc.double({ min: -700, max: 700, noNaN: true }), (x) => {
        expect(exactLog(exactExp(x))).toBeCloseTo(x, 12);
      }),
    );
  });

  it("normalQuantile and normalCdf undo each other", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-300, max: 1, noNaN: true, maxExcluded: true }), (p) => {
        expect(Math.abs(normalCdf(normalQuantile(p)) / p - 1)).toBeLessThan(1e-12);
      }),
    );
  });

  it("exp, log and normalQuantile never decrease, also across the seams of their pieces", () => {
    const grows = (f: (x: number) => number, from: number, to: number): void => {
      let last = f(from);
      for (let i = 1; i <= 20_000; i += 1) {
        const here = f(from + ((to - from) * i) / 20_000);
        expect(here).toBeGreaterThanOrEqual(last);
        last = here;
      }
    };
    grows(exactExp, -3, 3);
    grows(exactLog, 0.25, 8);
    grows(normalQuantile, 0.07, 0.08);
    grows(normalQuantile, 0.92, 0.93);
    grows(normalQuantile, 1e-12, 2e-11);
  });
});
