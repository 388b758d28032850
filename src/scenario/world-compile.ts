// Turns a written world into the world's specification, and finds what a schema can't: dangling names, cycles, sums.

import { bucketEdgesSeconds } from "../telemetry/catalogue.js";
import { MICROS_PER_SECOND, toSeconds, type Micros } from "../kernel/units.js";
import type { AutoscaleSpec, CallSpec, DatabaseSpec, DurationSpec, EndpointSpec, RateShape, ServiceSpec, TrafficSpec, WorldSpec } from "../world/spec.js";
import { findCycle } from "./call-graph.js";
import type { Place } from "./findings.js";
import { adviseName } from "./nearest.js";
import { formatPercent } from "./units.js";
import type { WrittenCall, WrittenDatabase, WrittenEndpoint, WrittenService, WrittenTime, WrittenTraffic, WrittenWorld } from "./world-schema.js";

/** What compiling a world needs to know from outside its text. */
export interface WorldContext {
  readonly defaultName: string;
  /** Latency objectives in seconds: they get a histogram edge of their own. */
  readonly objectiveEdges: readonly number[];
  /** Turns the trace that a traffic entry names into a shape; null when it can't (and says so at its place). */
  readonly trace: (traffic: WrittenTraffic, place: Place) => RateShape | null;
}

/** The names that the world's file declares, whether or not what they name is right. */
export interface WorldNames {
  readonly services: readonly string[];
  readonly databases: readonly string[];
  endpoints(service: string): readonly string[];
}

export function worldNames(place: Place): WorldNames {
  return {
    services: place.in("services").keys,
    databases: place.in("databases").keys,
    endpoints: (service) => place.in("services", service, "endpoints").keys,
  };
}

/** Compiles a world; every problem is reported at its place. */
export function compileWorld(written: WrittenWorld, place: Place, context: WorldContext): WorldSpec {
  const names = worldNames(place);
  const services = Object.entries(written.services).map(([name, service]) => compileService(name, service, place.in("services", name), names));
  if (services.length === 0) place.in("services").wrong("`services` is empty", "write at least one service", "key");
  for (const database of names.databases) {
    if (names.services.includes(database)) place.in("databases", database).wrong(`\`${database}\` names a service and a database`, "give one of them another name", "key");
  }
  reportCycle(services, place);
  const { telemetry } = written;
  return {
    name: written.name ?? context.defaultName,
    users: written.users,
    services,
    databases: Object.entries(written.databases).map(([name, database]) => compileDatabase(name, database, place.in("databases", name))),
    traffic: compileTraffics(written.traffic, place.in("traffic"), names, context),
    clients: { timeout: written.clients.timeout, reload: written.clients.reload },
    telemetry: {
      scrape: telemetry.scrape,
      lag: telemetry.lag,
      missed: telemetry.missed,
      init: telemetry.init,
      bucketEdgesSeconds: bucketEdges(telemetry.buckets, context.objectiveEdges, place.in("telemetry", "buckets")),
    },
    flags: { propagation: { min: written.flags.propagation.from, max: written.flags.propagation.to } },
    splitPropagation: written["split-propagation"],
    drain: written.drain,
  };
}

function bucketEdges(buckets: readonly Micros[] | undefined, objectiveEdges: readonly number[], place: Place): readonly number[] {
  if (buckets === undefined) return bucketEdgesSeconds(objectiveEdges);
  for (let i = 1; i < buckets.length; i += 1) {
    if (buckets[i] <= buckets[i - 1]) place.in(i).wrong("bucket edges must rise", "sort them, each once");
  }
  return [...new Set([...buckets.map(toSeconds), ...objectiveEdges])].sort((a, b) => a - b);
}

function compileService(name: string, written: WrittenService, place: Place, names: WorldNames): ServiceSpec {
  const { memory, autoscale, cache } = written;
  if (memory.base >= memory.limit) place.in("memory").wrong("a replica that starts at its memory limit is killed at once", "write a `base` below the `limit`");
  return {
    name,
    version: written.version,
    replicas: written.replicas,
    zones: written.zones,
    slots: written.slots,
    queue: written.queue,
    endpoints: compileEndpoints(written, place.in("endpoints"), names),
    balancing: written.balancing,
    healthCheck: { interval: written["health-check"].interval, healthyAfter: written["health-check"]["healthy-after"], unhealthyAfter: written["health-check"]["unhealthy-after"] },
    startup: compileTime(written.startup, place.in("startup")),
    warmUp: written["warm-up"],
    liveness: written.liveness,
    cpu: written.cpu,
    memory,
    autoscale: autoscale === undefined ? null : compileAutoscale(autoscale, written.replicas, place.in("autoscale")),
    cache: cache === undefined ? null : { hit: cache.hit, fill: cache.fill, miss: compileTime(cache.miss, place.in("cache", "miss")) },
  };
}

