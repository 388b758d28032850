// How busy a database's connections are expected to be, read off the input before anything runs.

import { MICROS_PER_SECOND, toSeconds, type Micros, type Ratio } from "../../kernel/units.js";
import { concernsQuery, inWindow, type EffectModel } from "../active-effects.js";
import { compileModel, type DatabaseModel, type EndpointModel, type Model } from "../model.js";
import { rateCurve, type RateCurve } from "../traffic.js";
import type { WorldInput } from "../world.js";
import { callersFirst, ratesDown } from "./endpoint-rates.js";

/** A stretch in which a database's connections are busier than some limit. */
export interface BusyStretch {
  readonly database: string;
  readonly from: Micros;
  readonly to: Micros;
  /** Work that arrives over what the connections left can do, at the worst moment. */
  readonly busiest: Ratio;
}

/**
 * The worst stretch of each database in which more than `limit` of its connections' time is asked for. Retries, reloads
 * and breakers are left out; a release's effects count as if it had all the traffic, as the truth's twins play it. Without any
 * connection left there is no queue either: every query waits for its limit.
 */
export function busyDatabases(input: WorldInput, limit: Ratio): BusyStretch[] {
  if (input.spec.databases.length === 0) return [];
  const model = compileModel(input);
  const curves = model.traffic.map((traffic) => rateCurve(model, traffic, input.horizon, true));
  const order = callersFirst(model);
  const times = boundaries(model, curves, input.horizon);
  const open = new Map<number, BusyStretch>();
  const worst = new Map<number, BusyStretch>();
  for (let i = 0; i + 1 < times.length; i += 1) {
    const [from, to] = [times[i], times[i + 1]];
    const [first, last] = [queryRates(model, order, curves, from), queryRates(model, order, curves, Math.max(from, to - 1))];
    for (const database of model.databases) {
      const { index } = database;
      const busy = Math.max(busyOf(model, database, first[index], from), busyOf(model, database, last[index], from));
      if (busy <= limit) {
        open.delete(index);
        continue;
      }
      const before = open.get(index);
      const stretch = { database: database.spec.name, from: before?.from ?? from, to, busiest: Math.max(busy, before?.busiest ?? 0) };
      open.set(index, stretch);
      if (stretch.busiest >= (worst.get(index)?.busiest ?? 0)) worst.set(index, stretch);
    }
  }
  return [...worst.values()];
}

/** Every time at which an effect begins or ends, or a rate bends; the last is the horizon. */
export function boundaries(model: Model, curves: readonly RateCurve[], horizon: Micros): Micros[] {
  const times = new Set<Micros>([0, horizon]);
  for (const { from, to } of model.effects) for (const at of [from, to]) if (at > 0 && at < horizon) times.add(at);
  for (const { starts } of curves) for (const at of starts) if (at > 0 && at < horizon) times.add(at);
  return [...times].sort((a, b) => a - b);
}

/** Queries per second, by database and calling service. */
function queryRates(model: Model, order: readonly EndpointModel[], curves: readonly RateCurve[], at: Micros): readonly Float64Array[] {
  const queries = model.databases.map(() => new Float64Array(model.services.length));
  const pages = pagesInto(model, curves, at);
  const rates = ratesDown(order, ({ service, spec }) => pages[service] * spec.share, (call) => call.share);
  for (const service of model.services) {
    const through = throughput(model, service.index, rates);
    for (const endpoint of service.endpoints) {
      for (const call of endpoint.calls) {
        if (call.database >= 0) queries[call.database][service.index] += rates[endpoint.index] * call.share * through;
      }
    }
  }
  return queries;
}

/** A burst's rate over the mean that a curve without noise has. */
function burstOver(bursts: { readonly every: Micros; readonly lasts: Micros; readonly factor: number } | null): number {
  return bursts === null ? 1 : bursts.factor / (1 + (bursts.factor - 1) * Math.min(1, bursts.lasts / bursts.every));
}

/** Pages per second by the service that they enter, at the height of its bursts. */
export function pagesInto(model: Model, curves: readonly RateCurve[], at: Micros): Float64Array {
  const pages = new Float64Array(model.services.length);
  for (const traffic of model.traffic) pages[traffic.service] += curves[traffic.index].rate(at) * burstOver(traffic.spec.bursts);
  return pages;
}

/** The share of a service's requests that its slots can take at most: whatever more comes is refused, and asks nothing. */
function throughput(model: Model, service: number, rates: Float64Array): Ratio {
  const { spec, endpoints } = model.services[service];
  let work = 0;
  for (const endpoint of endpoints) work += rates[endpoint.index] * toSeconds(endpoint.time.mean);
  return Math.min(1, (Math.max(spec.replicas, spec.autoscale?.max ?? 0) * spec.slots) / Math.max(work, 1e-9));
}

/** Seconds of queries per second and connection left. */
function busyOf(model: Model, database: DatabaseModel, rates: Float64Array, at: Micros): Ratio {
  const active = model.effects.filter((effect) => inWindow(effect, at));
  let connections = database.spec.pool;
  for (const { effect, database: on } of active) if (on === database.index && effect.what.kind === "pool") connections -= effect.what.taken;
  if (Math.round(connections) <= 0) return 0;
  let work = 0;
  for (const service of model.services) work += rates[service.index] * querySeconds(model, database, service.index, active);
  return work / Math.round(connections);
}

function querySeconds(model: Model, database: DatabaseModel, service: number, active: readonly EffectModel[]): number {
  let [factor, add] = [1, 0];
  for (const effect of active) {
    const { what } = effect.effect;
    if (what.kind !== "latency") continue;
    if (!model.services[service].versions.some((version) => concernsQuery(effect, model.versions[version], database.index))) continue;
    factor *= what.factor;
    add += what.add;
  }
  return (database.time.mean * factor + add) / MICROS_PER_SECOND;
}
