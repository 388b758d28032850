// Every preset as a fault, in a shop near its limits: whatever piles up and drains, each run holds all invariants.

import { describe, expect, it } from "vitest";
import { minutes } from "../../../src/kernel/units.js";
import { PRESET_NAMES, PRESETS, type PresetName } from "../../../src/scenario/presets.js";
import { checkInvariants } from "../../../src/sim/invariants.js";
import { simulate } from "../../../src/sim/simulate.js";
import { FIDELITIES, staged } from "../support/preset-stage.js";

/** Where the example of a preset is on the stage. */
function targetOf(preset: PresetName): string {
  const { example, needsTarget } = PRESETS[preset];
  return needsTarget ? `on: ${example.replace("checkout/create-order", "shop/order").replace("checkout", "shop")}` : "";
}

/** 150 pages a second, a third of what the slots can do; calls are patient, so that queues of many seconds pile up. */
const scenarioWith = (preset: PresetName) => staged({
  shop: { replicas: "6", slots: "8", queue: "100", zones: "3", ...(preset === "cache-cold" && { cache: "{ hit: 90%, fill: 30s, miss: { constant: 20ms } }" }) },
  rps: 150,
  database: "{ p50: 3ms, p95: 12ms, pool: 60, wait: 1s }",
  paymentsCall: "{ to: payments/charge, timeout: 2s, retries: { max: 1, backoff: 50ms, budget: 20% } }",
  clients: "{ timeout: 10s, reload: { share: 40%, after: 3s, max: 2 } }",
  telemetry: "{ scrape: 15s, lag: 5s }",
  script: `  - { at: 1m, fault: { ${preset}: { ${targetOf(preset)} }, for: 1m } }`,
  until: minutes(4),
});

describe.each(FIDELITIES)("invariants, in %s", (fidelity) => {
  it.each(PRESET_NAMES)("hold under %s", (preset) => {
    const simulation = simulate({
      scenario: scenarioWith(preset), seed: 2, fidelity, noiseFree: false, detail: "light", seen: false, driver: { kind: "strategy" },
    });
    const outcomes = checkInvariants(simulation);
    expect(outcomes.filter(({ held }) => !held).map(({ name, reason }) => `${name}: ${reason}`)).toEqual([]);
    expect(outcomes.find(({ name }) => name === "Little's law")?.checked).toBe(2);
  });
});
