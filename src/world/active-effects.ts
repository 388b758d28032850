// Effects compiled to numbers, and the one answer to "does this effect concern that version, endpoint, replica or call?".

import { assert } from "../kernel/assert.js";
import { streamKey, uniform, type StreamKey } from "../kernel/draws.js";
import type { Micros, Ratio } from "../kernel/units.js";
import type { Effect } from "./effect.js";
import type { EndpointModel, ServiceModel, VersionModel } from "./model.js";

export interface EffectModel {
  readonly index: number;
  readonly effect: Effect;
  readonly kind: Effect["what"]["kind"];
  /** Release index, -1 for a fault; and its bit in a taint mask, 0 for a fault. */
  readonly release: number;
  readonly bit: number;
  /** Version (over the whole world) that carries it, and its service; -1 for the script. */
  readonly carrierVersion: number;
  readonly carrierService: number;
  /** Flag it needs on, -1 for none. */
  readonly carrierFlag: number;
  /** Where it acts; -1 (or false) where the target does not say. */
  readonly service: number;
  readonly version: number;
  readonly endpoint: number;
  readonly replica: number;
  readonly zone: number;
  readonly database: number;
  readonly linkFrom: number;
  /** Callee of a link, services first, then databases (see CallModel.callee). */
  readonly linkTo: number;
  readonly users: Ratio;
  readonly userKey: StreamKey;
  readonly from: Micros;
  readonly to: Micros;
  /** Requests per second and ready replica; -1 when there is no such condition. */
  readonly rpsAbove: number;
  readonly afterWarmLife: Micros;
}

/** What names mean while effects are compiled. */
export interface EffectNames {
  readonly services: readonly ServiceModel[];
  readonly databaseIndex: ReadonlyMap<string, number>;
  readonly versions: readonly VersionModel[];
  readonly flags: readonly string[];
  readonly endpoints: readonly EndpointModel[];
}

/** Resolves the names of every effect. */
export function compileEffects(effects: readonly Effect[], names: EffectNames, seed: number): EffectModel[] {
  return effects.map((effect, index) => {
    const { carrier, when } = effect;
    const release = effect.release ?? -1;
    return {
      index, effect, release,
      kind: effect.what.kind,
      bit: release < 0 ? 0 : 1 << release,
      carrierVersion: carrier.with === "script" ? -1 : versionOf(names, serviceOf(names, carrier.service), carrier.version),
      carrierService: carrier.with === "script" ? -1 : serviceOf(names, carrier.service),
      carrierFlag: carrier.with === "flag" ? names.flags.indexOf(carrier.flag) : -1,
      ...targetOf(effect, names),
      users: effect.users,
      userKey: streamKey(seed, `effect/${effect.id}/users`),
      from: when.from, to: when.to,
      rpsAbove: when.rpsAbove ?? -1,
      afterWarmLife: when.afterWarmLife,
    };
  });
}

/** In its window: from (included) to (excluded). */
export const inWindow = (effect: EffectModel, at: Micros): boolean => at >= effect.from && at < effect.to;

/** Whether the effect touches this user. */
export const touchesUser = (effect: EffectModel, user: number): boolean =>
  effect.users >= 1 || uniform(effect.userKey, user, 0) < effect.users;

/** Whether it can act on work that `version` (of the effect's service) does at `endpoint`; -1 as endpoint: on the replica as such. */
export function concernsVersion(effect: EffectModel, version: VersionModel, endpoint: number): boolean {
  if (effect.database >= 0 || effect.linkFrom >= 0) return false;
  if (effect.service < 0 && effect.zone < 0) return false;
  if (effect.service >= 0 && effect.service !== version.service) return false;
  if (effect.version >= 0 && effect.version !== version.index) return false;
  if (effect.endpoint >= 0 && endpoint >= 0 && effect.endpoint !== endpoint) return false;
  // A defect lives in its own version's replicas, unless it says that it acts on another service (through its calls).
  return effect.carrierVersion < 0 || effect.carrierVersion === version.index || isRemote(effect);
}

