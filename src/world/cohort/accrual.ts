// Lets a stretch of time pass in which only requests flow: what cells answered, what gauges and Little's law integrate.

import type { Micros } from "../../kernel/units.js";
import { watchBreaker } from "./breaker-watch.js";
import type { Cell, Pool } from "./pool.js";
import type { ServiceState, VersionState } from "./service-state.js";
import type { Stage } from "./stage.js";

export class Accrual {
  readonly #stage: Stage;
  /** By service: what Little's law is checked with. */
  readonly #arrivals: Float64Array;
  readonly #inFlightSeconds: Float64Array;
  readonly #latencySeconds: Float64Array;

  constructor(stage: Stage) {
    this.#stage = stage;
    const { length } = stage.model.services;
    this.#arrivals = new Float64Array(length);
    this.#inFlightSeconds = new Float64Array(length);
    this.#latencySeconds = new Float64Array(length);
  }

  littlesLaw(service: number): { readonly inFlightSeconds: number; readonly arrivals: number; readonly latencySeconds: number } {
    return { inFlightSeconds: this.#inFlightSeconds[service], arrivals: this.#arrivals[service], latencySeconds: this.#latencySeconds[service] };
  }

  /** `seconds` pass; what flows amounts to `flowing` seconds of the planned rates. */
  pass(now: Micros, next: Micros, seconds: number, flowing: number): void {
    const { services, databases } = this.#stage;
    for (const service of services) {
      for (const version of service.versions) {
        this.#accrueVersion(service, version, now, seconds, flowing);
        for (const [callee, breaker] of version.breakers) watchBreaker(this.#stage, version, callee, breaker, next, next - now);
      }
    }
    for (const database of databases) database.accrue(now, flowing, this.#givenUp(database.model.index));
  }

  #accrueVersion(service: ServiceState, version: VersionState, now: Micros, seconds: number, flowing: number): void {
    const { pools } = version;
    if (pools.length === 0) {
      for (let at = 0; at < version.arrivals.length; at += 1) version.stranded[at] += version.pages[at] * flowing;
      return;
    }
    const { index } = service.model;
    for (const pool of pools) {
      if (pool.target !== null) accrueGauges(pool, seconds);
      this.#arrivals[index] += pool.arrivals * flowing;
      if (pool.moving) this.#inFlightSeconds[index] += pool.inSystem * pool.replicas.length * seconds;
      for (const cell of pool.cells) {
        if (cell.rate <= 0) continue;
        if (pool.kind === "serving") {
          const spent = cell.rate * (1 - pool.refused) * cell.answer.meanSeconds * flowing;
          this.#latencySeconds[index] += spent;
          if (!pool.moving) this.#inFlightSeconds[index] += spent;
        }
        this.#accrueCell(version, pool, cell, now, flowing);
      }
    }
  }

  #accrueCell(version: VersionState, pool: Pool, cell: Cell, now: Micros, flowing: number): void {
    if (pool.kind === "silent" || pool.target === null) {
      const at = cell.slot * this.#stage.classes.count + cell.userClass;
      if (pool.kind === "silent") version.unanswered[at] += cell.outside * flowing;
      else version.stranded[at] += cell.outside * flowing;
      return;
    }
    if (cell.answered === 0 && cell.refused === 0) cell.since = now;
    cell.answered += cell.rate * (1 - pool.refused) * flowing;
    cell.refused += cell.rate * pool.refused * flowing;
    cell.answeredPages += cell.outside * (1 - pool.refused) * flowing;
    cell.refusedPages += cell.outside * pool.refused * flowing;
  }

  /** Queries per second whose callers gave up. */
  #givenUp(database: number): number {
    let givenUp = 0;
    for (const version of this.#stage.versions) {
      for (const links of version.links) for (const link of links) if (link.call.database === database) givenUp += link.rate * link.timedOut;
    }
    return givenUp;
  }
}

function accrueGauges(pool: Pool, seconds: number): void {
  const { target } = pool;
  if (target === null) return;
  const weight = pool.replicas.length * seconds;
  for (let lane = 0; lane < target.cpuSeconds.length; lane += 1) target.cpuSeconds[lane] += pool.cpu[lane] * weight;
  target.gaugedSeconds += weight;
}
