// The simulated cluster behaves as a Platform port must.

import { VirtualClock } from "../../src/kernel/clock.js";
import { seconds } from "../../src/kernel/units.js";
import { worldInputOf } from "../../src/sim/play.js";
import { SimulatedPlatform } from "../../src/sim/simulated-platform.js";
import { createRequestWorld } from "../../src/world/request/request-world.js";
import { conformsToPlatform } from "./conformance.js";

conformsToPlatform((scenario) => {
  const clock = new VirtualClock();
  const world = createRequestWorld(worldInputOf({ scenario, seed: scenario.seed, fidelity: "request", noiseFree: false, detail: "light", seen: false, driver: { kind: "strategy" } }));
  const { effects, strategy } = scenario;
  const platform = new SimulatedPlatform({ world, spec: scenario.world, clock, effects, timeout: strategy.actionTimeout, stableKeptFor: strategy.rollback.stableKeptFor });
  const pass = (duration: number): Promise<void> => {
    clock.runUntil(clock.now() + duration, (at) => world.advanceTo(at));
    world.advanceTo(clock.now());
    return Promise.resolve();
  };
  return pass(seconds(0.1)).then(() => ({ platform, world, pass, close: () => Promise.resolve() }));
});
