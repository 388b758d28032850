// Lets a stretch of time pass in which only requests flow: what cells answered, what gauges and Little's law integrate.

import { seconds as fromSeconds, type Micros } from "../../kernel/units.js";
import type { LittlesLaw } from "../world.js";
import { watchBreaker } from "./breaker-watch.js";
import { firstMoment } from "./grid.js";
import { predecessorOf } from "./pool-building.js";
import type { Cell, Pool } from "./pool.js";
import type { ServiceState, VersionState } from "./service-state.js";
import type { Stage } from "./stage.js";
import type { Batch } from "./waiting-line.js";

export class Accrual {
  readonly #stage: Stage;
  /** By service: what Little's law is checked with. */
  readonly #arrivals: Float64Array;
  readonly #inFlightSeconds: Float64Array;
  readonly #latencySeconds: Float64Array;
  readonly #squareSeconds: Float64Array;

  readonly #settleCell: (pool: Pool, cell: Cell) => void;

  /** `settleCell` spreads what a cell has answered before its law changes. */
  constructor(stage: Stage, settleCell: (pool: Pool, cell: Cell) => void) {
    this.#stage = stage;
    this.#settleCell = settleCell;
    const { length } = stage.model.services;
    this.#arrivals = new Float64Array(length);
    this.#inFlightSeconds = new Float64Array(length);
    this.#latencySeconds = new Float64Array(length);
    this.#squareSeconds = new Float64Array(length);
  }

