// From expected answers to counts: Poisson draws into telemetry's live counters and, from the same draws, into the ledger.

import type { Digest } from "../../kernel/digest.js";
import { streamKey, uniform, type StreamKey } from "../../kernel/draws.js";
import { binomialFrom } from "../../kernel/distributions/binomial.js";
import { poissonFrom } from "../../kernel/distributions/poisson.js";
import { MICROS_PER_MILLI, seconds as fromSeconds, toSeconds, type Micros } from "../../kernel/units.js";
import { LEDGER_COLUMNS, LEDGER_EDGES, LedgerColumn, type LedgerBook } from "../ledger.js";
import type { Model } from "../model.js";
import { AnswerCounts } from "./answer-counts.js";
import type { LawBook } from "./law-book.js";
import type { Law } from "./law.js";
import { HarmBook, noteHarm } from "./harm-book.js";
import type { Cell, Pool } from "./pool.js";
import type { Buckets } from "./projection.js";
import type { VersionState } from "./service-state.js";
import { silentMaskOf } from "./pool-building.js";
import { MASKS_MAX, type ServiceTarget } from "./service-target.js";
import type { UserClasses } from "./user-classes.js";

/** A count's draw index names the releases that slowed it and those to blame, its cell, code and bucket; there is room for so many. */
const SLOWED_MAX = 1 << 12;
const BLAME_MAX = 64;
const CELLS_MAX = 128;
const BUCKETS_MAX = 64;
/** From here on: what is drawn about orders, and how many sets of releases have a place of their own there. */
const PAGE_DRAWS = 1 << 20;
const ORDER_SETS_MAX = 64;
const DRAWS_PER_CELL = 8;

export interface BooksParts {
  readonly model: Model;
  readonly book: LawBook;
  readonly ledger: LedgerBook;
  readonly digest: Digest;
  readonly classes: UserClasses;
  readonly noiseFree: boolean;
  readonly full: boolean;
  readonly slowAfterSeconds: number | null;
}

export class Books {
  /** Telemetry's edges with the objective's and the clients' timeout merged in. */
  readonly buckets: Buckets;
  /** Telemetry's bucket of each of ours. */
  readonly #telemetryBucket: Uint8Array;
  readonly #slow: Uint8Array;
  readonly #gaveUp: Uint8Array;
  readonly #fine: Buckets;
  readonly #parts: BooksParts;
  readonly #drawn: AnswerCounts;
  readonly #timeoutSeconds: number;
  readonly #edgeKey: StreamKey;
  readonly #harm: HarmBook;

