// The mean field: rates flow down the call graph, answers flow up, until retries and refusals agree with each other.

import type { StreamKey } from "../../kernel/draws.js";
import { exactExp } from "../../kernel/exact.js";
import { toSeconds, type Micros } from "../../kernel/units.js";
import { concernsLink, concernsQuery, inWindow, type EffectModel } from "../active-effects.js";
import type { CallModel, EndpointModel, Model } from "../model.js";
import type { CallLink } from "./call-link.js";
import type { Conditions } from "./conditions.js";
import { atLeastOne, type DatabasePool } from "./database-pool.js";
import { forgetting, levelOf, levelsAt, nextDeviation, sigmaOf, waitSpread, type Breath, type Levels } from "./fluctuation.js";
import { quantisedShare, type LawBook } from "./law-book.js";
import type { Law } from "./law.js";
import { workLaw, workName, type ErrorSource, type WorkConditions } from "./own-work.js";
import type { Cell, Pool } from "./pool.js";
import type { QueueModel } from "./queue-model.js";
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
  /** By version x callees + callee: effects on the link; by database x versions + version: effects on its queries. */
  readonly #onLink: readonly (readonly EffectModel[])[];
  readonly #onQuery: readonly (readonly EffectModel[])[];
  readonly #callees: number;
  #now: Micros = 0;
  #damping = 1;

  constructor(parts: FlowParts) {
    this.#parts = parts;
    const { versions, services, databases, effects } = parts.model;
    this.#callees = services.length + databases.length;
    const kinds = effects.filter(({ kind }) => kind === "errors" || kind === "latency" || kind === "outage");
    this.#onLink = versions.flatMap((version) => Array.from({ length: this.#callees }, (_, callee) =>
      kinds.filter((effect) => concernsLink(effect, version, callee))));
    this.#onQuery = databases.flatMap((database) => versions.map((version) =>
      kinds.filter((effect) => concernsQuery(effect, version, database.index))));
  }

  /** Solves the state for a stretch of `seconds` that starts now. */
  solve(now: Micros, seconds: number): void {
    this.#now = now;
    this.#parts.conditions.now = now;
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
    this.#balance(version);
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
        if (version.pools.length === 0) continue;
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
      this.#queryLaws(database);
      const key = this.#parts.noise?.databases ?? null;
      database.update(book, this.#now, (queue, mean, variation) =>
        this.#felt(queue, database.load, database.breath, key, 1 + database.model.index, mean, variation));
    }
    for (let i = order.length - 1; i >= 0; i -= 1) {
      const service = services[order[i]];
      for (const version of service.versions) {
        if (version.pools.length === 0) continue;
        this.#linkLaws(service, version);
        for (const pool of version.pools) moved = Math.max(moved, this.#poolLaws(service, version, pool, seconds));
        this.#balance(version);
        if (service.model.entry) moved = Math.max(moved, this.#pageFailures(version));
      }
      this.#serviceAnswers(service);
    }
    return moved;
  }

  #queryLaws(database: DatabasePool): void {
    const { model, book, conditions } = this.#parts;
    for (const version of model.versions) {
      const effects = this.#onQuery[database.model.index * model.versions.length + version.index];
      database.silent[version.index] = -1;
      if (effects.length === 0) continue;
      let [factor, add, mask] = [1, 0, 0];
      const errors: ErrorSource[] = [{ ratio: database.model.spec.errors, bit: 0 }];
      for (const effect of effects) {
        const share = inWindow(effect, this.#now) ? conditions.flagShare(effect) : 0;
        if (share <= 0) continue;
        const { what } = effect.effect;
        if (what.kind === "latency") {
          factor *= 1 + (what.factor - 1) * share;
          add += toSeconds(what.add) * share;
          mask |= effect.bit;
        } else if (what.kind === "errors") errors.push({ ratio: what.ratio * share, bit: effect.bit });
        else if (what.kind === "outage" && effect.carrierVersion >= 0) database.silent[version.index] = effect.bit;
      }
      const work: WorkConditions = { time: database.model.spec.time, factor, addSeconds: add, mask, errors, miss: null };
      database.own[version.index] = book.named(workName(-1 - database.model.index, work), () => workLaw(work));
    }
  }

  #linkLaws(service: ServiceState, version: VersionState): void {
    const { services, databases, classes, model } = this.#parts;
    const { index } = version.fleet.version;
    for (const endpoint of service.model.endpoints) {
      for (const call of endpoint.calls) {
        const links = version.linkOf(call);
        for (let k = 0; k < classes.count; k += 1) {
          const law = call.database >= 0
            ? databases[call.database].answer[index]
            : services[call.service].answers[model.endpoints[call.endpoint].slot * classes.count + classes.calledBy(k, index)];
          this.#updateLink(version, links[k], k, law);
        }
      }
    }
  }

  #updateLink(version: VersionState, link: CallLink, userClass: number, callee: Law): void {
    const { classes, book, conditions } = this.#parts;
    const { call } = link;
    let law = callee;
    link.reaching = 1;
    for (const effect of this.#onLink[version.fleet.version.index * this.#callees + call.callee]) {
      if (!inWindow(effect, this.#now) || !classes.meets(userClass, effect)) continue;
      const share = quantisedShare(conditions.flagShare(effect));
      const { what } = effect.effect;
      if (share <= 0) continue;
      if (what.kind === "outage") {
        law = book.blend(law, book.neverAnswers(effect.bit), share);
        link.reaching *= 1 - share;
      } else if (what.kind === "errors") {
        law = book.blend(law, book.refused(effect.bit), what.ratio * share);
        link.reaching *= 1 - what.ratio * share;
      } else if (what.kind === "latency") {
        law = book.blend(law, book.stretched(law, what.factor, toSeconds(what.add), effect.bit), share);
      }
    }
    link.update(book, law, version.breakers.get(call.callee) ?? null);
  }

  #poolLaws(service: ServiceState, version: VersionState, pool: Pool, seconds: number): number {
    const { book, conditions } = this.#parts;
    if (pool.kind !== "serving") {
      this.#deadLaws(version, pool);
      return 0;
    }
    conditions.apply(version, pool);
    let [weight, mean, square, own, slow, ownSlow, moved, slowMask, ownMask] = [0, 0, 0, 0, 0, 0, 0, 0, 0];
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
    const { slots, replicas, inTurn } = pool.queue.shape;
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
    this.#breathe(pool, stepped.variation);
    const point = pool.queue.point(pool.felt);
    if (pool.waitLoad !== pool.felt || pool.waitMean !== stepped.mean || pool.waitVariation !== stepped.variation) {
      pool.wait = book.named(`wait ${pool.queue.name} ${pool.felt} ${stepped.mean} ${stepped.variation}`, () =>
        waitOf(point, stepped.mean, stepped.variation, inTurn ? 1 / replicas : 1));
      pool.waitLoad = pool.felt;
      pool.waitMean = stepped.mean;
      pool.waitVariation = stepped.variation;
    }
    pool.working = Math.min(1, ((pool.arrivals / replicas) * (1 - pool.refused) * pool.ownSeconds) / slots);
    for (const cell of pool.cells) {
      const answer = book.delayed(pool.wait, cell.hold, pool.waitMask, pool.waitShare);
      if (answer === cell.answer) continue;
      this.#parts.settleCell(pool, cell);
      cell.answer = answer;
    }
    return Math.max(moved, Math.abs(pool.refused - refusedBefore), Math.abs(pool.load - loadBefore) > 1 ? 1 : 0);
  }

  /** The queue's load as it is felt in this tick: a slow fluctuation around its mean. */
  #felt(queue: QueueModel, load: number, breath: Breath, key: StreamKey | null, entity: number, serviceSeconds: number, variation: number): number {
    const { noise, book } = this.#parts;
    if (noise === null || key === null) return load;
    const point = queue.point(load);
    const spread = waitSpread(point, serviceSeconds, variation, noise.tickSeconds);
    if (spread <= 0) return load;
    const tick = Math.floor(toSeconds(this.#now) / noise.tickSeconds);
    if (breath.scoreTick !== tick) {
      const memory = forgetting(point, serviceSeconds, variation);
      breath.deviation = nextDeviation(breath.deviation, spread, key, tick, entity, memory, noise.tickSeconds);
      breath.scoreTick = tick;
    }
    const levels = this.#levels(book, queue, load, spread);
    return levels.loads[levelOf(breath.deviation / sigmaOf(spread))];
  }

  #levels(book: LawBook, queue: QueueModel, load: number, spread: number): Levels {
    return book.named(`levels ${queue.name} ${load} ${spread}`, () => levelsAt(queue, load, spread));
  }

  /** The slow fluctuation of the pool's waits and refusals in this tick. */
  #breathe(pool: Pool, variation: number): void {
    const { queue, load, serviceSeconds } = pool;
    pool.felt = this.#felt(queue, load, pool.breath, pool.key, 0, serviceSeconds, variation);
    if (pool.felt === load) return;
    const { noise, book } = this.#parts;
    const spread = waitSpread(queue.point(load), serviceSeconds, variation, noise!.tickSeconds);
    pool.refused = Math.min(1, queue.point(pool.felt).refused * this.#levels(book, queue, load, spread).refusalScale);
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

  #pageFailures(version: VersionState): number {
    const { book, classes, model } = this.#parts;
    if (model.spec.clients.reload.share === 0) return 0;
    const { pageFails, poolShares } = version;
    const before = pageFails.slice();
    pageFails.fill(0);
    version.pools.forEach((pool, p) => {
      for (const cell of pool.cells) {
        const seen = book.attempt(cell.answer, model.spec.clients.timeout);
        pageFails[cell.slot * classes.count + cell.userClass] += poolShares[p] * (pool.refused + (1 - pool.refused) * seen.failShare);
      }
    });
    let moved = 0;
    for (let i = 0; i < pageFails.length; i += 1) moved = Math.max(moved, Math.abs(pageFails[i] - before[i]));
    return moved;
  }

  /** What callers of the service get, whichever version their user has. */
  #serviceAnswers(service: ServiceState): void {
    if (!service.called) return;
    const { book, classes } = this.#parts;
    for (const endpoint of service.model.endpoints) {
      for (let k = 0; k < classes.count; k += 1) {
        const laws: Law[] = [];
        const weights: number[] = [];
        for (const version of service.versions) {
          const share = service.shares[version.place];
          if (share > 0) this.#versionAnswers(version, endpoint, k, share, laws, weights);
        }
        if (laws.length > 0) service.answers[endpoint.slot * classes.count + k] = book.mixture(laws, weights);
      }
    }
  }

  #versionAnswers(version: VersionState, endpoint: EndpointModel, k: number, share: number, laws: Law[], weights: number[]): void {
    const { book, classes } = this.#parts;
    if (version.pools.length === 0) {
      laws.push(book.refused(version.fleet.lossMask));
      weights.push(share);
      return;
    }
    version.pools.forEach((pool, p) => {
      const cell = pool.cells[endpoint.slot * classes.count + k];
      laws.push(pool.refused > 0 ? book.blend(cell.answer, book.refused(pool.blame), pool.refused) : cell.answer);
      weights.push(share * version.poolShares[p]);
    });
  }

  /**
   * Share of the version's requests that each pool gets. A balancer that compares requests in flight finds a dead
   * replica idle and sends it all that it compares with a busy one.
   */
  #balance(version: VersionState): void {
    const { pools, poolShares } = version;
    let [all, dead, inSystem] = [0, 0, 0];
    for (const pool of pools) {
      all += pool.replicas.length;
      if (pool.kind !== "serving") dead += pool.replicas.length;
      else inSystem += pool.inSystem * pool.replicas.length;
    }
    const alive = all - dead;
    let toDead = all > 0 ? dead / all : 0;
    if (dead > 0 && alive > 0) {
      const { balancing } = version.fleet.service.spec;
      const idle = exactExp(-inSystem / alive);
      if (balancing === "power-of-two") toDead = (dead * (dead - 1) + 2 * dead * alive * (1 - idle / 2)) / (all * (all - 1));
      else if (balancing === "least-request") toDead = dead / (dead + alive * idle);
    }
    for (let p = 0; p < pools.length; p += 1) {
      const { kind, replicas } = pools[p];
      poolShares[p] = kind === "serving" ? ((1 - toDead) * replicas.length) / alive : (toDead * replicas.length) / dead;
    }
  }
}

/** Of the pages that fail a share is loaded again, up to the most reloads. */
function pushReloads(version: VersionState, share: number): void {
  const { arrivals, pages, reloads, pageFails } = version;
  for (let cell = 0; cell < arrivals.length; cell += 1) {
    let sum = reloads[0][cell];
    for (let n = 1; n < reloads.length; n += 1) {
      reloads[n][cell] = reloads[n - 1][cell] * pageFails[cell] * share;
      sum += reloads[n][cell];
    }
    pages[cell] = sum;
    arrivals[cell] += sum;
  }
}
