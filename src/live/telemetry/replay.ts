// Reads a game day's telemetry record and lets it happen again: the same samples, in the same order, on a virtual clock.

import { createReadStream } from "node:fs";
import type { VirtualClock } from "../../kernel/clock.js";
import type { Micros } from "../../kernel/units.js";
import { SeriesStore } from "../../telemetry/store.js";
import type { Target } from "../../telemetry/target.js";
import { recordLine, schemaOf, type RecordEvent, type RecordHeader, type RecordLine, type RecordRow, type RecordTarget } from "./record-format.js";

/** A record that can't be used; the message names the line. */
export class RecordError extends Error {
  override readonly name = "RecordError";
}

const LONGEST_LINE = 8 * 1024 * 1024;

/**
 * The record's lines, in order, the header first; the file is read as it is used. A last line without its end (the game
 * day was killed while it wrote) is left out. Throws a RecordError.
 */
export async function* readRecord(path: string): AsyncGenerator<RecordLine, void, undefined> {
  let number = 0;
  for await (const text of completeLines(path)) {
    number += 1;
    const line = parseLine(text, number);
    if ((line.kind === "header") !== (number === 1)) throw new RecordError(number === 1 ? "the record does not begin with its header" : `line ${number}: a second header`);
    yield line;
  }
  if (number === 0) throw new RecordError("the record is empty");
}

async function* completeLines(path: string): AsyncGenerator<string, void, undefined> {
  let rest = "";
  try {
    for await (const chunk of createReadStream(path, "utf8")) {
      // Only what is new is searched, so that a line of many chunks costs no more than its length.
      const lines = String(chunk).split("\n");
      lines[0] = rest + lines[0];
      rest = lines.pop() ?? "";
      if (rest.length > LONGEST_LINE) throw new RecordError(`a line is longer than ${LONGEST_LINE} characters`);
      yield* lines;
    }
  } catch (failure) {
    if (failure instanceof Error && "code" in failure) throw new RecordError(`the record can't be read: ${failure.message}`);
    throw failure;
  }
}

function parseLine(text: string, number: number): RecordLine {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw new RecordError(`line ${number} is no JSON`);
  }
  const checked = recordLine.safeParse(data);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw new RecordError(`line ${number}: ${issue.path.join(".") || "the line"}: ${issue.message}`);
}

/** A SeriesStore that becomes, row by row, what the game day's was. */
export class RecordedStore {
  readonly store: SeriesStore;
  readonly #targets: Target[] = [];

  constructor({ lanes, lookback, scrape, retention }: RecordHeader) {
    this.store = new SeriesStore({ lanes, lookback, scrape, retention });
  }

  /** Takes a target or a row as its scraper did. Throws a RecordError when it does not fit what came before. */
  take(line: RecordTarget | RecordRow): void {
    if (line.kind === "target") return this.#addTarget(line);
    const target = this.#targets[line.target];
    if (target === undefined) throw new RecordError(`a row of target ${line.target}, of which the record has not told`);
    if (target.rows > 0 && line.time <= target.timeOf(target.rows - 1)) throw new RecordError(`${target.id}: a scrape at ${line.time} us is not later than the one before`);
    if (line.up === 1) return this.#takeValues(target, line);
    target.recordStale(line.time, line.visibleAt, line.up ?? NaN);
    target.removedAt = line.up === null ? line.time : Infinity;
    if (line.up === null) this.store.prune(line.time);
  }

  #addTarget({ target, id, labels, schema }: RecordTarget): void {
    if (target !== this.#targets.length) throw new RecordError(`target ${id} comes out of turn`);
    // A name that came back after its target was forgotten; here it may not be forgotten yet.
    const again = this.store.targets.some((one) => one.id === id);
    this.#targets.push(this.store.addTarget({ id: again ? `${id}#${target}` : id, labels: definedOnly(labels), schema: schemaOf(schema) }));
  }

  #takeValues(target: Target, { time, visibleAt, values = [] }: RecordRow): void {
    if (values.length !== target.schema.size * this.store.lanes) throw new RecordError(`${target.id}: a row of ${values.length} values at ${time} us`);
    target.removedAt = Infinity;
    target.recordRow(time, visibleAt, Float64Array.from(values, (value) => value ?? NaN));
  }
}

/** What a replay needs of whoever wants to see it. */
export interface ReplayAudience {
  /** Before anything happens; the store is still empty. Timers set here and later fire as time goes on. */
  readonly begin: (header: RecordHeader, store: SeriesStore) => void;
  /** What the game day wrote between the scrapes, when its time has come. */
  readonly event?: (event: RecordEvent) => void;
}

/**
 * Plays a record: before each line the clock runs up to its time, so that whoever asks the store at some time finds in it
 * what the game day had at that time. Afterwards the clock stands at the last line, whose time is returned.
 */
export async function replayRecord(path: string, clock: VirtualClock, audience: ReplayAudience): Promise<Micros> {
  let recorded: RecordedStore | null = null;
  let now: Micros = clock.now();
  for await (const line of readRecord(path)) {
    if (line.kind === "header") {
      recorded = new RecordedStore(line);
      audience.begin(line, recorded.store);
      continue;
    }
    // Up to just before it: what fires at its very time finds it there.
    if (line.at - 1 > now) clock.runUntil((now = line.at - 1), () => undefined);
    if (line.kind === "event") audience.event?.(line);
    else recorded?.take(line);
  }
  clock.runUntil(now + 1, () => undefined);
  return now + 1;
}

function definedOnly(labels: RecordTarget["labels"]): Target["labels"] {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== undefined));
}
