// Deliveries of one service in turn, people who answer late, and platforms that fail at everything.

import { describe, expect, it } from "vitest";
import { cellsWhere, columnBetween } from "../../src/sim/recording.js";
import { runScenario } from "../../src/sim/run.js";
import { simulate } from "../../src/sim/simulate.js";
import { LedgerColumn } from "../../src/world/ledger.js";
import { cornerShop, release, QUICK } from "./support/corner-shop.js";

const ASKING = QUICK.replace("thin-data: { min-requests: 20 }", "thin-data: { min-requests: 1000000, on-inconclusive: ask }, ask-timeout: 4m, on-no-answer: hold");
const run = (script: string, strategy: string, more = "") => runScenario(cornerShop({ script, strategy, more, lasts: "25m" }), { detail: "light" });
const next = release("", "", { version: "v3", at: "3m" });
const results = (outcome: ReturnType<typeof run>) => outcome.releases.map(({ result, by, classification }) => [result, by, classification]);

describe("a held release", () => {
  it("is undecided at the end, and so is the one that waits for it", () => {
    const outcome = run(`${release()}\n${next}`, ASKING, "person: { answers-after: never }");
    expect(results(outcome)).toEqual([["held", "engine", "undecided"], ["held", null, "undecided"]]);
    expect(outcome.releases[0].states.find(({ label }) => label === "held")?.spent).toBeGreaterThan(5 * 60e6);
    expect(outcome.invariants.filter(({ held }) => !held)).toEqual([]);
  });

  it("still hears a person who answers after the question has timed out", () => {
    const outcome = run(`${release()}\n  - { at: 20m, answer: roll-back }`, ASKING, "person: { answers-after: never }");
    expect(outcome.releases[0]).toMatchObject({ result: "rolled-back", by: "person", classification: "false-rollback", times: { detectedAt: null } });
  });

  it("is promoted by the person who says so at its last step, and then the next one starts", () => {
    const once = ASKING.replace("steps: [{ weight: 20%, bake: 3m }, { weight: 100%, bake: 3m }]", "steps: [{ weight: 100%, bake: 3m }]");
    const outcome = run(`${release()}\n${next}`, once, "person: { answers-after: 6m, answer: promote }");
    expect(results(outcome)[0]).toEqual(["promoted", "person", "clean"]);
    expect(outcome.releases[1].times.firstTrafficAt).toBeGreaterThan(outcome.releases[0].times.finishedAt ?? Infinity);
  });
});

describe("a release that met no user by the end", () => {
  it("never got its turn when it waited for another, and had begun when it came just before the end", () => {
    const waited = run(`${release()}\n${next}`, ASKING, "person: { answers-after: never }").releases[1];
    expect(waited.verdict).toBe("v3 was harmless, and was undecided when the scenario ended: it never got its turn.");
    const late = run(release("", "", { at: "1499s" }), QUICK).releases[0];
    expect(late.times.firstTrafficAt).toBeNull();
    expect(late.verdict).toBe("v2 is not scored (unjudged): after its exposure the twins have no whole window with enough traffic to compare; a longer `for` or more traffic gives one; result: held: it had begun, but had no traffic yet.");
  });
});

describe("a dark release", () => {
  it("lets the next one start: nothing was rolled back", () => {
    const flag = ", flag: { name: new, endpoints: [shop/order] }";
    const outcome = run(`${release("{ with: flag, on: shop/order, errors: +30% }", flag)}\n${next}`, QUICK);
    expect(results(outcome)).toEqual([["flag-off", "engine", "caught"], ["promoted", "engine", "clean"]]);
  });
});

