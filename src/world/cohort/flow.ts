// The mean field: rates flow down the call graph, answers flow up, until retries and refusals agree with each other.

import type { StreamKey } from "../../kernel/draws.js";
import type { Micros, Ratio } from "../../kernel/units.js";
import type { CallModel, EndpointModel, Model } from "../model.js";
import { balance } from "./balance.js";
import { Breathing, type Felt } from "./breathing.js";
import type { Conditions } from "./conditions.js";
import { atLeastOne, type DatabasePool } from "./database-pool.js";
import type { LawBook } from "./law-book.js";
import type { LateReloads } from "./late-reloads.js";
import type { Law } from "./law.js";
import { LinkLaws } from "./link-laws.js";
import type { Cell, Pool } from "./pool.js";
import type { ServiceState, VersionState } from "./service-state.js";
import type { UserClasses } from "./user-classes.js";
import { steppedService, waitOf } from "./wait.js";

export interface FlowParts {
  readonly model: Model;
  readonly book: LawBook;
  readonly services: readonly ServiceState[];
  /** Services, callers first. */
  readonly order: readonly number[];
  readonly databases: readonly DatabasePool[];
  readonly classes: UserClasses;
  readonly conditions: Conditions;
  /** Pages per second now, by traffic stream. */
  readonly rates: Float64Array;
  readonly lateReloads: LateReloads;
  /** Slow fluctuations of queues are drawn per tick of this length; null without noise. */
  readonly noise: { readonly tickSeconds: number; readonly databases: StreamKey } | null;
  /** Spreads over buckets what a cell has answered before its law changes. */
  settleCell(pool: Pool, cell: Cell): void;
}

const ITERATIONS_MAX = 6;
/** Shares that move less than this are taken as settled. */
const SETTLED = 1e-3;

export class Flow {
  readonly #parts: FlowParts;
  readonly #links: LinkLaws;
  readonly #breathing: Breathing;
  #now: Micros = 0;
  #damping = 1;
  /** What a service's versions answer and how often, while they are mixed; kept, so that a tick makes no arrays. */
  readonly #laws: Law[] = [];
  readonly #weights: number[] = [];
  #answers = 0;

  constructor(parts: FlowParts) {
    this.#parts = parts;
    this.#links = new LinkLaws(parts);
    this.#breathing = new Breathing(parts.book, parts.noise?.tickSeconds ?? null);
  }

  /** Solves the state for a stretch of `seconds` that starts now. */
  solve(now: Micros, seconds: number): void {
    this.#now = now;
    this.#parts.conditions.now = now;
    this.#breathing.now = now;
    this.#parts.lateReloads.spread(now, seconds);
    for (const service of this.#parts.services) {
      for (const version of service.versions) for (const pool of version.pools) pool.inSystemBefore = pool.inSystem;
    }
    // The first rounds jump; later ones go part of the way, so that overload does not swing for ever.
    for (let i = 0; i < ITERATIONS_MAX; i += 1) {
      this.#damping = i < 2 ? 1 : 0.5;
      this.#pushRates();
      if (this.#pullAnswers(seconds) < SETTLED) break;
    }
  }

  /** The version's pools are new ones. */
  regroup(version: VersionState): void {
    version.poolShares = version.pools.map((pool) => pool.replicas.length);
    balance(version);
  }

  // --- rates, callers first ---

  #pushRates(): void {
    const { services, order, databases } = this.#parts;
    for (const service of services) for (const version of service.versions) version.arrivals.fill(0);
    for (const database of databases) database.rate.fill(0);
    this.#pushPages();
    for (const index of order) {
      const service = services[index];
      for (const version of service.versions) {
        if (version.pools.length === 0) {
          for (const links of version.links) for (const link of links) link.rate = 0;
          continue;
        }
        this.#shareOut(version);
        this.#pushCalls(service, version);
      }
    }
  }

