// The mean field: rates flow down the call graph, answers flow up, until retries and refusals agree with each other.

import { exactExp, normalCdf } from "../../kernel/exact.js";
import { toSeconds, type Micros } from "../../kernel/units.js";
import { concernsLink, concernsQuery, concernsVersion, inWindow, type EffectModel } from "../active-effects.js";
import type { EndpointModel, Model } from "../model.js";
import type { DatabasePool } from "./database-pool.js";
import { quantisedShare, type LawBook } from "./law-book.js";
import { lawOf, neverAnswers, refused, type Law } from "./law.js";
import { workLaw, workName, type ErrorSource, type WorkConditions } from "./own-work.js";
import type { Cell, Pool } from "./pool.js";
import type { ServiceState, VersionState } from "./service-state.js";
import type { UserClasses } from "./user-classes.js";
import { steppedService, waitOf } from "./wait.js";
import { EMPTY_MASS, atom } from "./grid.js";

export interface FlowParts {
  readonly model: Model;
  readonly book: LawBook;
  readonly services: readonly ServiceState[];
  /** Services, callers first. */
  readonly order: readonly number[];
  readonly databases: readonly DatabasePool[];
  readonly classes: UserClasses;
  /** Share of a version's replicas that see the flag on. */
  flagShare(effect: EffectModel): number;
  /** Pages per second now, by traffic stream. */
  readonly rates: Float64Array;
  /** Expected requests spread over buckets before a cell's law changes. */
  settleCell(pool: Pool, cell: Cell): void;
}

const ITERATIONS_MAX = 12;
/** Rates that move less than this share are taken as settled. */
const SETTLED = 1e-3;
const FACTOR_STEPS = 64;
const RATE_WINDOW_SECONDS = 10;

export class Flow {
  readonly #parts: FlowParts;
  now: Micros = 0;

  constructor(parts: FlowParts) {
    this.#parts = parts;
  }

  /** Solves the state for a stretch of `seconds` that starts now. */
  solve(now: Micros, seconds: number): void {
    this.now = now;
    for (const service of this.#parts.services) {
      for (const version of service.versions) for (const pool of version.pools) pool.inSystemBefore = pool.inSystem;
    }
    for (let i = 0; i < ITERATIONS_MAX; i += 1) {
      this.#pushRates();
      const moved = this.#pullAnswers(seconds);
      if (moved < SETTLED) break;
    }
  }

