// One service and a canary, small enough for many seeds in a test.

import { loadScenario } from "../../../src/scenario/load.js";
import type { Scenario } from "../../../src/scenario/compiled.js";
import { memoryFiles } from "../../scenario/fixtures.js";

export interface Shop {
  readonly p50?: string;
  readonly p95?: string;
  readonly rate?: string;
  /** What v2 adds. */
  readonly errors?: string;
}

/** The scenario's file. */
export function shopText({ p50 = "20ms", p95 = "60ms", rate = "40rps", errors }: Shop = {}): string {
  const defects = errors === undefined ? "" : `, defects: [{ with: version, on: shop/order, errors: ${errors} }]`;
  return `shakedown: 1
kind: scenario
name: shop
for: 60s
objectives: { error-rate: 2%, p95: 400ms }
strategy:
  steps: [{ weight: 50%, bake: 15s }, { weight: 100%, bake: 10s }]
  window: 5s
  every: 1s
  gates: { error-rate: { below: 5% } }
  triggers: { error-rate: { above: 10%, for: 2 of 3 } }
  thin-data: { min-requests: 20, max-hold: 60s }
  action-timeout: 30s
world:
  users: 500
  services:
    shop:
      replicas: 2
      slots: 8
      startup: { constant: 1s }
      warm-up: { for: 0s, factor: x1 }
      health-check: { interval: 500ms, healthy-after: 1, unhealthy-after: 2 }
      endpoints: { order: { p50: ${p50}, p95: ${p95}, errors: 1% } }
  traffic: { enters: shop, rate: ${rate} }
  telemetry: { scrape: 1s, lag: 0s }
  split-propagation: 200ms
  drain: 1s
script: [{ at: 10s, release: { service: shop, version: v2, lines: 10${defects} } }]
`;
}

export function shopScenario(shop: Shop = {}): Scenario {
  const path = "/p/shop.yaml";
  const loaded = loadScenario(path, memoryFiles({ [path]: shopText(shop) }));
  if (!loaded.ok) throw new Error(loaded.problems.map(({ line, message, instead }) => `${line}: ${message}; ${instead}`).join("\n"));
  return loaded.value;
}
