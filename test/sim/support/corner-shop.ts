// A corner shop small enough for truth to be worked out by hand: one busy service, one it calls, no surprises.

import { loadScenario } from "../../../src/scenario/load.js";
import { memoryFiles } from "../../scenario/fixtures.js";
import type { Scenario } from "../../../src/scenario/compiled.js";

export interface Corner {
  /** The script's items, as YAML. */
  readonly script: string;
  readonly objectives?: string;
  readonly strategy?: string;
  /** More fields of service `shop`. */
  readonly shop?: string;
  /** What `shop/order` calls. */
  readonly calls?: string;
  readonly lasts?: string;
  readonly rate?: string;
  readonly databases?: string;
  readonly telemetry?: string;
  /** More of the scenario. */
  readonly more?: string;
}

/** Base errors of 0.1 % and lognormal times of p50 30 ms and p95 60 ms at next to no load. */
export const SHOP = { errors: 0.001, p95: 0.06 } as const;

export function cornerShop({ script, objectives = "{ error-rate: 0.5% }", strategy = QUICK, shop = "warm-up: { for: 0s, factor: x1 }", calls = "[]", lasts = "25m", rate = "20rps", databases = "{}", telemetry = "{ scrape: 15s, lag: 0s, init: zero }", more = "" }: Corner): Scenario {
  const path = "/p/corner.yaml";
  const loaded = loadScenario(path, memoryFiles({ [path]: `shakedown: 1
kind: scenario
name: corner
for: ${lasts}
objectives: ${objectives}
strategy: ${strategy}
world:
  users: 20000
  services:
    shop:
      replicas: 4
      slots: 16
      queue: 40
      balancing: round-robin
      startup: { constant: 10s }
      cpu: { idle: 5%, busy: 50% }
      ${shop}
      endpoints:
        order: { share: 60%, p50: 30ms, p95: 60ms, errors: 0.1%, calls: ${calls}, conversion: 50%, order-value: 20EUR }
        view: { share: 40%, p50: 20ms, p95: 40ms, errors: 0.1% }
    payments:
      replicas: 4
      slots: 16
      queue: 40
      balancing: round-robin
      startup: { constant: 10s }
      warm-up: { for: 0s, factor: x1 }
      endpoints: { charge: { p50: 10ms, p95: 20ms } }
  databases: ${databases}
  traffic: { enters: shop, rate: ${rate} }
  clients: { timeout: 5s, reload: { share: 0% } }
  telemetry: ${telemetry}
  flags: { propagation: 1s-2s }
script:
${script}
${more}
` }));
  if (!loaded.ok) throw new Error(loaded.problems.map(({ line, message, instead }) => `${line}: ${message}; ${instead}`).join("\n"));
  return loaded.value;
}

/** A canary that decides within minutes. */
export const QUICK = "{ steps: [{ weight: 20%, bake: 3m }, { weight: 100%, bake: 3m }], window: 1m, every: 15s, gates: { error-rate: { below: 1% } }, triggers: { error-rate: { above: 1%, for: 2 of 3 } }, thin-data: { min-requests: 20 } }";

/** A release of the shop at minute 2 with these defects, as YAML. */
export const release = (defects = "", more = "", { version = "v2", at = "2m", service = "shop" } = {}): string =>
  `  - { at: ${at}, release: { service: ${service}, version: ${version}${more}, defects: [${defects}] } }`;
