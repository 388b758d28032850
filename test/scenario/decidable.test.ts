// A strategy that can never decide is refused by name: its window sees nothing, is never full, or nobody looks in time.

import { describe, expect, it } from "vitest";
import { edit, inline, load, problemsOf } from "./fixtures.js";
import { memoryFiles } from "./fixtures.js";
import { validateFile } from "../../src/scenario/load.js";

/** Steps of 2 min bake and 2 min hold; the world is scraped every 15 s, seen 5 s late, and shifts take 2 s. */
const said = (strategy: string, steps = "{ weight: 20%, bake: 2m }, { weight: 100%, bake: 5m }"): readonly string[] =>
  problemsOf({ "/p/basics/slow.yaml": edit(inline(), "strategy: {}", `strategy: { steps: [${steps}], ${strategy} }`) }).map(({ path, message, instead }) => `${path}: ${message} | ${instead}`);

const GATE = "gates: { error-rate: { below: 1% } }, triggers: {}";

describe("a window too short for two samples is refused", () => {
  it("with the scrape interval that it misses, once for all checks", () => {
    expect(said("window: 15s")).toEqual(["strategy.window: a window of 15s never holds two samples: this world is scraped every 15s and a sample is seen 5s later | write window: 1m10s"]);
  });

  it("at the check that has it", () => {
    expect(said(`window: 1m, gates: { error-rate: { below: 1% } }, triggers: { p95: { times-baseline: 2, window: 20s } }`)).toEqual([
      "strategy.triggers.p95.window: a window of 20s never holds two samples: this world is scraped every 15s and a sample is seen 5s later | write window: 1m10s",
    ]);
  });

  it("but one sample is enough for what is not counted", () => {
    expect(said("window: 1m, gates: { memory: { below: 85%, window: 15s } }, triggers: {}")).toEqual([]);
    expect(said("window: 21s, triggers: {}, gates: { error-rate: { below: 1% } }")).toEqual([]);
  });
});

describe("a required gate whose window is never full is refused", () => {
  it("with the step that ends too early", () => {
    expect(said(`window: 20m, ${GATE}`)).toEqual([
      "strategy.window: a window of 20m is never full: step 1 bakes for 2m and is held for at most 2m, and what a shift did is seen 22s later | write a window of at most 3m38s, or a bake of at least 20m22s",
    ]);
  });

  it("when the hold is just too short", () => {
    expect(said(`window: 3m38s, ${GATE}`)).toEqual([]);
    expect(said(`window: 3m39s, ${GATE}`)).toHaveLength(1);
  });

  it("but not where thin data may be promoted, where the gate is not required, or for triggers", () => {
    expect(said(`window: 20m, ${GATE}, thin-data: { on-inconclusive: promote }`)).toEqual([]);
    expect(said("window: 1m, gates: { conversion: { drops: 20%, window: 20m, required: false } }, triggers: { conversion: { drops: 20%, window: 20m } }")).toEqual([]);
  });

  it("in a strategy by itself, too, as far as it can be known without a world", () => {
    const strategy = (window: string): string => `shakedown: 1\nkind: strategy\nsteps: [{ weight: 100%, bake: 2m }]\nwindow: ${window}\n`;
    const problems = (window: string) => validateFile("/p/s.yaml", memoryFiles({ "/p/s.yaml": strategy(window) })).map(({ line, message }) => `${line}: ${message}`);
    expect(problems("5m")).toEqual(["4: a window of 5m is never full: step 1 bakes for 2m and is held for at most 2m"]);
    expect(problems("4m")).toEqual([]);
  });
});

describe("evaluations that may miss a whole step are refused", () => {
  it("where a gate waits for them", () => {
    expect(said(`every: 7m, window: 1m, ${GATE}`)).toEqual(["strategy.every: an evaluation every 7m may miss a whole step: step 1 bakes for 2m and is held for at most 2m | write every: 30s"]);
    expect(said("every: 7m, window: 1m, gates: {}, triggers: {}")).toEqual([]);
  });
});

it("the strategy of DESIGN.md decides", () => {
  expect(load().ok).toBe(true);
});
