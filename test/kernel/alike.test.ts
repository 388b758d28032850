// A list made alike says the same as before, and is nobody else's.

import { describe, expect, it } from "vitest";
import { alike } from "../../src/kernel/alike.js";

describe("a list made alike", () => {
  it("holds the same items in the same order", () => {
    expect(alike([3, 1, 2])).toEqual([3, 1, 2]);
    expect(alike([])).toEqual([]);
  });

  it("is a copy", () => {
    const items = ["a"];
    alike(items).push("b");
    expect(items).toEqual(["a"]);
  });
});
