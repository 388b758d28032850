// A scrape target: its live counters, one lane per counterfactual, and the samples that scrapes left behind.

import { assert } from "../kernel/assert.js";
import type { Micros } from "../kernel/units.js";
import { type TargetLabels, type TargetSchema, UP_COLUMN } from "./schema.js";

export interface TargetOptions<Schema extends TargetSchema> {
  /** Unique in the store; the hashed offset follows from it. */
  readonly id: string;
  readonly labels: TargetLabels;
  readonly schema: Schema;
}

/** How many rows a target's ring holds; one object for all targets of a store. */
export interface RingRoom {
  readonly rows: number;
}

const NO_VALUES = new Float64Array(0);

/**
 * The world writes `live`; a scrape copies it into a ring of rows. A row is one scrape: its time, when queries can see
 * it, and the values of every series in every lane. NaN in a row says that the series was not exposed then, which is
 * absence before its first event and a stale marker after it: queries treat both alike.
 */
export class Target<Schema extends TargetSchema = TargetSchema> {
  readonly id: string;
  readonly labels: TargetLabels;
  readonly schema: Schema;
  /** Lane 0 is what engines see; lane 1 + r counts without the requests that release r's effects touched. */
  readonly live: readonly Float64Array[];
  /** False while the process does not answer its scrapes: they fail, `up` is 0 and its series go stale. */
  responding = true;
  /** Set once the target is gone for good and its stale marker is written. */
  removedAt: Micros = Infinity;

  readonly #lanes: number;
  readonly #room: RingRoom;
  readonly #rowSize: number;
  // Made with the first row: a store may still be told to keep more until then.
  #capacity = 1;
  #times = NO_VALUES;
  #visibleAt = NO_VALUES;
  /** Rows of samples; see `rowStart`. */
  values = NO_VALUES;
  /** Rows ever written; row n lies in slot n mod capacity while it is kept. */
  #rows = 0;
  /** The newest row in which a counter fell, appeared or vanished against the row before. */
  #brokenRow = 0;

  constructor(options: TargetOptions<Schema>, lanes: number, room: RingRoom) {
    this.id = options.id;
    this.labels = options.labels;
    this.schema = options.schema;
    this.live = Array.from({ length: lanes }, () => new Float64Array(options.schema.size));
    this.#lanes = lanes;
    this.#room = room;
    this.#rowSize = options.schema.size * lanes;
  }

  /** The process starts anew: counters at 0, lazy series absent again. Gauges too, until the world writes them. */
  restart(): void {
    for (const lane of this.live) lane.fill(0);
  }

  /** A scrape that worked: every exposed series at its value, buckets cumulated. */
  record(time: Micros, visibleAt: Micros): void {
    const base = this.#open(time, visibleAt);
    const size = this.schema.size;
    const values = this.values;
    for (let lane = 0; lane < this.#lanes; lane += 1) {
      const start = base + lane * size;
      values.set(this.live[lane], start);
      values[start + UP_COLUMN] = 1;
      this.#expose(start);
      this.#compare(lane, start);
    }
  }

