// Real processes of this machine behave as a Platform port must.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seconds } from "../../src/kernel/units.js";
import { planFaults } from "../../src/live/gameday/fault-acts.js";
import { CALM_BOOT, rampOf, type TelemetrySource } from "../../src/live/gameday/game-day-plan.js";
import { buildLiveStage } from "../../src/live/gameday/live-stage.js";
import { GameDayGuard } from "../../src/live/safety/guard.js";
import { conformsToPlatform } from "./conformance.js";

const source: TelemetrySource = { kind: "built-in" };
/** None of its processes outlives this. */
const LIMIT_MS = 180_000;

conformsToPlatform(async (scenario) => {
  const folder = mkdtempSync(join(tmpdir(), "shakedown-platform-"));
  const troubles: string[] = [];
  const startedAt = performance.now();
  const guard = await GameDayGuard.begin({ id: "platform", folder, limitMs: LIMIT_MS, onLost: ({ text }) => troubles.push(text) });
  // As a game day does: how long the watchdog took says how busy the machine is.
  const boot = Math.max(CALM_BOOT, (performance.now() - startedAt) * 1_000);
  const { acts } = planFaults(scenario, "built-in");
  const stage = await buildLiveStage({
    scenario, acts, guard, source, epochMillis: Date.now() + rampOf({ scenario, source }, boot) / 1_000, replay: "", about: {},
    onLost: (why) => troubles.push(why), onTrouble: (text) => troubles.push(text), onError: (error) => troubles.push(String(error)),
  });
  const { supervisor, faults, parts: { clock, platform, world } } = stage;
  await supervisor.begin();
  supervisor.sendTraffic();
  faults.schedule();
  await clock.until(Math.max(clock.now(), seconds(0.1)));
  return {
    platform, world,
    pass: (duration) => clock.until(clock.now() + duration),
    close: async () => {
      faults.stop();
      await guard.revertAll();
      supervisor.close();
      await stage.close();
      const { left } = await guard.end("the behaviours were tried");
      rmSync(folder, { recursive: true, force: true });
      if (troubles.length + left.length > 0) throw new Error([...troubles, ...left].join("\n"));
    },
  };
});
