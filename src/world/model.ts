// The world compiled to integer-indexed tables: what both fidelities look up instead of names.

import { alike } from "../kernel/alike.js";
import { assert } from "../kernel/assert.js";
import { streamKey, uniform, type StreamKey } from "../kernel/draws.js";
import { minutes, type Micros, type Ratio } from "../kernel/units.js";
import { compileEffects, type EffectModel } from "./active-effects.js";
import { durationSampler, type DurationSampler } from "./durations.js";
import type { BreakerSpec, CallSpec, DatabaseSpec, EndpointSpec, RetrySpec, ServiceSpec, TelemetrySpec, TrafficSpec, WorldSpec } from "./spec.js";
import type { WorldInput } from "./world.js";

/** Samples are kept this long: the longest window plus its offset into the past, with room. */
export const TELEMETRY_RETENTION: Micros = minutes(30);

/** The lookback for a store's options, where the world has one of its own. */
export const lookbackOf = ({ lookback }: TelemetrySpec): { readonly lookback?: Micros } => (lookback === undefined ? {} : { lookback });

/** A version of a service; `index` counts over the whole world. */
export interface VersionModel {
  readonly index: number;
  readonly service: number;
  readonly name: string;
  /** Index into `Model.flags`; -1 when the version carries none. */
  readonly flag: number;
}

export interface CallModel {
  /** Over the whole world. */
  readonly index: number;
  /** Place among the calls of its endpoint. */
  readonly position: number;
  readonly callerService: number;
  readonly callerEndpoint: number;
  /** Called service, or -1 for a database. */
  readonly service: number;
  /** Called endpoint (over the whole world), or -1. */
  readonly endpoint: number;
  /** Called database, or -1. */
  readonly database: number;
  /** Callees are numbered services first, then databases: breakers are kept per caller's version and callee. */
  readonly callee: number;
  readonly share: Ratio;
  readonly timeout: Micros;
  readonly retries: RetrySpec;
  readonly breaker: BreakerSpec | null;
  readonly optional: boolean;
}

export interface EndpointModel {
  /** Over the whole world. */
  readonly index: number;
  /** Within its service: the index that telemetry uses. */
  readonly slot: number;
  readonly service: number;
  readonly spec: EndpointSpec;
  readonly time: DurationSampler;
  readonly calls: readonly CallModel[];
  /** Cumulated share of the service's outside traffic up to and including this endpoint; the last is 1. */
  readonly cumulatedShare: Ratio;
}

export interface ServiceModel {
  readonly index: number;
  readonly spec: ServiceSpec;
  /** Indices of its versions; the initial stable one first, then in the order of the script. */
  readonly versions: readonly number[];
  readonly endpoints: readonly EndpointModel[];
  readonly startup: DurationSampler;
  readonly cacheMiss: DurationSampler | null;
  /** Key of the sticky split: h(user, service). */
  readonly stickyKey: StreamKey;
  /** Whether outside traffic enters here. */
  readonly entry: boolean;
}

export interface DatabaseModel {
  readonly index: number;
  readonly spec: DatabaseSpec;
  readonly time: DurationSampler;
}

export interface TrafficModel {
  readonly index: number;
  readonly spec: TrafficSpec;
  readonly service: number;
  /** Draws whose entity is the arrival's number: gaps, then everything first-hand about a page. */
  readonly gapKey: StreamKey;
  readonly pageKey: StreamKey;
}

export interface Model {
  readonly spec: WorldSpec;
  readonly seed: number;
  readonly services: readonly ServiceModel[];
  readonly databases: readonly DatabaseModel[];
  /** Every service's endpoints, by their world-wide index. */
  readonly endpoints: readonly EndpointModel[];
  readonly calls: readonly CallModel[];
  readonly versions: readonly VersionModel[];
  readonly flags: readonly string[];
  readonly traffic: readonly TrafficModel[];
  readonly effects: readonly EffectModel[];
  /** One more than the highest release index of any effect. */
  readonly releases: number;
  /** Telemetry lanes: 1 + releases. */
  readonly lanes: number;
  /** Whether some effect touches only a share of users: then ledger cells come in two segments. */
  readonly segmented: boolean;
}

/** Looks up every name once; a name that leads nowhere is the caller's mistake. */
export function compileModel(input: WorldInput): Model {
  const { spec, seed } = input;
  const serviceIndex = indexByName(spec.services);
  const databaseIndex = indexByName(spec.databases);
  const flags: string[] = [];
  const versions = compileVersions(input, serviceIndex, flags);
  const { endpoints, calls } = compileEndpoints(spec, serviceIndex, databaseIndex);
  const services = alike(spec.services.map((service, index) =>
    compileService(service, index, input, versions, endpoints)));
  const names = { services, databaseIndex, versions, flags, endpoints };
  const effects = alike(compileEffects(input.effects, names, seed));
  // A release without a defect has its place, too: truth and telemetry ask about it as about any other.
  const releases = effects.reduce((most, effect) => Math.max(most, effect.release + 1), input.versions.length);
  assert(releases <= 30, "at most 30 releases, one bit each");
  return {
    spec, seed, services, endpoints, calls, versions, flags, effects, releases,
    databases: alike(spec.databases.map((database, index) => ({ index, spec: database, time: durationSampler(database.time) }))),
    traffic: alike(spec.traffic.map((traffic, index) => ({
      index, spec: traffic,
      service: known(serviceIndex, traffic.enters, "traffic enters a service"),
      gapKey: streamKey(seed, `traffic/${index}/gap`),
      pageKey: streamKey(seed, `traffic/${index}/page`),
    }))),
    lanes: 1 + releases,
    segmented: effects.some((effect) => effect.users < 1),
  };
}

