// The built-in scraper of game days: fetches the targets' metrics pages and feeds the telemetry layer's own windows.

import { Agent, request } from "undici";
import { assert } from "../../kernel/assert.js";
import type { Clock, TimerId } from "../../kernel/clock.js";
import { MICROS_PER_MILLI, type Micros, type Ratio } from "../../kernel/units.js";
import type { TargetLabels, TargetSchema } from "../../telemetry/schema.js";
import { hashedOffset, missedByChance, type MissedByChance } from "../../telemetry/scraper.js";
import type { SeriesStore } from "../../telemetry/store.js";
import type { Target } from "../../telemetry/target.js";
import { PAGE_LIMITS } from "./exposition.js";
import { PageColumns } from "./page.js";

/** What to scrape. */
export interface ScrapeTarget<Schema extends TargetSchema = TargetSchema> {
  /** Unique among all targets; its place within the interval follows from it. */
  readonly id: string;
  readonly labels: TargetLabels;
  readonly schema: Schema;
  /** The page of lane 0, e.g. `http://127.0.0.1:8080/metrics`; null: this process writes the target's `live` itself. */
  readonly url: string | null;
}

/** One scrape as it was stored. */
export interface ScrapedRow {
  readonly target: Target;
  /** When the scrape began: its samples' time. */
  readonly time: Micros;
  /** From when on queries see it. */
  readonly visibleAt: Micros;
  /** 1: worked; 0: failed, every series is stale; NaN: the target is gone, `up` is stale as well. */
  readonly up: number;
}

export interface LiveScraperOptions {
  /** Its lanes are fetched as `?lane=K`, all at the same instant. */
  readonly store: SeriesStore;
  readonly clock: Clock;
  readonly interval: Micros;
  /** A page that has not come whole by then is a failed scrape; at most the interval, as in Prometheus. */
  readonly timeout: Micros;
  /** Spreads the targets over the interval as the simulator does. */
  readonly seed: number;
  /** What each sample is later than its arrival; 0 when left out. */
  readonly lag?: Micros;
  /** Share of scrapes that are missed by chance; none when left out. */
  readonly missed?: Ratio;
  /** Told of every row, e.g. to record it. */
  readonly onRow?: (row: ScrapedRow) => void;
}

/** What a lag of everything is of: all, or all but replicas, whose pages are late by themselves. */
export type Late = "all" | "figures";

interface Appointment {
  readonly target: Target;
  url: string | null;
  readonly columns: PageColumns;
  readonly offset: Micros;
  due: Micros;
  timer: TimerId | null;
  removed: boolean;
}

/** A scrape that begins at most this late gets the time at which it was due (Prometheus: scrapeTimestampTolerance). */
const TIME_TOLERANCE: Micros = 2 * MICROS_PER_MILLI;
/** As in the simulator's scraper: the stale marker of a target that is gone comes this many intervals late. */
const END_OF_RUN_INTERVALS = 1.1;

export class LiveScraper {
  readonly #options: LiveScraperOptions;
  readonly #agent: Agent;
  readonly #appointments = new Map<string, Appointment>();
  readonly #gaps = new Set<string>();
  #gapEverywhere = false;
  readonly #extraLags = new Map<string, Micros>();
  readonly #extraLagsEverywhere: Record<Late, Micros> = { all: 0, figures: 0 };
  readonly #isMissed: MissedByChance;
  #stopped = false;

  constructor(options: LiveScraperOptions) {
    assert(options.timeout > 0 && options.timeout <= options.interval, "a scrape ends before the next one begins");
    this.#options = options;
    this.#isMissed = missedByChance(options.seed, options.missed ?? 0, options.interval);
    this.#agent = new Agent({ connections: options.store.lanes, maxResponseSize: PAGE_LIMITS.bytes, keepAliveTimeout: 60_000 });
  }

  /** Scrapes a target from its next instant on. One that is scraped already (its process started anew) gets the new URL. */
  add<Schema extends TargetSchema>(wanted: ScrapeTarget<Schema>): Target<Schema> {
    const known = this.#appointments.get(wanted.id);
    if (known !== undefined) {
      assert(known.target.schema === wanted.schema, `${wanted.id} keeps its schema`);
      known.url = wanted.url;
      known.removed = false;
      return known.target as Target<Schema>;
    }
    const { store, seed, interval } = this.#options;
    const target = revived(store, wanted) ?? store.addTarget({ id: wanted.id, labels: wanted.labels, schema: wanted.schema });
    const appointment: Appointment = {
      target, url: wanted.url, columns: new PageColumns(wanted.schema, target.seriesLabels),
      offset: hashedOffset(seed, wanted.id, interval), due: 0, timer: null, removed: false,
    };
    this.#appointments.set(wanted.id, appointment);
    this.#plan(appointment);
    return target;
  }

  /** The target is gone: its series go stale at its next instant, and it is scraped no more. */
  remove(id: string): void {
    const appointment = this.#appointments.get(id);
    if (appointment !== undefined) appointment.removed = true;
  }

  /** Nothing is scraped of a service (null: of anything) until the gap is switched off again. */
  setGap(service: string | null, on: boolean): void {
    if (service === null) this.#gapEverywhere = on;
    else if (on) this.#gaps.add(service);
    else this.#gaps.delete(service);
  }

