// The scrape loop: when each target is scraped, what is missed, and when a sample can be seen.

import { assert } from "../kernel/assert.js";
import { type StreamKey, streamKey, uniform } from "../kernel/draws.js";
import { MICROS_PER_MILLI, type Micros, type Ratio } from "../kernel/units.js";
import type { SeriesStore } from "./store.js";
import type { Target } from "./target.js";

export interface ScraperOptions {
  readonly interval: Micros;
  /** A sample can be queried this long after its scrape. */
  readonly lag: Micros;
  /** Share of scrapes that are missed by chance. */
  readonly missed: Ratio;
  readonly seed: number;
}

interface Appointment {
  readonly target: Target;
  readonly hash: number;
  readonly order: number;
  at: Micros;
  removed: boolean;
}

/** Prometheus writes the stale marker of a target that is gone this many intervals after its time, in case it returns. */
const END_OF_RUN_INTERVALS = 1.1;
const MISSED_STREAM = "telemetry/missed";

/**
 * What leads to what:
 * - a scrape that works: one sample per exposed series, `up` 1;
 * - the target does not answer (`responding` false): stale markers, `up` 0;
 * - the target is removed: stale markers at its next appointment, `up` stale as well;
 * - the scraper itself misses a scrape (by chance, or a gap): nothing is written, and the lookback applies;
 * - lag: the sample is written, and can be seen later.
 */
export class Scraper {
  readonly #store: SeriesStore;
  readonly #interval: Micros;
  readonly #lag: Micros;
  readonly #missed: Ratio;
  readonly #missedKey: StreamKey;
  /** Sorted by (at, order): the head is due next. */
  readonly #appointments: Appointment[] = [];
  readonly #gaps = new Set<string>();
  #gapEverywhere = false;
  readonly #extraLags = new Map<string, Micros>();
  #extraLagEverywhere: Micros = 0;
  #orders = 0;
  #now: Micros = 0;

  constructor(store: SeriesStore, options: ScraperOptions) {
    assert(options.interval > 0 && options.lag >= 0, "scrapes have an interval and a lag");
    this.#store = store;
    this.#interval = options.interval;
    this.#lag = options.lag;
    this.#missed = options.missed;
    this.#missedKey = streamKey(options.seed, MISSED_STREAM);
  }

