// The coordinator's results on disk: append-only lines that are the truth about what has been played, whatever Redis forgets.

import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readSync, renameSync, rmSync, statSync, writeFileSync, writeSync, readFileSync, fstatSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, resolve } from "node:path";
import { InternalError } from "../../kernel/assert.js";
import type { Build } from "../build.js";
import type { Detail } from "../runner.js";
import { makeFolder } from "./folder.js";
import { checkIsHead, checkOrigin, headLine, noResults, type Origin } from "./result-head.js";
import { storageError, StorageError } from "./storage-error.js";

/** A result's texts, and who played it. */
export interface KeptResult {
  readonly row: string;
  readonly outcome: string | null;
  readonly by: string;
}

export interface ResultFileOptions {
  readonly resume: boolean;
  readonly build: Build;
  /** What is played, as `filesOf` says it; left out, any file of the build will do. */
  readonly files?: Origin["files"];
}

const READ_BYTES = 1 << 20;
const SYNC_MILLIS = 500;
/** A lock gets its name at once; one that has none for so long is nobody's. */
const NAMELESS_MILLIS = 5000;
const NEWLINE = 10;
const HEAD = /^\{"key":"([0-9a-f]{32}:(?:cohort|request)):(\d+)","detail":"(row|light|full)","by":("(?:[^"\\]|\\.)*"),"size":(\d+),"row":/;

/** Results by run key and detail. The first one stays; another one must be the same. */
export class ResultFile {
  readonly path: string;
  /** Runs that were found in the file. */
  readonly kept: number;
  readonly #file: number;
  /** Where each line starts, by "hash:fidelity:detail" and seed: a million runs take some 50 MB. */
  readonly #starts: Map<string, Map<number, number>>;
  #size: number;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #unsynced = false;
  /** The disk refused something: what is still to be written is given up, so that a farewell says nothing twice. */
  #refused = false;
  #syncTimer: NodeJS.Timeout | null = null;

  private constructor(path: string, file: number, size: number, starts: Map<string, Map<number, number>>) {
    this.path = path;
    this.#file = file;
    this.#size = size;
    this.#starts = starts;
    this.kept = [...starts.values()].reduce((sum, seeds) => sum + seeds.size, 0);
  }

  /**
   * Opens the file for a command. Without `resume` the results of a command that came to its end are replaced; those of
   * one that didn't are never thrown away. With it they must be of the same build and `files`. Throws StorageError.
   */
  static open(path: string, { resume, build, files = null }: ResultFileOptions): ResultFile {
    const origin: Origin = { build, files };
    try {
      makeFolder(dirname(path));
      lock(path);
    } catch (error) {
      throw error instanceof StorageError ? error : storageError(path, error);
    }
    try {
      if (existsSync(path)) {
        const found = scan(path, (line) => (resume ? checkOrigin(path, line, origin) : checkIsHead(path, line)));
        if (resume) return ResultFile.#goOn(path, found);
        if (!found.ended && found.runs > 0) throw new StorageError(`${path}: holds ${found.runs} results of a command that did not come to its end: add --resume to go on with it, or take the file away`);
      }
      return ResultFile.#start(path, origin);
    } catch (error) {
      unlock(path);
      throw error instanceof StorageError ? error : storageError(path, error);
    }
  }

