// The `game-day` block: how a scenario runs on real processes, and what is wrong with one that can't be.

import { describe, expect, it } from "vitest";
import { seconds } from "../../src/kernel/units.js";
import { edit, loaded, problemsOf, SLOW_CHECKOUT } from "./fixtures.js";

const FILE = "/p/basics/slow.yaml";
/** The block stands under the whole file. */
const LINE = SLOW_CHECKOUT.split("\n").length;
const withBlock = (block: string) => ({ [FILE]: `${SLOW_CHECKOUT}game-day: ${block}\n` });
const said = (block: string): readonly string[] => problemsOf(withBlock(block)).map(({ message, instead }) => `${message} | ${instead}`);

describe("the game-day block", () => {
  it("may be left out: real time, no abort conditions, and a steady state by the objectives", () => {
    expect(loaded({}).gameDay).toEqual({ speed: 1, stopIf: [], steadyState: { errorRate: 0.005, p95Seconds: 0.5, for: seconds(5), within: seconds(60) } });
  });

  it("says the speed, what ends it and what must hold before the first fault", () => {
    const { gameDay } = loaded(withBlock(`{ speed: x30, stop-if: ["error-rate(checkout) > 50%", "p95(v2) > 2s while weight(v2) > 20%"], steady-state: { error-rate: 1%, p95: 800ms, for: 10s, within: 45s } }`));
    expect(gameDay.speed).toBe(30);
    expect(gameDay.steadyState).toEqual({ errorRate: 0.01, p95Seconds: 0.8, for: seconds(10), within: seconds(45) });
    expect(gameDay.stopIf).toEqual([
      { claim: { series: "error-rate", seen: false, of: "checkout", subject: { service: "checkout", version: null }, op: ">", value: 0.5 }, while: null, text: "error-rate(checkout) > 50%", source: { file: FILE, line: LINE, column: expect.any(Number) as number } },
      { claim: { series: "p95", seen: false, of: "v2", subject: { service: "checkout", version: "v2" }, op: ">", value: 2 }, while: { series: "weight", seen: false, of: "v2", subject: { service: "checkout", version: "v2" }, op: ">", value: 0.2 }, text: "p95(v2) > 2s while weight(v2) > 20%", source: { file: FILE, line: LINE, column: expect.any(Number) as number } },
    ]);
  });

  it("takes a limit that is not written from the objectives, and none where there is none", () => {
    const text = edit(withBlock("{ steady-state: { p95: 1s } }")[FILE], "objectives: { error-rate: 0.5%, p95: 500ms, conversion: -5% }", "objectives: { conversion: -5% }");
    expect(loaded({ [FILE]: text }).gameDay.steadyState).toMatchObject({ errorRate: null, p95Seconds: 1 });
  });

  it("names unknown series, versions, keys and bad values where they stand", () => {
    expect(said(`{ stop-if: ["eror-rate(checkout) > 50%"] }`)).toEqual(["there is no series `eror-rate` | write `error-rate`"]);
    expect(said(`{ stop-if: ["error-rate(chekout) > 50%"] }`)).toEqual(["there is no version or service `chekout` | write `checkout`"]);
    expect(said(`{ stop-if: ["error-rate(checkout) > 50"] }`)[0]).toMatch(/`50` has no unit/);
    expect(said("{ stopif: [] }")).toEqual(["unknown key `stopif` in `game-day` | write `stop-if`"]);
    expect(said("{ speed: 0.5 }")[0]).toMatch(/under x1/);
    expect(said("{ steady-state: { for: 0s } }")[0]).toMatch(/longer than nothing/);
    const [problem] = problemsOf(withBlock(`{ stop-if: ["error-rate(chekout) > 50%"] }`));
    expect(problem.line).toBe(LINE);
    expect(problem.frame).toMatch(/\^{7}/);
  });

  it("refuses a steady state that can't come true in time", () => {
    expect(said("{ steady-state: { for: 30s, within: 20s } }")).toEqual(["what must hold for longer than is waited for never comes true | make `within` longer than `for`"]);
    expect(said("{ steady-state: { for: 5m } }")).toHaveLength(1);
  });
});
