// A database with its connections: queue for a connection, locks, and what each caller's version gets.

import { toSeconds, type Micros } from "../../kernel/units.js";
import type { DatabaseModel } from "../model.js";
import { atom } from "./grid.js";
import type { LawBook } from "./law-book.js";
import { lawOf, LawBuilder, neverAnswers, type Law } from "./law.js";
import { EMPTY_MASS } from "./grid.js";
import { nearestLoad } from "./load-grid.js";
import { queueModel, type QueuePoint } from "./queue-model.js";
import { steppedService, waitOf } from "./wait.js";
import { quantisedShare } from "./law-book.js";

export class DatabasePool {
  /** Queries per second by caller's version, and the law of the query alone for each. */
  readonly rate: Float64Array;
  readonly own: Law[];
  /** What a caller's version gets: wait, query, pool timeout. */
  readonly answer: Law[];
  connections: number;
  poolMask = 0;
  point: QueuePoint;
  silentMask = -1;
  lockedUntil: Micros = -1;
  lockMask = 0;
  /** Queries that hold a connection or wait since the lock began. */
  stuck = 0;
  /** Counts to be drawn. */
  queries = 0;
  poolTimeouts = 0;
  queryTimeouts = 0;
  inUse = 0;
  waiting = 0;
  ownMask = 0;

  constructor(readonly model: DatabaseModel, versions: number, plain: Law) {
    this.rate = new Float64Array(versions);
    this.own = new Array<Law>(versions).fill(plain);
    this.answer = new Array<Law>(versions).fill(plain);
    this.connections = model.spec.pool;
    this.point = this.#queue(1).point(0);
  }

  get total(): number {
    let total = 0;
    for (const rate of this.rate) total += rate;
    return total;
  }

  #queue(meanSeconds: number): ReturnType<typeof queueModel> {
    const slots = Math.max(1, this.connections);
    // Whoever would wait longer than the limit fails: as many may wait as the pool serves within it.
    const places = Math.max(1, Math.floor((toSeconds(this.model.spec.wait) * slots) / Math.max(1e-6, meanSeconds)));
    return queueModel({ choices: 1, replicas: 1, slots, places });
  }

  /** Works out the answers for the present rates. */
  update(book: LawBook, now: Micros): void {
    const { rate, own, answer } = this;
    const total = this.total;
    let [mean, square] = [0, 0];
    for (let v = 0; v < rate.length; v += 1) {
      mean += rate[v] * own[v].meanSeconds;
      square += rate[v] * own[v].meanSquare;
    }
    const service = total > 0 ? steppedService(mean / total, square / total) : steppedService(own[0].meanSeconds, own[0].meanSquare);
    if (this.silentMask >= 0) {
      this.answer.fill(book.named(`never ${this.silentMask}`, () => neverAnswers(this.silentMask)));
      this.inUse = 1;
      return;
    }
    if (now < this.lockedUntil) return this.#locked(book, now);
    const queue = this.#queue(steppedPlaces(service.mean));
    const load = nearestLoad((total * service.mean) / queue.shape.slots);
    const point = queue.point(load);
    this.point = point;
    this.inUse = Math.min(1, point.busy / queue.shape.slots);
    this.waiting = Math.max(0, point.inSystem - point.busy);
    const wait = book.named(`wait ${queue.shape.slots} ${queue.shape.places} ${load} ${service.mean} ${service.variation}`, () =>
      waitOf(point, service.mean, service.variation));
    const refusedShare = quantisedShare(point.refused);
    const limit = toSeconds(this.model.spec.wait);
    for (let v = 0; v < rate.length; v += 1) {
      const mask = this.poolMask | this.ownMask;
      const served = book.delayed(wait, own[v], mask);
      const given = refusedShare <= 0 ? served : book.blend(served, timedOut(book, limit, mask), refusedShare);
      answer[v] = given;
    }
  }

  /** While a lock is held, the first queries hold the connections until its end; the others wait for a connection. */
  #locked(book: LawBook, now: Micros): void {
    const left = toSeconds(this.lockedUntil - now);
    const limit = toSeconds(this.model.spec.wait);
    const holding = this.stuck < this.connections;
    this.inUse = Math.min(1, this.stuck / this.connections);
    this.waiting = Math.max(0, Math.min(this.stuck - this.connections, this.total * Math.min(left, limit)));
    const rest = Math.ceil(left * 4) / 4;
    for (let v = 0; v < this.rate.length; v += 1) {
      if (!holding && left > limit) this.answer[v] = timedOut(book, limit, this.lockMask);
      else {
        const held = book.named(`held ${rest} ${this.lockMask}`, () =>
          lawOf([{ mask: this.lockMask, ok: atom(rest), fail: EMPTY_MASS }]));
        this.answer[v] = book.sequence(held, this.own[v]);
      }
    }
  }

  /** Books a stretch of queries. */
  accrue(now: Micros, seconds: number): void {
    const total = this.total * seconds;
    this.queries += total;
    if (now < this.lockedUntil) {
      if (this.stuck >= this.connections) this.poolTimeouts += total;
      this.stuck += total;
    } else {
      this.stuck = 0;
      this.poolTimeouts += total * this.point.refused;
    }
  }
}

/** The number of places depends on the mean in coarse steps, so that few queues are ever worked out. */
function steppedPlaces(meanSeconds: number): number {
  let unit = 1e-6;
  while (unit * 2 <= meanSeconds) unit *= 2;
  return Math.round((meanSeconds / unit) * 8) * (unit / 8);
}

function timedOut(book: LawBook, limitSeconds: number, mask: number): Law {
  return book.named(`pool timeout ${limitSeconds} ${mask}`, () => new LawBuilder().failAt(mask, limitSeconds, 1).build());
}