  /** Every series goes stale. `up` is 0 after a failed scrape, NaN (stale as well) when the target is gone. */
  recordStale(time: Micros, visibleAt: Micros, up: 0 | typeof NaN): void {
    const base = this.#open(time, visibleAt);
    this.values.fill(NaN, base, base + this.#rowSize);
    for (let lane = 0; lane < this.#lanes; lane += 1) {
      this.values[base + lane * this.schema.size + UP_COLUMN] = up;
    }
    this.#brokenRow = this.#rows - 1;
  }

  /** The newest row taken in (start, end] that can be seen at `at`; -1 when there is none. */
  lastRow(start: Micros, end: Micros, at: Micros): number {
    const times = this.#times;
    const capacity = this.#capacity;
    const oldest = this.oldestRow;
    assert(
      oldest === 0 || times[oldest % capacity] <= start,
      `a query of ${this.id} reaches back at most as far as the store's retention`,
    );
    let row = this.#rows - 1;
    if (row >= 0 && times[row % capacity] > end) row = this.firstRowAfter(end) - 1;
    // Rows come into sight in their order, so the newest visible one is the last of a run.
    while (row >= oldest && this.#visibleAt[row % capacity] > at) row -= 1;
    return row >= oldest && times[row % capacity] > start ? row : -1;
  }

  /** The oldest row taken after `start` (exclusive); one past the newest when there is none. */
  firstRowAfter(start: Micros): number {
    const times = this.#times;
    const capacity = this.#capacity;
    let low = this.oldestRow;
    let high = this.#rows;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle % capacity] > start) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  get oldestRow(): number {
    return this.#rows > this.#capacity ? this.#rows - this.#capacity : 0;
  }

  /** Rows written so far. */
  get rows(): number {
    return this.#rows;
  }

  timeOf(row: number): Micros {
    return this.#times[row % this.#capacity];
  }

  /** Where the values of a row and lane begin in `values`. */
  rowStart(row: number, lane: number): number {
    return (row % this.#capacity) * this.#rowSize + lane * this.schema.size;
  }

  value(row: number, lane: number, column: number): number {
    return this.values[this.rowStart(row, lane) + column];
  }

  /** True when from `row` on every counter is exposed or not throughout, and never falls. */
  unbrokenSince(row: number): boolean {
    return this.#brokenRow <= row;
  }

  /** Starts a row and returns where its values begin. */
  #open(time: Micros, visibleAt: Micros): number {
    const newest = this.#rows - 1;
    let sight = visibleAt;
    if (newest < 0) {
      this.#allocate();
    } else {
      assert(time > this.#times[newest % this.#capacity], `scrapes of ${this.id} go forward in time`);
      // Samples are delivered in order: one with a short lag waits for its predecessor with a long one.
      sight = Math.max(sight, this.#visibleAt[newest % this.#capacity]);
    }
    const slot = this.#rows % this.#capacity;
    this.#times[slot] = time;
    this.#visibleAt[slot] = sight;
    this.#rows += 1;
    return slot * this.#rowSize;
  }

  #allocate(): void {
    this.#capacity = this.#room.rows;
    this.#times = new Float64Array(this.#capacity);
    this.#visibleAt = new Float64Array(this.#capacity);
    this.values = new Float64Array(this.#capacity * this.#rowSize);
  }

  /** Notes whether a counter broke between the row before and the newest, whose lane begins at `start`. */
  #compare(lane: number, start: number): void {
    if (this.#rows < 2) return;
    const values = this.values;
    const before = this.rowStart(this.#rows - 2, lane);
    const last = this.schema.lastCounter;
    for (let column = this.schema.firstCounter; column <= last; column += 1) {
      const old = values[before + column];
      const now = values[start + column];
      // A comparison with NaN is false; only NaN after NaN is no break.
      if (!(now >= old) && (now === now || old === old)) {
        this.#brokenRow = this.#rows - 1;
        return;
      }
    }
  }

  /** Turns live values at `start` into what a scrape shows: cumulated buckets, and NaN for what has no event yet. */
  #expose(start: number): void {
    const values = this.values;
    const lazy = this.schema.init === "lazy";
    for (const histogram of this.schema.histograms) {
      const last = start + histogram.lastBucket;
      let count = 0;
      for (let i = start + histogram.firstBucket; i <= last; i += 1) {
        count += values[i];
        values[i] = count;
      }
      if (lazy && count === 0) values.fill(NaN, start + histogram.firstBucket, start + histogram.sum + 1);
    }
    if (lazy) this.#hideUnseenGroups(start);
  }

  #hideUnseenGroups(start: number): void {
    const values = this.values;
    const groups = this.schema.groups;
    for (let g = 0; g < groups.length; g += 2) {
      const first = start + groups[g];
      const last = start + groups[g + 1];
      let seen = false;
      for (let i = first; i <= last; i += 1) if (values[i] !== 0) seen = true;
      if (!seen) values.fill(NaN, first, last + 1);
    }
  }
}
