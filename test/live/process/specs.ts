// Small worlds for the tests of a game day's processes.

import type { Effect, EffectKind, EffectTarget } from "../../../src/world/effect.js";
import { millis, seconds, type Micros } from "../../../src/kernel/units.js";
import type { CallSpec, DatabaseSpec, EndpointSpec, ServiceSpec, WorldSpec } from "../../../src/world/spec.js";
import type { DatabaseSetup, LoadSetup, ProxySetup, ReplicaSetup } from "../../../src/live/process/protocol.js";

export const endpointSpec = (name: string, more: Partial<EndpointSpec> = {}): EndpointSpec => ({
  name, share: 1, time: { kind: "constant", value: millis(20) }, errors: 0, calls: [], conversion: 0, orderValue: 40, ...more,
});

export const serviceSpec = (name: string, endpoints: readonly EndpointSpec[], more: Partial<ServiceSpec> = {}): ServiceSpec => ({
  name, version: "v1", replicas: 1, zones: 1, slots: 16, queue: 50, endpoints, balancing: "round-robin",
  healthCheck: { interval: millis(50), healthyAfter: 2, unhealthyAfter: 3 },
  startup: { kind: "constant", value: 0 }, warmUp: { for: 0, factor: 1 }, liveness: { interval: seconds(10), failures: 3 },
  cpu: { idle: 0.05, busy: 0.6 }, memory: { base: 1e8, limit: 4e8 }, autoscale: null, cache: null, ...more,
});

export const databaseSpec = (name: string, more: Partial<DatabaseSpec> = {}): DatabaseSpec =>
  ({ name, time: { kind: "constant", value: millis(5) }, errors: 0, pool: 10, wait: millis(200), ...more });

export const callSpec = (to: CallSpec["to"], more: Partial<CallSpec> = {}): CallSpec =>
  ({ to, share: 1, timeout: millis(500), retries: { max: 0, backoff: 0, budget: 0 }, breaker: null, optional: false, ...more });

export const worldSpec = (services: readonly ServiceSpec[], databases: readonly DatabaseSpec[] = [], rps = 100): WorldSpec => ({
  name: "small", users: 1_000, services, databases,
  traffic: [{ enters: services[0].name, rate: rps, shape: { kind: "constant" }, bursts: null, spread: { kind: "poisson" } }],
  clients: { timeout: seconds(2), reload: { share: 0, after: millis(100), max: 0 } },
  telemetry: { scrape: seconds(1), lag: 0, missed: 0, init: "lazy", bucketEdgesSeconds: [0.01, 0.025, 0.05, 0.1, 0.5] },
  flags: { propagation: { min: 0, max: 0 } }, splitPropagation: 0, drain: seconds(2),
});

/** An effect of the script unless a carrier is given. */
export const effectOn = (id: string, target: EffectTarget, what: EffectKind, more: Partial<Effect> = {}): Effect => ({
  id, target, what, users: 1, when: { from: 0, to: Infinity, rpsAbove: null, afterWarmLife: 0 }, carrier: { with: "script" }, release: null, ...more,
});

export const common = (): { readonly seed: number; readonly epochMillis: number; readonly releases: number } =>
  ({ seed: 7, epochMillis: Date.now(), releases: 1 });

export const replicaSetup = (service: ServiceSpec, more: Partial<ReplicaSetup> = {}): ReplicaSetup => ({
  ...common(), role: "replica", service, version: "v1", replica: `${service.name}-v1-0`, zone: 0, flag: null,
  bucketEdgesSeconds: [0.01, 0.025, 0.05, 0.1, 0.5], seriesInit: "lazy", slowAfterSeconds: 0.1, startup: 0, failsToStart: false,
  effects: [], servicePorts: {}, databasePorts: {}, flagPort: null, flagDelay: 0, warm: true, ...more,
});

export const databaseSetup = (database: DatabaseSpec, effects: readonly Effect[] = []): DatabaseSetup =>
  ({ ...common(), role: "database", database, effects });

export const proxySetup = (services: readonly ServiceSpec[]): ProxySetup => ({ ...common(), role: "proxy", services });

export const loadSetup = (world: WorldSpec, servicePorts: Readonly<Record<string, number>>, duration: Micros, more: Partial<LoadSetup> = {}): LoadSetup =>
  ({ ...common(), role: "load", world, versions: [], effects: [], slowAfterSeconds: 0.1, servicePorts, duration, ...more });
