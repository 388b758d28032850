// A database with its connections: queue for a connection, locks, and what each caller's version gets.

import { toSeconds, type Micros } from "../../kernel/units.js";
import type { DatabaseModel } from "../model.js";
import { quantisedShare, type LawBook } from "./law-book.js";
import { failsAfter, takes, type Law, type Wait } from "./law.js";
import { Breath, type Felt } from "./breathing.js";
import { nearestLoad } from "./load-grid.js";
import { queueModel, type QueueModel, type QueuePoint } from "./queue-model.js";
import { NO_WAIT, steppedService, waitOf } from "./wait.js";

/** The end of a lock is seen by its waiters in steps of this many seconds. */
const LOCK_STEP_SECONDS = 0.25;

/** What queries meet in this tick. */
export type Feel = (queue: QueueModel, meanSeconds: number, variation: number) => Felt;

export class DatabasePool {
  /** Queries per second by caller's version, and the law of the query alone for each. */
  readonly rate: Float64Array;
  readonly own: Law[];
  /** What a caller's version gets: wait, query, pool timeout. */
  readonly answer: Law[];
  /** Versions whose queries are never answered just now (bit of the release, 0 for a fault; -1: answered). */
  readonly silent: Int32Array;
  /** Connections that effects took: all, and by release [1 + r]; and whose they are. */
  readonly taken: Float64Array;
  takenMask = 0;
  queue = queueModel({ choices: 1, inTurn: false, replicas: 1, slots: 1, places: 1, inner: true });
  point: QueuePoint;
  /** Index into LOADS. */
  load = 0;
  /** The last wait, and what it was worked out for. */
  last: { readonly felt: number; readonly mean: number; readonly variation: number; readonly wait: Wait } =
    { felt: -1, mean: 0, variation: 0, wait: NO_WAIT };
  readonly breath = new Breath();
  /** Share of queries that time out waiting for a connection. */
  refused = 0;
  /** All connections are held until then: a lock, or an outage. */
  heldUntil: Micros = -1;
  heldMask = 0;
  /** Queries that hold a connection or wait since that began. */
  stuck = 0;
  /** Effects that have locked already: a lock is taken once. */
  readonly locksTaken = new Set<number>();
  /** Expected counts to be drawn, by lane. */
  readonly queries: Float64Array;
  readonly poolTimeouts: Float64Array;
  readonly queryTimeouts: Float64Array;
  /** Slots of all serving replicas that ask it; and whether those bound the queue rather than the wait limit. */
  callers = Infinity;
  bounded = false;
  /** Gauges now, by lane. */
  readonly inUse: Float64Array;
  waiting = 0;

  constructor(readonly model: DatabaseModel, versions: number, releases: number, plain: Law) {
    this.rate = new Float64Array(versions);
    this.own = new Array<Law>(versions).fill(plain);
    this.answer = new Array<Law>(versions).fill(plain);
    this.silent = new Int32Array(versions).fill(-1);
    this.taken = new Float64Array(1 + releases);
    this.queries = new Float64Array(1 + releases);
    this.poolTimeouts = new Float64Array(1 + releases);
    this.queryTimeouts = new Float64Array(1 + releases);
    this.inUse = new Float64Array(1 + releases);
    this.point = this.#queue(1).point(0);
  }

  get connections(): number {
    return Math.max(0, Math.round(this.model.spec.pool - this.taken[0]));
  }

  get total(): number {
    let total = 0;
    for (const rate of this.rate) total += rate;
    return total;
  }