  constructor(parts: BooksParts) {
    this.#parts = parts;
    const { spec } = parts.model;
    const slowAfter = parts.slowAfterSeconds ?? Infinity;
    this.#timeoutSeconds = toSeconds(spec.clients.timeout);
    const own = spec.telemetry.bucketEdgesSeconds;
    const edges = [...new Set([...own, slowAfter, this.#timeoutSeconds])].filter((edge) => edge < Infinity).sort((a, b) => a - b);
    this.buckets = parts.book.buckets(Float64Array.from(edges));
    this.#fine = parts.book.buckets(parts.ledger.edgesSeconds);
    const lower = (b: number): number => (b === 0 ? 0 : edges[b - 1]);
    this.#telemetryBucket = Uint8Array.from({ length: this.buckets.count }, (_, b) => own.filter((edge) => edge <= lower(b)).length);
    this.#slow = Uint8Array.from({ length: this.buckets.count }, (_, b) => (lower(b) >= slowAfter ? 1 : 0));
    this.#gaveUp = Uint8Array.from({ length: this.buckets.count }, (_, b) => (lower(b) >= this.#timeoutSeconds ? 1 : 0));
    this.#drawn = new AnswerCounts(this.buckets.count, parts.noiseFree);
    this.#edgeKey = streamKey(parts.model.seed, "cohort/edge");
    this.#harm = new HarmBook(parts.ledger, this.#edgeKey, parts.noiseFree);
  }

  /** Spreads what a cell has answered so far over its target's buckets. */
  settleCell(pool: Pool, cell: Cell): void {
    const { target } = pool;
    if (target === null || (cell.answered === 0 && cell.refused === 0)) return;
    const { classes } = this.#parts;
    const at = cell.slot * classes.count + cell.userClass;
    if (!(target.since <= cell.since)) target.since = cell.since;
    if (!(target.until >= cell.until)) target.until = cell.until;
    if (cell.answered > 0) this.#spread(target, at, cell.leaving ?? cell.answer, cell.answered, cell);
    if (cell.refused > 0) this.#spreadRefused(target, at, cell.refused, pool.blame, cell);
    target.answered[at] += cell.answered + cell.refused;
    target.pages[at] += cell.answeredPages + cell.refusedPages;
    if (this.#parts.full) this.#fineHistogram(target, cell);
    cell.answered = 0;
    cell.answeredPages = 0;
    cell.refused = 0;
    cell.refusedPages = 0;
  }

  #spread(target: ServiceTarget, at: number, law: Law, count: number, came: Cell): void {
    const projection = this.buckets.of(law);
    const size = 2 * this.buckets.count;
    const { expected, seconds } = target;
    const { probability, seconds: moments } = projection;
    for (let part = 0; part < projection.masks.length; part += 1) {
      const mask = projection.masks[part];
      const blame = projection.blames[part];
      const to = target.slotOf(mask, blame) * target.stride + at * size;
      const from = part * size;
      for (let i = 0; i < size; i += 1) {
        expected[to + i] += count * probability[from + i];
        seconds[to + i] += count * moments[from + i];
      }
      if ((mask | blame) !== 0) noteHarm(target, mask | blame, came);
    }
  }

  #spreadRefused(target: ServiceTarget, at: number, count: number, blame: number, came: Cell): void {
    const size = 2 * this.buckets.count;
    target.expected[target.slotOf(0, blame) * target.stride + at * size + this.buckets.count] += count;
    if (blame !== 0) noteHarm(target, blame, came);
  }

  #fineHistogram(target: ServiceTarget, cell: Cell): void {
    const { ledger, model, book, classes } = this.#parts;
    const segment = model.segmented ? classes.segment(cell.userClass) : 0;
    const serviceCell = ledger.serviceCell(target.version, cell.slot, segment);
    const answer = cell.leaving ?? cell.answer;
    this.#addFine(serviceCell, answer, cell.answered, cell.refused);
    if (cell.answeredPages + cell.refusedPages > 0) {
      const edge = ledger.edgeCell(target.version, cell.slot, segment);
      this.#addFine(edge, book.attempt(answer, model.spec.clients.timeout), cell.answeredPages, cell.refusedPages);
    }
  }

  #addFine(ledgerCell: number, law: Law, answered: number, refused: number): void {
    const { histogram } = this.#parts.ledger;
    const row = ledgerCell * (LEDGER_EDGES + 1);
    const { probability, masks } = this.#fine.of(law);
    const buckets = LEDGER_EDGES + 1;
    for (let part = 0; part < masks.length; part += 1) {
      for (let b = 0; b < buckets; b += 1) {
        histogram[row + b] += answered * (probability[part * 2 * buckets + b] + probability[(part * 2 + 1) * buckets + b]);
      }
    }
    histogram[row] += refused;
  }

  /** Draws everything that has accrued for a target up to now, and books it. */
  draw(target: ServiceTarget, version: VersionState, now: Micros): void {
    const entity = Math.round(now / MICROS_PER_MILLI);
    const { model, classes } = this.#parts;
    const endpoints = version.fleet.service.endpoints;
    for (const endpoint of endpoints) {
      for (let k = 0; k < classes.count; k += 1) {
        const at = endpoint.slot * classes.count + k;
        if (target.answered[at] <= 0) continue;
        const pageShare = Math.min(1, target.pages[at] / target.answered[at]);
        const segment = model.segmented ? classes.segment(k) : 0;
        for (let slot = 0; slot < target.slots; slot += 1) {
          this.#drawCell(target, version, endpoint.slot, k, slot, segment, pageShare, entity, now);
        }
        target.answered[at] = 0;
        target.pages[at] = 0;
      }
    }
    target.cleared();
    this.#harm.begin();
    if (version.main === target) this.#parts.ledger.close(target.version, endpoints.length, now);
  }