  littlesLaw(service: number): LittlesLaw {
    // Whoever is still in a line has no answer: neither side counts him.
    let inside = 0;
    for (const { pools } of this.#stage.services[service].versions) for (const { line } of pools) inside += line.secondsUntil(this.#stage.now());
    return { inFlightSeconds: this.#inFlightSeconds[service] - inside, arrivals: this.#arrivals[service], latencySeconds: this.#latencySeconds[service], squareSeconds: this.#squareSeconds[service] };
  }

  /** `seconds` pass; what flows amounts to `flowing` seconds of the planned rates. */
  pass(now: Micros, next: Micros, seconds: number, flowing: number): void {
    const { services, databases } = this.#stage;
    for (const service of services) {
      for (const version of service.versions) {
        this.#accrueVersion(service, version, now, next, seconds, flowing);
        for (const [callee, breaker] of version.breakers) watchBreaker(this.#stage, version, callee, breaker, next, next - now);
      }
    }
    for (const database of databases) database.accrue(now, flowing, this.#givenUp(database.model.index));
  }

  #accrueVersion(service: ServiceState, version: VersionState, now: Micros, next: Micros, seconds: number, flowing: number): void {
    const { pools } = version;
    if (pools.length === 0) {
      if (version.pages.some((pages) => pages > 0)) version.lostUntil = next;
      for (let at = 0; at < version.arrivals.length; at += 1) version.stranded[at] += version.pages[at] * flowing;
      return;
    }
    const { index } = service.model;
    for (const pool of pools) {
      if (pool.target !== null) accrueGauges(pool, seconds);
      this.#arrivals[index] += pool.arrivals * flowing;
      const wasOpen = pool.line.open;
      if (pool.kind === "serving" && pool.target !== null) {
        pool.line.follow(pool.drainSeconds, pool.moving ? firstMoment(pool.wait.waiting) : 0);
        if (wasOpen || pool.line.open) this.#followLine(index, pool, wasOpen, now, next, flowing);
      }
      const counted = pool.moving || wasOpen || pool.line.open;
      if (counted) this.#inFlightSeconds[index] += pool.inSystem * pool.replicas.length * seconds + breathing(pool) * flowing;
      for (const cell of pool.cells) {
        if (cell.rate <= 0) continue;
        if (pool.kind === "serving") {
          const answered = cell.rate * (1 - pool.refused) * flowing;
          const spent = answered * cell.answer.meanSeconds;
          if (!pool.line.open) {
            this.#latencySeconds[index] += spent;
            this.#squareSeconds[index] += answered * cell.answer.meanSquare;
          }
          if (!counted) this.#inFlightSeconds[index] += spent;
        }
        this.#accrueCell(version, pool, cell, now, next, flowing);
      }
    }
  }

  #accrueCell(version: VersionState, pool: Pool, cell: Cell, now: Micros, next: Micros, flowing: number): void {
    if (pool.kind === "silent" || pool.target === null) {
      const at = cell.slot * this.#stage.classes.count + cell.userClass;
      version.lostUntil = next;
      if (pool.kind === "silent") this.#notAnswered(version, at, cell.outside * flowing, now, next);
      else version.stranded[at] += cell.outside * flowing;
      return;
    }
    if (cell.answered === 0 && cell.refused === 0) cell.since = now;
    cell.until = next;
    cell.refused += cell.rate * pool.refused * flowing;
    if (!pool.line.open) {
      cell.answered += cell.rate * (1 - pool.refused) * flowing;
      cell.answeredPages += cell.outside * (1 - pool.refused) * flowing;
    }
    cell.refusedPages += cell.outside * pool.refused * flowing;
  }

  /** Some of those clients load their page again, when they have given up and waited. */
  #notAnswered(version: VersionState, cell: number, count: number, now: Micros, next: Micros): void {
    version.unanswered[cell] += count;
    const { clients: { timeout, reload: { share, after, max } } } = this.#stage.model.spec;
    const service = this.#stage.services[version.fleet.service.index];
    const [from, to] = [now + timeout + after, next + timeout + after];
    for (let n = 0; n < max && version.pages[cell] > 0; n += 1) {
      this.#stage.lateReloads.add({ from, to, service, version, cell, reload: n + 1, count: count * share * (version.reloads[n][cell] / version.pages[cell]) });
    }
  }

  /** Lines go on in the pools that took over; who waited at a replica that is gone gets no answer. */
  handOver(version: VersionState, before: readonly Pool[]): void {
    for (const old of before) {
      if (old.line.count <= 0) continue;
      const heirs = version.pools.filter((pool) => pool.kind === "serving" && predecessorOf(pool, before) === old);
      const claimed = heirs.reduce((sum, heir) => sum + heir.replicas.length / old.replicas.length, 0);
      for (const heir of heirs) heir.line.takeOver(old.line, heir.replicas.length / old.replicas.length / Math.max(1, claimed));
      this.#abandon(version, old, Math.max(0, 1 - claimed));
    }
  }

  #abandon(version: VersionState, { cells, line, replicas }: Pool, share: number): void {
    if (share <= 0) return;
    const now = this.#stage.now();
    this.#inFlightSeconds[version.fleet.service.index] -= line.secondsUntil(now) * share;
    const lost = replicas.some(({ silent }) => silent) ? version.unanswered : version.stranded;
    line.advance(now, now, 0, ({ pages }, part) => pages?.forEach((count, i) => {
      lost[cells[i].slot * this.#stage.classes.count + cells[i].userClass] += count * part * share;
    }));
  }

  /** Books who leaves the pool's waiting line, and lets those who come join it. */
  #followLine(index: number, pool: Pool, wasOpen: boolean, now: Micros, next: Micros, flowing: number): void {
    const { line } = pool;
    // Whoever waited already when the line opened was booked on arrival.
    if (!wasOpen) line.join(batchOf(pool, now, now, pool.waitingBefore, null, null));
    if (line.open) {
      const admitted = (rate: number): number => rate * (1 - pool.refused) * flowing;
      const cells = Float64Array.from(pool.cells, ({ rate }) => admitted(rate));
      const pages = Float64Array.from(pool.cells, ({ outside }) => admitted(outside));
      line.join(batchOf(pool, now, next, cells.reduce((sum, count) => sum + count, 0), cells, pages));
    }
    line.advance(now, next, line.open ? pool.waiting : 0, (batch, share, waited) => this.#leave(index, pool, batch, share, waited, now, next));
    if (line.open) return;
    for (const cell of pool.cells) {
      this.#settleCell(pool, cell);
      cell.leaving = null;
    }
  }

  #leave(index: number, pool: Pool, { cells, pages, wait, waitMask, waitShare }: Batch, share: number, waitedSeconds: number, now: Micros, next: Micros): void {
    if (cells === null || pages === null) return;
    const { law } = this.#stage;
    const waited = law.lasting(wait, waitedSeconds);
    pool.cells.forEach((cell, i) => {
      if (cells[i] <= 0) return;
      const answer = law.delayed(waited, cell.hold, waitMask, waitShare);
      if (answer !== cell.leaving) {
        this.#settleCell(pool, cell);
        cell.leaving = answer;
      }
      if (cell.answered === 0 && cell.refused === 0) cell.since = now;
      // Harm shows with the answer, or when patience ends: both count from the arrival, which may be before `since`.
      cell.until = next - fromSeconds(waitedSeconds);
      this.#latencySeconds[index] += cells[i] * share * answer.meanSeconds;
      this.#squareSeconds[index] += cells[i] * share * answer.meanSquare;
      cell.answered += cells[i] * share;
      cell.answeredPages += pages[i] * share;
    });
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

function batchOf({ wait, waitMask, waitShare }: Pool, from: Micros, to: Micros, count: number, cells: Float64Array | null, pages: Float64Array | null): Batch {
  return { from, to, count, cells, pages, wait, waitMask, waitShare };
}

/** The number waiting beyond the queue's mean: its slow fluctuation, which arrivals feel. A line's places have none. */
function breathing({ kind, line, breath, waitFor, wait, arrivals, refused }: Pool): number {
  if (kind !== "serving" || line.open) return 0;
  const felt = breath.levels?.felt.find(({ id }) => id === waitFor);
  if (felt === undefined || felt.waits.waitMean <= 0) return 0;
  return arrivals * (1 - refused) * firstMoment(wait.waiting) * (1 - felt.steady.waitMean / felt.waits.waitMean);
}

function accrueGauges(pool: Pool, seconds: number): void {
  const { target } = pool;
  if (target === null) return;
  const weight = pool.replicas.length * seconds;
  for (let lane = 0; lane < target.cpuSeconds.length; lane += 1) target.cpuSeconds[lane] += pool.cpu[lane] * weight;
  target.gaugedSeconds += weight;
}
