// The stage of one run: the wiring that drivers work with, whatever world it is played in, and the scenario's releases.

import type { Clock, EventClass, TimerId, VirtualClock } from "../kernel/clock.js";
import type { CreateDelivery } from "../delivery/canary.js";
import type { Platform } from "../delivery/platform.js";
import type { Micros } from "../kernel/units.js";
import type { Scenario, ScriptItem } from "../scenario/compiled.js";
import type { Telemetry } from "../telemetry/query.js";
import type { Fidelity, World } from "../world/world.js";
import type { Driver } from "./driver.js";
import type { ReleaseJournal } from "./journal.js";

export type ReleaseItem = ScriptItem & { readonly kind: "release" };

/** How a run was played: in one of the simulator's fidelities, or on real processes. */
export type Playing = Fidelity | "live";

/** What is asked of a run, wherever it is played. */
export interface PlayInput {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly fidelity: Playing;
  readonly noiseFree: boolean;
  readonly detail: "full" | "light";
  /** Ask telemetry at each record instant for what charts and `seen.` rules show. */
  readonly seen: boolean;
  readonly driver: Driver;
  /** The command that plays it again, where that is not `shakedown run`. */
  readonly replay?: string;
  /** Who delivers; the canary when left out. The fuzzer's tests bring deliveries with a planted bug. */
  readonly createDelivery?: CreateDelivery;
}

export interface SimulationInput extends PlayInput {
  readonly fidelity: Fidelity;
  /** How long a telemetry query takes to answer; the usual time when left out. */
  readonly queryLatency?: Micros;
}

/** What records and judges ask of a world that was played in; they never move it. */
export type PlayedWorld = Pick<
  World,
  "modelVersion" | "approximations" | "telemetry" | "ledger" | "events" | "digest" | "now" | "settle" | "status" | "inFlight" | "littlesLaw"
>;

/** A clock that also keeps the script's appointments. */
export interface ScriptClock extends Clock {
  /** Calls `callback` at the absolute time `at`, in the order of classes at one instant. */
  at(at: Micros, rank: EventClass, callback: () => void): TimerId;
}

/** The parts that a run is played with: simulated, or real. */
export interface StageParts {
  readonly input: PlayInput;
  readonly clock: ScriptClock;
  readonly world: PlayedWorld;
  readonly platform: Platform;
  readonly telemetry: Telemetry;
}

export interface Stage extends StageParts {
  readonly journals: readonly ReleaseJournal[];
}

/** A stage whose world can be moved by hand: what the truth's twins are played on. */
export interface SimulatedStage extends Stage {
  readonly input: SimulationInput;
  readonly clock: VirtualClock;
  readonly world: World;
}

/** The script's releases in order. */
export function releasesOf(scenario: Scenario): readonly ReleaseItem[] {
  return scenario.script.filter((item): item is ReleaseItem => item.kind === "release");
}
