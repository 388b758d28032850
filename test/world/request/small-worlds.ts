// Small worlds for the request tests: each knob at its plainest, so that a test names only what it is about.

import { bucketEdgesSeconds } from "../../../src/telemetry/catalogue.js";
import { hours, millis, minutes, seconds } from "../../../src/kernel/units.js";
import type { Effect, EffectKind, EffectTarget } from "../../../src/world/effect.js";
import type { CallSpec, DatabaseSpec, EndpointSpec, ServiceSpec, WorldSpec } from "../../../src/world/spec.js";
import type { WorldInput } from "../../../src/world/world.js";

export function endpoint(more: Partial<EndpointSpec> = {}): EndpointSpec {
  return {
    name: "get", share: 1, time: { kind: "constant", value: millis(20) }, errors: 0, calls: [], conversion: 0, orderValue: 0, ...more,
  };
}

export function service(more: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    name: "shop", version: "v1", replicas: 2, zones: 2, slots: 16, queue: 100, endpoints: [endpoint()], balancing: "random",
    healthCheck: { interval: seconds(5), healthyAfter: 2, unhealthyAfter: 3 },
    startup: { kind: "constant", value: seconds(10) }, warmUp: { for: 0, factor: 1 },
    liveness: { interval: seconds(10), failures: 3 }, cpu: { idle: 0.1, busy: 0.5 },
    memory: { base: 400, limit: 1000 }, autoscale: null, cache: null, ...more,
  };
}

export function database(more: Partial<DatabaseSpec> = {}): DatabaseSpec {
  return { name: "db", time: { kind: "constant", value: millis(5) }, errors: 0, pool: 20, wait: seconds(1), ...more };
}

export function callTo(to: CallSpec["to"], more: Partial<CallSpec> = {}): CallSpec {
  return {
    to, share: 1, timeout: seconds(1), retries: { max: 0, backoff: 0, budget: 1 }, breaker: null, optional: false, ...more,
  };
}

export const toDatabase = (more: Partial<CallSpec> = {}): CallSpec => callTo({ kind: "database", database: "db" }, more);

export function world(more: Partial<WorldSpec> = {}): WorldSpec {
  const services = more.services ?? [service()];
  return {
    name: "small", users: 10_000, services, databases: [],
    traffic: [{ enters: services[0].name, rate: 100, shape: { kind: "constant" }, bursts: null, spread: { kind: "poisson" } }],
    clients: { timeout: seconds(10), reload: { share: 0, after: seconds(1), max: 0 } },
    telemetry: { scrape: seconds(15), lag: 0, missed: 0, init: "zero", bucketEdgesSeconds: bucketEdgesSeconds([0.3]) },
    flags: { propagation: { min: seconds(1), max: seconds(5) } },
    splitPropagation: seconds(1), drain: seconds(30), ...more,
  };
}

/** The traffic of `world` at another rate. */
export const rate = (rps: number, enters = "shop"): Pick<WorldSpec, "traffic"> => ({
  traffic: [{ enters, rate: rps, shape: { kind: "constant" }, bursts: null, spread: { kind: "poisson" } }],
});

export function input(spec: WorldSpec, more: Partial<WorldInput> = {}): WorldInput {
  return {
    spec, effects: [], versions: [], seed: 1, horizon: hours(4), slowAfterSeconds: 0.3, noiseFree: false, detail: "full", ...more,
  };
}

/** A fault on `target` in [from, to); always when left out. */
export function fault(target: EffectTarget, what: EffectKind, from = 0, to = hours(100), more: Partial<Effect> = {}): Effect {
  return {
    id: `${what.kind} on ${JSON.stringify(target)}`, target, what, users: 1,
    when: { from, to, rpsAbove: null, afterWarmLife: 0 }, carrier: { with: "script" }, release: null, ...more,
  };
}

/** A defect of v2 of the shop, as release 0. */
export function defect(target: EffectTarget, what: EffectKind, more: Partial<Effect> = {}): Effect {
  return fault(target, what, 0, hours(100), { carrier: { with: "version", service: "shop", version: "v2" }, release: 0, ...more });
}

export const shop: EffectTarget = { on: "service", service: "shop" };
export const V2 = [{ service: "shop", version: "v2", flag: null }] as const;
export { hours, millis, minutes, seconds };