  /** First-hand pages by endpoint, class and split; and reloads of those that failed. */
  #pushPages(): void {
    const { model, services, classes, rates } = this.#parts;
    for (const service of services) {
      if (service.model.entry) for (const version of service.versions) version.reloads[0].fill(0);
    }
    for (const traffic of model.traffic) {
      const service = services[traffic.service];
      for (const endpoint of service.model.endpoints) {
        const before = endpoint.slot === 0 ? 0 : service.model.endpoints[endpoint.slot - 1].cumulatedShare;
        const rate = rates[traffic.index] * (endpoint.cumulatedShare - before);
        for (let k = 0; k < classes.count; k += 1) {
          const cell = endpoint.slot * classes.count + k;
          for (const version of service.versions) version.reloads[0][cell] += rate * classes.share[k] * service.shares[version.place];
        }
      }
    }
    for (const service of services) {
      if (!service.model.entry) continue;
      for (const version of service.versions) pushReloads(version, model.spec.clients.reload.share);
    }
  }

  /** A version's arrivals over its pools, as its balancer would choose. */
  #shareOut(version: VersionState): void {
    const { pools, arrivals, pages, poolShares } = version;
    const count = this.#parts.classes.count;
    for (let p = 0; p < pools.length; p += 1) {
      const pool = pools[p];
      let sum = 0;
      for (const cell of pool.cells) {
        const at = cell.slot * count + cell.userClass;
        cell.rate = arrivals[at] * poolShares[p];
        cell.outside = pages[at] * poolShares[p];
        sum += cell.rate;
      }
      pool.arrivals = sum;
    }
  }

  #pushCalls(service: ServiceState, version: VersionState): void {
    for (const links of version.links) {
      for (const link of links) {
        link.before = link.rate;
        link.rate = 0;
      }
    }
    for (const pool of version.pools) {
      if (pool.kind !== "serving") continue;
      for (const cell of pool.cells) {
        const started = cell.rate * (1 - pool.refused);
        if (started <= 0) continue;
        for (const call of service.model.endpoints[cell.slot].calls) {
          const link = version.linkOf(call)[cell.userClass];
          link.rate += started * cell.attempts[call.position];
        }
      }
    }
    for (const endpoint of service.model.endpoints) {
      for (const call of endpoint.calls) {
        const links = version.linkOf(call);
        for (let k = 0; k < links.length; k += 1) {
          const link = links[k];
          link.rate = link.before + (link.rate - link.before) * this.#damping;
          if (link.rate > 0) this.#pushCall(version, call, k, link.rate * link.reaching);
        }
      }
    }
  }

  #pushCall(version: VersionState, call: CallModel, userClass: number, rate: number): void {
    const { services, databases, classes, model } = this.#parts;
    const { index } = version.fleet.version;
    if (call.database >= 0) {
      databases[call.database].rate[index] += rate;
      return;
    }
    const callee = services[call.service];
    const to = model.endpoints[call.endpoint].slot * classes.count + classes.calledBy(userClass, index);
    for (const target of callee.versions) target.arrivals[to] += rate * callee.shares[target.place];
  }

  // --- answers, callees first ---

  /** From the databases up to the entry; returns how much the flows still move. */
  #pullAnswers(seconds: number): number {
    const { services, order, databases, book } = this.#parts;
    let moved = 0;
    for (const database of databases) {
      this.#links.ofQueries(database, this.#now);
      const key = this.#parts.noise?.databases ?? null;
      database.update(book, this.#now, (queue, mean, variation) =>
        this.#breathing.felt(queue, database.load, database.breath, key, 1 + database.model.index, mean, variation, 0));
    }
    for (let i = order.length - 1; i >= 0; i -= 1) {
      const service = services[order[i]];
      for (const version of service.versions) {
        if (version.pools.length === 0) {
          if (service.model.entry) moved = Math.max(moved, this.#nobodyThere(version));
          continue;
        }
        this.#links.ofCalls(service, version, this.#now);
        for (const pool of version.pools) moved = Math.max(moved, this.#poolLaws(service, version, pool, seconds));
        balance(version);
        if (service.model.entry) moved = Math.max(moved, this.#pageFailures(version));
      }
      this.#serviceAnswers(service);
    }
    return moved;
  }

  #poolLaws(service: ServiceState, version: VersionState, pool: Pool, seconds: number): number {
    const { book, conditions } = this.#parts;
    if (pool.kind !== "serving") {
      this.#deadLaws(version, pool);
      return 0;
    }
    conditions.apply(version, pool);
    let weight = 0;
    let mean = 0;
    let square = 0;
    let own = 0;
    let slow = 0;
    let ownSlow = 0;
    let moved = 0;
    let slowMask = 0;
    let ownMask = 0;
    for (const cell of pool.cells) {
      moved = Math.max(moved, this.#cellHold(service, version, cell));
      const rate = cell.rate > 0 ? cell.rate : 1e-9;
      weight += rate;
      mean += rate * cell.hold.meanSeconds;
      square += rate * cell.hold.meanSquare;
      own += rate * cell.own.meanSeconds;
      slow += rate * cell.hold.slowSeconds;
      ownSlow += rate * cell.own.slowSeconds;
      if (cell.rate > 0) {
        slowMask |= cell.hold.slowMask;
        ownMask |= cell.own.slowMask;
      }
    }
    const { slots, replicas } = pool.queue.shape;
    const lost = version.fleet.lossMask;
    pool.waitMask = slowMask | pool.capacityMask | lost;
    pool.waitShare = (pool.capacityMask | lost) !== 0 ? 1 : atLeastOne(slow / mean, slots);
    pool.blame = pool.waitShare > 0.5 ? pool.waitMask : 0;
    pool.ownSeconds = own / weight;
    pool.serviceSeconds = mean / weight;
    pool.slowedMask = ownMask;
    pool.slowedShare = own > 0 ? ownSlow / own : 0;
    const refusedBefore = pool.refused;
    const loadBefore = pool.load;
    pool.settle(pool.arrivals, pool.serviceSeconds, seconds);
    const stepped = steppedService(mean / weight, square / weight);
    const felt = this.#breathing.felt(pool.queue, pool.load, pool.breath, pool.key, 0, stepped.mean, stepped.variation, this.#echo(service));
    if (felt.waits !== felt.steady && felt.steady.refused > 0) pool.refused = Math.min(1, (pool.refused * felt.waits.refused) / felt.steady.refused);
    if (pool.waitFor !== felt.id || pool.waitMean !== stepped.mean || pool.waitVariation !== stepped.variation) this.#newWait(pool, felt, stepped.mean, stepped.variation);
    pool.working = Math.min(1, ((pool.arrivals / replicas) * (1 - pool.refused) * pool.ownSeconds) / slots);
    for (const cell of pool.cells) {
      const answer = book.delayed(pool.wait, cell.hold, pool.waitMask, pool.waitShare);
      if (answer === cell.answer) continue;
      this.#parts.settleCell(pool, cell);
      cell.answer = answer;
    }
    return Math.max(moved, Math.abs(pool.refused - refusedBefore), Math.abs(pool.load - loadBefore) > 1 ? 1 : 0);
  }

  /** A method of its own: the locals that a closure captures go to the heap at every call, whether it is made or not. */
  #newWait(pool: Pool, felt: Felt, mean: number, variation: number): void {
    const { replicas, inTurn } = pool.queue.shape;
    pool.wait = this.#parts.book.named(`wait ${felt.id} ${mean} ${variation}`, () => waitOf(felt, mean, variation, inTurn ? 1 / replicas : 1));
    pool.waitFor = felt.id;
    pool.waitMean = mean;
    pool.waitVariation = variation;
  }

  /** Share of refused pages that are loaded again. */
  #echo(service: ServiceState): Ratio {
    const { reload } = this.#parts.model.spec.clients;
    return service.model.entry && reload.max > 0 ? reload.share : 0;
  }

  #deadLaws(version: VersionState, pool: Pool): void {
    const { book } = this.#parts;
    const law = pool.kind === "refusing" ? book.refused(version.fleet.lossMask) : book.neverAnswers(pool.blame);
    for (const cell of pool.cells) {
      cell.answer = law;
      cell.hold = law;
    }
  }

  /** Own work, then each call in its order; notes how many attempts each call costs. */
  #cellHold(service: ServiceState, version: VersionState, cell: Cell): number {
    const { book } = this.#parts;
    let hold = cell.own;
    let reached = cell.own.okShare;
    let moved = 0;
    for (const call of service.model.endpoints[cell.slot].calls) {
      const link = version.linkOf(call)[cell.userClass];
      hold = book.sequence(hold, link.law);
      const attempts = reached * link.attempts;
      moved = Math.max(moved, Math.abs(attempts - cell.attempts[call.position]));
      cell.attempts[call.position] = attempts;
      reached *= 1 - link.fails;
    }
    cell.hold = hold;
    return moved;
  }

  /** Every page that still comes is refused, and loaded again like any other that fails. */
  #nobodyThere({ pages, pageFails }: VersionState): number {
    if (this.#parts.model.spec.clients.reload.share === 0) return 0;
    let moved = 0;
    for (let i = 0; i < pageFails.length; i += 1) {
      if (pages[i] <= 0) continue;
      moved = Math.max(moved, 1 - pageFails[i]);
      pageFails[i] = 1;
    }
    return moved;
  }

  #pageFailures(version: VersionState): number {
    const { book, classes, model } = this.#parts;
    if (model.spec.clients.reload.share === 0) return 0;
    const { pools, pageFails, pageFailsBefore, poolShares } = version;
    pageFailsBefore.set(pageFails);
    pageFails.fill(0);
    for (let p = 0; p < pools.length; p += 1) {
      const { kind, cells, refused } = pools[p];
      // Who gets no answer comes again late.
      if (kind === "silent") continue;
      for (const cell of cells) {
        const seen = book.attempt(cell.answer, model.spec.clients.timeout);
        pageFails[cell.slot * classes.count + cell.userClass] += poolShares[p] * (refused + (1 - refused) * seen.failShare);
      }
    }
    let moved = 0;
    for (let i = 0; i < pageFails.length; i += 1) moved = Math.max(moved, Math.abs(pageFails[i] - pageFailsBefore[i]));
    return moved;
  }

  /** What callers of the service get, whichever version their user has. */
  #serviceAnswers(service: ServiceState): void {
    if (!service.called) return;
    const { book, classes } = this.#parts;
    for (const endpoint of service.model.endpoints) {
      for (let k = 0; k < classes.count; k += 1) {
        this.#answers = 0;
        for (const version of service.versions) {
          const share = service.shares[version.place];
          if (share > 0) this.#versionAnswers(version, endpoint, k, share);
        }
        if (this.#answers > 0) service.answers[endpoint.slot * classes.count + k] = book.mixture(this.#laws, this.#weights, this.#answers);
      }
    }
  }

  #versionAnswers(version: VersionState, endpoint: EndpointModel, k: number, share: number): void {
    const { book, classes } = this.#parts;
    if (version.pools.length === 0) {
      this.#mixIn(book.refused(version.fleet.lossMask), share);
      return;
    }
    for (let p = 0; p < version.pools.length; p += 1) {
      const { cells, refused, blame } = version.pools[p];
      const { answer } = cells[endpoint.slot * classes.count + k];
      this.#mixIn(refused > 0 ? book.blend(answer, book.refused(blame), refused) : answer, share * version.poolShares[p]);
    }
  }

  #mixIn(law: Law, weight: number): void {
    this.#laws[this.#answers] = law;
    this.#weights[this.#answers] = weight;
    this.#answers += 1;
  }

}

/** Of the pages that fail a share is loaded again, up to the most reloads. */
function pushReloads(version: VersionState, share: number): void {
  const { arrivals, pages, reloads, late, pageFails } = version;
  for (let cell = 0; cell < arrivals.length; cell += 1) {
    let sum = reloads[0][cell];
    for (let n = 1; n < reloads.length; n += 1) {
      reloads[n][cell] = reloads[n - 1][cell] * pageFails[cell] * share + late[n][cell];
      sum += reloads[n][cell];
    }
    pages[cell] = sum;
    arrivals[cell] += sum;
  }
}
