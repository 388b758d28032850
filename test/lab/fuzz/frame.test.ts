// What a fuzz keeps of a scenario: its strategy has the time to come to its end in worlds that are drawn.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { frameOf } from "../../../src/cli/lab/fuzz-frame.js";
import { arbitraryScenario } from "../../../src/lab/fuzz/arbitraries/scenario.js";
import { secondsOf } from "../../../src/lab/fuzz/figure.js";
import { shipped } from "../support/bundles.js";

describe("--vary-world", () => {
  // One names its strategy's file; the other is written in the scenario, and leaves its steps to the defaults.
  it.each(["basics/healthy-release", "blind-spots/conversion-watched"])("lets the strategy of %s come to its end", (name) => {
    const { scenario } = frameOf(shipped(name), { varyWorld: true, rule: [], out: "shakedown-out/fuzz", allowPath: [] }, false);
    const lengths = fc.sample(arbitraryScenario(scenario), { numRuns: 30, seed: 1 }).map((written) => secondsOf(written.for) ?? 0);
    expect(lengths.filter((seconds) => seconds >= 1.2 * 55 * 60).length).toBeGreaterThan(15);
  });
});