function compileAutoscale(written: NonNullable<WrittenService["autoscale"]>, replicas: number, place: Place): AutoscaleSpec {
  if (written.min > written.max) place.wrong(`the autoscaler's min ${written.min} is above its max ${written.max}`, "write `min` at most `max`");
  else if (replicas < written.min || replicas > written.max) {
    place.wrong(`the service starts with ${replicas} replicas, outside the autoscaler's ${written.min} to ${written.max}`, `write replicas between ${written.min} and ${written.max}`);
  }
  return { min: written.min, max: written.max, targetCpu: written["target-cpu"], interval: written.interval, downAfter: written["down-after"] };
}

/** Sums within this of 100 % are rounding. */
const SHARE_TOLERANCE = 1e-4;

function compileEndpoints(service: WrittenService, place: Place, names: WorldNames): EndpointSpec[] {
  const entries = Object.entries(service.endpoints);
  if (entries.length === 0) place.wrong("`endpoints` is empty", "write at least one endpoint", "key");
  const given = entries.reduce((sum, [, endpoint]) => sum + (endpoint.share ?? 0), 0);
  const open = entries.filter(([, endpoint]) => endpoint.share === undefined).length;
  const rest = Math.max(0, 1 - given);
  if (given > 1 + SHARE_TOLERANCE || (open === 0 && entries.length > 0 && given < 1 - SHARE_TOLERANCE)) {
    place.wrong(`the shares of the endpoints sum to ${formatPercent(given)}, not 100%`, given < 1 ? `add ${formatPercent(1 - given)}, or leave one share out` : `take ${formatPercent(given - 1)} away`, "key");
  }
  // Shares of thirds and the like are brought to exactly 1.
  const scale = open === 0 && given > 0 ? 1 / given : 1;
  return entries.map(([name, endpoint]) => compileEndpoint(name, endpoint, endpoint.share === undefined ? rest / open : endpoint.share * scale, place.in(name), names));
}

function compileEndpoint(name: string, written: WrittenEndpoint, share: number, place: Place, names: WorldNames): EndpointSpec {
  return {
    name,
    share,
    time: compileTime(written, place),
    errors: written.errors,
    calls: written.calls.flatMap((call, index) => compileCall(call, place.in("calls", index), names) ?? []),
    conversion: written.conversion,
    orderValue: written["order-value"],
  };
}

const TIME_KINDS = ["p50", "exponential", "constant", "gamma", "uniform"] as const;

function compileTime(written: WrittenTime, place: Place): DurationSpec {
  const { p50, p95, exponential, constant, gamma, shape, uniform } = written;
  const kinds = TIME_KINDS.filter((kind) => written[kind] !== undefined);
  if (kinds.length > 1) place.in(kinds[1]).wrong(`a service time is given twice: \`${kinds[0]}\` and \`${kinds[1]}\``, "keep one of them", "key");
  if (exponential !== undefined) return { kind: "exponential", mean: positiveTime(exponential, place.in("exponential")) };
  if (constant !== undefined) return { kind: "constant", value: constant };
  if (gamma !== undefined) return { kind: "gamma", mean: positiveTime(gamma, place.in("gamma")), shape: shape ?? 2 };
  if (uniform !== undefined) return { kind: "uniform", ...uniform };
  if (p50 === undefined || p95 === undefined) {
    if (p50 === undefined && p95 === undefined) place.wrong("the service time is missing", "write p50 and p95, or one of exponential, constant, gamma, uniform", "key");
    else place.wrong(`\`${p50 === undefined ? "p50" : "p95"}\` is missing`, "write both p50 and p95", "key");
    return { kind: "constant", value: 0 };
  }
  positiveTime(p50, place.in("p50"));
  if (p95 <= p50) place.in("p95").wrong("p95 is not above p50", "write a p95 above the p50, or `constant` for a time without spread");
  return { kind: "lognormal", p50, p95 };
}

function positiveTime(time: Micros, place: Place): Micros {
  if (time <= 0) place.wrong("a service time must be longer than nothing", "write it like 45ms");
  return time;
}

function compileDatabase(name: string, written: WrittenDatabase, place: Place): DatabaseSpec {
  return { name, time: compileTime(written, place), errors: written.errors, pool: written.pool, wait: written.wait };
}

const DEFAULT_BREAKER = { failureRatio: 0.5, minRequests: 20, window: 10 * MICROS_PER_SECOND, openFor: 5 * MICROS_PER_SECOND };
const NO_RETRIES = { max: 0, backoff: 50_000, budget: 0.2 };
const DEFAULT_CALL = { share: 1, timeout: 2 * MICROS_PER_SECOND, retries: NO_RETRIES, breaker: null, optional: false } as const;

