// Whose harm booked pages are, and when it began and ended: a count of many requests has no times of its own, they are drawn.

import { uniform, type StreamKey } from "../../kernel/draws.js";
import { seconds as fromSeconds, type Micros } from "../../kernel/units.js";
import type { LedgerBook } from "../ledger.js";
import { firstOf } from "./first-of.js";
import type { Cell } from "./pool.js";
import type { ServiceTarget } from "./service-target.js";

/** Above the draws of first harms and stranded pages. */
const LAST_HARM_DRAWS = 1 << 28;

/** Pages by what became of them; `orders` were answered well and lost only their order. */
interface HarmedPages {
  readonly failed: number;
  readonly slow: number;
  readonly orders: number;
}

export class HarmBook {
  readonly #ledger: LedgerBook;
  readonly #key: StreamKey;
  readonly #noiseFree: boolean;
  /** Harms noted in this draw: each has its own draw of its last request. */
  #harms = 0;

  constructor(ledger: LedgerBook, key: StreamKey, noiseFree: boolean) {
    this.#ledger = ledger;
    this.#key = key;
    this.#noiseFree = noiseFree;
  }

  /** Another target is drawn. */
  begin(): void {
    this.#harms = 0;
  }

  /** The first harmed request of a stretch comes where the first of n uniform points lies. Its harm is its answer, unless telemetry tells of it sooner. */
  note(mask: number, { failed, slow, orders }: HarmedPages, afterSeconds: number, target: ServiceTarget, entity: number, now: Micros): void {
    const ledger = this.#ledger;
    const noiseFree = this.#noiseFree;
    const count = failed + slow + orders;
    for (let r = 0; r < ledger.firstHarmAt.length; r += 1) {
      if ((mask & (1 << r)) === 0) continue;
      // An order is lost on answered pages, so not before the first of them.
      const since = target.harmSince[r] <= now ? target.harmSince[r] : target.since <= now ? target.since : now;
      if (!(ledger.firstHarmAt[r] <= since)) {
        const u = noiseFree ? 0.5 : uniform(this.#key, entity, target.version * 32 + r);
        const first = Math.min(now, Math.round(since + (now - since) * firstOf(u, count) + fromSeconds(afterSeconds)));
        if (!(ledger.firstHarmAt[r] <= first)) ledger.firstHarmAt[r] = first;
      }
      const until = !Number.isNaN(target.harmUntil[r]) ? target.harmUntil[r] : target.until >= since ? target.until : now;
      const stretch = Math.max(0, until - since);
      this.#harms += 1;
      const back = noiseFree ? 0.5 : uniform(this.#key, entity, LAST_HARM_DRAWS + this.#harms);
      const last = Math.min(now, Math.round(until - stretch * firstOf(back, count) + fromSeconds(afterSeconds)));
      if (!(ledger.lastHarmAt[r] >= last)) ledger.lastHarmAt[r] = last;
      ledger.countHarm(r, "failed", failed);
      ledger.countHarm(r, "slow", slow);
      ledger.countHarm(r, "order", orders);
    }
  }

  /** Pages that no target tells of: they failed up to `last`. */
  noteStranded(mask: number, count: number, last: Micros, now: Micros): void {
    const ledger = this.#ledger;
    for (let r = 0; r < ledger.firstHarmAt.length; r += 1) {
      if ((mask & (1 << r)) === 0) continue;
      if (!(ledger.firstHarmAt[r] <= now)) ledger.firstHarmAt[r] = now;
      if (!(ledger.lastHarmAt[r] >= last)) ledger.lastHarmAt[r] = last;
      ledger.countHarm(r, "failed", count);
    }
  }
}

/** Harm in a target's counts lies within the stretches that brought it. */
export function noteHarm(target: ServiceTarget, mask: number, { since, until }: Cell): void {
  const { harmSince, harmUntil } = target;
  for (let r = 0; r < harmSince.length; r += 1) {
    if ((mask & (1 << r)) === 0) continue;
    if (!(harmSince[r] <= since)) harmSince[r] = since;
    if (!(harmUntil[r] >= until)) harmUntil[r] = until;
  }
}
