// The names that a document gives to its parts, for whatever is to be said about them.

import { fieldsOf, isFields, listOf, textOf, type Fields, type Value } from "./document.js";

export interface ServiceNames {
  readonly name: string;
  readonly stable: string;
  readonly endpoints: readonly string[];
  readonly replicas: number;
  readonly zones: number;
  /** Databases that its endpoints call. */
  readonly databases: readonly string[];
  /** Services and databases that its endpoints call. */
  readonly callees: readonly string[];
  readonly hasCache: boolean;
  /** Endpoints whose pages end in orders. */
  readonly converting: readonly string[];
}

export interface Names {
  readonly services: readonly ServiceNames[];
  readonly databases: readonly string[];
  /** The services that clients call. */
  readonly entered: readonly string[];
  /** Seconds that the run lasts. */
  readonly lasts: number;
}

/** A release that a script brings: what else may be said about it. */
export interface ReleaseNames {
  readonly service: string;
  readonly version: string;
}

const DEFAULT_REPLICAS = 3;
const DEFAULT_ZONES = 3;

/** The names of a written world; `lasts` in seconds. */
export function namesOf(world: Fields, lasts: number): Names {
  const databases = Object.keys(fieldsOf(world.databases));
  const traffic = Array.isArray(world.traffic) ? world.traffic : world.traffic === undefined ? [] : [world.traffic];
  const entered = [...new Set(traffic.flatMap((entry) => textOf(fieldsOf(entry).enters) ?? []))];
  const services = Object.entries(fieldsOf(world.services)).map(([name, written]): ServiceNames => {
    const service = fieldsOf(written);
    const endpoints = Object.entries(fieldsOf(service.endpoints));
    const callees = endpoints.flatMap(([, endpoint]) => listOf(fieldsOf(endpoint).calls).map(calleeOf));
    return {
      name,
      stable: textOf(service.version) ?? "v1",
      endpoints: endpoints.map(([endpoint]) => endpoint),
      replicas: typeof service.replicas === "number" ? service.replicas : DEFAULT_REPLICAS,
      zones: typeof service.zones === "number" ? service.zones : DEFAULT_ZONES,
      databases: [...new Set(callees.filter((callee) => databases.includes(callee)))],
      callees: [...new Set(callees)],
      hasCache: isFields(service.cache),
      converting: entered.includes(name) ? endpoints.flatMap(([endpoint, of]) => (parseFloat(textOf(fieldsOf(of).conversion) ?? "0") > 0 ? [endpoint] : [])) : [],
    };
  });
  return { services, databases, entered, lasts };
}

/** The service or database that a written call goes to. */
export function calleeOf(call: Value): string {
  const to = isFields(call) ? (textOf(call.to) ?? "") : (textOf(call) ?? "");
  return to.split("/")[0];
}

/** The releases of a written script, in the order in which they are written. */
export function releasesOf(script: Value | undefined): readonly ReleaseNames[] {
  return listOf(script).flatMap((item) => {
    const release = fieldsOf(item).release;
    if (!isFields(release)) return [];
    return [{ service: textOf(release.service) ?? "", version: textOf(release.version) ?? "" }];
  });
}
