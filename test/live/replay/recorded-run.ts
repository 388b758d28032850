// Records a simulated run as a game day records itself: the same ports, the same lines, without a process.

import { join } from "node:path";
import { VirtualClock } from "../../../src/kernel/clock.js";
import { millis } from "../../../src/kernel/units.js";
import { RecordedClock, RecordedPlatform, RecordedTelemetry } from "../../../src/live/gameday/recorded-ports.js";
import { scenarioDigest } from "../../../src/live/replay/digest.js";
import { END_EVENT } from "../../../src/live/replay/history.js";
import { TelemetryRecorder } from "../../../src/live/telemetry/record.js";
import type { Decision } from "../../../src/engines/decision.js";
import type { Scenario } from "../../../src/scenario/compiled.js";
import { runDeliveries } from "../../../src/sim/deliveries.js";
import { prepare, worldInputOf } from "../../../src/sim/play.js";
import { SimulatedPlatform } from "../../../src/sim/simulated-platform.js";
import { UP_COLUMN } from "../../../src/telemetry/schema.js";
import { StoreTelemetry } from "../../../src/telemetry/snapshot.js";
import type { SeriesStore } from "../../../src/telemetry/store.js";
import type { Target } from "../../../src/telemetry/target.js";
import { createRequestWorld } from "../../../src/world/request/request-world.js";

/** Between two scrapes of one target lie more than this. */
const STEP = millis(50);

/** Plays the scenario and writes telemetry.ndjson into the folder; gives what was decided. */
export async function recordedRun(scenario: Scenario, folder: string): Promise<{ readonly path: string; readonly decisions: readonly Decision[] }> {
  const path = join(folder, "telemetry.ndjson");
  const input = { scenario, seed: scenario.seed, fidelity: "request", noiseFree: false, detail: "light", seen: false, driver: { kind: "strategy" } } as const;
  const clock = new VirtualClock();
  const world = createRequestWorld(worldInputOf(input));
  const about = { scenario: scenario.file, seed: scenario.seed, speed: 1, telemetry: "built-in", strategy: scenario.strategyFile, digest: scenarioDigest(scenario) };
  const record = new TelemetryRecorder({ path, clock, epochMillis: 0, store: world.telemetry, about, onTrouble: (text) => { throw new Error(text); } });
  const engineClock = new RecordedClock(clock, record);
  const { world: spec, effects, strategy, duration } = scenario;
  const platform = new SimulatedPlatform({ world, spec, clock, effects, timeout: strategy.actionTimeout, stableKeptFor: strategy.rollback.stableKeptFor });
  const ports = { clock, platform: new RecordedPlatform(platform, record, engineClock), telemetry: new RecordedTelemetry(new StoreTelemetry(world.telemetry, clock, 0), engineClock) };
  const { stage } = prepare({ input, world, ...ports }, (prepared) => runDeliveries({ ...prepared, clock: engineClock }, input.driver));
  const rows = new Rows(world.telemetry, record);
  for (let at = 0; at < duration; at += STEP) {
    clock.runUntil(at, (now) => {
      world.advanceTo(now);
      rows.write();
    });
  }
  const decisions = stage.journals.flatMap((journal) => journal.decisions).sort((a, b) => a.id - b.id);
  for (const decision of decisions) record.event("decided", decision);
  record.event(END_EVENT, {});
  await record.close();
  return { path, decisions };
}

/** Writes each scrape once, when it has come. */
class Rows {
  readonly #written = new Map<Target, number>();

  constructor(readonly store: SeriesStore, readonly record: TelemetryRecorder) {}

  write(): void {
    for (const target of this.store.targets) {
      const { rows } = target;
      if (rows === (this.#written.get(target) ?? 0)) continue;
      this.#written.set(target, rows);
      const time = target.timeOf(rows - 1);
      this.record.row({ target, time, visibleAt: time, up: target.value(rows - 1, 0, UP_COLUMN) });
    }
  }
}
