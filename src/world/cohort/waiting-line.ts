// A pool's long queue, first come first served: what its requests waited shows only when their turn comes.

import { toSeconds, type Micros } from "../../kernel/units.js";
import type { Wait } from "./law.js";

/** A queue that would take longer than this to serve is followed as a line; a shorter one is booked as requests arrive. */
const OPEN_SECONDS = 2;
const CLOSE_SECONDS = 0.25;

/** Requests that arrived in one stretch, evenly. Those that were booked on arrival have no cells. */
export interface Batch {
  readonly from: Micros;
  readonly to: Micros;
  readonly count: number;
  /** Admitted requests by the pool's cell, and clients' pages among them. */
  readonly cells: Float64Array | null;
  readonly pages: Float64Array | null;
  /** What they were to wait had nothing changed since, and whose defects they wait for. */
  readonly wait: Wait;
  readonly waitMask: number;
  readonly waitShare: number;
}

/** A share of a batch that leaves the line after so long. */
export type Leave = (batch: Batch, share: number, waitedSeconds: number) => void;

/**
 * A wait worked out on arrival holds only as long as the service stays as it is: when a lock is released or an outage ends,
 * whoever was to wait ten more seconds has his turn at once. In the line requests keep their places and are booked as they leave.
 */
export class WaitingLine {
  #batches: Batch[] = [];
  /** Share of the first batch that is still there. */
  #left = 1;
  #open = false;

  get open(): boolean {
    return this.#open;
  }

  /**
   * Opens or closes for a queue that `drainSeconds` would serve. One that fills up is expected to wait as in a steady crowd of that
   * size, which is too long when service is very uneven: a line that fills has no chance crowds yet.
   */
  follow(drainSeconds: number, expectedWhileMoving: number): void {
    if (!this.#open && Math.max(drainSeconds, expectedWhileMoving) > OPEN_SECONDS) this.#open = true;
    else if (this.#open && Math.max(drainSeconds, expectedWhileMoving) < CLOSE_SECONDS) this.#open = false;
  }

  /** A batch comes to the end of the line. */
  join(batch: Batch): void {
    if (batch.count > 0) this.#batches.push(batch);
  }

  get count(): number {
    return this.#batches.reduce((sum, { count }, i) => sum + count * (i === 0 ? this.#left : 1), 0);
  }

  /** From `now` to `next` the line's head leaves evenly, until `staying` are left. */
  advance(now: Micros, next: Micros, staying: number, leave: Leave): void {
    const leaving = this.count - staying;
    if (leaving <= 0) return;
    let gone = 0;
    while (this.#batches.length > 0 && gone < leaving * WHOLE) {
      const [batch] = this.#batches;
      const here = batch.count * this.#left;
      const part = Math.min(here, leaving - gone);
      const share = (part / here) * this.#left;
      const arrived = batch.from + (batch.to - batch.from) * (1 - this.#left + share / 2);
      const left = now + (next - now) * ((gone + part / 2) / leaving);
      leave(batch, share, Math.max(0, toSeconds(left - arrived)));
      gone += part;
      this.#left -= share;
      if (part < here * WHOLE) continue;
      this.#batches.shift();
      this.#left = 1;
    }
  }

  /** Takes a share of what waits in another line. */
  takeOver(from: WaitingLine, share: number): void {
    this.#open = from.#open;
    this.#left = from.#left;
    this.#batches = from.#batches.map((batch) => ({
      ...batch, count: batch.count * share, cells: scaled(batch.cells, share), pages: scaled(batch.pages, share),
    }));
  }

  /** Seconds that those in the line have spent there so far and that are not booked yet. */
  secondsUntil(now: Micros): number {
    return this.#batches.reduce((sum, { from, to, count, cells }, i) => {
      if (cells === null) return sum;
      const left = i === 0 ? this.#left : 1;
      const arrived = from + (to - from) * (1 - left / 2);
      return sum + count * left * toSeconds(now - arrived);
    }, 0);
  }
}

/** Rounding leaves no crumbs in the line. */
const WHOLE = 1 - 1e-9;

const scaled = (counts: Float64Array | null, share: number): Float64Array | null => counts?.map((count) => count * share) ?? null;
