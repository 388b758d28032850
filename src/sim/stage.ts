// The stage of one run: the wiring that drivers work with, and the scenario's releases.

import type { VirtualClock } from "../kernel/clock.js";
import type { Scenario, ScriptItem } from "../scenario/compiled.js";
import type { StoreTelemetry } from "../telemetry/snapshot.js";
import type { Fidelity, World } from "../world/world.js";
import type { Driver } from "./driver.js";
import type { ReleaseJournal } from "./journal.js";
import type { SimulatedPlatform } from "./simulated-platform.js";

export type ReleaseItem = ScriptItem & { readonly kind: "release" };

export interface SimulationInput {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly fidelity: Fidelity;
  readonly noiseFree: boolean;
  readonly detail: "full" | "light";
  /** Ask telemetry at each record instant for what charts and `seen.` rules show. */
  readonly seen: boolean;
  readonly driver: Driver;
}

export interface Stage {
  readonly input: SimulationInput;
  readonly clock: VirtualClock;
  readonly world: World;
  readonly platform: SimulatedPlatform;
  readonly telemetry: StoreTelemetry;
  readonly journals: readonly ReleaseJournal[];
}

/** The script's releases in order. */
export function releasesOf(scenario: Scenario): readonly ReleaseItem[] {
  return scenario.script.filter((item): item is ReleaseItem => item.kind === "release");
}
