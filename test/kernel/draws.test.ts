// The draws are random enough for what the world asks of them, and depend on nothing but their four inputs.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { streamKey, uniform, uniforms, type StreamKey } from "../../src/kernel/draws.js";

const key = streamKey(1, "arrivals");

/** The statistic of Pearson's test that `counts` are equally likely, as a standard normal (Wilson-Hilferty). */
function equidistribution(counts: Int32Array): number {
  const cells = counts.length;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const expected = total / cells;
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const ninth = 2 / (9 * (cells - 1));
  return (Math.cbrt(chiSquare / (cells - 1)) - (1 - ninth)) / Math.sqrt(ninth);
}

/** The correlation of two equally long sequences of uniforms, in standard errors. */
function correlation(count: number, x: (i: number) => number, y: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < count; i += 1) sum += (x(i) - 0.5) * (y(i) - 0.5);
  return (sum / count) * 12 * Math.sqrt(count);
}

/** Four in 100,000 fair sequences lie outside. */
const SURPRISE = 4.1;
const COUNT = 200_000;

const walks: [string, (k: StreamKey, i: number) => number][] = [
  ["along the entity", (k, i) => uniform(k, i, 0)],
  ["along the index", (k, i) => uniform(k, 17, i)],
  ["along entities beyond 2^32", (k, i) => uniform(k, 5_000_000_000 + i, 3)],
  ["along entities that are 2^32 apart", (k, i) => uniform(k, i * 4_294_967_296, 0)],
  ["along entities in steps of 1,024", (k, i) => uniform(k, i * 1024, 1)],
  ["along entity and index together", (k, i) => uniform(k, i, i)],
];

describe("uniform", () => {
  it.each(walks)("is equidistributed in 1,000 cells and in 64 x 64 pairs %s", (_name, draw) => {
    const cells = new Int32Array(1000);
    const pairs = new Int32Array(64 * 64);
    for (let i = 0; i < COUNT; i += 1) {
      const u = draw(key, i);
      cells[Math.floor(u * 1000)] += 1;
      pairs[Math.floor(u * 64) * 64 + Math.floor(draw(key, i + 1) * 64)] += 1;
    }
    expect(Math.abs(equidistribution(cells))).toBeLessThan(SURPRISE);
    expect(Math.abs(equidistribution(pairs))).toBeLessThan(SURPRISE);
  });

  it.each(walks)("has no serial correlation %s, at lags 1, 2 and 16", (_name, draw) => {
    for (const lag of [1, 2, 16]) {
      const r = correlation(COUNT, (i) => draw(key, i), (i) => draw(key, i + lag));
      expect(Math.abs(r)).toBeLessThan(SURPRISE);
    }
  });

  it("gives streams of one seed, and one stream under neighbouring seeds, that are uncorrelated", () => {
    const others = [streamKey(1, "services"), streamKey(1, "arrivals2"), streamKey(2, "arrivals"), streamKey(0, "arrivals")];
    for (const other of others) {
      const r = correlation(COUNT, (i) => uniform(key, i, 0), (i) => uniform(other, i, 0));
      expect(Math.abs(r)).toBeLessThan(SURPRISE);
    }
  });

  it("changes about half of its bits when one bit of entity, index or key changes", () => {
    const bits = (u: number): bigint => BigInt(Math.floor(u * 2 ** 52));
    for (let bit = 0; bit < 31; bit += 1) {
      const mask = 2 ** bit;
      for (const flip of [
        (i: number) => uniform(key, i ^ mask, 5),
        (i: number) => uniform(key, i, 5 ^ mask),
        (i: number) => uniform({ k0: key.k0 ^ mask, k1: key.k1 }, i, 5),
        (i: number) => uniform({ k0: key.k0, k1: key.k1 ^ mask }, i, 5),
      ]) {
        const flips = new Int32Array(52);
        const samples = 400;
        for (let i = 0; i < samples; i += 1) {
          const changed = bits(uniform(key, i * 7919, 5)) ^ bits(flip(i * 7919));
          for (let b = 0; b < 52; b += 1) flips[b] += Number((changed >> BigInt(b)) & 1n);
        }
        // Every output bit flips in half of the samples: 6 standard errors allow for 6,448 looks.
        for (const count of flips) expect(Math.abs(count / samples - 0.5)).toBeLessThan(0.15);
      }
    }
  });

  it("lies strictly between 0 and 1 and is symmetrical about a half in its reachable values", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.maxSafeNat(), fc.nat(), (k0, k1, entity, index) => {
        const u = uniform({ k0, k1 }, entity, index);
        return u > 0 && u < 1 && 1 - (1 - u) === u;
      }),
    );
  });

  it("is pure: the same four inputs give the same draw, whatever was drawn between", () => {
    const first = uniform(streamKey(9, "users"), 123_456, 2);
    uniform(key, 5, 5);
    expect(uniform(streamKey(9, "users"), 123_456, 2)).toBe(first);
  });

  it("is the same draw on every machine and in every release", () => {
    expect(streamKey(7, "arrivals")).toEqual({ k0: -1541772959, k1: 750332044 });
    expect(uniform({ k0: 1, k1: 2 }, 3, 4)).toBe(0.2977335175053263);
    expect(uniform({ k0: 1, k1: 2 }, 2 ** 40 + 3, 4)).toBe(0.527547569354971);
  });

  it("repeats no pair of entity and index within a stream", () => {
    const seen = new Set<number>();
    for (let entity = 0; entity < 400; entity += 1) {
      for (let index = 0; index < 400; index += 1) seen.add(uniform(key, entity, index));
    }
    expect(seen.size).toBe(160_000);
  });
});

describe("uniforms", () => {
  it("are those of uniform, one index after the other, and write nowhere else", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.integer({ min: 0, max: 2 ** 52 }), fc.integer({ min: 0, max: 2 ** 32 - 40 }), fc.integer({ min: 0, max: 32 }), (k0, k1, entity, index, count) => {
        const into = new Float64Array(40).fill(-1);
        uniforms({ k0, k1 }, entity, index, count, into, 4);
        const one = (i: number): number => (i >= 4 && i < 4 + count ? uniform({ k0, k1 }, entity, index + i - 4) : -1);
        expect(Array.from(into)).toEqual(Array.from(into, (_, i) => one(i)));
      }),
    );
  });
});