  /** Scrapes a target at `offset` + k x interval, for the first time at or after `from` (the last scrape when left out). */
  register(target: Target, offset: Micros, from: Micros = this.#now): void {
    const rounds = Math.ceil((from - offset) / this.#interval);
    this.#insert({
      target,
      hash: textHash(target.id),
      order: this.#orders++,
      at: offset + rounds * this.#interval,
      removed: false,
    });
  }

  /** The target is gone at `at`: its series go stale at the next appointment, and it is scraped no more. */
  remove(target: Target, at: Micros): void {
    const appointment = this.#appointments.find((one) => one.target === target);
    assert(appointment !== undefined, `${target.id} is scraped`);
    assert(appointment.at >= at, `${target.id} has no scrape overdue`);
    appointment.removed = true;
  }

  /** When the next scrape is due; Infinity without targets. */
  nextAt(): Micros {
    return this.#appointments.length === 0 ? Infinity : this.#appointments[0].at;
  }

  /** Does the scrapes due at `at`. The world has brought live values to `at` before. */
  scrapeDue(at: Micros): void {
    assert(this.nextAt() >= at, "no scrape is overdue: live values are those of the scrape's time");
    this.#now = at;
    while (this.nextAt() === at) {
      const [appointment] = this.#appointments;
      this.#scrape(appointment);
      appointment.at = at + this.#interval;
      if (appointment.removed) this.#appointments.shift();
      else this.#sink(appointment);
    }
  }

  /** Nothing is scraped of a service (null: of anything) until the gap is switched off again. */
  setGap(service: string | null, on: boolean): void {
    if (service === null) this.#gapEverywhere = on;
    else if (on) this.#gaps.add(service);
    else this.#gaps.delete(service);
  }

  /** Samples scraped from now on of a service (null: of anything) arrive this much later than usual. */
  setLag(extra: Micros, service: string | null = null): void {
    assert(extra >= 0, "extra lag is not negative");
    if (service === null) this.#extraLagEverywhere = extra;
    else this.#extraLags.set(service, extra);
  }

  #scrape(appointment: Appointment): void {
    const { target, at } = appointment;
    const visibleAt = at + this.#lag + this.#extraLag(target);
    if (appointment.removed) {
      target.removedAt = at;
      // A target that was never scraped leaves nothing that could go stale.
      if (target.rows > 0 && !this.#inGap(target)) {
        target.recordStale(at, visibleAt + Math.round(END_OF_RUN_INTERVALS * this.#interval), NaN);
      }
      this.#store.prune(at);
    } else if (!this.#inGap(target) && !this.#missedByChance(appointment)) {
      if (target.responding) target.record(at, visibleAt);
      else target.recordStale(at, visibleAt, 0);
    }
  }

  /** A service's gap is one of its own targets; what the platform's exporter says of it goes on. */
  #inGap(target: Target): boolean {
    if (this.#gapEverywhere) return true;
    const service = target.schema.labels.service;
    return this.#gaps.size > 0 && service !== undefined && target.schema.upLabelled && this.#gaps.has(service);
  }

  /** A service's lag, like its gap, is one of its own targets. */
  #extraLag(target: Target): Micros {
    const service = target.schema.labels.service;
    if (this.#extraLags.size === 0 || service === undefined || !target.schema.upLabelled) return this.#extraLagEverywhere;
    return this.#extraLagEverywhere + (this.#extraLags.get(service) ?? 0);
  }

  #missedByChance(appointment: Appointment): boolean {
    if (this.#missed === 0) return false;
    const round = Math.floor(appointment.at / this.#interval);
    return uniform(this.#missedKey, appointment.hash, round) < this.#missed;
  }

  /** The head has a new time: the others move up until it is in its place. */
  #sink(head: Appointment): void {
    const list = this.#appointments;
    let place = 0;
    for (; place + 1 < list.length && isAfter(head, list[place + 1]); place += 1) list[place] = list[place + 1];
    list[place] = head;
  }

  /** Puts an appointment in its place, from the back: with one interval for all it is mostly the last. */
  #insert(appointment: Appointment): void {
    const list = this.#appointments;
    let place = list.length;
    while (place > 0 && isAfter(list[place - 1], appointment)) place -= 1;
    list.splice(place, 0, appointment);
  }
}

/** Whether the scrape of a target at its instant `at` is one that nobody makes. */
export type MissedByChance = (targetId: string, at: Micros) => boolean;

/** The same scrapes for the same seed, whoever scrapes. */
export function missedByChance(seed: number, share: Ratio, interval: Micros): MissedByChance {
  const key = streamKey(seed, MISSED_STREAM);
  return (targetId, at) => share > 0 && uniform(key, textHash(targetId), Math.floor(at / interval)) < share;
}

function isAfter(a: Appointment, b: Appointment): boolean {
  return a.at !== b.at ? a.at > b.at : a.order > b.order;
}

/**
 * Where in the interval a target is scraped: spread by a hash of seed and id, as Prometheus spreads its load.
 * A whole number of milliseconds, since Prometheus' timestamps are.
 */
export function hashedOffset(seed: number, targetId: string, interval: Micros): Micros {
  const slots = Math.max(1, Math.floor(interval / MICROS_PER_MILLI));
  return ((textHash(`${seed}/${targetId}`) >>> 0) % slots) * MICROS_PER_MILLI;
}

/** FNV-1a over the text's UTF-16 units, mixed so that neighbouring names end up far apart. */
function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
