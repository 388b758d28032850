// One simulated run: wires a scenario's world to the engines through the three ports and plays it to the end.

import { StoreTelemetry } from "../telemetry/snapshot.js";
import { VirtualClock } from "../kernel/clock.js";
import { assert } from "../kernel/assert.js";
import { millis, type Micros } from "../kernel/units.js";
import { createCohortWorld } from "../world/cohort/cohort-world.js";
import { createRequestWorld } from "../world/request/request-world.js";
import type { World } from "../world/world.js";
import { runDeliveries } from "./deliveries.js";
import { runFullExposure } from "./full-exposure.js";
import { finish, prepare, worldInputOf, type Simulation } from "./play.js";
import { SimulatedPlatform } from "./simulated-platform.js";
import type { SimulatedStage, SimulationInput } from "./stage.js";

export { worldInputOf, type Simulation } from "./play.js";

/** How long a telemetry query takes to answer. */
export const QUERY_LATENCY: Micros = millis(200);

/** A run that was simulated: its world can be asked everything. */
export type SimulatedRun = Simulation & Pick<SimulatedStage, "input" | "world">;

/** Plays the scenario to its end under the given driver. */
export function simulate(input: SimulationInput): SimulatedRun {
  const { scenario, driver, queryLatency = QUERY_LATENCY } = input;
  const clock = new VirtualClock();
  const world = createWorld(input);
  const platform = new SimulatedPlatform({
    world,
    spec: scenario.world,
    clock,
    effects: scenario.effects,
    timeout: scenario.strategy.actionTimeout,
    stableKeptFor: scenario.strategy.rollback.stableKeptFor,
  });
  const telemetry = new StoreTelemetry(world.telemetry, clock, queryLatency);
  const prepared = prepare({ input, clock, world, platform, telemetry }, (stage) => {
    if (driver.kind === "full") runFullExposure(stage, driver);
    else runDeliveries(stage, driver);
  });
  clock.runUntil(scenario.duration, (at) => world.advanceTo(at));
  return finish(prepared);
}

function createWorld(input: SimulationInput): World {
  assert(!input.noiseFree || input.fidelity === "cohort", "only cohort has a noise-free mode");
  const worldInput = worldInputOf(input);
  return input.fidelity === "cohort" ? createCohortWorld(worldInput) : createRequestWorld(worldInput);
}
