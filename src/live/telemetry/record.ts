// Writes a game day's telemetry record while it runs: every scrape, and the decisions and events between them.

import { createWriteStream, type WriteStream } from "node:fs";
import type { Clock } from "../../kernel/clock.js";
import type { Micros } from "../../kernel/units.js";
import type { SeriesStore } from "../../telemetry/store.js";
import type { Target } from "../../telemetry/target.js";
import { RECORD_VERSION, describeSchema, type RecordLine, type SchemaDescription } from "./record-format.js";
import type { ScrapedRow } from "./scrape.js";

export interface TelemetryRecorderOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly epochMillis: number;
  /** The store that the recorded scrapes go to. */
  readonly store: SeriesStore;
  /** What a replay needs to know of the game day (scenario, seed, speed ...), as data. */
  readonly about: unknown;
  /** The record can't be written (any more); the game day may go on without it. Called once. */
  readonly onTrouble: (text: string) => void;
}

/** What a disk may be behind before the record is given up, in bytes. */
const LONGEST_BACKLOG = 16 * 1024 * 1024;

export class TelemetryRecorder {
  readonly #options: TelemetryRecorderOptions;
  readonly #stream: WriteStream;
  readonly #targets = new Map<Target, number>();
  readonly #descriptions = new WeakMap<object, SchemaDescription>();
  #broken = false;

  constructor(options: TelemetryRecorderOptions) {
    this.#options = options;
    this.#stream = createWriteStream(options.path, { flags: "wx" });
    this.#stream.on("error", (failure) => this.#giveUp(failure.message));
    const { epochMillis, about } = options;
    const { scrape, lookback, retention, lanes } = options.store;
    this.#write({ kind: "header", record: RECORD_VERSION, epochMillis, scrape, lookback, retention, lanes, about });
  }

  /** A scrape, as it was stored just now. Give it to LiveScraper as `onRow`. */
  readonly row = (scraped: ScrapedRow): void => {
    const { target, time, visibleAt, up } = scraped;
    const at = this.#now();
    const line = { kind: "row", at, target: this.#numberOf(target, at), time, visibleAt } as const;
    if (up !== 1) return this.#write({ ...line, up: up === 0 ? 0 : null });
    const start = target.rowStart(target.rows - 1, 0);
    const values = target.values.subarray(start, start + target.schema.size * this.#options.store.lanes);
    this.#write({ ...line, up: 1, values: Array.from(values, (value) => (Number.isFinite(value) ? value : null)) });
  };

  /** A decision, or whatever else happened now; `data` must survive JSON. */
  event(type: string, data: unknown): void {
    this.#write({ kind: "event", at: this.#now(), type, data });
  }

  /** Writes what is left, and closes the file. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#broken || this.#stream.closed) return resolve();
      this.#stream.once("close", resolve);
      this.#stream.end();
    });
  }

  #numberOf(target: Target, at: Micros): number {
    const known = this.#targets.get(target);
    if (known !== undefined) return known;
    const number = this.#targets.size;
    this.#targets.set(target, number);
    let schema = this.#descriptions.get(target.schema);
    if (schema === undefined) this.#descriptions.set(target.schema, (schema = describeSchema(target.schema)));
    this.#write({ kind: "target", at, target: number, id: target.id, labels: target.labels, schema });
    return number;
  }

  #now(): Micros {
    return Math.floor(this.#options.clock.now());
  }

  #write(line: RecordLine): void {
    if (this.#broken) return;
    this.#stream.write(`${JSON.stringify(line)}\n`);
    if (this.#stream.writableLength > LONGEST_BACKLOG) this.#giveUp("the disk does not follow");
  }

  #giveUp(why: string): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#stream.destroy();
    this.#options.onTrouble(`the telemetry record ${this.#options.path} can't be written: ${why}`);
  }
}
