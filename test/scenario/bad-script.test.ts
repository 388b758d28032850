// What is wrong with effects, expectations and traces is answered as every bad file is: at its place, with what to write instead.

import { describe, expect, it } from "vitest";

import { inline } from "./fixtures.js";
import { after, ELB, marked, SCENARIO, WORLD } from "./marked.js";

describe("effects", () => {
  const script = (effect: string): readonly string[] => marked(SCENARIO, inline({ script: `  - at: 10m\n    fault: { ${effect} }` }));

  it("need a kind, and only one", () => {
    expect(script("‸effect: { on: checkout }")[0]).toMatch(/^the effect has no kind/);
    expect(script("effect: { on: checkout, errors: +2%, ‸latency: x2 }")).toEqual(["an effect has one kind; this has `errors` and `latency` | write two effects"]);
  });

  it("act on what their kind can act on", () => {
    expect(script("effect: { on: ‸checkout, pool: -20 }")).toEqual(["`pool` can't act on a service | write on: a database"]);
    expect(script("effect: { on: ‸orders-db, memory: +5MB/min }")).toEqual(["`memory` can't act on a database | write on: a service"]);
    expect(script("effect: { on: ‸checkout/view, cpu: +60% }")).toEqual(["`cpu` concerns the whole replica, not one endpoint | write on: checkout"]);
    expect(script("‸effect: { errors: +2% }")[0]).toMatch(/^`on` is missing/);
    expect(script("effect: { on: checkout, users: ‸3%, cpu: +60% }")[0]).toMatch(/^`cpu` touches everybody/);
  });

  it("name what exists", () => {
    expect(script("effect: { on: ‸checkout -> payment, outage: on }")).toEqual(["there is no service or database `payment` | write `payments`"]);
    expect(script("effect: { on: ‸platform rollback, action-fails: 1 }")).toEqual(["the platform has no command `rollback` | write `roll-back`"]);
    expect(script("effect: { on: checkout, version: ‸v9, errors: +2% }")[0]).toMatch(/^`checkout` never runs a version `v9`/);
  });

  it("take away with a minus", () => {
    expect(script("effect: { on: checkout, conversion: ‸30% }")).toEqual(["`conversion`: this takes something away, so it starts with a minus | write it like -30%"]);
    expect(script("effect: { on: orders-db, pool: ‸20 }")).toEqual(["`pool`: this takes something away, so it starts with a minus | write it like -20 or -90%"]);
  });

  it("end after they start", () => {
    expect(script("for: 2m, effect: { on: checkout, errors: +2%, when: { from: ‸5m } }")).toEqual([
      "this begins 5m after its item at 10m, and the fault ends at 12m | write an earlier `from`, or a longer `for`",
    ]);
    expect(after(SCENARIO, ["rps-above: 8", "from: ‸2h"])).toEqual(["this begins 2h after its item at 10m, and the run ends at 2h | write an earlier `from`, or a longer `for`"]);
    expect(script("effect: { on: checkout, errors: +2%, when: { from: 5m, to: ‸4m } }")).toEqual(["the window ends before it starts | write a `to` after the `from`"]);
  });

  it("of a preset have only its parameters, and need its target", () => {
    expect(script("‸pod-kil: { on: checkout }")).toEqual(["unknown key `pod-kil` in `fault` | write `pod-kill`"]);
    expect(script("pod-kill: { on: checkout, ‸errors: +2% }")[0]).toMatch(/^unknown key `errors` in `pod-kill`/);
    expect(script("‸pod-kill: {}")).toEqual(["`on` is missing: what does `pod-kill` act on? | write on: checkout"]);
    expect(script("pod-kill: { on: checkout }, ‸telemetry-gap: {}")[0]).toMatch(/^a fault is one thing; this has `pod-kill` and `telemetry-gap`/);
  });
});