  /** Samples scraped from now on of a service (null: of anything that `late` names) can be seen this much later. */
  setLag(extra: Micros, service: string | null = null, late: Late = "all"): void {
    if (service === null) this.#extraLagsEverywhere[late] = extra;
    else this.#extraLags.set(service, extra);
  }

  /** Scrapes no more, and lets go of its connections. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { timer } of this.#appointments.values()) if (timer !== null) this.#options.clock.clearTimer(timer);
    this.#appointments.clear();
    await this.#agent.destroy();
  }

  /** Sets the timer of a target's next instant; instants that went by while nobody had time are left out. */
  #plan(appointment: Appointment): void {
    const { clock, interval } = this.#options;
    // A timer may be a little early; the instant that it was for is over all the same.
    const now = Math.max(clock.now(), appointment.due);
    appointment.due = appointment.offset + (Math.floor((now - appointment.offset) / interval) + 1) * interval;
    appointment.timer = clock.setTimer(appointment.due - clock.now(), () => this.#meet(appointment));
  }

  #meet(appointment: Appointment): void {
    const { due, target } = appointment;
    const now = Math.max(due, this.#options.clock.now());
    // Whole milliseconds, since Prometheus' timestamps are.
    const time = now - due <= TIME_TOLERANCE ? due : Math.floor(now / MICROS_PER_MILLI) * MICROS_PER_MILLI;
    if (appointment.removed) return this.#end(appointment, time);
    this.#plan(appointment);
    if (this.#inGap(target) || this.#isMissed(target.id, due)) return;
    if (appointment.url === null) return this.#storeLive(appointment, time);
    void this.#fetchLanes(appointment.url).then((pages) => this.#store(appointment, time, pages));
  }

  #end(appointment: Appointment, time: Micros): void {
    const { target } = appointment;
    this.#appointments.delete(target.id);
    target.removedAt = time;
    if (target.rows > 0 && !this.#inGap(target)) {
      const visibleAt = time + Math.round(END_OF_RUN_INTERVALS * this.#options.interval);
      target.recordStale(time, visibleAt, NaN);
      this.#options.onRow?.({ target, time, visibleAt, up: NaN });
    }
    this.#options.store.prune(time);
  }

  #storeLive({ target }: Appointment, time: Micros): void {
    const visibleAt = time + this.#lagOf(target);
    if (target.responding) target.record(time, visibleAt);
    else target.recordStale(time, visibleAt, 0);
    this.#options.onRow?.({ target, time, visibleAt, up: target.responding ? 1 : 0 });
  }

  /** Stores what came, unless the scraper was stopped or the target ended meanwhile. A page that cannot be read is a failed scrape. */
  #store({ target, columns }: Appointment, time: Micros, pages: readonly string[] | null): void {
    if (this.#stopped || (target.rows > 0 && target.timeOf(target.rows - 1) >= time)) return;
    const visibleAt = Math.floor(this.#options.clock.now()) + this.#lagOf(target);
    const row = pages === null ? null : rowOf(columns, target.schema.size, pages);
    if (row === null) target.recordStale(time, visibleAt, 0);
    else target.recordRow(time, visibleAt, row);
    this.#options.onRow?.({ target, time, visibleAt, up: row === null ? 0 : 1 });
  }

  /** The pages of all lanes; null when one of them did not come in time. */
  async #fetchLanes(url: string): Promise<readonly string[] | null> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), this.#options.timeout / MICROS_PER_MILLI);
    try {
      const lanes = Array.from({ length: this.#options.store.lanes }, (_, lane) => (lane === 0 ? url : `${url}?lane=${lane}`));
      return await Promise.all(lanes.map((page) => this.#fetch(page, abort.signal)));
    } catch {
      abort.abort();
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  async #fetch(url: string, signal: AbortSignal): Promise<string> {
    const { statusCode, body } = await request(url, { dispatcher: this.#agent, signal, headers: { accept: "text/plain;version=0.0.4" } });
    const page = await body.text();
    if (statusCode !== 200) throw new Error(`status ${statusCode}`);
    return page;
  }

  #inGap(target: Target): boolean {
    if (this.#gapEverywhere) return true;
    const service = target.schema.labels.service;
    return this.#gaps.size > 0 && service !== undefined && target.schema.upLabelled && this.#gaps.has(service);
  }

  #lagOf(target: Target): Micros {
    const service = target.schema.labels.service;
    const isReplica = service !== undefined && target.schema.upLabelled;
    const own = isReplica ? (this.#extraLags.get(service) ?? 0) : 0;
    const { all, figures } = this.#extraLagsEverywhere;
    return (this.#options.lag ?? 0) + all + (isReplica ? own : figures);
  }
}

/** A target of that name that went away and is still kept: its series go on. */
function revived<Schema extends TargetSchema>(store: SeriesStore, wanted: ScrapeTarget<Schema>): Target<Schema> | undefined {
  const target = store.targets.find(({ id, schema }) => id === wanted.id && schema === wanted.schema);
  if (target !== undefined) target.removedAt = Infinity;
  return target as Target<Schema> | undefined;
}

function rowOf(columns: PageColumns, size: number, pages: readonly string[]): Float64Array | null {
  const row = new Float64Array(size * pages.length);
  try {
    pages.forEach((page, lane) => columns.read(page, row, lane * size));
    return row;
  } catch {
    return null;
  }
}
