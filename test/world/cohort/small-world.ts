// A two-service world with a database, small enough to reason about, for the cohort world's tests.

import { millis, minutes, seconds } from "../../../src/kernel/units.js";
import type { Effect, EffectKind, EffectTarget } from "../../../src/world/effect.js";
import type { CallSpec, EndpointSpec, ServiceSpec, WorldSpec } from "../../../src/world/spec.js";
import type { WorldInput } from "../../../src/world/world.js";

export const endpoint = (over: Partial<EndpointSpec> = {}): EndpointSpec => ({
  name: "create", share: 1, time: { kind: "lognormal", p50: millis(40), p95: millis(120) }, errors: 0.002,
  calls: [], conversion: 0.1, orderValue: 40, ...over,
});

export const call = (to: CallSpec["to"], over: Partial<CallSpec> = {}): CallSpec => ({
  to, share: 1, timeout: seconds(1), retries: { max: 0, backoff: millis(50), budget: 0.2 }, breaker: null, optional: false, ...over,
});

export const service = (over: Partial<ServiceSpec> = {}): ServiceSpec => ({
  name: "checkout", version: "v1", replicas: 4, zones: 2, slots: 8, queue: 50, endpoints: [endpoint()],
  balancing: "power-of-two", healthCheck: { interval: seconds(5), healthyAfter: 2, unhealthyAfter: 3 },
  startup: { kind: "constant", value: seconds(10) }, warmUp: { for: 0, factor: 1 },
  liveness: { interval: seconds(10), failures: 3 }, cpu: { idle: 0.05, busy: 0.6 },
  memory: { base: 400 * 2 ** 20, limit: 1024 * 2 ** 20 }, autoscale: null, cache: null, ...over,
});

export const world = (over: Partial<WorldSpec> = {}): WorldSpec => ({
  name: "small", users: 20_000, services: [service()], databases: [],
  traffic: [{ enters: "checkout", rate: 100, shape: { kind: "constant" }, bursts: null, spread: { kind: "poisson" } }],
  clients: { timeout: seconds(10), reload: { share: 0, after: seconds(2), max: 0 } },
  telemetry: { scrape: seconds(15), lag: 0, missed: 0, init: "zero", bucketEdgesSeconds: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] },
  flags: { propagation: { min: seconds(1), max: seconds(3) } }, splitPropagation: seconds(2), drain: seconds(30), ...over,
});

/** Two services and a database: checkout calls payments, payments asks its database. */
export const shop = (over: Partial<WorldSpec> = {}): WorldSpec => world({
  services: [
    service({ endpoints: [endpoint({ calls: [call({ kind: "endpoint", service: "payments", endpoint: "charge" })] })] }),
    service({ name: "payments", version: "p1", replicas: 3, endpoints: [endpoint({ name: "charge", time: { kind: "lognormal", p50: millis(20), p95: millis(60) }, errors: 0.001, calls: [call({ kind: "database", database: "ledger" })], conversion: 0 })] }),
  ],
  databases: [{ name: "ledger", time: { kind: "exponential", mean: millis(5) }, errors: 0, pool: 10, wait: millis(500) }],
  ...over,
});

export const effect = (target: EffectTarget, what: EffectKind, over: Partial<Effect> = {}): Effect => ({
  id: `${what.kind} on ${target.on}`, target, what, users: 1,
  when: { from: 0, to: minutes(600), rpsAbove: null, afterWarmLife: 0 }, carrier: { with: "script" }, release: null, ...over,
});

export const input = (spec: WorldSpec, over: Partial<WorldInput> = {}): WorldInput => ({
  spec, effects: [], versions: [], seed: 1, horizon: minutes(60), slowAfterSeconds: 0.5, noiseFree: false, detail: "full", ...over,
});