/** The version's index, or -1. */
export function findVersion(model: Model, service: string, version: string): number {
  return model.versions.findIndex((v) => v.name === version && model.services[v.service].spec.name === service);
}

/** The service's index; asking for an unknown one is our fault. */
export function findService(model: Model, service: string): number {
  const index = model.services.findIndex((candidate) => candidate.spec.name === service);
  assert(index >= 0, `service ${service} exists`);
  return index;
}

/** h(user, service) in (0, 1): a released version serves the users below its weight, the newest version first. */
export const stickyHash = (service: ServiceModel, user: number): number => uniform(service.stickyKey, user, 0);

/** The user whom an arrival draws. */
export const userOf = (draw: number, users: number): number => Math.floor(draw * users);

/** The endpoint that outside traffic asks for at the uniform draw u. */
export function endpointAt(service: ServiceModel, u: number): EndpointModel {
  const { endpoints } = service;
  for (let i = 0; i < endpoints.length - 1; i++) if (u < endpoints[i].cumulatedShare) return endpoints[i];
  return endpoints[endpoints.length - 1];
}

/** Whether a limited effect touches the user: segment `targeted` of the ledger. */
export function isTargeted(model: Model, user: number): boolean {
  for (const effect of model.effects) {
    if (effect.users < 1 && uniform(effect.userKey, user, 0) < effect.users) return true;
  }
  return false;
}

function compileVersions(input: WorldInput, serviceIndex: Map<string, number>, flags: string[]): VersionModel[] {
  const versions: VersionModel[] = [];
  const add = (service: number, name: string, flag: string | null): void => {
    if (versions.some((v) => v.service === service && v.name === name)) return;
    if (flag !== null && !flags.includes(flag)) flags.push(flag);
    versions.push({ index: versions.length, service, name, flag: flag === null ? -1 : flags.indexOf(flag) });
  };
  for (const [index, service] of input.spec.services.entries()) {
    const carried = input.versions.find((v) => v.service === service.name && v.version === service.version);
    add(index, service.version, carried?.flag ?? null);
  }
  for (const { service, version, flag } of input.versions) {
    add(known(serviceIndex, service, "a version belongs to a service"), version, flag);
  }
  assert(flags.length <= 30, "at most 30 flags, one bit each");
  return versions;
}

function compileService(
  spec: ServiceSpec, index: number, input: WorldInput, versions: readonly VersionModel[], endpoints: readonly EndpointModel[],
): ServiceModel {
  return {
    index, spec,
    versions: alike(versions.filter((v) => v.service === index).map((v) => v.index)),
    endpoints: alike(endpoints.filter((endpoint) => endpoint.service === index)),
    startup: durationSampler(spec.startup),
    cacheMiss: spec.cache === null ? null : durationSampler(spec.cache.miss),
    stickyKey: streamKey(input.seed, `sticky/${spec.name}`),
    entry: input.spec.traffic.some((traffic) => traffic.enters === spec.name),
  };
}

function compileEndpoints(
  spec: WorldSpec, serviceIndex: Map<string, number>, databaseIndex: Map<string, number>,
): { endpoints: EndpointModel[]; calls: CallModel[] } {
  const endpoints: EndpointModel[] = [];
  const calls: CallModel[] = [];
  const first: number[] = [];
  let count = 0;
  for (const service of spec.services) {
    first.push(count);
    count += service.endpoints.length;
  }
  const compileCall = (call: CallSpec, position: number, callerService: number, callerEndpoint: number): CallModel => {
    let [service, endpoint, database] = [-1, -1, -1];
    if (call.to.kind === "database") {
      database = known(databaseIndex, call.to.database, "a call goes to a database");
    } else {
      const { service: to, endpoint: name } = call.to;
      service = known(serviceIndex, to, "a call goes to a service");
      const slot = spec.services[service].endpoints.findIndex((candidate) => candidate.name === name);
      assert(slot >= 0, `endpoint ${to}/${name} exists`);
      endpoint = first[service] + slot;
    }
    const callee = database < 0 ? service : spec.services.length + database;
    const { share, timeout, retries, breaker, optional } = call;
    const model: CallModel = {
      index: calls.length, position, callerService, callerEndpoint, service, endpoint, database, callee, share, timeout, retries, breaker, optional,
    };
    calls.push(model);
    return model;
  };
  spec.services.forEach((service, serviceAt) => {
    let cumulated = 0;
    service.endpoints.forEach((endpoint, slot) => {
      cumulated += endpoint.share;
      const index = endpoints.length;
      endpoints.push({
        index, slot, service: serviceAt, spec: endpoint, time: durationSampler(endpoint.time),
        calls: alike(endpoint.calls.map((call, position) => compileCall(call, position, serviceAt, index))),
        cumulatedShare: slot === service.endpoints.length - 1 ? 1 : cumulated,
      });
    });
  });
  return { endpoints, calls };
}

function indexByName(named: readonly { readonly name: string }[]): Map<string, number> {
  return new Map(named.map(({ name }, index) => [name, index]));
}

function known(index: Map<string, number>, name: string, what: string): number {
  const at = index.get(name);
  assert(at !== undefined, `${what} that exists: ${name}`);
  return at;
}
