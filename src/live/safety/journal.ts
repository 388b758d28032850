// The append-only journal of one game day: on disk before a change is made, so that whoever comes later knows what to undo.

import { closeSync, constants, fdatasyncSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { parseEntry, type Change, type Done, type JournalAuthor, type JournalEntry } from "./entries.js";
import { GameDayState } from "./state.js";

/** The journal can't be written: no further fault may start, and what is open is reverted. */
export class JournalFailure extends Error {
  override readonly name = "JournalFailure";
  readonly path: string;
  /** ENOSPC, EIO, EBADF ... */
  readonly code: string;

  constructor(path: string, doing: string, cause: unknown) {
    const code = (cause as NodeJS.ErrnoException | null)?.code ?? "unknown";
    super(`the journal ${path} can't be written (${code}) while ${doing}`, { cause });
    this.path = path;
    this.code = code;
  }
}

/** Its name in the game day's folder. */
export const JOURNAL_FILE = "journal.ndjson";

const NEWLINE = 0x0a;
const MAX_LINE_BYTES = 64 * 1024;

/** One game day's journal, open for appending and for following what others append. */
export class Journal {
  readonly path: string;
  /** What is open, from all entries read and written so far; true even when the disk no longer takes entries. */
  readonly state = new GameDayState();
  readonly #by: JournalAuthor;
  readonly #fd: number;
  readonly #unreadable: number[] = [];
  #failure: JournalFailure | null = null;
  #onFailure: ((failure: JournalFailure) => void) | null = null;
  #offset = 0;
  #line = 0;
  #rest = Buffer.alloc(0);
  #closed = false;

  private constructor(path: string, by: JournalAuthor, fd: number) {
    this.path = path;
    this.#by = by;
    this.#fd = fd;
  }

  /** Starts a journal; throws JournalFailure when there is one already or it can't be written. */
  static begin(path: string, started: Extract<Change, { readonly kind: "game-day-started" }>): Journal {
    let fd: number;
    try {
      mkdirSync(dirname(path), { recursive: true });
      fd = openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL, 0o600);
      syncFolder(dirname(path));
    } catch (error) {
      throw new JournalFailure(path, "starting it", error);
    }
    const journal = new Journal(path, "main", fd);
    try {
      journal.before(started);
    } catch (error) {
      journal.close();
      throw error;
    }
    return journal;
  }

  /** Joins a journal that another process began, and reads what it says so far; `read-only` never writes. */
  static join(path: string, by: JournalAuthor, access: "read-write" | "read-only" = "read-write"): Journal {
    const flags = access === "read-only" ? constants.O_RDONLY : constants.O_RDWR | constants.O_APPEND;
    const journal = new Journal(path, by, openSync(path, flags));
    journal.follow();
    return journal;
  }

  /** Writes a change that is about to be made. When it throws (JournalFailure), the change must not be made. */
  before(change: Change): void {
    // One failure is enough: a disk that comes and goes is no ground to break things on.
    if (this.#failure !== null) throw this.#failure;
    const entry = this.#stamped(change);
    this.#append(entry);
    this.state.apply(entry);
  }

  /** Writes what was done or found; false when it can't be written. Reverting goes on all the same. */
  after(done: Done): boolean {
    const entry = this.#stamped(done);
    this.state.apply(entry);
    try {
      this.#append(entry);
      return true;
    } catch (error) {
      if (error instanceof JournalFailure) return false;
      throw error;
    }
  }

  /** The first failure to write; null while all is well. */
  get failure(): JournalFailure | null {
    return this.#failure;
  }

  /** Calls back at the first failure to write. */
  onFailure(callback: (failure: JournalFailure) => void): void {
    this.#onFailure = callback;
  }

  /** Numbers of the lines that can't be read: torn by a crash, or of a later version. */
  get unreadableLines(): readonly number[] {
    return this.#unreadable;
  }

  /** Reads what was appended since the last look, by whomever; gives the new entries. */
  follow(): readonly JournalEntry[] {
    const size = fstatSync(this.#fd).size;
    const chunks = [this.#rest];
    while (this.#offset < size) {
      const chunk = Buffer.alloc(Math.min(size - this.#offset, MAX_LINE_BYTES));
      const length = readSync(this.#fd, chunk, 0, chunk.length, this.#offset);
      if (length === 0) break;
      this.#offset += length;
      chunks.push(chunk.subarray(0, length));
    }
    const bytes = Buffer.concat(chunks);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    // What has no line end yet is either being written or torn; a later look tells.
    this.#rest = bytes.subarray(end);
    const entries: JournalEntry[] = [];
    for (const line of bytes.subarray(0, end).toString("utf8").split("\n").slice(0, -1)) {
      this.#line += 1;
      if (line === "") continue;
      const entry = parseEntry(line);
      if (entry === null) this.#unreadable.push(this.#line);
      else entries.push(entry);
    }
    for (const entry of entries) this.state.apply(entry);
    return entries;
  }

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      closeSync(this.#fd);
    } catch {
      // It is closed then, which is what was wanted.
    }
  }

  #stamped<E extends Change | Done>(entry: E): JournalEntry {
    const { kind, ...rest } = entry;
    return { kind, at: new Date().toISOString(), by: this.#by, ...rest } as unknown as JournalEntry;
  }

  /** Appends one line and waits until the disk has it. */
  #append(entry: JournalEntry): void {
    try {
      if (this.#closed) throw Object.assign(new Error("closed"), { code: "EBADF" });
      const bytes = Buffer.from(`${this.#endsInTornLine() ? "\n" : ""}${JSON.stringify(entry)}\n`, "utf8");
      let written = 0;
      while (written < bytes.length) written += writeSync(this.#fd, bytes, written);
      fdatasyncSync(this.#fd);
    } catch (error) {
      const failure = new JournalFailure(this.path, `writing ${entry.kind}`, error);
      const isFirst = this.#failure === null;
      this.#failure ??= failure;
      if (isFirst) this.#onFailure?.(failure);
      throw failure;
    }
  }

  /** Whether somebody's last write broke off: the next entry must not continue that line. */
  #endsInTornLine(): boolean {
    const size = fstatSync(this.#fd).size;
    if (size === 0) return false;
    const last = Buffer.alloc(1);
    readSync(this.#fd, last, 0, 1, size - 1);
    return last[0] !== NEWLINE;
  }
}

/** A new file's name is on disk only when its folder is. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY);
  try {
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
