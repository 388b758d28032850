// The digest tells runs apart, and is the same wherever it is taken.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Digest } from "../../src/kernel/digest.js";

function digestOf(...parts: (number | string)[]): string {
  const digest = new Digest();
  for (const part of parts) {
    if (typeof part === "number") digest.add(part);
    else digest.addText(part);
  }
  return digest.hex();
}

describe("Digest", () => {
  it("is the same in every release and on every machine", () => {
    expect(digestOf(1, 0.5, -1e300, "canary")).toBe("11ee87f347f85356");
  });

  it("is 16 hexadecimal digits, of nothing too", () => {
    fc.assert(fc.property(fc.array(fc.double()), (values) => /^[0-9a-f]{16}$/.test(digestOf(...values))));
  });

  it("counts -0 as 0 and every NaN as one", () => {
    expect(digestOf(-0)).toBe(digestOf(0));
    const other = new Float64Array(new BigUint64Array([0x7ff8_0000_dead_beefn]).buffer)[0];
    expect(digestOf(other)).toBe(digestOf(NaN));
  });

  it("depends on the order, and on where one text ends and the next begins", () => {
    expect(digestOf(1, 2)).not.toBe(digestOf(2, 1));
    expect(digestOf("ab", "c")).not.toBe(digestOf("a", "bc"));
    expect(digestOf(0)).not.toBe(digestOf(0, 0));
  });

  it("has no collision among 200,000 near neighbours", () => {
    const seen = new Set<string>();
    for (let i = 0; i < 100_000; i += 1) {
      seen.add(digestOf(1000, i));
      seen.add(digestOf(1000, i + 0.5));
    }
    expect(seen.size).toBe(200_000);
  });

  it("goes on after it was read, and reading does not change it", () => {
    const digest = new Digest();
    digest.add(1);
    expect(digest.hex()).toBe(digest.hex());
    digest.add(2);
    expect(digest.hex()).toBe(digestOf(1, 2));
  });

  it("changes about half of its bits when one bit of one early number changes", () => {
    const bits = (hex: string): number => [...BigInt(`0x${hex}`).toString(2)].filter((bit) => bit === "1").length;
    let changed = 0;
    let count = 0;
    for (let bit = 0; bit < 31; bit += 1) {
      for (let i = 0; i < 20; i += 1) {
        const [a, b] = [digestOf(i, 7, 8), digestOf(i ^ (1 << bit), 7, 8)];
        changed += bits((BigInt(`0x${a}`) ^ BigInt(`0x${b}`)).toString(16));
        count += 64;
      }
    }
    expect(changed / count).toBeGreaterThan(0.48);
    expect(changed / count).toBeLessThan(0.52);
  });
});
