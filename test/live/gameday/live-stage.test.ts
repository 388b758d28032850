// The stage of a game day is right before its scenario is on the clock: processes are scraped, and recorded, from the ramp on.

import { afterEach, expect, it } from "vitest";
import { minutes, seconds } from "../../../src/kernel/units.js";
import { buildLiveStage, type LiveStage } from "../../../src/live/gameday/live-stage.js";
import type { GameDayGuard } from "../../../src/live/safety/guard.js";
import { prepare } from "../../../src/sim/play.js";
import { temporaryFolder, tidy } from "../safety/programs.js";
import { miniScenario } from "./mini.js";

let stage: LiveStage | null = null;

afterEach(async () => {
  await stage?.close();
  tidy();
});

it("keeps what the longest window looks back on, from the first scrape on", async () => {
  const mini = miniScenario({});
  const scenario = { ...mini, strategy: { ...mini.strategy, window: minutes(90) } };
  const unused = (): void => undefined;
  stage = await buildLiveStage({
    scenario, acts: [], guard: { folder: temporaryFolder() } as GameDayGuard, epochMillis: Date.now() + 60_000, source: { kind: "built-in" },
    replay: "", about: {}, onLost: unused, onTrouble: unused, onError: unused,
  });
  const { parts } = stage;
  parts.world.telemetry.targets[0].recordStale(-seconds(9), -seconds(9), 0);
  prepare(parts, unused);
  expect(parts.world.telemetry.retention).toBeGreaterThan(minutes(90));
});
