// The world of a replay: nothing happens in it, it only holds the telemetry that the record brings.

import { Digest } from "../../kernel/digest.js";
import type { Clock } from "../../kernel/clock.js";
import type { Scenario } from "../../scenario/compiled.js";
import { retentionOf, worldInputOf } from "../../sim/play.js";
import { releasesOf, type PlayedWorld, type PlayInput, type Stage, type StageParts } from "../../sim/stage.js";
import { emptyJournal } from "../../sim/journal.js";
import type { SeriesStore } from "../../telemetry/store.js";
import { createLedger } from "../../world/ledger.js";
import { MODEL_VERSION } from "../../world/model-version.js";
import { compileModel } from "../../world/model.js";

/** The stage on which the scenario's engines hear the record, whose store is still empty; the books of its world stay so. */
export function replayStage(scenario: Scenario, store: SeriesStore, ports: Pick<StageParts, "clock" | "platform" | "telemetry">): Stage {
  // Another strategy may look back farther than the game day's did.
  store.retain(retentionOf(scenario.strategy));
  const input: PlayInput = { scenario, seed: scenario.seed, fidelity: "live", noiseFree: false, detail: "light", seen: false, driver: { kind: "strategy" } };
  return { ...ports, input, world: worldOf(input, store, ports.clock), journals: releasesOf(scenario).map(({ index, at }) => emptyJournal(index, at)) };
}

function worldOf(input: PlayInput, telemetry: SeriesStore, clock: Clock): PlayedWorld {
  return {
    modelVersion: MODEL_VERSION, approximations: [], telemetry, ledger: createLedger(compileModel(worldInputOf(input)), "light"), events: [],
    digest: new Digest(), now: () => clock.now(), settle: () => undefined, status: () => [], inFlight: () => 0,
    littlesLaw: () => ({ inFlightSeconds: 0, arrivals: 0, latencySeconds: 0 }),
  };
}
