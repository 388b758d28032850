// A check that can never decide is refused by name: in its window no two samples ever lie.

import { describe, expect, it } from "vitest";
import { edit, inline, load, problemsOf } from "./fixtures.js";

/** The world is scraped every 15 s, seen 5 s late. */
const said = (strategy: string): readonly string[] =>
  problemsOf({ "/p/basics/slow.yaml": edit(inline(), "strategy: {}", `strategy: { steps: [{ weight: 20%, bake: 2m }, { weight: 100%, bake: 5m }], ${strategy} }`) }).map(({ path, message, instead }) => `${path}: ${message} | ${instead}`);

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

describe("a watch after a flag switch", () => {
  const script = "  - { at: 5m, release: { service: checkout, version: v2, flag: { name: new, endpoints: [view] } } }";
  const watched = (rollback: string, items = script): readonly string[] =>
    problemsOf({ "/p/basics/slow.yaml": edit(inline({ script: items }), "strategy: {}", `strategy: { rollback: { ${rollback} } }`) }).map(({ path, message, instead }) => `${path}: ${message} | ${instead}`);

  it("that never holds two samples is refused where a flag may be switched off", () => {
    const refused = (message: string) => [`strategy.rollback.flag-watch: ${message} | write flag-watch: 1m10s`];
    expect(watched("flag-watch: 20s")).toEqual(refused("a window of 20s never holds two samples: this world is scraped every 15s and a sample is seen 5s later"));
    expect(watched("flag-watch: 0s")).toEqual(refused("in a window of 0s every sample is out of date: this world's are seen 5s late"));
    expect(watched("flag-watch: 21s")).toEqual([]);
    expect(watched("flag-watch: 0s, prefer: full")).toEqual([]);
    expect(watched("flag-watch: 0s", script.replace(", flag: { name: new, endpoints: [view] }", ""))).toEqual([]);
  });
});

it("the strategy of DESIGN.md decides", () => {
  expect(load().ok).toBe(true);
});
