// A scrape target of a service and the mass that waits to be drawn for it: expected counts by cell, code and bucket.

import { streamKey, type StreamKey } from "../../kernel/draws.js";
import type { Micros } from "../../kernel/units.js";
import type { ServiceSchema } from "../../telemetry/schema.js";
import type { Target } from "../../telemetry/store.js";

/** Distinct sets of releases that a target's answers can carry at the same time. */
export const MASKS_MAX = 12;

/**
 * Expected counts since the last draw lie in `expected` by (mask slot, endpoint, user class, code, bucket), and their
 * summed durations in `seconds`. Buckets are the telemetry's, cut further at the objective's edge and the clients' timeout.
 */
export class ServiceTarget {
  readonly expected: Float64Array;
  readonly seconds: Float64Array;
  /** What the slots stand for: releases that changed the time, and those to blame for a failure. */
  readonly masks = new Int32Array(MASKS_MAX);
  readonly blames = new Int32Array(MASKS_MAX);
  /** Slots in use; the first is of answers that no release touched. */
  slots = 1;
  /** Streams of its counts and of the pages among them. */
  readonly key: StreamKey;
  readonly pageKey: StreamKey;
  readonly #streamOf: (kind: string) => StreamKey;
  #wideKey: StreamKey | null = null;
  #widePageKey: StreamKey | null = null;
  #orderKey: StreamKey | null = null;
  /** Since when there have been answers to draw (NaN: none yet), until when, and since and until when there is harm among them, by release. */
  since: Micros = NaN;
  until: Micros = NaN;
  readonly harmSince: Float64Array;
  readonly harmUntil: Float64Array;
  /** Expected answers since the last draw by (endpoint, class), and those of them that answer a client's page. */
  readonly answered: Float64Array;
  readonly pages: Float64Array;
  readonly stride: number;
  nextScrape: Micros = 0;
  /** Replicas shown by this target. */
  members = 0;
  /** CPU demand integrated over time since the last scrape, by lane, and that time in seconds. */
  readonly cpuSeconds: Float64Array;
  gaugedSeconds = 0;

  constructor(
    readonly target: Target<ServiceSchema>,
    readonly version: number,
    readonly cells: number,
    readonly buckets: number,
    releases: number,
    seed: number,
  ) {
    this.stride = cells * 2 * buckets;
    this.expected = new Float64Array(this.stride * MASKS_MAX);
    this.seconds = new Float64Array(this.stride * MASKS_MAX);
    this.#streamOf = (kind) => streamKey(seed, `cohort/${kind}${target.id}`);
    this.key = this.#streamOf("");
    this.pageKey = this.#streamOf("pages/");
    this.harmSince = new Float64Array(releases).fill(NaN);
    this.harmUntil = new Float64Array(releases).fill(NaN);
    this.answered = new Float64Array(cells);
    this.pages = new Float64Array(cells);
    this.cpuSeconds = new Float64Array(1 + releases);
  }

  // The streams of counts, pages and orders that find no place in an index: few runs have any, and a key takes a generator.

  get wideKey(): StreamKey {
    return (this.#wideKey ??= this.#streamOf("wide/"));
  }

  get widePageKey(): StreamKey {
    return (this.#widePageKey ??= this.#streamOf("wide-pages/"));
  }

  get orderKey(): StreamKey {
    return (this.#orderKey ??= this.#streamOf("orders/"));
  }

  /** Slot of a pair of sets of releases; when all are taken, the last one is shared. */
  slotOf(mask: number, blame: number): number {
    const { masks, blames } = this;
    for (let i = 0; i < this.slots; i += 1) if (masks[i] === mask && blames[i] === blame) return i;
    if (this.slots < MASKS_MAX) {
      masks[this.slots] = mask;
      blames[this.slots] = blame;
      this.slots += 1;
      return this.slots - 1;
    }
    masks[MASKS_MAX - 1] |= mask;
    blames[MASKS_MAX - 1] |= blame;
    return MASKS_MAX - 1;
  }

  /** Everything has been drawn: begins anew. */
  cleared(): void {
    this.slots = 1;
    this.since = NaN;
    this.until = NaN;
    this.harmSince.fill(NaN);
    this.harmUntil.fill(NaN);
  }
}
