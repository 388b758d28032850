// The small world that both fidelities are compared in: a shop, the payments it calls, and a database, at a given load.

import { millis, minutes, seconds, toSeconds, type Ratio, type Rps } from "../../kernel/units.js";
import { bucketEdgesSeconds } from "../../telemetry/catalogue.js";
import { DurationSampler } from "../../world/durations.js";
import type { CallSpec, DatabaseSpec, EndpointSpec, ServiceSpec, WorldSpec } from "../../world/spec.js";

/** The service that pages enter and that gets a release, and the one it calls. */
export const SHOP = "shop";
export const PAYMENTS = "payments";
export const LEDGER_DB = "ledger-db";
export const STABLE = "v1";
export const CANARY = "v2";

/** What a cell may change in the world. */
export interface WorldChanges {
  /** How the shop calls payments. */
  readonly charge?: Partial<CallSpec>;
}

/** The world at `load`: the share of the shop's slots that would be busy if nothing ever waited. */
export function agreementWorld(load: Ratio, changes: WorldChanges = {}): WorldSpec {
  const services = [shop(changes), payments()];
  const databases = [ledgerDatabase()];
  return {
    name: "agreement",
    users: 20_000,
    services,
    databases,
    traffic: [
      { enters: SHOP, rate: load * capacity(services, databases), shape: { kind: "constant" }, bursts: null, spread: { kind: "poisson" } },
    ],
    clients: { timeout: seconds(10), reload: { share: 0.3, after: seconds(3), max: 1 } },
    telemetry: { scrape: seconds(15), lag: seconds(5), missed: 0, init: "zero", bucketEdgesSeconds: bucketEdgesSeconds([0.3]) },
    flags: { propagation: { min: seconds(1), max: seconds(8) } },
    splitPropagation: seconds(1),
    drain: seconds(30),
  };
}

function shop({ charge }: WorldChanges): ServiceSpec {
  const query: CallSpec = { ...call({ kind: "database", database: LEDGER_DB }), timeout: seconds(1) };
  const pay: CallSpec = { ...call({ kind: "endpoint", service: PAYMENTS, endpoint: "charge" }), retries: { max: 1, backoff: millis(50), budget: 0.2 }, ...charge };
  return {
    ...service(SHOP, STABLE, 8),
    endpoints: [
      { ...endpoint("browse", 0.6, 80, 220, 0.003), calls: [query] },
      { ...endpoint("order", 0.4, 120, 300, 0.003), calls: [query, pay], conversion: 0.9, orderValue: 40 },
    ],
  };
}

function payments(): ServiceSpec {
  const query: CallSpec = { ...call({ kind: "database", database: LEDGER_DB }), timeout: seconds(1) };
  return { ...service(PAYMENTS, "v1", 4), endpoints: [{ ...endpoint("charge", 1, 50, 140, 0.002), calls: [query] }] };
}

const ledgerDatabase = (): DatabaseSpec => ({
  name: LEDGER_DB, time: { kind: "lognormal", p50: millis(10), p95: millis(30) }, errors: 0, pool: 12, wait: millis(200),
});

function service(name: string, version: string, replicas: number): Omit<ServiceSpec, "endpoints"> {
  return {
    name, version, replicas, zones: 2, slots: 4, queue: 40, balancing: "power-of-two",
    healthCheck: { interval: seconds(5), healthyAfter: 2, unhealthyAfter: 3 },
    startup: { kind: "lognormal", p50: seconds(15), p95: seconds(25) },
    warmUp: { for: seconds(30), factor: 1.3 },
    liveness: { interval: seconds(10), failures: 3 },
    cpu: { idle: 0.08, busy: 0.6 },
    memory: { base: 400 * 2 ** 20, limit: 2 ** 30 },
    autoscale: null,
    cache: null,
  };
}

function endpoint(name: string, share: Ratio, p50: number, p95: number, errors: Ratio): Omit<EndpointSpec, "calls"> {
  return { name, share, time: { kind: "lognormal", p50: millis(p50), p95: millis(p95) }, errors, conversion: 0, orderValue: 0 };
}

const call = (to: CallSpec["to"]): CallSpec => ({
  to, share: 1, timeout: seconds(2), retries: { max: 0, backoff: 0, budget: 1 }, breaker: null, optional: false,
});

/** Pages per second at which the shop's slots would all be busy: slots over the mean time that a page holds one. */
function capacity(services: readonly ServiceSpec[], databases: readonly DatabaseSpec[]): Rps {
  const [{ replicas, slots, endpoints }] = services;
  const hold = endpoints.reduce((sum, one) => sum + one.share * holdSeconds(one, services, databases), 0);
  return (replicas * slots) / hold;
}

function holdSeconds(one: EndpointSpec, services: readonly ServiceSpec[], databases: readonly DatabaseSpec[]): number {
  const own = toSeconds(new DurationSampler(one.time).mean);
  return one.calls.reduce((sum, { to }) => {
    if (to.kind === "database") {
      const database = databases.find(({ name }) => name === to.database);
      return database === undefined ? sum : sum + toSeconds(new DurationSampler(database.time).mean);
    }
    const callee = services.find(({ name }) => name === to.service)?.endpoints.find(({ name }) => name === to.endpoint);
    return callee === undefined ? sum : sum + holdSeconds(callee, services, databases);
  }, own);
}

/** Until here replicas of the release start and warm up; figures are taken from here on. */
export const SETTLED_AT = minutes(4);