/** A defect of one service that acts on another: it shows on calls that come from the carrier's version. */
export function isRemote(effect: EffectModel): boolean {
  return effect.carrierVersion >= 0 && effect.carrierService !== effect.service && effect.service >= 0;
}

/** Whether it can act on the call from `callerVersion` to `callee` as a link effect. */
export function concernsLink(effect: EffectModel, callerVersion: VersionModel, callee: number): boolean {
  return effect.linkFrom === callerVersion.service && effect.linkTo === callee &&
    (effect.carrierVersion < 0 || effect.carrierVersion === callerVersion.index);
}

/** Whether it can act on queries of `callerVersion` to `database`. */
export function concernsQuery(effect: EffectModel, callerVersion: VersionModel, database: number): boolean {
  return effect.database === database && (effect.carrierVersion < 0 || effect.carrierVersion === callerVersion.index);
}

/** Whether the replica's number and zone match the target. */
export const concernsReplica = (effect: EffectModel, number: number, zone: number): boolean =>
  (effect.replica < 0 || effect.replica === number) && (effect.zone < 0 || effect.zone === zone);

type TargetFields = Pick<EffectModel, "service" | "version" | "endpoint" | "replica" | "zone" | "database" | "linkFrom" | "linkTo">;

const NOWHERE: TargetFields = {
  service: -1, version: -1, endpoint: -1, replica: -1, zone: -1, database: -1, linkFrom: -1, linkTo: -1,
};

function targetOf({ target }: Effect, names: EffectNames): TargetFields {
  switch (target.on) {
    case "service": {
      const service = serviceOf(names, target.service);
      return {
        ...NOWHERE, service,
        version: target.version === undefined ? -1 : versionOf(names, service, target.version),
        endpoint: target.endpoint === undefined ? -1 : endpointOf(names, service, target.endpoint),
        replica: target.replica ?? -1,
        zone: target.zone ?? -1,
      };
    }
    case "zone":
      return { ...NOWHERE, zone: target.zone };
    case "database":
      return { ...NOWHERE, database: databaseOf(names, target.database) };
    case "link": {
      const database = names.databaseIndex.get(target.to);
      const isService = names.services.some(({ spec }) => spec.name === target.to);
      const linkTo = isService || database === undefined ? serviceOf(names, target.to) : names.services.length + database;
      return { ...NOWHERE, linkFrom: serviceOf(names, target.from), linkTo };
    }
    case "telemetry":
      return target.service === undefined ? NOWHERE : { ...NOWHERE, service: serviceOf(names, target.service) };
    case "traffic":
      return target.enters === undefined ? NOWHERE : { ...NOWHERE, service: serviceOf(names, target.enters) };
    case "flag-service":
    case "platform":
      return NOWHERE;
  }
}

function serviceOf(names: EffectNames, name: string): number {
  const index = names.services.findIndex(({ spec }) => spec.name === name);
  assert(index >= 0, `an effect names a service that exists: ${name}`);
  return index;
}

function versionOf(names: EffectNames, service: number, name: string): number {
  const version = names.versions.find((candidate) => candidate.service === service && candidate.name === name);
  assert(version !== undefined, `an effect names a version that exists: ${name}`);
  return version.index;
}

function endpointOf(names: EffectNames, service: number, name: string): number {
  const endpoint = names.endpoints.find((candidate) => candidate.service === service && candidate.spec.name === name);
  assert(endpoint !== undefined, `an effect names an endpoint that exists: ${name}`);
  return endpoint.index;
}

function databaseOf(names: EffectNames, name: string): number {
  const index = names.databaseIndex.get(name);
  assert(index !== undefined, `an effect names a database that exists: ${name}`);
  return index;
}

/** Whether a telemetry, flag-service or other script effect of this kind is on at this time. */
export const windowOpen = (effects: readonly EffectModel[], kind: EffectModel["kind"], at: Micros): boolean =>
  effects.some((effect) => effect.kind === kind && inWindow(effect, at));

/** Whether a mask of releases holds this one. */
export const taintedBy = (mask: number, release: number): boolean => (mask & (1 << release)) !== 0;
