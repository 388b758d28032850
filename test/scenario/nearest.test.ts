// The name that a misspelt one meant: one slip of the finger is always forgiven, nonsense never answered.

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { findCycle } from "../../src/scenario/call-graph.js";
import { adviseName, editDistance, nearestName } from "../../src/scenario/nearest.js";
import { loaded } from "./fixtures.js";

const word = fc.string({ unit: fc.constantFrom(..."abcdefgh-"), minLength: 4, maxLength: 14 });

describe("edit distance", () => {
  it("counts insertions, deletions, replacements and swaps of neighbours as one", () => {
    expect([editDistance("weight", "wieght"), editDistance("weight", "weigt"), editDistance("weight", "weiight"), editDistance("weight", "waight"), editDistance("", "abc"), editDistance("kitten", "sitting")]).toEqual([1, 1, 1, 1, 3, 3]);
  });

  it("is symmetric, zero only for equals, and at most the longer length", () => {
    fc.assert(fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      return distance === editDistance(b, a) && (distance === 0) === (a === b) && distance <= Math.max(a.length, b.length);
    }));
  });
});

describe("the nearest name", () => {
  it("is found after any swap of two neighbours", () => {
    fc.assert(fc.property(word, fc.nat(), (name, where) => {
      const at = where % (name.length - 1);
      const slipped = name.slice(0, at) + name[at + 1] + name[at] + name.slice(at + 2);
      return nearestName(slipped, ["zzzzzzzzzzzzzzzzzzzz", name]) === name;
    }));
  });

  it("forgives case and underscores, and is silent about nonsense", () => {
    expect(nearestName("Health_Check", ["queue", "health-check"])).toBe("health-check");
    expect(nearestName("banana", ["queue", "health-check"])).toBe(null);
    expect(adviseName("banana", ["queue", "health-check"], "known keys")).toBe("known keys: `queue`, `health-check`");
    expect(nearestName("x".repeat(1_000_000), ["queue"])).toBe(null);
  });
});

describe("circles of calls", () => {
  const [template] = loaded().world.services;
  const service = (name: string, callees: readonly string[]) => ({
    ...template, name,
    endpoints: [{ ...template.endpoints[0], name: "e", calls: callees.map((callee) => ({ ...template.endpoints[0].calls[0], to: { kind: "endpoint" as const, service: callee, endpoint: "e" } })) }],
  });

  it("are not seen in a tree or a diamond", () => {
    expect(findCycle([service("a", ["b", "c"]), service("b", ["d"]), service("c", ["d"]), service("d", [])])).toBe(null);
  });

  it("are named from their first endpoint, without the way that leads there", () => {
    expect(findCycle([service("a", ["x", "b"]), service("x", []), service("b", ["c"]), service("c", ["x", "b"])])).toEqual({ names: ["b/e", "c/e"], call: 0 });
  });

  it("are found at the end of a chain of ten thousand calls", () => {
    const chain = Array.from({ length: 10_000 }, (_, i) => service(`s${i}`, [`s${i === 9_999 ? 9_998 : i + 1}`]));
    expect(findCycle(chain)?.names).toEqual(["s9998/e", "s9999/e"]);
  });
});
