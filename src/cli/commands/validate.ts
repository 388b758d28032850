// `shakedown validate`: reads scenarios as `run` would, says what is wrong and where, and runs nothing.

import { cohortRefusals } from "../../world/cohort/cohort-world.js";
import { worldInputOf } from "../../sim/simulate.js";
import type { Scenario } from "../../scenario/compiled.js";
import { ExitCode } from "../exit.js";
import { loadAll } from "../load.js";
import { scenarioFiles } from "../targets.js";
import type { Terminal } from "../terminal.js";

export function validateCommand(
  targets: readonly string[],
  flags: { readonly allowPath: readonly string[]; readonly fidelity?: string },
  terminal: Terminal,
): ExitCode {
  const scenarios = loadAll(scenarioFiles(targets), { allowPath: flags.allowPath, color: terminal.color });
  for (const scenario of scenarios) {
    terminal.print(`ok  ${scenario.file}: ${scenario.name}`);
    for (const line of refusalsOf(scenario)) terminal.print(`    ${line}`);
  }
  return ExitCode.ok;
}

/** What the cohort fidelity cannot do of this scenario, in words. */
export function refusalsOf(scenario: Scenario): readonly string[] {
  const input = worldInputOf({
    scenario, seed: scenario.seed, fidelity: "cohort", noiseFree: false, detail: "light", seen: false, driver: { kind: "strategy" },
  });
  return cohortRefusals(input).map(({ what, why, instead }) => `cohort cannot do ${what}: ${why}; ${instead}`);
}
