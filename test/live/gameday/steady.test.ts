// Nothing is broken in a system that is not whole just then, however steady it was before.

import { afterEach, describe, expect, it } from "vitest";
import { firstHarmOf } from "../../../src/live/gameday/watch.js";
import { seconds } from "../../../src/kernel/units.js";
import type { Scenario } from "../../../src/scenario/compiled.js";
import { MiniGameDay, miniScenario } from "./mini.js";

const FAULT = "fault: { effect: { on: shop, replica: 0, latency: +50ms }, for: 2s }";
const BAD = 'release: { service: shop, version: v2, lines: 10, defects: [{ with: version, on: shop/order, errors: "+40%" }] }';
const GOOD = "release: { service: shop, version: v2, lines: 10 }";

describe("the first harm of a game day", () => {
  const first = (...script: readonly string[]): number => firstHarmOf(miniScenario({ script: `[${script.join(", ")}]`, lasts: "60s" }));

  it("is the first fault or defective release, and a healthy release is none", () => {
    expect(first()).toBe(Infinity);
    expect(first(`{ at: 3s, ${GOOD} }`)).toBe(Infinity);
    expect(first(`{ at: 3s, ${GOOD} }`, `{ at: 20s, ${FAULT} }`)).toBe(seconds(20));
    expect(first(`{ at: 5s, ${BAD} }`, `{ at: 20s, ${FAULT} }`)).toBe(seconds(5));
  });
});

describe("a system that was steady and is no longer", { timeout: 60_000 }, () => {
  const days: MiniGameDay[] = [];
  afterEach(async () => {
    for (const day of days.splice(0)) {
      await day.done.catch(() => undefined);
      day.forget();
    }
  }, 60_000);

  /** Stops every replica by hand, two seconds before something is to be broken at 8 s. */
  async function stopped(script: string): Promise<MiniGameDay> {
    const scenario = miniScenario({ script, lasts: "14s" });
    const strict: Scenario = { ...scenario, gameDay: { ...scenario.gameDay, steadyState: { ...scenario.gameDay.steadyState, errorRate: 0.02 } } };
    const day = new MiniGameDay(strict);
    days.push(day);
    await day.until(({ at }) => at > seconds(5.5));
    expect(day.said.some((line) => line.startsWith("steady at"))).toBe(true);
    for (const entry of day.journal) if (entry.kind === "process-spawned" && entry.role.startsWith("shop-v1")) process.kill(entry.identity.pid, "SIGSTOP");
    return day;
  }

  it("has no fault begun in it: the game day ends before, and says why", async () => {
    const day = await stopped(`[{ at: 8s, ${FAULT} }]`);
    const { early, outcome } = await day.done;
    expect(early).toMatchObject({ kind: "aborted" });
    expect(early?.why).toMatch(/^the system is no longer steady at \+00:00:08, right before the first harm: .*error rate/);
    expect(outcome?.passed).toBe(false);
    expect(day.journal.filter(({ kind }) => kind === "fault-begun")).toEqual([]);
    expect(day.looks.flatMap(({ faults }) => faults)).toEqual([]);
    expect(day.left).toBe(0);
  });

  it("has no bad version released into it", async () => {
    const day = await stopped(`[{ at: 8s, ${BAD} }]`);
    const { early } = await day.done;
    expect(early?.why).toContain("no longer steady");
    expect(day.journal.some((entry) => entry.kind === "process-spawned" && entry.role.startsWith("shop-v2"))).toBe(false);
    expect(day.left).toBe(0);
  });

  it("is looked at once more before a fault that comes while a healthy release is under way", async () => {
    const day = new MiniGameDay(miniScenario({ script: `[{ at: 3s, ${GOOD} }, { at: 5s, ${FAULT} }]`, lasts: "12s" }));
    days.push(day);
    const { early } = await day.done;
    expect(early).toBeNull();
    expect(day.journal.filter(({ kind }) => kind === "fault-begun").length).toBeGreaterThan(0);
  });
});
