// What the cohort fidelity cannot do of a scenario, in the loader's words.

import type { Scenario } from "../scenario/compiled.js";
import type { Refusal } from "../scenario/load.js";
import { worldInputOf } from "../sim/simulate.js";
import { cohortRefusals } from "../world/cohort/cohort-world.js";

/** Empty when cohort can play the scenario. */
export function refusalsOf(scenario: Scenario): readonly Refusal[] {
  const input = worldInputOf({
    scenario, seed: scenario.seed, fidelity: "cohort", noiseFree: false, detail: "light", seen: false, driver: { kind: "strategy" },
  });
  return cohortRefusals(input).map(({ what, why, instead, effect }) => ({
    message: `cohort cannot do ${what}: ${why}`,
    instead,
    effect: effect ?? null,
  }));
}