  /** Whoever would wait longer than the limit fails: as many may wait as the pool serves within it. */
  #queue(meanSeconds: number): QueueModel {
    const slots = Math.max(1, this.connections);
    const limited = Math.floor((toSeconds(this.model.spec.wait) * slots) / Math.max(1e-6, meanSeconds));
    // No more queries can be under way than callers have slots: then nobody waits in vain, the callers fill up instead.
    this.bounded = this.callers - slots < limited;
    const places = Math.max(1, Math.min(limited, this.callers - slots));
    const { shape } = this.queue;
    if (shape.slots !== slots || shape.places !== places) this.queue = queueModel({ choices: 1, inTurn: false, replicas: 1, slots, places, inner: true });
    return this.queue;
  }

  /** Works out the answers for the present rates. */
  update(book: LawBook, now: Micros, feel: Feel): void {
    const limit = toSeconds(this.model.spec.wait);
    if (now < this.heldUntil) this.#held(book, toSeconds(this.heldUntil - now), limit);
    else if (this.connections === 0) {
      this.answer.fill(this.#timedOut(book, limit, this.takenMask));
      this.waiting = this.total * limit;
      this.#noteUse(book, 0, 0);
    } else this.#steady(book, limit, feel);
    for (let v = 0; v < this.silent.length; v += 1) if (this.silent[v] >= 0) this.answer[v] = book.neverAnswers(this.silent[v]);
  }

  #steady(book: LawBook, limit: number, feel: Feel): void {
    const { rate, own, answer } = this;
    const total = this.total;
    let [mean, square, slowSeconds, slowMask] = [0, 0, 0, 0];
    for (let v = 0; v < rate.length; v += 1) {
      mean += rate[v] * own[v].meanSeconds;
      square += rate[v] * own[v].meanSquare;
      slowSeconds += rate[v] * own[v].slowSeconds;
      if (rate[v] > 0) slowMask |= own[v].slowMask;
    }
    const service = total > 0 ? steppedService(mean / total, square / total) : steppedService(own[0].meanSeconds, own[0].meanSquare);
    const queue = this.#queue(steppedPlaces(service.mean));
    const { slots } = queue.shape;
    this.load = nearestLoad((total > 0 ? mean : 0) / slots);
    const felt = feel(queue, service.mean, service.variation);
    this.point = queue.point(this.load);
    this.waiting = Math.max(0, this.point.inSystem - this.point.busy);
    const wait = this.#waitOf(book, felt, service.mean, service.variation);
    this.refused = this.bounded ? 0 : felt.waits.refused;
    const refusedShare = quantisedShare(this.refused);
    const mask = slowMask | this.takenMask;
    const inherits = this.takenMask !== 0 ? 1 : atLeastOne(mean > 0 ? slowSeconds / mean : 0, slots);
    for (let v = 0; v < rate.length; v += 1) {
      const served = book.delayed(wait, own[v], mask, inherits);
      answer[v] = refusedShare <= 0 ? served : book.blend(served, this.#timedOut(book, limit, mask), refusedShare);
    }
    this.#noteUse(book, this.point.busy, mean > 0 ? slowSeconds / mean : 0);
  }

  #waitOf(book: LawBook, felt: Felt, mean: number, variation: number): Wait {
    const { last } = this;
    if (last.felt !== felt.id || last.mean !== mean || last.variation !== variation) {
      const wait = book.named(`wait ${felt.id} ${mean} ${variation}`, () => waitOf(felt, mean, variation));
      this.last = { felt: felt.id, mean, variation, wait };
    }
    return this.last.wait;
  }

  /** While a lock is held, the first queries hold the connections until its end; the others wait for a connection. */
  #held(book: LawBook, left: number, limit: number): void {
    const holding = this.stuck < this.connections;
    const rest = Math.ceil(left / LOCK_STEP_SECONDS) * LOCK_STEP_SECONDS;
    // Those who have not given up yet: at most who came within the limit, and all of them until the end.
    this.waiting = Math.max(0, Math.min(this.stuck - this.connections, this.total * limit));
    const held = holding || left <= limit
      ? book.named(`held ${rest} ${this.heldMask}`, () => takes(this.heldMask, rest))
      : null;
    for (let v = 0; v < this.rate.length; v += 1) {
      this.answer[v] = held === null ? this.#timedOut(book, limit, this.heldMask) : book.sequence(held, this.own[v]);
    }
    this.#noteUse(book, Math.min(this.stuck, this.connections), this.heldMask !== 0 ? 1 : 0);
  }

  #timedOut(book: LawBook, limitSeconds: number, mask: number): Law {
    return book.named(`pool timeout ${limitSeconds} ${mask}`, () => failsAfter(mask, mask, limitSeconds));
  }

  #noteUse(_book: LawBook, busy: number, slowShare: number): void {
    for (let lane = 0; lane < this.inUse.length; lane += 1) {
      const taken = lane === 0 ? this.taken[0] : this.taken[0] - this.taken[lane];
      const left = lane === 0 ? 1 : 1 - this.#slowedBy(lane - 1) * slowShare;
      this.inUse[lane] = Math.min(1, (busy * left + taken) / this.model.spec.pool);
    }
  }

  #slowedBy(release: number): number {
    for (const law of this.own) if ((law.slowMask & (1 << release)) !== 0) return 1;
    return (this.heldMask & (1 << release)) !== 0 ? 1 : 0;
  }

  /** Books a stretch of queries; `given` of each version's are given up by their callers. */
  accrue(now: Micros, seconds: number, givenUp: number): void {
    const isHeld = now < this.heldUntil;
    const total = this.total * seconds;
    const waited = isHeld ? (this.stuck >= this.connections ? 1 : 0) : this.connections === 0 ? 1 : this.refused;
    for (let lane = 0; lane < this.queries.length; lane += 1) {
      const left = lane > 0 && ((this.takenMask | (isHeld ? this.heldMask : 0)) & (1 << (lane - 1))) !== 0 ? 0 : 1;
      this.queries[lane] += isHeld ? 0 : total * (1 - waited);
      this.poolTimeouts[lane] += total * waited * left;
      this.queryTimeouts[lane] += givenUp * seconds * left;
    }
    this.stuck = isHeld ? this.stuck + total : 0;
  }

  /** Every connection is held until `until`, by the releases in `mask`. */
  hold(now: Micros, until: Micros, mask: number): void {
    this.heldMask = this.heldUntil > now ? this.heldMask | mask : mask;
    this.heldUntil = Math.max(this.heldUntil, until);
  }
}

/** The chance that at least one of `places` holders is one of a share. */
export function atLeastOne(share: number, places: number): number {
  if (share <= 0) return 0;
  let none = 1;
  for (let i = 0; i < Math.min(places, 64); i += 1) none *= 1 - Math.min(1, share);
  return 1 - none;
}

/** The number of places depends on the mean in coarse steps, so that few queues are ever worked out. */
function steppedPlaces(meanSeconds: number): number {
  let unit = 1e-6;
  while (unit * 2 <= meanSeconds) unit *= 2;
  return Math.round((meanSeconds / unit) * 8) * (unit / 8);
}