function compileCall(written: WrittenCall, place: Place, names: WorldNames): CallSpec | null {
  const isText = typeof written === "string";
  const to = resolveCall(isText ? written : written.to, isText ? place : place.in("to"), names);
  if (to === null) return null;
  if (isText) return { to, ...DEFAULT_CALL };
  const { retries, breaker } = written;
  return {
    to,
    share: written.share,
    timeout: written.timeout,
    // A plain number of retries has no budget: each request may use them all.
    retries: typeof retries === "number" ? { ...NO_RETRIES, max: retries, budget: Math.max(1, retries) } : retries,
    breaker: compileBreaker(breaker),
    optional: written.optional,
  };
}

function compileBreaker(written: Exclude<WrittenCall, string>["breaker"]): CallSpec["breaker"] {
  if (typeof written === "boolean") return written ? DEFAULT_BREAKER : null;
  return { failureRatio: written["failure-ratio"], minRequests: written["min-requests"], window: written.window, openFor: written["open-for"] };
}

function resolveCall(to: string, place: Place, names: WorldNames): CallSpec["to"] | null {
  const slash = to.indexOf("/");
  if (slash < 0) {
    if (names.databases.includes(to)) return { kind: "database", database: to };
    if (names.services.includes(to)) {
      const endpoints = names.endpoints(to).map((endpoint) => `${to}/${endpoint}`);
      place.wrong(`\`${to}\` is a service; a call goes to one of its endpoints`, `write ${endpoints.slice(0, 4).map((name) => `\`${name}\``).join(" or ")}`);
    } else {
      place.wrong(`there is no database \`${to}\``, adviseName(to, [...names.databases, ...names.services], "databases"));
    }
    return null;
  }
  const service = to.slice(0, slash);
  const endpoint = to.slice(slash + 1);
  if (!names.services.includes(service)) {
    place.wrong(`there is no service \`${service}\``, adviseName(service, names.services, "services"));
    return null;
  }
  if (!names.endpoints(service).includes(endpoint)) {
    place.wrong(`the service \`${service}\` has no endpoint \`${endpoint}\``, adviseName(endpoint, names.endpoints(service), "endpoints"));
    return null;
  }
  return { kind: "endpoint", service, endpoint };
}

function reportCycle(services: readonly ServiceSpec[], place: Place): void {
  const cycle = findCycle(services);
  if (cycle === null) return;
  const [service, endpoint] = cycle.names[0].split("/");
  place.in("services", service, "endpoints", endpoint, "calls", cycle.call).wrong(
    `the calls run in a circle: ${[...cycle.names, cycle.names[0]].join(" -> ")}`,
    "take one of these calls out: a request would never end",
  );
}

function compileTraffics(written: readonly WrittenTraffic[], place: Place, names: WorldNames, context: WorldContext): TrafficSpec[] {
  if (written.length === 0) place.wrong("`traffic` is empty", "write { enters: SERVICE, rate: 100rps }", "key");
  return written.flatMap((traffic, index) => {
    // One entry may stand without a list.
    const here = Array.isArray(place.written) ? place.in(index) : place;
    return compileTraffic(traffic, here, names, context) ?? [];
  });
}

function compileTraffic(written: WrittenTraffic, place: Place, names: WorldNames, context: WorldContext): TrafficSpec | null {
  if (!names.services.includes(written.enters)) {
    place.in("enters").wrong(`there is no service \`${written.enters}\``, adviseName(written.enters, names.services, "services"));
  }
  const rate = written.trace === undefined ? written.rate : written["scale-to"];
  if (written.trace !== undefined) {
    if (written["scale-to"] === undefined) place.wrong("a trace gives only the shape: `scale-to` is missing", "write scale-to: 400rps", "key");
    for (const key of ["rate", "daily"] as const) {
      if (written[key] !== undefined) place.in(key).wrong(`\`${key}\` does not go with a trace`, key === "rate" ? "write scale-to" : "leave it out: the trace has its own days", "key");
    }
  } else {
    for (const key of ["scale-to", "starts"] as const) {
      if (written[key] !== undefined) place.in(key).wrong(`\`${key}\` needs a trace`, key === "starts" ? "add `trace: FILE`, or leave it out" : "write rate", "key");
    }
    if (rate === undefined && written["scale-to"] === undefined) place.wrong("`rate` is missing", "write rate: 400rps, or trace and scale-to", "key");
  }
  const shape = written.trace === undefined ? plainShape(written) : context.trace(written, place);
  if (rate === undefined || shape === null) return null;
  return { enters: written.enters, rate, shape, bursts: written.bursts ?? null, spread: compileSpread(written.spread) };
}

const DEFAULT_GAMMA = { cv: 0.2, slot: 60 * MICROS_PER_SECOND };

function compileSpread(written: WrittenTraffic["spread"]): TrafficSpec["spread"] {
  if (written === "poisson") return { kind: "poisson" };
  return { kind: "gamma", ...(written === "gamma" ? DEFAULT_GAMMA : written.gamma) };
}

function plainShape(written: WrittenTraffic): RateShape {
  if (written.daily === undefined) return { kind: "constant" };
  return { kind: "daily", low: written.daily.low, peakAt: written.daily["peak-at"], startsAt: written.daily["starts-at"] };
}
