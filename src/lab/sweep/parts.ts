// Rows on disk: parts of a fixed number of lines that appear whole, and what is left of them after an interruption.

import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, readdirSync, readSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { storageError, StorageError } from "../storage/storage-error.js";

/** Bytes gathered before they are written. */
const BUFFER_BYTES = 1 << 20;
const OPEN_ENDING = ".open";
const NEWLINE = 10;

export const partName = (index: number): string => `part-${String(index + 1).padStart(5, "0")}.ndjson`;

/** The finished parts of a folder, in order. */
export function finishedParts(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => /^part-\d{5,}\.ndjson$/.test(name)).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
}

/** Appends rows to parts; a part gets its name when it has all its rows. */
export class PartWriter {
  rows: number;
  readonly #folder: string;
  readonly #rowsPerPart: number;
  #file: number | null = null;
  #pending: string[] = [];
  #pendingBytes = 0;

  /** Goes on after `kept` rows, which the folder holds already. */
  constructor(folder: string, rowsPerPart: number, kept = 0) {
    this.#folder = folder;
    this.#rowsPerPart = rowsPerPart;
    this.rows = kept;
  }

  add(line: string): void {
    this.#pending.push(line);
    this.#pendingBytes += line.length;
    this.rows += 1;
    if (this.rows % this.#rowsPerPart === 0) this.#finish();
    else if (this.#pendingBytes >= BUFFER_BYTES) this.#flush();
  }

  /** Leaves an unfinished part open, with every row in it: an interrupted sweep goes on from there. */
  pause(): void {
    this.#flush();
    if (this.#file !== null) this.#tried(() => closeSync(this.#file ?? -1));
    this.#file = null;
  }

  /** Names the last part, which may be short. Where no row was added to it, it has its name. */
  end(): void {
    if (this.#file !== null || this.#pending.length > 0) this.#finish();
  }

  get #part(): string {
    return join(this.#folder, partName(Math.max(0, Math.ceil(this.rows / this.#rowsPerPart) - 1)));
  }

  #finish(): void {
    this.#flush();
    this.#tried(() => {
      if (this.#file !== null) closeSync(this.#file);
      this.#file = null;
      nameWhole(this.#part);
    });
  }

  #flush(): void {
    if (this.#pending.length === 0) return;
    this.#tried(() => {
      this.#file ??= openSync(`${this.#part}${OPEN_ENDING}`, "a");
      writeAll(this.#file, Buffer.from(`${this.#pending.join("\n")}\n`));
    });
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  #tried(action: () => void): void {
    try {
      action();
    } catch (error) {
      throw storageError(this.#part, error);
    }
  }
}

/** An open part gets its name, once its bytes are on the disk. */
function nameWhole(path: string): void {
  const file = openSync(`${path}${OPEN_ENDING}`, "r+");
  fsyncSync(file);
  closeSync(file);
  renameSync(`${path}${OPEN_ENDING}`, path);
}

function writeAll(file: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
}

/** What is wrong with rows that were found; null when they are as planned. */
export type RowCheck = (row: number, line: string) => string | null;

/**
 * How many rows the folder holds already, from the first on without a gap. What a killed writer left of a last line is
 * cut off, and a part that has all its rows gets its name. Each part's first and last row are held against the plan.
 */
export function keptRows(folder: string, rowsPerPart: number, planned: number, checkPlanned: RowCheck): number {
  let rows = 0;
  const check: RowCheck = (row, line) => (row < planned ? checkPlanned(row, line) : null);
  const belonging = (): number => Math.min(rowsPerPart, planned - rows);
  for (const [index, name] of finishedParts(folder).entries()) {
    const path = join(folder, name);
    const found = countLines(path, rows, check);
    if (name !== partName(index) || found.lines !== belonging() || found.rest > 0) throw miscounted(path, found.lines, belonging());
    rows += found.lines;
  }
  const last = join(folder, partName(Math.floor(rows / rowsPerPart)));
  const open = `${last}${OPEN_ENDING}`;
  if (rows >= planned || !existsSync(open)) return rows;
  const lines = cutToWholeLines(open, rows, check);
  if (lines > belonging()) throw miscounted(open, lines, belonging());
  // Killed after its last row, and before its name.
  if (lines === belonging()) nameWhole(last);
  return rows + lines;
}

const miscounted = (path: string, found: number, expected: number): StorageError =>
  new StorageError(`${path}: holds ${found} rows where ${expected} belong; it is not of this sweep, or damaged: take it away, or choose another --out`);

function cutToWholeLines(path: string, before: number, check: RowCheck): number {
  const { lines, rest } = countLines(path, before, check);
  if (rest === 0) return lines;
  try {
    const file = openSync(path, "r+");
    ftruncateSync(file, fstatSync(file).size - rest);
    closeSync(file);
  } catch (error) {
    throw storageError(path, error);
  }
  return lines;
}

/** Lines of a file, read in pieces, and how many bytes follow the last of them. */
function countLines(path: string, before: number, check: RowCheck): { readonly lines: number; readonly rest: number } {
  let lines = 0;
  let rest: Buffer = Buffer.alloc(0);
  let last = "";
  try {
    const file = openSync(path, "r");
    const buffer = Buffer.alloc(BUFFER_BYTES);
    for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer)) {
      const bytes = Buffer.concat([rest, buffer.subarray(0, read)]);
      let from = 0;
      for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, from)) {
        if (lines === 0) refuse(path, check(before, bytes.toString("utf8", from, at)));
        lines += 1;
        last = bytes.indexOf(NEWLINE, at + 1) < 0 ? bytes.toString("utf8", from, at) : last;
        from = at + 1;
      }
      rest = Buffer.from(bytes.subarray(from));
    }
    closeSync(file);
  } catch (error) {
    throw error instanceof StorageError ? error : storageError(path, error);
  }
  if (lines > 0) refuse(path, check(before + lines - 1, last));
  return { lines, rest: rest.length };
}

function refuse(path: string, wrong: string | null): void {
  if (wrong !== null) throw new StorageError(`${path}: ${wrong}; it belongs to another sweep, or is damaged: take it away, or choose another --out`);
}
