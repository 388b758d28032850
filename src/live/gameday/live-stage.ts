// Builds the stage of a game day: clock, processes, telemetry and platform, wired as a simulated stage is, but real.

import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Scenario } from "../../scenario/compiled.js";
import { retentionOf, worldInputOf } from "../../sim/play.js";
import type { PlayInput, StageParts } from "../../sim/stage.js";
import { SeriesStore } from "../../telemetry/store.js";
import { createLedger } from "../../world/ledger.js";
import { compileModel, lookbackOf, TELEMETRY_RETENTION } from "../../world/model.js";
import type { GameDayGuard } from "../safety/guard.js";
import { TelemetryRecorder } from "../telemetry/record.js";
import { LiveScraper } from "../telemetry/scrape.js";
import { EventLog } from "./event-log.js";
import type { FaultAct } from "./fault-acts.js";
import { Faults } from "./faults.js";
import type { TelemetrySource } from "./game-day-plan.js";
import { LiveBooks } from "./live-books.js";
import { LiveWorld } from "./live-world.js";
import { LocalPlatform } from "./local-platform.js";
import { Quality } from "./quality.js";
import { RecordedClock, RecordedPlatform, RecordedTelemetry } from "./recorded-ports.js";
import { Scraped } from "./scraped.js";
import { Supervisor } from "./supervisor.js";
import { engineTelemetry, type EngineTelemetry } from "./telemetry-source.js";
import { WallClock } from "./wall-clock.js";

export interface LiveStageOptions {
  readonly scenario: Scenario;
  readonly acts: readonly FaultAct[];
  readonly guard: GameDayGuard;
  readonly epochMillis: number;
  readonly source: TelemetrySource;
  /** The command that does it again. */
  readonly replay: string;
  /** What a replay of the record needs to know, as data. */
  readonly about: unknown;
  /** The game day can't go on. */
  readonly onLost: (why: string) => void;
  /** Telemetry, or the record, is in trouble; the game day goes on. */
  readonly onTrouble: (text: string) => void;
  /** A callback of engines or script threw: our fault. */
  readonly onError: (error: unknown) => void;
}

export interface LiveStage {
  readonly parts: StageParts & { readonly clock: WallClock; readonly world: LiveWorld; readonly input: PlayInput & { readonly fidelity: "live" } };
  readonly supervisor: Supervisor;
  readonly faults: Faults;
  readonly quality: Quality;
  readonly record: TelemetryRecorder;
  /** The clock that the engines go by. */
  readonly engineClock: RecordedClock;
  readonly engineTelemetry: EngineTelemetry;
  /** Stops what this process itself runs: clock, scraper, pages, record, its own Prometheus. Safe to call twice. */
  close(): Promise<void>;
}

/** Builds everything; nothing is started yet but the telemetry's own processes. */
export async function buildLiveStage(options: LiveStageOptions): Promise<LiveStage> {
  const { scenario, guard, epochMillis, source } = options;
  const { telemetry: spec } = scenario.world;
  const input = { scenario, seed: scenario.seed, fidelity: "live", noiseFree: false, detail: "full", seen: true, driver: { kind: "strategy" }, replay: options.replay } as const;
  const worldInput = worldInputOf(input);
  const model = compileModel(worldInput);
  const clock = new WallClock({ epochMillis, onError: options.onError });
  const events = new EventLog(clock);
  // Processes are scraped, and the record begins, long before the scenario is on the clock.
  const retention = Math.max(TELEMETRY_RETENTION, retentionOf(scenario.strategy));
  const store = new SeriesStore({ lanes: model.lanes, retention, ...lookbackOf(spec), scrape: spec.scrape });
  const record = new TelemetryRecorder({ path: join(guard.folder, "telemetry.ndjson"), clock, epochMillis, store, about: options.about, onTrouble: options.onTrouble });
  const engineClock = new RecordedClock(clock, record);
  const scraper = new LiveScraper({ store, clock, interval: spec.scrape, timeout: spec.scrape, seed: scenario.seed, lag: spec.lag, missed: spec.missed, onRow: record.row });
  const engines = await engineTelemetry({
    source, spec, clock, epochMillis, store, guard,
    onTrouble: (text) => {
      events.note("telemetry-lost", null, null, text);
      options.onTrouble(text);
    },
    onRecovery: () => events.note("telemetry-back", null, null, "telemetry answers again"),
  }).catch(async (error: unknown) => {
    await record.close();
    throw error;
  });
  const books = new LiveBooks(createLedger(model, "full"));
  const quality = new Quality(clock);
  const log = openSync(join(guard.folder, "processes.log"), "a", 0o600);
  const supervisor = new Supervisor({
    input: worldInput, model, clock, epochMillis, spawner: guard, log, scraped: new Scraped(scraper, engines.discovery),
    figuresUrl: engines.figuresUrl, books, events, quality, onLost: options.onLost,
  });
  const faults = new Faults({
    acts: options.acts, model, common: { seed: scenario.seed, epochMillis, releases: model.releases }, clock, guard, supervisor, scraper, events, log,
    onTrouble: (error) => options.onLost(error instanceof Error ? error.message : String(error)),
  });
  const world = new LiveWorld({ clock, telemetry: store, books, events, supervisor });
  const platform = new LocalPlatform({
    supervisor, spec: scenario.world, clock, effects: scenario.effects, timeout: scenario.strategy.actionTimeout, stableKeptFor: scenario.strategy.rollback.stableKeptFor,
  });
  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    clock.stop();
    await Promise.all([scraper.stop(), engines.close()]);
    await record.close();
    closeSync(log);
  };
  return {
    parts: { input, clock, world, platform: new RecordedPlatform(platform, record, engineClock), telemetry: new RecordedTelemetry(engines.telemetry, engineClock) },
    supervisor, faults, quality, record, engineClock, engineTelemetry: engines,
    close: () => (closing ??= close()),
  };
}