  /** The version's pools are new ones. */
  regroup(version: VersionState): void {
    version.poolShares = poolWeights(version);
  }

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
    const { reload } = model.spec.clients;
    for (const service of services) for (const version of service.versions) for (const pages of version.reloads) pages.fill(0);
    model.traffic.forEach((traffic, i) => {
      const service = services[traffic.service];
      for (const endpoint of service.model.endpoints) {
        const before = endpoint.slot === 0 ? 0 : service.model.endpoints[endpoint.slot - 1].cumulatedShare;
        const rate = rates[i] * (endpoint.cumulatedShare - before);
        for (let k = 0; k < classes.count; k += 1) {
          const cell = endpoint.slot * classes.count + k;
          for (const version of service.versions) version.reloads[0][cell] += rate * classes.share[k] * service.shares[version.place];
        }
      }
    });
    for (const service of services) {
      if (!service.model.entry) continue;
      for (const version of service.versions) {
        const { arrivals, pages, reloads, pageFails } = version;
        for (let cell = 0; cell < arrivals.length; cell += 1) {
          let sum = reloads[0][cell];
          for (let n = 1; n < reloads.length; n += 1) {
            reloads[n][cell] = reloads[n - 1][cell] * pageFails[cell] * reload.share;
            sum += reloads[n][cell];
          }
          pages[cell] = sum;
          arrivals[cell] += sum;
        }
      }
    }
  }

  /** A version's arrivals over its pools, as its balancer would choose. */
  #shareOut(version: VersionState): void {
    const { pools, arrivals, pages } = version;
    const weights = version.poolShares;
    for (let p = 0; p < pools.length; p += 1) {
      const pool = pools[p];
      let sum = 0;
      for (const cell of pool.cells) {
        const at = cell.slot * this.#parts.classes.count + cell.userClass;
        cell.rate = arrivals[at] * weights[p];
        cell.outside = pages[at] * weights[p];
        sum += cell.rate;
      }
      pool.arrivals = sum;
    }
  }

  #pushCalls(service: ServiceState, version: VersionState): void {
    const { services, databases, classes } = this.#parts;
    const index = version.fleet.version.index;
    for (const links of version.links.values()) for (const link of links) link.rate = 0;
    for (const pool of version.pools) {
      if (pool.kind !== "serving") continue;
      for (const cell of pool.cells) {
        const { calls } = service.model.endpoints[cell.slot];
        const started = cell.rate * (1 - pool.refused);
        if (started <= 0) continue;
        for (const call of calls) {
          const rate = started * cell.attempts[call.position];
          if (rate <= 0) continue;
          version.links.get(call.index)![cell.userClass].rate += rate;
          if (call.database >= 0) {
            databases[call.database].rate[index] += rate;
            continue;
          }
          const callee = services[call.service];
          const slot = this.#parts.model.endpoints[call.endpoint].slot;
          const to = slot * classes.count + classes.calledBy(cell.userClass, index);
          for (const target of callee.versions) target.arrivals[to] += rate * callee.shares[target.place];
        }
      }
    }
  }

  /** From the databases up to the entry; returns how much the flows still move. */
  #pullAnswers(seconds: number): number {
    const { services, order, databases, book } = this.#parts;
    let moved = 0;
    for (const database of databases) {
      this.#queryLaws(database);
      database.update(book, this.now);
    }
    for (let i = order.length - 1; i >= 0; i -= 1) {
      const service = services[order[i]];
      for (const version of service.versions) {
        if (version.pools.length === 0) continue;
        this.#linkLaws(service, version);
        for (const pool of version.pools) moved = Math.max(moved, this.#poolLaws(service, version, pool, seconds));
        if (service.model.entry) moved = Math.max(moved, this.#pageFailures(version));
      }
      this.#serviceAnswers(service);
    }
    return moved;
  }

  #queryLaws(database: DatabasePool): void {
    const { model, book } = this.#parts;
    let ownMask = 0;
    for (const version of model.versions) {
      if (database.rate[version.index] <= 0 && version.index > 0) continue;
      let factor = 1;
      let add = 0;
      let mask = 0;
      const errors: ErrorSource[] = [{ ratio: database.model.spec.errors, bit: 0 }];
      for (const effect of model.effects) {
        if (effect.database !== database.model.index || !inWindow(effect, this.now) || !concernsQuery(effect, version, database.model.index)) continue;
        const share = this.#callActivity(effect);
        if (share <= 0) continue;
        const { what } = effect.effect;
        if (what.kind === "latency") {
          factor *= 1 + (what.factor - 1) * share;
          add += toSeconds(what.add) * share;
          mask |= effect.bit;
        } else if (what.kind === "errors") errors.push({ ratio: what.ratio * share, bit: effect.bit });
      }
      ownMask |= mask;
      const conditions: WorkConditions = { time: database.model.spec.time, factor, addSeconds: add, mask, errors, miss: null };
      database.own[version.index] = book.named(workName(-1 - database.model.index, conditions), () => workLaw(conditions));
    }
    database.ownMask = ownMask;
  }

  #callActivity(effect: EffectModel): number {
    return this.#parts.flagShare(effect) * (effect.users < 1 ? effect.users : 1);
  }

  #linkLaws(service: ServiceState, version: VersionState): void {
    const { book, services, databases, classes, model } = this.#parts;
    const index = version.fleet.version.index;
    for (const endpoint of service.model.endpoints) {
      for (const call of endpoint.calls) {
        const links = version.links.get(call.index)!;
        for (let k = 0; k < classes.count; k += 1) {
          let law: Law;
          if (call.database >= 0) law = databases[call.database].answer[index];
          else law = services[call.service].answers[model.endpoints[call.endpoint].slot * classes.count + classes.calledBy(k, index)];
          for (const effect of model.effects) {
            if (effect.linkFrom < 0 || !inWindow(effect, this.now) || !concernsLink(effect, version.fleet.version, call.callee)) continue;
            if (!classes.meets(k, effect)) continue;
            law = this.#troubled(law, effect);
          }
          links[k].update(book, law, version.breakers.get(call.callee) ?? null);
        }
      }
    }
  }

  /** A link effect before the callee. */
  #troubled(law: Law, effect: EffectModel): Law {
    const { book } = this.#parts;
    const { what } = effect.effect;
    const share = quantisedShare(this.#parts.flagShare(effect));
    if (share <= 0) return law;
    let with_ = law;
    if (what.kind === "outage") with_ = book.named(`never ${effect.bit}`, () => neverAnswers(effect.bit));
    else if (what.kind === "errors") with_ = book.blend(law, book.named(`refused ${effect.bit}`, () => refused(effect.bit)), what.ratio);
    else if (what.kind === "latency") {
      const delay = book.named(`delay ${what.add} ${effect.bit}`, () =>
        lawOf([{ mask: effect.bit, ok: atom(toSeconds(what.add)), fail: EMPTY_MASS }]));
      with_ = book.sequence(delay, law);
    }
    return book.blend(law, with_, share);
  }

  #poolLaws(service: ServiceState, version: VersionState, pool: Pool, seconds: number): number {
    const { book } = this.#parts;
    if (pool.kind !== "serving") {
      this.#deadLaws(pool);
      return 0;
    }
    this.#conditions(version, pool);
    let [weight, mean, square, own, moved] = [0, 0, 0, 0, 0];
    let waitMask = pool.capacityMask;
    for (const cell of pool.cells) {
      moved = Math.max(moved, this.#cellHold(service, version, cell));
      const rate = cell.rate > 0 ? cell.rate : 1e-9;
      weight += rate;
      mean += rate * cell.hold.meanSeconds;
      square += rate * cell.hold.meanSquare;
      own += rate * cell.own.meanSeconds;
      if (cell.rate > 0) for (const part of cell.hold.parts) waitMask |= part.mask;
    }
    const stepped = steppedService(mean / weight, square / weight);
    pool.waitMask = waitMask;
    pool.ownSeconds = own / weight;
    pool.serviceSeconds = mean / weight;
    const refusedBefore = pool.refused;
    pool.settle(pool.arrivals, mean / weight, seconds);
    const point = pool.queue.point(pool.load);
    const { slots, places, replicas, choices } = pool.queue.shape;
    pool.wait = book.named(`wait ${choices} ${replicas} ${slots} ${places} ${pool.load} ${stepped.mean} ${stepped.variation}`, () =>
      waitOf(point, stepped.mean, stepped.variation));
    pool.working = Math.min(1, (pool.arrivals / replicas) * (1 - pool.refused) * pool.ownSeconds / slots);
    for (const cell of pool.cells) {
      const answer = book.delayed(pool.wait, cell.hold, waitMask);
      if (answer.id !== cell.answer.id) {
        this.#parts.settleCell(pool, cell);
        cell.answer = answer;
      }
    }
    return Math.max(moved, Math.abs(pool.refused - refusedBefore));
  }

  #deadLaws(pool: Pool): void {
    const { book } = this.#parts;
    const mask = pool.waitMask;
    const law = pool.kind === "refusing"
      ? book.named(`refused ${mask}`, () => refused(mask))
      : book.named(`never ${mask}`, () => neverAnswers(mask));
    for (const cell of pool.cells) {
      if (cell.answer.id === law.id) continue;
      this.#parts.settleCell(pool, cell);
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
      const link = version.links.get(call.index)![cell.userClass];
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
    let moved = 0;
    const fails = version.pageFails;
    const before = fails.slice();
    fails.fill(0);
    const weights = version.poolShares;
    version.pools.forEach((pool, p) => {
      for (const cell of pool.cells) {
        const seen = book.attempt(cell.answer, model.spec.clients.timeout);
        const at = cell.slot * classes.count + cell.userClass;
        fails[at] += weights[p] * (pool.refused + (1 - pool.refused) * seen.failShare);
      }
    });
    for (let i = 0; i < fails.length; i += 1) moved = Math.max(moved, Math.abs(fails[i] - before[i]));
    return moved;
  }

  /** What callers of the service get, whichever version their user has. */
  #serviceAnswers(service: ServiceState): void {
    if (!service.model.entry || service.versions.length > 0) {
      const { book, classes } = this.#parts;
      for (const endpoint of service.model.endpoints) {
        for (let k = 0; k < classes.count; k += 1) {
          const laws: Law[] = [];
          const weights: number[] = [];
          for (const version of service.versions) {
            const share = service.shares[version.place];
            if (share <= 0) continue;
            this.#versionAnswers(version, endpoint, k, share, laws, weights);
          }
          if (laws.length > 0) service.answers[endpoint.slot * classes.count + k] = laws.length === 1 ? laws[0] : book.mixture(laws, weights);
        }
      }
    }
  }

  #versionAnswers(version: VersionState, endpoint: EndpointModel, k: number, share: number, laws: Law[], weights: number[]): void {
    const { book, classes } = this.#parts;
    const none = (mask: number): Law => book.named(`refused ${mask}`, () => refused(mask));
    if (version.pools.length === 0) {
      laws.push(none(0));
      weights.push(share);
      return;
    }
    const { poolShares } = version;
    version.pools.forEach((pool, p) => {
      const cell = pool.cells[endpoint.slot * classes.count + k];
      laws.push(book.blend(cell.answer, none(pool.waitMask), pool.refused));
      weights.push(share * poolShares[p]);
    });
  }

  /** Looks up own work again where what it depends on has changed. */
  #conditions(version: VersionState, pool: Pool): void {
    const { fleet } = version;
    const { spec } = fleet.service;
    const warm = stepped(pool.replicas.reduce((sum, replica) => sum + fleet.warmUp(replica), 0) / pool.replicas.length);
    this.#cpu(version, pool);
    const slow = stepped(Math.max(1, pool.cpu[0]));
    let missing = 0;
    let cacheMask = 0;
    if (spec.cache !== null) {
      const { hit, fill } = spec.cache;
      for (const replica of pool.replicas) {
        missing += (1 - hit * (1 - exactExp(-fleet.cacheLife(replica) / toSeconds(fill)))) / pool.replicas.length;
        cacheMask |= replica.cacheMask;
      }
    }
    const miss = Math.round(missing * 256) / 256;
    for (const cell of pool.cells) this.#ownWork(version, pool, cell, warm * slow, slow > 1 ? this.#cpuMask(version, pool) : 0, miss, cacheMask);
  }

  #ownWork(version: VersionState, pool: Pool, cell: Cell, factor: number, factorMask: number, miss: number, cacheMask: number): void {
    const { classes, model, book } = this.#parts;
    const endpoint = version.fleet.service.endpoints[cell.slot];
    const on: EffectModel[] = [];
    const partly: { effect: EffectModel; share: number }[] = [];
    let kept = 1;
    let keptMask = 0;
    for (const effect of model.effects) {
      if (effect.kind !== "errors" && effect.kind !== "latency" && effect.kind !== "conversion") continue;
      if (!inWindow(effect, this.now) || !concernsVersion(effect, version.fleet.version, endpoint.index)) continue;
      if (!classes.meets(cell.userClass, effect)) continue;
      const share = this.#activity(version, pool, effect);
      if (share <= 0) continue;
      if (effect.effect.what.kind === "conversion") {
        kept *= 1 - effect.effect.what.drop * share;
        keptMask |= effect.bit;
      } else if (share >= 1) on.push(effect);
      else partly.push({ effect, share });
    }
    const at = cell.slot * classes.count + cell.userClass;
    version.conversionKept[at] = kept;
    version.conversionMask[at] = keptMask;
    const { spec } = version.fleet.service;
    const lawWith = (acting: readonly EffectModel[]): Law => {
      let product = factor;
      let add = 0;
      let mask = factorMask;
      const errors: ErrorSource[] = [{ ratio: endpoint.spec.errors, bit: 0 }];
      for (const effect of acting) {
        const { what } = effect.effect;
        if (what.kind === "latency") {
          product *= what.factor;
          add += toSeconds(what.add);
          mask |= effect.bit;
        } else if (what.kind === "errors") errors.push({ ratio: what.ratio, bit: effect.bit });
      }
      const conditions: WorkConditions = {
        time: endpoint.spec.time, factor: product, addSeconds: add, mask, errors,
        miss: spec.cache === null ? null : { time: spec.cache.miss, share: miss, mask: cacheMask },
      };
      return book.named(workName(endpoint.index, conditions), () => workLaw(conditions));
    };
    cell.own = this.#gated(on, partly, lawWith);
  }

  /** Effects that act for a part of the requests: those with the same flag act together. */
  #gated(on: readonly EffectModel[], partly: readonly { effect: EffectModel; share: number }[], lawWith: (acting: readonly EffectModel[]) => Law): Law {
    if (partly.length === 0) return lawWith(on);
    const [{ effect: first, share }] = partly;
    const together = partly.filter(({ effect }) => effect.carrierFlag >= 0 && effect.carrierFlag === first.carrierFlag && effect.rpsAbove === first.rpsAbove || effect === first);
    const rest = partly.filter((one) => !together.includes(one));
    const without = this.#gated(on, rest, lawWith);
    const withThem = this.#gated([...on, ...together.map(({ effect }) => effect)], rest, lawWith);
    return this.#parts.book.blend(without, withThem, Math.round(share * 64) / 64);
  }

  /** Share of the pool's requests that the effect acts on, user and endpoint left aside. */
  #activity(version: VersionState, pool: Pool, effect: EffectModel): number {
    let replicas = 0;
    for (const replica of pool.replicas) {
      if (effect.replica >= 0 && effect.replica !== replica.number) continue;
      if (effect.zone >= 0 && effect.zone !== replica.zone) continue;
      if (effect.afterWarmLife > 0 && this.now - replica.readyAt < effect.afterWarmLife) continue;
      replicas += 1;
    }
    const share = (replicas / pool.replicas.length) * this.#parts.flagShare(effect);
    return share > 0 && effect.rpsAbove >= 0 ? share * this.#rateChance(version, effect) : share;
  }

  /** The chance that the count of the last ten seconds is above the effect's threshold. */
  #rateChance(version: VersionState, effect: EffectModel): number {
    const { classes, services } = this.#parts;
    let rate = 0;
    for (const other of services[version.fleet.service.index].versions) {
      for (let cell = 0; cell < other.arrivals.length; cell += 1) {
        const endpoint = version.fleet.service.endpoints[Math.floor(cell / classes.count)];
        if (concernsVersion(effect, other.fleet.version, endpoint.index)) rate += other.arrivals[cell];
      }
    }
    const limit = effect.rpsAbove * Math.max(1, version.fleet.ready);
    const spread = Math.sqrt(Math.max(rate, 1e-9) / RATE_WINDOW_SECONDS);
    return Math.round(normalCdf((rate - limit) / spread) * 64) / 64;
  }

  #cpu(version: VersionState, pool: Pool): void {
    const { idle, busy } = version.fleet.service.spec.cpu;
    pool.cpu.fill(idle + busy * pool.working);
    for (const effect of version.fleet.effects) {
      const { what } = effect.effect;
      if (what.kind !== "cpu" || !inWindow(effect, this.now)) continue;
      const add = what.add * this.#activity(version, pool, effect);
      for (let lane = 0; lane < pool.cpu.length; lane += 1) if (lane === 0 || effect.release !== lane - 1) pool.cpu[lane] += add;
    }
  }

  #cpuMask(version: VersionState, pool: Pool): number {
    let mask = 0;
    for (const effect of version.fleet.effects) {
      if (effect.kind === "cpu" && inWindow(effect, this.now) && this.#activity(version, pool, effect) > 0) mask |= effect.bit;
    }
    return mask;
  }
}

const stepped = (factor: number): number => Math.round(factor * FACTOR_STEPS) / FACTOR_STEPS;

/** Share of the version's requests that each of its pools gets. */
function poolWeights(version: VersionState): number[] {
  let total = 0;
  const weights = version.pools.map((pool) => {
    const weight = pool.kind === "serving" || !pool.avoided ? pool.replicas.length : 0;
    total += weight;
    return weight;
  });
  return total > 0 ? weights.map((weight) => weight / total) : weights.map(() => 1 / weights.length);
}