describe("expectations", () => {
  const release = "  - { at: 10m, release: { service: checkout, version: v2 } }";
  const rule = (text: string, temporal = "never"): readonly string[] => marked(SCENARIO, inline({ script: release, expect: `  - { ${temporal}: "${text}" }` }));

  it.each([
    ["‸wieght(v2) > 25%", "there is no series `wieght` | write `weight`"],
    ["weight(v2) ‸>> 25%", "`>>` is no comparison | write one of <= >= == != < >"],
    ["weight(v2) ‸= 25%", "`=` is no comparison | write =="],
    ["weight(v2) > ‸25", "`25` has no unit | write 25%, not 25"],
    ["weight(v2) > 25% ‸whilst rps(v2) > 3", "unexpected `whilst` | write `while` and a comparison, or nothing"],
    ["weight(v2) > 25% while p95(v2) > ‸5%", "`5%` is no duration | write it like 250ms, 90s, 15m, 1h30m or 2d"],
    ["‸seen.weight(v2) > 25%", "`weight` has no `seen.` | write weight, or seen. with error-rate or p95"],
    ["weight(v2 ‸> 25%", "the bracket is not closed | write it like weight(v2)"],
    ["weight ‸> 25%", "of what? A version or a service in brackets | write it like weight(v2)"],
  ])("point into the rule at what is wrong: %s", (text, message) => {
    expect(rule(text)).toEqual([message]);
  });

  it("need a time before an `eventually-within`", () => {
    expect(rule("‸weight(v2) == 0%", "eventually-within")[0]).toMatch(/^first comes a time/);
    expect(rule("5m weight(v2) == 0%", "eventually-within")).toEqual([]);
    expect(rule("5m: weight(v2) == 0% while error-rate(v2) > 5%", "eventually-within")).toEqual([]);
  });

  it("are of a release or a rule, and say something", () => {
    const expectation = (text: string): readonly string[] => marked(SCENARIO, inline({ script: release, expect: `  - ${text}` }));
    expect(expectation("‸{ release: v2 }")[0]).toMatch(/^nothing is expected of v2/);
    expect(expectation("‸{ classification: caught }")).toEqual(["`release` is missing beside `classification` | write release: v2"]);
    expect(expectation("{ release: v2, classification: ‸cought }")[0]).toMatch(/^`classification`: `cought` is not one of .* \| write `caught`$/);
  });
});

describe("traces", () => {
  it("are reported by their own file and line", () => {
    expect(after(ELB, ["09:00:00,212.0", "09:00:00,‸many"])).toEqual(["`many` is no number | write a count, like 94"]);
    expect(after(ELB, ["2014-04-14 09:00:00", "‸2014-02-30 09:00:00"])).toEqual(["`2014-02-30 09:00:00` is no date and time | write it like 2014-04-14 09:00:00"]);
    expect(after(ELB, ["2014-04-14 09:00:00", "‸2014-04-14 08:00:00"])).toEqual(["this row is not later than the one before | sort the rows by time, each time once"]);
    expect(after(ELB, ["09:00:00,212.0", "09:00:00,‸-1"])).toEqual(["a count can't be negative: -1 | write zero or more"]);
    expect(after(ELB, ["timestamp,value", "‸time;count"])).toEqual(["a trace begins with the line `timestamp,value` | write timestamp,value first"]);
  });

  it("must cover the run", () => {
    expect(after(WORLD, ["2014-04-14 09:00", "‸2014-04-14 13:00"])).toEqual(["the trace ends at 2014-04-14 14:00, before the scenario does (2014-04-14 15:00) | start at 2014-04-14 12:00 or before"]);
    expect(after(WORLD, ["2014-04-14 09:00", "‸2015-04-14 09:00"])).toEqual(["the trace has nothing at 2015-04-14 09:00 | it runs from 2014-04-14 08:00 to 2014-04-14 14:00"]);
    expect(after(WORLD, [", scale-to: 400rps", ""], ["traffic: {", "‸traffic: {"])).toEqual(["a trace gives only the shape: `scale-to` is missing | write scale-to: 400rps"]);
  });
});
