// Files in memory for the language's tests: a project with a shop, a strategy, a trace and a scenario.

import { posix } from "node:path";

import type { FileAccess } from "../../src/scenario/access.js";
import { loadScenario, type LoadOptions } from "../../src/scenario/load.js";
import type { Scenario } from "../../src/scenario/compiled.js";
import type { Problem } from "../../src/scenario/problem.js";

export const SHOP = `shakedown: 1
kind: world
users: 40000
services:
  checkout: { replicas: 6, slots: 16, queue: 200,
              endpoints: { create-order: { share: 60%, p50: 45ms, p95: 140ms, errors: 0.1%, calls: [payments/charge, orders-db] },
                           view-cart: { share: 40%, p50: 20ms, p95: 60ms } } }
  payments: { version: p1, endpoints: { charge: { p50: 60ms, p95: 170ms } } }
databases:
  orders-db: { p50: 3ms, p95: 12ms, pool: 40 }
traffic: { enters: checkout, trace: ../traces/elb.csv, scale-to: 400rps, starts: 2014-04-14 09:00 }
telemetry: { scrape: 15s, lag: 5s }
`;

/** The strategy of DESIGN.md, section 7, as it stands there. */
export const CANARY = `shakedown: 1
kind: strategy                      # canary
steps: [{ weight: 5%, bake: 15m }, { weight: 25%, bake: 30m }, { weight: 100%, bake: 10m }]
every: 30s
window: 2m
gates:    { error-rate: { below: 1% }, p95: { below: 500ms }, throughput: { within: 10% }, memory: { below: 85% } }
triggers: { error-rate: { above: 1%, for: 3 of 5 }, p95: { times-baseline: 1.5, for: 3 of 5 } }
thin-data: { min-requests: 50, on-inconclusive: hold }
rollback: { prefer: flag-or-full, stable-kept-for: 10m }
`;

/** The scenario of DESIGN.md, section 7, as it stands there. */
export const SLOW_CHECKOUT = `# yaml-language-server: $schema=../../scenarios.schema.json
shakedown: 1
kind: scenario                      # worlds say kind: world, strategies kind: strategy
name: slow-new-checkout
about: The new checkout is slow under load; switching its flag off is enough.
seed: 7
for: 2h
world: ../worlds/shop.yaml          # or inline
strategy: ../strategies/canary.yaml # or inline
objectives: { error-rate: 0.5%, p95: 500ms, conversion: -5% }
cost: { failed-request: 0.02EUR, page: 50EUR }          # over a default preset that explain shows
script:
  - at: 10m
    release: { service: checkout, version: v2, lines: 180,
               flag: { name: new-checkout, endpoints: [checkout/create-order] },
               defects: [{ with: flag, on: checkout/create-order, latency: x3, when: { rps-above: 8 } }] }
  - at: 40m
    fault: { telemetry-gap: { for: 2m } }
expect-in: 95%                      # of the seeds
expect:
  - { release: v2, classification: caught, action: disable-flag, detected-within: 3m }
  - { never: "weight(v2) > 25% while error-rate(v2) > 5%" }
`;

/** Five-minute rows from 08:00 to 14:00; the highest, 800, is at 10:00. */
export const TRACE = `timestamp,value\n${Array.from({ length: 73 }, (_, row) => {
  const minutes = 8 * 60 + row * 5;
  const time = `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}:00`;
  return `2014-04-14 ${time},${row === 24 ? 800 : 200 + row}.0`;
}).join("\n")}\n`;

export const PROJECT: Readonly<Record<string, string>> = {
  "/p/worlds/shop.yaml": SHOP,
  "/p/strategies/canary.yaml": CANARY,
  "/p/traces/elb.csv": TRACE,
  "/p/basics/slow.yaml": SLOW_CHECKOUT,
};

/** A file system in memory whose root is /p. */
export function memoryFiles(files: Readonly<Record<string, string>>): FileAccess {
  return {
    read: (path, root) => {
      if (root !== null && !path.startsWith(`${root}/`)) return { error: `the file lies outside the project's root: ${path}`, instead: "move it inside, or add its folder with --allow-path DIR" };
      const text = Object.hasOwn(files, path) ? files[path] : undefined;
      return text === undefined ? { error: `there is no file ${path}`, instead: "check the path" } : { text, bytes: text.length };
    },
    resolve: (from, reference) => posix.resolve(posix.dirname(from), reference),
    root: () => "/p",
  };
}

/** Loads the project's scenario with some files replaced. */
export function load(changes: Readonly<Record<string, string>> = {}, options: LoadOptions = {}) {
  return loadScenario("/p/basics/slow.yaml", memoryFiles({ ...PROJECT, ...changes }), options);
}

export function loaded(changes: Readonly<Record<string, string>> = {}, options: LoadOptions = {}): Scenario {
  const result = load(changes, options);
  if (!result.ok) throw new Error(result.problems.map((problem) => `${problem.file}:${problem.line}:${problem.column} ${problem.message}`).join("\n"));
  return result.value;
}

export function problemsOf(changes: Readonly<Record<string, string>>, options: LoadOptions = {}): readonly Problem[] {
  const result = load(changes, options);
  return result.ok ? [] : result.problems;
}

/** Replaces `from` by `to`, once, and fails when it is not there. */
export function edit(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`no such text: ${from}`);
  return text.replace(from, () => to);
}

/** A complete scenario in one file, with parts to vary. */
export function inline(parts: { readonly script?: string; readonly expect?: string; readonly head?: string } = {}): string {
  return `shakedown: 1
kind: scenario
for: 1h
${parts.head ?? ""}
world:
  services:
    checkout: { replicas: 4, cache: { hit: 90%, fill: 2m, miss: { p50: 10ms, p95: 30ms } }, endpoints: { create-order: { share: 50%, p50: 45ms, p95: 140ms, conversion: 30%, calls: [payments/charge, orders-db] }, view: { p50: 20ms, p95: 60ms } } }
    payments: { version: p1, endpoints: { charge: { p50: 60ms, p95: 170ms } } }
  databases: { orders-db: { p50: 3ms, p95: 12ms, pool: 40 } }
  traffic: { enters: checkout, rate: 100rps }
strategy: {}
script:
${parts.script ?? "  []"}
expect:
${parts.expect ?? "  []"}
`;
}
