// Finds effects that can touch nothing: on a zone, a replica, a call, a cache or an order that the world does not have.

import type { Effect, EffectTarget } from "../world/effect.js";
import type { ServiceSpec, WorldSpec } from "../world/spec.js";
import type { Place } from "./findings.js";
import { adviseName } from "./nearest.js";

/** Why an effect touches nothing: at which key that is written, and what to write instead. */
interface Miss {
  readonly key: "on" | "zone" | "replica";
  readonly message: string;
  readonly instead: string;
}

/**
 * Reports every effect that could never show, for a run would tell of it and nothing would have happened. The world
 * must be well: what is missing in it for another reason would be said twice.
 */
export function reportUnreached(effects: readonly Effect[], places: ReadonlyMap<string, Place>, world: WorldSpec): void {
  for (const effect of effects) {
    const miss = missOf(effect, world);
    const place = places.get(effect.id);
    if (miss === null || place === undefined) continue;
    const written = [miss.key, "on", "zone"].find((key) => place.keys.includes(key));
    (written === undefined ? place : place.in(written)).wrong(miss.message, miss.instead);
  }
}

function missOf(effect: Effect, world: WorldSpec): Miss | null {
  const { target } = effect;
  switch (target.on) {
    case "zone":
      return missingZone(target.zone, "the world", Math.max(...world.services.map(({ zones }) => zones)));
    case "service":
      return missAtService(effect, target, world);
    case "link":
      return missingCall(effect, target, world);
    case "database":
      return missingQuery(effect, target.database, world);
    case "traffic":
      return missingTraffic(target.enters, world);
    case "telemetry":
    case "flag-service":
    case "platform":
      return null;
  }
}

function missingZone(zone: number, whose: string, zones: number): Miss | null {
  if (zone < zones) return null;
  return { key: "zone", message: `${whose} has no zone ${zone}`, instead: zones === 1 ? "write zone 0: there is no other" : `write zone 0 to ${zones - 1}` };
}

/** Replicas are numbered in each version from 0; a version has at most as many at a time as its service. */
function missingReplica(replica: number, { name, replicas, autoscale }: ServiceSpec): Miss | null {
  const most = Math.max(replicas, autoscale?.max ?? 0);
  if (replica < most) return null;
  return { key: "replica", message: `\`${name}\` has no replica ${replica}`, instead: most === 1 ? "write replica 0: there is no other" : `write replica 0 to ${most - 1}` };
}

function missAtService({ what }: Effect, target: Extract<EffectTarget, { on: "service" }>, world: WorldSpec): Miss | null {
  const service = world.services.find(({ name }) => name === target.service);
  if (service === undefined) return null;
  const zone = target.zone === undefined ? null : missingZone(target.zone, `\`${service.name}\``, service.zones);
  if (zone !== null) return zone;
  const replica = target.replica === undefined ? null : missingReplica(target.replica, service);
  if (replica !== null) return replica;
  if (what.kind === "cache-cold" && service.cache === null) {
    const cached = world.services.filter(({ cache }) => cache !== null).map(({ name }) => name);
    return { key: "on", message: `\`${service.name}\` has no cache`, instead: cached.length === 0 ? "give a service of the world a `cache`" : adviseName(service.name, cached, "services with a cache") };
  }
  return what.kind === "conversion" ? missingOrders(service, target.endpoint, world) : null;
}

/** Endpoints whose pages end in orders: only those that clients load. */
function converting({ name, endpoints }: ServiceSpec, { traffic }: WorldSpec): readonly string[] {
  return traffic.some(({ enters }) => enters === name) ? endpoints.filter(({ conversion }) => conversion > 0).map((endpoint) => `${name}/${endpoint.name}`) : [];
}

function missingOrders(service: ServiceSpec, endpoint: string | undefined, world: WorldSpec): Miss | null {
  const here = converting(service, world);
  const on = endpoint === undefined ? service.name : `${service.name}/${endpoint}`;
  if (endpoint === undefined ? here.length > 0 : here.includes(on)) return null;
  const all = world.services.flatMap((each) => converting(each, world));
  return { key: "on", message: `nothing converts at \`${on}\``, instead: all.length === 0 ? "give an endpoint that clients load a `conversion`" : listed(all, "endpoints that convert") };
}

/** The world's calls as links, each once. */
function linksOf({ services }: WorldSpec): readonly string[] {
  return [...new Set(services.flatMap(({ name, endpoints }) =>
    endpoints.flatMap(({ calls }) => calls.map(({ to }) => linkText(name, to.kind === "endpoint" ? to.service : to.database)))))];
}

const linkText = (from: string, to: string): string => `${from} -> ${to}`;

function missingCall({ carrier }: Effect, { from, to }: Extract<EffectTarget, { on: "link" }>, world: WorldSpec): Miss | null {
  const all = linksOf(world);
  const wanted = linkText(from, to);
  const carried = carrier.with === "script" ? null : carrier.service;
  if (all.includes(wanted) && (carried === null || carried === from)) return null;
  const possible = carried === null ? all : all.filter((link) => link.startsWith(linkText(carried, "")));
  if (all.includes(wanted)) return { key: "on", message: `a defect of \`${carried}\` is not in the calls of \`${from}\``, instead: listed(possible, "calls") };
  const reverse = linkText(to, from);
  const near = possible.filter((link) => link.startsWith(linkText(from, "")));
  return { key: "on", message: `\`${from}\` never calls \`${to}\``, instead: possible.includes(reverse) ? `write ${reverse}` : listed(near.length > 0 ? near : possible, "calls") };
}

/** Errors and slowness of a database show on queries; a release's only on those that its own service makes. */
function missingQuery({ what, carrier }: Effect, database: string, world: WorldSpec): Miss | null {
  const links = linksOf(world);
  const callers = world.services.map(({ name }) => name).filter((name) => links.includes(linkText(name, database)));
  if (callers.length === 0) return { key: "on", message: `nothing asks the database \`${database}\``, instead: "name it in the `calls` of an endpoint" };
  if (carrier.with === "script" || (what.kind !== "errors" && what.kind !== "latency") || callers.includes(carrier.service)) return null;
  const own = world.databases.map(({ name }) => name).filter((name) => links.includes(linkText(carrier.service, name)));
  return { key: "on", message: `\`${carrier.service}\` never asks \`${database}\``, instead: own.length === 0 ? "write it as a fault, or on the service itself" : listed(own, "databases") };
}

function missingTraffic(enters: string | undefined, { traffic }: WorldSpec): Miss | null {
  const entered = [...new Set(traffic.map((stream) => stream.enters))];
  if (enters === undefined || entered.includes(enters)) return null;
  return { key: "on", message: `no traffic enters \`${enters}\``, instead: `write traffic ${entered[0] ?? ""}`.trim() };
}

/** What there is to choose from: names that are no misspelling of what was written. */
function listed(names: readonly string[], noun: string): string {
  if (names.length === 0) return `there are no ${noun} to name here`;
  const shown = names.slice(0, 8).map((name) => `\`${name}\``).join(", ");
  return `${noun}: ${shown}${names.length > 8 ? `, and ${names.length - 8} more` : ""}`;
}
