// Releases of called services whose failing calls are made again: a user meets the same version again, which cohort mixes with the others.

import type { Micros } from "../../kernel/units.js";
import { durationSampler } from "../durations.js";
import type { Effect } from "../effect.js";
import type { CallSpec, EndpointSpec, ServiceSpec, WorldSpec } from "../spec.js";
import type { WorldInput } from "../world.js";

/** Up to this quantile of a slowed service time calls count as answered in time. */
const IN_TIME = 0.999;

export interface InnerRelease {
  readonly service: string;
  readonly version: string;
  readonly effect: string;
  /** Who makes calls again that failed: the callers themselves, or clients that load their page again. */
  readonly by: string;
}

/** One effect that makes calls of one version fail, where somebody above makes failed calls again; null when there is none. */
export function innerReleases(input: WorldInput): InnerRelease[] {
  return input.spec.services.flatMap((service) => {
    const released = input.versions.filter((version) => version.service === service.name);
    if (released.length === 0) return [];
    return input.effects.flatMap((effect) => {
      const version = versionOf(effect, service);
      const by = version === null ? null : triedAgain(input.spec, service, effect);
      return version === null || by === null ? [] : [{ service: service.name, version, effect: effect.id, by }];
    }).slice(0, 1);
  });
}

/** The one version of the service that the effect concerns; null when it concerns all alike, or none. */
function versionOf({ carrier, target }: Effect, service: ServiceSpec): string | null {
  if (carrier.with !== "script") return carrier.service === service.name ? carrier.version : null;
  return target.on === "service" && target.service === service.name ? (target.version ?? null) : null;
}

/** Who tries calls again that fail by the effect; null when nobody does, or none fails. */
function triedAgain(spec: WorldSpec, service: ServiceSpec, effect: Effect): string | null {
  for (const { caller, call, endpoint } of callersOf(spec, service)) {
    if (!makesFail(spec, service, endpoint, effect, Math.min(call.timeout, spec.clients.timeout))) continue;
    if (call.retries.max > 0) return `${caller.name} calls again`;
    const above = call.optional ? null : repeats(spec, caller, new Set([service.name]));
    if (above !== null) return above;
  }
  return null;
}

/** Who makes requests to the service again that failed; each service is `seen` once, however many ways lead up to it. */
function repeats(spec: WorldSpec, service: ServiceSpec, seen: Set<string>): string | null {
  const { reload } = spec.clients;
  seen.add(service.name);
  if (reload.share > 0 && reload.max > 0 && spec.traffic.some(({ enters }) => enters === service.name)) return "clients load failed pages again";
  for (const { caller, call } of callersOf(spec, service)) {
    if (call.retries.max > 0) return `${caller.name} calls again`;
    const above = call.optional || seen.has(caller.name) ? null : repeats(spec, caller, seen);
    if (above !== null) return above;
  }
  return null;
}

interface Caller {
  readonly caller: ServiceSpec;
  readonly call: CallSpec;
  readonly endpoint: EndpointSpec;
}

function callersOf(spec: WorldSpec, service: ServiceSpec): Caller[] {
  return spec.services.flatMap((caller) => caller.endpoints.flatMap(({ calls }) => calls.flatMap((call) => {
    if (call.to.kind !== "endpoint" || call.to.service !== service.name || call.share <= 0) return [];
    const { endpoint: name } = call.to;
    return service.endpoints.filter((each) => each.name === name).map((endpoint) => ({ caller, call, endpoint }));
  })));
}

/** Whether calls of the endpoint fail by the effect, or outlast the patience of their callers. */
function makesFail(spec: WorldSpec, service: ServiceSpec, endpoint: EndpointSpec, { target, what }: Effect, patience: Micros): boolean {
  if (target.on === "service" && target.service === service.name && target.endpoint !== undefined && target.endpoint !== endpoint.name) return false;
  switch (what.kind) {
    case "errors":
    case "capacity":
    case "pool":
    case "lock":
    case "outage":
    case "kill":
    case "restart-loop":
    case "startup-failure":
    case "memory-growth":
      return true;
    case "cpu":
      return what.add > 1;
    case "latency":
      return slowest(spec, service, endpoint, target.on) * what.factor + what.add > patience;
    default:
      return false;
  }
}

/** How long the work lasts that the effect slows: the endpoint's own, that of a database, or none on a link, which only adds. */
function slowest(spec: WorldSpec, { endpoints }: ServiceSpec, { time }: EndpointSpec, on: Effect["target"]["on"]): Micros {
  if (on === "link") return 0;
  const slowed = on === "database" ? spec.databases : [{ time }, ...(on === "service" ? [] : endpoints)];
  return Math.max(0, ...slowed.map((each) => durationSampler(each.time).from(IN_TIME)));
}
