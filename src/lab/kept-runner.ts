// The runner that keeps what another one plays: after Ctrl-C or kill -9 a command goes on from its file, and plays only the rest.

import { setImmediate } from "node:timers/promises";
import { counted } from "../kernel/format.js";
import { buildWords, thisBuild } from "./build.js";
import { resultOf } from "./inline-runner.js";
import { groupName, runKey, type Job, type OnResult, type RunManyOptions, type RunManySummary, type Runner, type RunResult } from "./runner.js";
import { ResultFile, type ResultFileOptions } from "./storage/result-file.js";

export interface KeptRunnerOptions extends Pick<ResultFileOptions, "resume" | "files"> {
  /** The file of results. */
  readonly results: string;
  /** The user's Ctrl-C: then the file says that the command didn't come to its end. */
  readonly interrupted: AbortSignal;
  /** Something that the user should know. */
  readonly onNotice?: (line: string) => void;
}

/** So many kept results are given at a time; between them Ctrl-C is heard. */
const BREATH = 64;

export class KeptRunner implements Runner {
  readonly #options: KeptRunnerOptions;
  readonly #file: ResultFile;
  readonly #inner: Runner;
  /** As the file names who played. */
  readonly #player = `this machine (${buildWords(thisBuild())})`;
  /** A run() is under way, or ended by an error. */
  #unfinished = false;

  private constructor(options: KeptRunnerOptions, file: ResultFile, inner: Runner) {
    this.#options = options;
    this.#file = file;
    this.#inner = inner;
  }

  /** Opens the file, then starts the runner that plays what is not in it. Throws StorageError. */
  static async start(options: KeptRunnerOptions, startInner: () => Promise<Runner>): Promise<KeptRunner> {
    const { results, resume, files = null, onNotice } = options;
    const file = ResultFile.open(results, { resume, build: thisBuild(), files });
    if (file.kept > 0) onNotice?.(`${file.path}: goes on after ${counted(file.kept, "run")}`);
    try {
      return new KeptRunner(options, file, await startInner());
    } catch (error) {
      file.close(false);
      throw error;
    }
  }

  get workers(): number {
    return this.#inner.workers;
  }

  async run(jobs: Iterable<Job>, onResult: OnResult, options: RunManyOptions = {}): Promise<RunManySummary> {
    const source = jobs[Symbol.iterator]();
    const isAborted = (): boolean => options.signal?.aborted === true;
    let delivered = 0;
    let cut = false;
    this.#unfinished = true;
    const give = async (result: RunResult): Promise<void> => {
      if (delivered % BREATH === 0) await setImmediate();
      cut ||= isAborted();
      if (cut) return;
      await onResult(result, delivered);
      delivered += 1;
    };
    let next = source.next();
    for (; next.done !== true && this.#has(next.value) && !isAborted(); next = source.next()) await give(this.#kept(next.value));
    /** Jobs that were taken and are not delivered, in their order: kept ones wait for the fresh ones before them. */
    const ahead: { readonly job: Job; readonly fresh: boolean }[] = [];
    const giveKept = async (): Promise<void> => {
      for (let [first] = ahead; first?.fresh === false && !isAborted(); [first] = ahead) {
        ahead.shift();
        await give(this.#kept(first.job));
      }
    };
    const fresh = this.#fresh(next, source, (job, isFresh) => ahead.push({ job, fresh: isFresh }));
    const { aborted } = await this.#inner.run(fresh, async (result) => {
      this.#keep(result);
      await giveKept();
      ahead.shift();
      await give(result);
    }, options);
    await giveKept();
    this.#unfinished = false;
    return { delivered, aborted: aborted || cut || ahead.length > 0 };
  }

  async close(): Promise<void> {
    const { interrupted, onNotice } = this.#options;
    try {
      await this.#inner.close();
    } finally {
      this.#file.close(!this.#unfinished && !interrupted.aborted);
    }
    if (interrupted.aborted) onNotice?.(`${this.#file.path} keeps what was played; --resume goes on from there`);
  }

  /** The jobs without a result; `taken` hears of all. */
  *#fresh(first: IteratorResult<Job, unknown>, source: Iterator<Job>, taken: (job: Job, isFresh: boolean) => void): Generator<Job> {
    try {
      for (let next = first; next.done !== true; next = source.next()) {
        const isFresh = !this.#has(next.value);
        taken(next.value, isFresh);
        if (isFresh) yield next.value;
      }
    } finally {
      source.return?.();
    }
  }

  #has(job: Job): boolean {
    return this.#file.has(groupName(job), job.detail, job.seed);
  }

  #kept(job: Job): RunResult {
    const { row, outcome } = this.#file.read(groupName(job), job.detail, job.seed);
    return resultOf(job, runKey(job), { ok: true, row, outcome });
  }

  /** A run without a result is not kept: another try may do better. */
  #keep(result: RunResult): void {
    if (!result.ok) return;
    const { job, text, outcome } = result;
    this.#file.add(groupName(job), job.detail, job.seed, { row: text, outcome: outcome === null ? null : JSON.stringify(outcome), by: this.#player });
    this.#file.flush();
  }
}
