// The plan names all that will be broken, as it is played: at its speed, and with its window.

import { describe, expect, it } from "vitest";
import { planFaults } from "../../../src/live/gameday/fault-acts.js";
import { planGameDay, type TelemetrySource } from "../../../src/live/gameday/game-day-plan.js";
import { atSpeed } from "../../../src/live/gameday/speed.js";
import { planText } from "../../../src/live/safety/plan-text.js";
import type { GameDayPlan } from "../../../src/live/safety/plan.js";
import { seconds } from "../../../src/kernel/units.js";
import type { Scenario } from "../../../src/scenario/compiled.js";
import { miniScenario } from "./mini.js";

function planned(script: string, speed = 1): GameDayPlan {
  const scenario = atSpeed(miniScenario({ script, lasts: "10m" }), speed);
  const { acts, refusals } = planFaults(scenario, "built-in");
  expect(refusals).toEqual([]);
  return planGameDay({ id: "day", scenario, speed, acts, source: { kind: "built-in" }, folder: "/x" });
}

const release = (defect: string): string => `[{ at: 60s, release: { service: shop, version: v2, lines: 10, defects: [{ with: version, on: shop, ${defect} }] } }]`;

describe("the plan of a game day", () => {
  it("names what the platform itself will fail at, beside what is done to processes", () => {
    const script = "[{ at: 60s, fault: { effect: { on: shop, replica: 0, latency: +50ms }, for: 10s } }, { at: 20s, fault: { rollback-fails: { action-fails: 2, fails-after: 20s } } }, { at: 40s, fault: { effect: { on: shop, startup-failure: 50%, retry-after: 30s }, for: 60s } }]";
    const plan = planned(script, 2);
    expect(plan.faults.map(({ what, victim, at }) => [what, victim, at])).toEqual([
      ["action fails 2 times, 10s after it was asked for", "the platform", seconds(10)],
      ["startup failure 50%", "shop", seconds(20)],
      ["latency +50ms", "shop replica 0", seconds(30)],
    ]);
    for (const { lasts, blastRadius, reverts } of plan.faults) {
      expect(Number.isFinite(lasts)).toBe(true);
      expect(blastRadius.length * reverts.length).toBeGreaterThan(0);
    }
    expect(planText(plan)).toContain("It breaks 3 things:");
  });

  it("counts a canary of a fixed size, and every version that may still be kept when the next one comes", () => {
    const shop = (change: Partial<Scenario["strategy"]>, releases: number): [string, number][] => {
      const script = Array.from({ length: releases }, (_, k) => `{ at: ${60 * (k + 1)}s, release: { service: shop, version: v${k + 2}, lines: 10 } }`);
      const scenario = miniScenario({ script: `[${script.join(", ")}]`, lasts: "10m" });
      const { processes } = planGameDay({ id: "day", scenario: { ...scenario, strategy: { ...scenario.strategy, ...change } }, speed: 1, acts: [], source: { kind: "built-in" }, folder: "/x" });
      return processes.flatMap(({ role, count }) => (role.startsWith("shop") ? [[role, count]] : []));
    };
    expect(shop({}, 1)).toEqual([["shop v1", 2], ["shop, the release", 2]]);
    expect(shop({ canaryReplicas: 60, surge: 1 }, 1)).toEqual([["shop v1", 2], ["shop, the release", 61]]);
    expect(shop({ surge: 2 }, 2)).toEqual([["shop v1", 2], ["shop v2", 3], ["shop v3", 3]]);
    expect(shop({ rollback: { ...miniScenario({}).strategy.rollback, stableKeptFor: 0 } }, 3)).toEqual([["shop v1", 2], ["shop, the release", 2]]);
  });

  it("names the port on which main itself is scraped by a Prometheus", () => {
    const scenario = miniScenario({});
    const ports = (source: TelemetrySource): readonly string[] => planGameDay({ id: "day", scenario, speed: 1, acts: [], source, folder: "/x" }).ports.map(({ what }) => what);
    expect(ports({ kind: "built-in" }).join()).not.toContain("figures");
    expect(ports({ kind: "external", url: "http://127.0.0.1:9090", sdFile: "t.json" })).toContain("main's own figures, for Prometheus");
  });

  it("shows a defect at the speed that is played", () => {
    expect(planned(release("memory: +6MiB/min")).defects).toEqual(["+00:01:00 until its version is gone: v2: memory +6.29MB/min on shop"]);
    expect(planned(release("memory: +6MiB/min"), 2).defects).toEqual(["+00:00:30 until its version is gone: v2: memory +12.58MB/min on shop"]);
  });

  it("shows a defect's window and conditions", () => {
    expect(planned(release("errors: +40%, users: 10%, when: { from: 20s, to: 50s, rps-above: 8 }")).defects)
      .toEqual(["+00:01:20 for 30s: v2: errors +40% on shop, for 10% of the users, above 8/s per replica"]);
    expect(planned(release("latency: x3, when: { after: 30s }"), 2).defects?.[0]).toContain("in replicas that have been ready for 15s");
  });
});
