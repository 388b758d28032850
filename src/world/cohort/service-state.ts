// One service in the cohort world: its versions' fleets, the split between them, their pools and rates.

import { alike } from "../../kernel/alike.js";
import type { Micros, Ratio } from "../../kernel/units.js";
import { Autoscaler } from "../autoscaling.js";
import type { CallModel, ServiceModel } from "../model.js";
import type { BreakerState } from "./breaker-state.js";
import type { CallLink } from "./call-link.js";
import type { Fleet } from "./fleet.js";
import { INSTANT, type Law } from "./law.js";
import type { Pool } from "./pool.js";
import type { ServiceTarget } from "./service-target.js";

/** A version within its service. Cells are numbered slot x classes + class. */
export class VersionState {
  pools: readonly Pool[] = [];
  /** Share of the version's requests that each of its pools gets. */
  poolShares: number[] = [];
  /** The target that shows all replicas that are not singled out. */
  main: ServiceTarget | null = null;
  /** Arrivals per second by cell; those of them that are clients' pages; and pages by number of reloads. */
  readonly arrivals: Float64Array;
  readonly pages: Float64Array;
  readonly reloads: Float64Array[];
  /** Those of them that come late, because nobody answered. */
  readonly late: readonly Float64Array[];
  /** Share of pages that fail at the edge, by cell. */
  readonly pageFails: Float64Array;
  /** The same one round of the fixed point before. */
  readonly pageFailsBefore: Float64Array;
  /** Pages that no replica could take, since the last draw, by cell. */
  readonly stranded: Float64Array;
  /** Pages that will not be answered, by cell, since the last draw. */
  readonly unanswered: Float64Array;
  /** Until when such pages came. */
  lostUntil: Micros = 0;
  /** Releases that silenced replicas, and those that keep replicas down. */
  silentMask = 0;
  lossMask = 0;
  /** Share of orders that conversion effects leave, those of the script alone, and whose the others are, by cell. */
  readonly conversionKept: Float64Array;
  readonly conversionKeptByFaults: Float64Array;
  readonly conversionMask: Int32Array;
  /** Per call of the service (in its order over the endpoints) and class. */
  readonly links: readonly (readonly CallLink[])[];
  readonly #firstCall: number;
  readonly breakers: ReadonlyMap<number, BreakerState>;
  stale = true;

  constructor(readonly fleet: Fleet, readonly place: number, cells: number, reloadsMax: number,
    links: readonly (readonly CallLink[])[], firstCall: number, breakers: ReadonlyMap<number, BreakerState>) {
    this.arrivals = new Float64Array(cells);
    this.pages = new Float64Array(cells);
    this.late = alike(Array.from({ length: reloadsMax + 1 }, () => new Float64Array(cells)));
    this.reloads = alike(Array.from({ length: reloadsMax + 1 }, () => new Float64Array(cells)));
    this.pageFails = new Float64Array(cells);
    this.pageFailsBefore = new Float64Array(cells);
    this.stranded = new Float64Array(cells);
    this.unanswered = new Float64Array(cells);
    this.conversionKept = new Float64Array(cells).fill(1);
    this.conversionKeptByFaults = new Float64Array(cells).fill(1);
    this.conversionMask = new Int32Array(cells);
    this.links = links;
    this.#firstCall = firstCall;
    this.breakers = breakers;
  }

  /** The call's links, by class; a service's calls are numbered one after the other. */
  linkOf(call: CallModel): readonly CallLink[] {
    return this.links[call.index - this.#firstCall];
  }
}

export class ServiceState {
  /** Set weights and the users' real shares, by place. */
  weights: readonly Ratio[];
  shares: readonly number[];
  /** What callers get, by cell. */
  readonly answers: Law[];
  readonly autoscaler: Autoscaler | null;

  /** `called`: other services call it. */
  constructor(readonly model: ServiceModel, readonly versions: readonly VersionState[], cells: number, readonly called: boolean) {
    this.weights = alike(versions.map((_, place) => (place === 0 ? 1 : 0)));
    this.shares = this.weights;
    this.answers = new Array<Law>(cells).fill(INSTANT);
    const { autoscale } = model.spec;
    this.autoscaler = autoscale === null ? null : new Autoscaler(autoscale);
  }
}

/** Callers first: every service comes before those that it calls. */
export function topologicalOrder(services: readonly ServiceModel[]): number[] {
  const order: number[] = [];
  const seen = new Set<number>();
  const visit = (index: number): void => {
    if (seen.has(index)) return;
    seen.add(index);
    for (const endpoint of services[index].endpoints) {
      for (const call of endpoint.calls) if (call.service >= 0) visit(call.service);
    }
    order.push(index);
  };
  for (const service of services) visit(service.index);
  return order.reverse();
}
