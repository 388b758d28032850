// Checks relative to a baseline on a healthy release: at full exposure stable idles or is gone, and neither is the release's fault.

import { describe, expect, it } from "vitest";
import { runScenario } from "../../src/sim/run.js";
import { cornerShop, release } from "./support/corner-shop.js";

const relative = (stableKeptFor: string): string => `
  steps: [{ weight: 20%, bake: 2m }, { weight: 100%, bake: 4m }]
  window: 1m
  every: 15s
  gates: { cpu: { within: 40% }, memory: { times-baseline: 1.5 } }
  triggers: { cpu: { times-baseline: 1.5, for: 3 of 5 }, restarts: { times-baseline: 2, for: 3 of 5 }, pool: { times-baseline: 1.5, for: 3 of 5 } }
  rollback: { stable-kept-for: ${stableKeptFor} }
`;

describe.each(["cohort", "request"] as const)("in %s, relative checks of CPU, memory, restarts and the pool", (fidelity) => {
  it.each(["10m", "0s"])("promote a healthy release when stable is kept for %s without traffic", (keptFor) => {
    // 400 rps keep four replicas at 15 % CPU, of which an idle one has 5 %.
    const scenario = cornerShop({ script: release(), strategy: relative(keptFor), rate: "400rps", lasts: "12m" });
    const [only] = runScenario(scenario, { detail: "light", fidelity }).releases;
    expect([only.result, only.classification]).toEqual(["promoted", "clean"]);
  });
});