  #drawCell(target: ServiceTarget, version: VersionState, slot: number, k: number, maskSlot: number, segment: number,
    pageShare: number, entity: number, now: Micros): void {
    const { classes, noiseFree, digest } = this.#parts;
    const { count } = this.buckets;
    const slowedBy = target.masks[maskSlot];
    const blame = target.blames[maskSlot];
    const at = slot * classes.count + k;
    // What has no place there is numbered by its slot, in streams of its own.
    const wide = slowedBy >= SLOWED_MAX || blame >= BLAME_MAX || at >= CELLS_MAX || count > BUCKETS_MAX;
    const index = wide ? (maskSlot * target.cells + at) * 2 * count : ((slowedBy * BLAME_MAX + blame) * 2 * CELLS_MAX + 2 * at) * BUCKETS_MAX;
    const perCode = wide ? count : BUCKETS_MAX;
    const drawn = this.#drawn;
    const first = maskSlot * target.stride + at * 2 * count;
    if (drawn.draw(target.expected, target.seconds, first, wide ? target.wideKey : target.key, entity, index, perCode) === 0) return;
    if (!noiseFree) drawn.mark(digest);
    this.#showAnswers(target, slot, slowedBy | blame);
    this.#bookAnswers(target, slot, segment, slowedBy | blame);
    if (pageShare <= 0) return;
    drawn.drawPages(pageShare, wide ? target.widePageKey : target.pageKey, entity, index, perCode);
    this.#bookPages(target, version, slot, k, segment, maskSlot, entity, now);
  }

  /** Telemetry's counters go up, in every lane but those of the releases that the answers carry. */
  #showAnswers({ target: { live, schema } }: ServiceTarget, slot: number, mask: number): void {
    const { answers, secondsEach } = this.#drawn;
    const { count } = this.buckets;
    const sumIndex = schema.sumIndex(slot);
    for (let lane = 0; lane < live.length; lane += 1) {
      if (lane > 0 && (mask & (1 << (lane - 1))) !== 0) continue;
      const values = live[lane];
      for (let code = 0; code < 2; code += 1) {
        const requestsIndex = schema.requestsIndex(slot, code as 0 | 1);
        const firstBucket = schema.bucketIndex(slot, 0);
        for (let b = 0; b < count; b += 1) {
          const n = answers[code * count + b];
          if (n === 0) continue;
          values[requestsIndex] += n;
          values[firstBucket + this.#telemetryBucket[b]] += n;
          values[sumIndex] += n * secondsEach[code * count + b];
        }
      }
    }
  }

  #bookAnswers(target: ServiceTarget, slot: number, segment: number, mask: number): void {
    const { answers, secondsEach } = this.#drawn;
    const { count } = this.buckets;
    const { ledger } = this.#parts;
    let requests = 0;
    let errors = 0;
    let slow = 0;
    let latency = 0;
    for (let i = 0; i < 2 * count; i += 1) {
      const n = answers[i];
      if (n === 0) continue;
      requests += n;
      latency += n * secondsEach[i];
      if (i >= count) errors += n;
      else if (this.#slow[i] === 1) slow += n;
    }
    const row = ledger.serviceCell(target.version, slot, segment) * LEDGER_COLUMNS;
    const { totals } = ledger;
    totals[row + LedgerColumn.requests] += requests;
    totals[row + LedgerColumn.errors] += errors;
    totals[row + LedgerColumn.slow] += slow;
    totals[row + LedgerColumn.latencySeconds] += latency;
    if (mask === 0) return;
    totals[row + LedgerColumn.harmedErrors] += errors;
    totals[row + LedgerColumn.harmedSlow] += slow;
  }

  /** What clients saw of the answers that are pages. */
  #bookPages(target: ServiceTarget, version: VersionState, slot: number, k: number, segment: number, maskSlot: number, entity: number, now: Micros): void {
    const { pages: shown, secondsEach } = this.#drawn;
    const { count } = this.buckets;
    const { ledger } = this.#parts;
    let pages = 0;
    let errors = 0;
    let latency = 0;
    let ok = 0;
    /** Failed with an answer, and without; and slow ones. */
    let blamed = 0;
    let gaveUp = 0;
    let slow = 0;
    let blamedLatency = 0;
    let slowLatency = 0;
    for (let i = 0; i < 2 * count; i += 1) {
      const n = shown[i];
      if (n === 0) continue;
      const b = i < count ? i : i - count;
      pages += n;
      if (this.#gaveUp[b] === 1) {
        gaveUp += n;
        errors += n;
        latency += n * this.#timeoutSeconds;
        continue;
      }
      const seconds = n * secondsEach[i];
      latency += seconds;
      if (i >= count) {
        blamed += n;
        errors += n;
        blamedLatency += seconds;
      } else {
        ok += n;
        if (this.#slow[b] === 1) {
          slow += n;
          slowLatency += seconds;
        }
      }
    }
    if (pages <= 0) return;
    const slowedBy = target.masks[maskSlot];
    const blame = target.blames[maskSlot];
    const { totals } = ledger;
    const row = ledger.edgeCell(target.version, slot, segment) * LEDGER_COLUMNS;
    const endpoint = version.fleet.service.endpoints[slot].spec;
    totals[row + LedgerColumn.requests] += pages;
    totals[row + LedgerColumn.errors] += errors;
    totals[row + LedgerColumn.slow] += slow;
    totals[row + LedgerColumn.latencySeconds] += latency;
    if (blame !== 0 || slowedBy !== 0) {
      // A failure is charged to what caused it, a page given up or slow to what slowed it.
      const slowed = slowedBy !== 0 ? slow : 0;
      totals[row + LedgerColumn.harmedErrors] += (blame !== 0 ? blamed : 0) + (slowedBy !== 0 ? gaveUp : 0);
      totals[row + LedgerColumn.harmedSlow] += slowed;
      const euroPerFailure = this.#givenUpShare(version, slot, k) * endpoint.conversion * endpoint.orderValue;
      if (blame !== 0 && blamed > 0) {
        this.#harm.note(blame, { failed: blamed, slow: 0, orders: 0 }, blamedLatency / blamed, target, entity, now);
        ledger.loseOrders(blame, blamed * euroPerFailure);
      }
      if (slowedBy !== 0 && gaveUp + slowed > 0) {
        const after = slowed > 0 ? slowLatency / slowed : this.#timeoutSeconds;
        this.#harm.note(slowedBy, { failed: gaveUp, slow: slowed, orders: 0 }, after, target, entity, now);
        ledger.loseOrders(slowedBy, gaveUp * euroPerFailure);
      }
    }
    if (endpoint.conversion > 0 && ok > 0) this.#bookOrders(target, version, slot, k, row, maskSlot, entity, now, ok, latency / pages);
  }

  /** Orders of successful pages. In a release's own lane its conversion effects do not count. */
  #bookOrders(target: ServiceTarget, version: VersionState, slot: number, k: number, row: number, maskSlot: number, entity: number, now: Micros,
    ok: number, meanSeconds: number): void {
    const { ledger, noiseFree, classes } = this.#parts;
    const { totals } = ledger;
    const { conversion, orderValue } = version.fleet.service.endpoints[slot].spec;
    const at = slot * classes.count + k;
    const kept = version.conversionKept[at];
    const slowedBy = target.masks[maskSlot];
    const wide = slowedBy >= ORDER_SETS_MAX;
    const key = wide ? target.orderKey : target.key;
    const index = wide ? (at * MASKS_MAX + maskSlot) * DRAWS_PER_CELL : PAGE_DRAWS + (at * ORDER_SETS_MAX + slowedBy) * DRAWS_PER_CELL;
    const keptByFaults = version.conversionKeptByFaults[at];
    const drawn = (draw: number, of: number, share: number): number =>
      share >= 1 ? of : noiseFree ? of * share : binomialFrom(uniform(key, entity, index + draw), of, share);
    /** As they would be without the release, and as they are. */
    const wanted = drawn(2, drawn(0, ok, conversion), keptByFaults);
    // Where faults leave no order at all, a release has none to take.
    const orders = keptByFaults > 0 ? drawn(1, wanted, kept / keptByFaults) : wanted;
    totals[row + LedgerColumn.conversions] += orders;
    totals[row + LedgerColumn.orderEuro] += orders * orderValue;
    const taken = version.conversionMask[at];
    ledger.loseOrders(taken, ok * conversion * (keptByFaults - kept) * orderValue);
    const { live, schema } = target.target;
    for (let lane = 0; lane < live.length; lane += 1) {
      const shown = lane > 0 && (taken & (1 << (lane - 1))) !== 0 ? wanted : orders;
      live[lane][schema.conversionsIndex(slot)] += shown;
      live[lane][schema.orderValueIndex(slot)] += shown * orderValue;
    }
    if (taken !== 0 && wanted > orders) this.#harm.note(taken, { failed: 0, slow: 0, orders: wanted - orders }, meanSeconds, target, entity, now);
  }

  /** Share of failed pages that nobody loads again. */
  #givenUpShare(version: VersionState, slot: number, k: number): number {
    const { classes, model } = this.#parts;
    const { share, max } = model.spec.clients.reload;
    const at = slot * classes.count + k;
    let [all, last] = [0, 0];
    version.reloads.forEach((pages, n) => {
      all += pages[at];
      if (n === max) last = pages[at];
    });
    return all <= 0 ? 1 : 1 - share * (1 - last / all);
  }

  /** Pages that found no replica (503 at once) or got no answer (the client's timeout): they exist at the edge only. */
  drawStranded(version: VersionState, now: Micros): void {
    const { stranded, unanswered } = version;
    for (let at = 0; at < stranded.length; at += 1) {
      if (stranded[at] > 0) this.#bookStranded(version, at, stranded[at], 0, version.lossMask, now);
      if (unanswered[at] > 0) this.#bookStranded(version, at, unanswered[at], this.#timeoutSeconds, version.silentMask, now);
      stranded[at] = 0;
      unanswered[at] = 0;
    }
    version.lossMask = version.fleet.lossMask;
    version.silentMask = silentMaskOf(version);
  }

  #bookStranded(version: VersionState, at: number, expected: number, seconds: number, mask: number, now: Micros): void {
    const { classes, ledger, model, noiseFree, digest, full } = this.#parts;
    const slot = Math.floor(at / classes.count);
    const k = at % classes.count;
    const index = version.fleet.version.index;
    const entity = Math.round(now / MICROS_PER_MILLI);
    const n = noiseFree ? expected : poissonFrom(uniform(this.#edgeKey, entity, 65_536 + (index * 1024 + at) * 2 + (seconds > 0 ? 1 : 0)), expected);
    if (n === 0) return;
    if (!noiseFree) digest.add(n);
    const segment = model.segmented ? classes.segment(k) : 0;
    const cell = ledger.edgeCell(index, slot, segment);
    const row = cell * LEDGER_COLUMNS;
    const { totals } = ledger;
    const endpoint = version.fleet.service.endpoints[slot].spec;
    totals[row + LedgerColumn.requests] += n;
    totals[row + LedgerColumn.errors] += n;
    totals[row + LedgerColumn.latencySeconds] += n * seconds;
    if (full) this.#addFine(cell, this.#parts.book.failureAt(seconds), n, 0);
    if (mask === 0) return;
    ledger.loseOrders(mask, n * this.#givenUpShare(version, slot, k) * endpoint.conversion * endpoint.orderValue);
    totals[row + LedgerColumn.harmedErrors] += n;
    this.#harm.noteStranded(mask, n, Math.min(now, version.lostUntil + fromSeconds(seconds)), now);
  }
}
