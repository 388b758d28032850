// Goals in people's words: what is understood, what is meant where nothing is said, and what to write instead.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CLAUSES, GOAL_DEFAULTS, parseGoal, goalWords, type Goal } from "../../../src/lab/tune/goal.js";
import { minutes } from "../../../src/kernel/units.js";
import { ROOT } from "../support/bundles.js";

const goal = (text: string): Goal => {
  const parsed = parseGoal(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.value;
};
const wrong = (text: string): string => {
  const parsed = parseGoal(text);
  return parsed.ok ? "" : parsed.message;
};

describe("a goal", () => {
  it("is read as the README asks it", () => {
    expect(goal("detect 2% regressions within 3m, false rollbacks under 1%, least cost")).toEqual({
      detect: { size: { kind: "errors", written: "+2%", number: 0.02 }, on: null, within: minutes(3), share: GOAL_DEFAULTS.share },
      falseRollbacks: 0.01, promote: null, costBelow: null, objective: "least cost", badShare: GOAL_DEFAULTS.badShare,
    });
  });

  it("is the same in other words, with spaces and in another order", () => {
    const one = goal("detect 2% regressions within 3m, false rollbacks under 1%");
    for (const other of ["under 1 % false rollbacks; catch a 2 % regression in under 3 min", "false alarms at most 1% and find 2% more errors in 3m", "find 2% errors in 3m,with under 1% false alarms", "Detect +2% errors within 3m in at least 95% of runs, with false rollbacks below 1%"]) expect(goal(other)).toEqual(one);
  });

  it("is the README's own question in words, but for the traffic, which is a flag", () => {
    const readme = readFileSync(join(ROOT, "README.md"), "utf8").replace(/\s+/g, " ");
    const [question] = /Which thresholds [^?]*\?/.exec(readme) ?? [];
    expect(question).toContain(" at 50 requests a second?");
    expect(goal(question?.replace(" at 50 requests a second", "") ?? "")).toEqual(goal("detect 2% regressions within 3m, false rollbacks under 1%"));
    expect(wrong(question ?? "")).toBe("`50 requests a second`: the traffic is no part of the goal; write --rate 50rps");
  });

  it("has times in seconds, minutes and hours, in words or short", () => {
    for (const written of ["180 seconds", "180 sec", "180seconds", "180 s", "3 Minutes", "2 min 60 secs"]) expect(goal(`detect an x1.5 regression within ${written}`).detect.within, written).toBe(minutes(3));
    expect(goal("detect 2% regressions within 3m, promote a good release within 1 hour 30 minutes").promote?.within).toBe(minutes(90));
  });

  it("takes names with capitals, and with `and` in them", () => {
    const { detect, falseRollbacks } = goal("Detect 2% Regressions on Checkout/createOrder-and-Pay within 3m and false rollbacks under 2%");
    expect([detect.on, falseRollbacks]).toEqual(["Checkout/createOrder-and-Pay", 0.02]);
    expect(goal("detect 2% regressions on and-with/at-1 within 3m").detect.on).toBe("and-with/at-1");
  });

  it("is refused where two clauses say different things of one matter, and not where they say the same", () => {
    const twice = {
      "detect 5% regressions within 1m": "what to detect", "under 5% false alarms": "how many false rollbacks there may be",
      "promote within 2h": "by when to promote", "cost under 60EUR": "what it may cost", "20% bad releases": "how many releases are bad",
    };
    const once = "detect 2% regressions within 3m, false rollbacks under 1%, promote within 90m, cost under 50EUR, 10% bad releases";
    for (const [clause, matter] of Object.entries(twice)) expect(wrong(`${once}, ${clause}`)).toBe(`\`${clause}\`: the goal says ${matter} already; leave one of the two out`);
    expect(goal(`${once}, ${once}`)).toEqual(goal(once));
  });

  it("takes endpoints, latency, shares, promotion, cost, how many releases are bad, and one thing to be best", () => {
    const full = goal("detect x1.5 regressions on checkout/pay within 5m in 99% of runs, promote within 90m, cost under 50EUR, 20% bad releases, fastest detection");
    expect(full.detect).toMatchObject({ size: { kind: "latency", number: 1.5 }, on: "checkout/pay", share: 0.99 });
    expect(full).toMatchObject({ promote: { within: minutes(90) }, costBelow: 50, badShare: 0.2, objective: "fastest detection" });
    expect(goalWords(full).join("; ")).toContain("x1.5 latency on checkout/pay within 5m in 99% of runs");
  });

  it("understands each of its own examples", () => {
    for (const clause of CLAUSES) expect(wrong(clause.startsWith("detect") ? clause : `detect 2% regressions within 3m, ${clause}`), clause).toBe("");
  });

  it("understands each clause that the documentation shows", () => {
    const rows = readFileSync(join(ROOT, "docs/tuning.md"), "utf8").split("\n").filter((line) => line.startsWith("| `"));
    const clauses = rows.flatMap((row) => [...row.split(" | ")[0].matchAll(/`([^`]+)`/g)].map(([, clause]) => clause));
    expect(clauses.length).toBeGreaterThanOrEqual(9);
    for (const clause of clauses) expect(wrong(clause.startsWith("detect") ? clause : `detect 2% regressions within 3m, ${clause}`), clause).toBe("");
  });

  it("names the clause that it did not understand, and the nearest words", () => {
    expect(wrong("detect 2% regresions within 3m")).toContain("perhaps `regressions` for `regresions`");
    expect(wrong("detect 2% regressions within 3m, few surprises")).toContain("`few surprises` was not understood");
    expect(wrong("least cost")).toContain("does not say what to detect");
    expect(wrong("detect 2% regressions within 3 parsecs")).toContain("`detect 2% regressions within 3 parsecs`");
    expect(wrong("detect 2% regressions within 3m, least cost, fastest promotion")).toContain("one thing can be best");
    expect(wrong("detect 0% regressions within 3m")).toContain("no regression");
  });
});