  static #start(path: string, origin: Origin): ResultFile {
    const head = `${headLine(origin)}\n`;
    writeFileSync(`${path}.open`, head);
    renameSync(`${path}.open`, path);
    return new ResultFile(path, openSync(path, "r+"), Buffer.byteLength(head), new Map());
  }

  static #goOn(path: string, { whole, starts }: Scanned): ResultFile {
    const file = openSync(path, "r+");
    ftruncateSync(file, whole);
    return new ResultFile(path, file, whole, starts);
  }

  has(group: string, detail: Detail, seed: number): boolean {
    return this.#starts.get(`${group}:${detail}`)?.has(seed) === true;
  }

  /** What was kept for this run. Throws StorageError when the file is damaged. */
  read(group: string, detail: Detail, seed: number): KeptResult {
    const start = this.#starts.get(`${group}:${detail}`)?.get(seed);
    if (start === undefined) throw new InternalError(`internal: no result of ${group}:${seed} was kept`);
    this.flush();
    const line = readLine(this.#file, start);
    const head = HEAD.exec(line);
    const size = Number(head?.[5]);
    if (head === null || head[1] !== group || Number(head[2]) !== seed || !line.startsWith(',"outcome":', head[0].length + size)) throw damaged(this.path, `at byte ${start}`);
    const outcome = line.slice(head[0].length + size + ',"outcome":'.length, -1);
    return { row: line.slice(head[0].length, head[0].length + size), outcome: outcome === "null" ? null : outcome, by: JSON.parse(head[4]) as string };
  }

  /** Keeps a result. False when it was there already, and the same; throws when it was there and differs. */
  add(group: string, detail: Detail, seed: number, result: KeptResult): boolean {
    if (this.has(group, detail, seed)) {
      this.#compare(group, detail, seed, result);
      return false;
    }
    const { row, outcome, by } = result;
    const line = Buffer.from(`{"key":"${group}:${seed}","detail":"${detail}","by":${JSON.stringify(by)},"size":${row.length},"row":${row},"outcome":${outcome ?? "null"}}\n`);
    const seeds = this.#starts.get(`${group}:${detail}`) ?? new Map<number, number>();
    this.#starts.set(`${group}:${detail}`, seeds);
    seeds.set(seed, this.#size);
    this.#size += line.length;
    this.#pending.push(line);
    this.#pendingBytes += line.length;
    if (this.#pendingBytes > READ_BYTES) this.flush();
    return true;
  }

  /** Hands everything to the operating system: from here on the process may be killed. To the disk it goes in batches. */
  flush(): void {
    if (this.#pending.length === 0 || this.#refused) return;
    this.#tried(() => {
      const bytes = Buffer.concat(this.#pending);
      let at = this.#size - bytes.length;
      for (let done = 0; done < bytes.length; ) {
        const wrote = writeSync(this.#file, bytes, done, bytes.length - done, at);
        done += wrote;
        at += wrote;
      }
    });
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#unsynced = true;
    this.#syncTimer ??= setTimeout(() => this.#sync(), SYNC_MILLIS).unref();
  }

  /** `ended`: the command came to its end, and the next one may replace the file. */
  close(ended: boolean): void {
    if (ended) {
      this.#pending.push(Buffer.from(`${END}\n`));
      this.#size += END.length + 1;
    }
    try {
      this.flush();
      this.#sync();
    } finally {
      if (this.#syncTimer !== null) clearTimeout(this.#syncTimer);
      closeSync(this.#file);
      unlock(this.path);
    }
  }

  #sync(): void {
    this.#syncTimer = null;
    if (!this.#unsynced || this.#refused) return;
    this.#unsynced = false;
    this.#tried(() => fsyncSync(this.#file));
  }

  #compare(group: string, detail: Detail, seed: number, second: KeptResult): void {
    const first = this.read(group, detail, seed);
    if (first.row === second.row && first.outcome === second.outcome) return;
    const other = `${this.path}.second`;
    writeFileSync(other, `${second.row}\n${second.outcome ?? ""}\n`);
    throw new InternalError(
      `internal: the run ${group}:${seed} came to two different results: one by ${first.by} (in ${this.path}), one by ${second.by} (in ${other}). The same run must give the same bytes everywhere: compare the two machines' builds and Node versions, and trust neither result`,
    );
  }

  #tried(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#refused = true;
      throw storageError(this.path, error);
    }
  }
}

const END = '{"end":true}';

interface Scanned {
  readonly starts: Map<string, Map<number, number>>;
  readonly runs: number;
  /** Bytes up to the last line that is whole, without the mark of the end. */
  readonly whole: number;
  readonly ended: boolean;
}

/** Reads where the lines are. What a killed writer left of a last line doesn't count. */
function scan(path: string, checkHead: (line: string) => void): Scanned {
  const starts = new Map<string, Map<number, number>>();
  let whole = 0;
  let runs = 0;
  let ended = false;
  let first = true;
  forEachLine(path, (line, start, isLast) => {
    if (first) {
      checkHead(line);
      first = false;
    } else if (line === END) {
      ended = true;
      return;
    } else {
      const head = HEAD.exec(line);
      if (head === null || !line.endsWith("}") || !line.startsWith(',"outcome":', head[0].length + Number(head[5]))) {
        // A power cut may leave rubbish at the end; anywhere else it is damage.
        if (isLast) return;
        throw damaged(path, `at byte ${start}`);
      }
      const group = `${head[1]}:${head[3]}`;
      const seeds = starts.get(group) ?? new Map<number, number>();
      starts.set(group, seeds);
      seeds.set(Number(head[2]), start);
      runs += 1;
      ended = false;
    }
    whole = start + Buffer.byteLength(line) + 1;
  });
  if (first) throw noResults(path);
  return { starts, runs, whole, ended };
}

/** Each line that ends with a newline, and whether it is the last of these. */
function forEachLine(path: string, see: (line: string, start: number, isLast: boolean) => void): void {
  const file = openSync(path, "r");
  try {
    const size = fstatSync(file).size;
    const buffer = Buffer.alloc(READ_BYTES);
    let rest: Buffer = Buffer.alloc(0);
    let start = 0;
    let held: { readonly line: string; readonly start: number } | null = null;
    for (let at = 0; at < size; ) {
      const read = readSync(file, buffer, 0, buffer.length, at);
      if (read === 0) break;
      at += read;
      const bytes = rest.length === 0 ? buffer.subarray(0, read) : Buffer.concat([rest, buffer.subarray(0, read)]);
      let from = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
        if (held !== null) see(held.line, held.start, false);
        held = { line: bytes.toString("utf8", from, end), start };
        start += end + 1 - from;
        from = end + 1;
      }
      rest = Buffer.from(bytes.subarray(from));
    }
    if (held !== null) see(held.line, held.start, true);
  } finally {
    closeSync(file);
  }
}

function readLine(file: number, start: number): string {
  const pieces: Buffer[] = [];
  for (let at = start; ; ) {
    const buffer = Buffer.alloc(64 * 1024);
    const read = readSync(file, buffer, 0, buffer.length, at);
    const end = buffer.subarray(0, read).indexOf(NEWLINE);
    pieces.push(buffer.subarray(0, end < 0 ? read : end));
    if (end >= 0 || read === 0) return Buffer.concat(pieces).toString("utf8");
    at += read;
  }
}

const damaged = (path: string, where: string): StorageError => new StorageError(`${path}: is damaged ${where}; take it away, or choose another --out`);

/** Two commands that append to one file would spoil it. */
function lock(path: string): void {
  const mine = `${hostname()} ${process.pid}`;
  try {
    writeNew(`${path}.lock`, mine);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "EEXIST") throw error;
    const holder = holderOf(path);
    if (holder !== null) throw new StorageError(`${path}: another shakedown (${holder}) writes to it; if that is long gone, take ${path}.lock away`);
    writeFileSync(`${path}.lock`, mine);
  }
  openHere.add(resolve(path));
}

/** Who holds the lock; null when whoever took it is gone. */
function holderOf(path: string): string | null {
  const [host, pid] = readFileSync(`${path}.lock`, "utf8").split(" ");
  // Who was killed before a name was written, or found no room for it, left the lock empty; another may write it just now.
  if (pid === undefined) return Date.now() - statSync(`${path}.lock`).mtimeMs > NAMELESS_MILLIS ? null : "a process that has just begun";
  // A restarted container has the same host name and process number as the killed one before it.
  const gone = Number(pid) === process.pid ? !openHere.has(resolve(path)) : !isRunning(Number(pid));
  return host === hostname() && gone ? null : `process ${pid} on ${host}`;
}

/** Leaves no file behind that could not be written. */
function writeNew(path: string, text: string): void {
  const file = openSync(path, "wx");
  try {
    writeFileSync(file, text);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}

function unlock(path: string): void {
  openHere.delete(resolve(path));
  rmSync(`${path}.lock`, { force: true });
}

/** Files that this process writes to. */
const openHere = new Set<string>();

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