describe("a release on top of a dark one at full exposure", () => {
  it("costs nobody a request, although the recorded stable version had left", () => {
    const strategy = QUICK.replace("triggers: {", "rollback: { stable-kept-for: 5m }, triggers: {");
    const dark = release("{ with: flag, on: shop/order, errors: +30%, when: { from: 5m } }", ", flag: { name: new, endpoints: [shop/order] }");
    const scenario = cornerShop({ script: `${dark}\n${release("", "", { version: "v3", at: "14m" })}`, strategy, lasts: "22m" });
    const { recorder, journals } = simulate({ scenario, seed: 1, fidelity: "cohort", noiseFree: false, detail: "light", seen: false, driver: { kind: "strategy" } });
    expect(journals.map(({ result }) => result?.kind)).toEqual(["flag-off", "promoted"]);
    expect(journals[0].result?.afterFullExposure).toBe(true);
    const edge = cellsWhere(recorder.cells, ({ scope }) => scope === "edge");
    const [from, to] = [recorder.rows.findIndex(({ at }) => at >= 13 * 60e6), recorder.rows.length - 1];
    expect(recorder.rows[from].versions[0].replicas).toBe(0);
    const since = (column: number): number => edge.reduce((sum, cell) => sum + columnBetween(recorder.rows[from], recorder.rows[to], cell, column), 0);
    expect(since(LedgerColumn.requests)).toBeGreaterThan(5_000);
    expect(since(LedgerColumn.errors) / since(LedgerColumn.requests)).toBeLessThan(0.005);
  });
});

describe("a watch after a flag switch that is longer than telemetry is usually kept", () => {
  it("is held to its end", () => {
    const strategy = QUICK.replace("above: 1%, for: 2 of 3", "times-baseline: 3, for: 2 of 3").replace("triggers: {", "rollback: { flag-watch: 40m }, triggers: {");
    const dark = release("{ with: flag, on: shop/order, errors: +30% }", ", flag: { name: new, endpoints: [shop/order] }", { at: "45m" });
    const outcome = runScenario(cornerShop({ script: dark, strategy, lasts: "100m", rate: "5rps" }), { detail: "light" });
    expect(outcome.releases[0].result).toBe("flag-off");
  });
});

describe("a platform that fails at everything", () => {
  const broken = "  - { at: 6m, fault: { effect: { on: platform, action-fails: 1000 }, for: 30m } }";

  it("strands the release: undecided, paged, and not taken for rolled back", () => {
    const outcome = run(`${release("{ with: version, on: shop/order, errors: +30% , when: { from: 4m } }")}\n${broken}`, QUICK, "person: { answers-after: 1m, answer: hold }");
    const [stranded] = outcome.releases;
    expect(stranded).toMatchObject({ result: "held", by: "person", classification: "undecided", action: "roll-back", times: { mitigatedAt: null, restoredAt: null } });
    expect(outcome.invariants.filter(({ held }) => !held)).toEqual([]);
    expect(stranded.cost.pages).toBeGreaterThan(0);
  });

  it("and works again takes the release back, when a person lets it go on and its trigger fires", () => {
    const failing = "  - { at: 3m, fault: { effect: { on: platform, action-fails: 4 } } }\n  - { at: 12m, answer: promote }";
    const outcome = run(`${release("{ with: version, on: shop/order, errors: +30% }")}\n${failing}`, QUICK, "person: { answers-after: 1m, answer: hold }");
    const [back] = outcome.releases;
    expect(back.states.map(({ label }) => label)).toEqual(expect.arrayContaining(["waiting for a person: every action failed", "held"]));
    expect(back).toMatchObject({ result: "rolled-back", by: "engine", classification: "caught" });
    expect(outcome.invariants.find(({ name }) => name === "a fired trigger is acted on at once")).toMatchObject({ held: true, checked: 2 });
  });
});

describe("a release whose replicas never start", () => {
  it.each(["startup-failure: 100%", "outage: true"])("is caught because of itself although no check decided (%s)", (defect) => {
    const scenario = cornerShop({ script: release(`{ with: version, on: shop, ${defect} }`), strategy: QUICK.replace("triggers: {", "action-timeout: 1m, triggers: {"), lasts: "25m" });
    expect(runScenario(scenario, { detail: "light" }).releases[0]).toMatchObject({ truth: "harmful", result: "rolled-back", cause: "release", classification: "caught" });
  });
});
