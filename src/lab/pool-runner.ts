// The runner that plays on all cores: batches of runs go to worker threads, results come back in the order of the jobs.

import { setFlagsFromString } from "node:v8";
import type { Piscina } from "piscina";
import type { Bundle } from "./bundle.js";
import { resultOf } from "./inline-runner.js";
import type { Played } from "./play.js";
import { runKey, type Job, type JobFailure, type OnResult, type RunManyOptions, type RunManySummary, type Runner } from "./runner.js";
import { encodeBundle, type SharedBundle } from "./shared-bundle.js";
import type { Batch, PlayedBatch, ThreadSettings } from "./worker.js";

/** A batch of about this long keeps the threads busy and the tail of a job list short. */
const BATCH_MILLIS = 60;
/** Jobs of one batch at most, and how far one worker may be ahead of the results; outcomes are large. */
const MOST = { row: { batch: 32, ahead: 128 }, outcome: { batch: 4, ahead: 16 } } as const;
/**
 * A run leaves some 7 MB behind, most of it dead at once. In twice the usual room half as often is collected, and what is collected
 * has died: threads of the collector would otherwise take from the cores that other workers play on.
 */
const YOUNG_MEGABYTES = 96;
/**
 * A worker clears its young objects by itself. By default four threads share that work, two milliseconds of it; beside as many workers as
 * there are cores they only wait for each other: 5 % fewer runs on two cores.
 */
const ONE_COLLECTOR_EACH = "--no-parallel-scavenge";
/** Batches per worker that wait or play, so that no worker waits for its next one. */
const IN_FLIGHT_PER_WORKER = 2;

export interface PoolOptions {
  readonly workers: number;
  /** A run that takes longer is given up as `timed-out`: for hostile scenarios. Such runs are sent one by one. */
  readonly secondsPerRun?: number;
  /** Scenarios that a thread keeps compiled; few where each one is played but once or twice. */
  readonly scenarios?: number;
  /** The built worker; beside this file when left out. */
  readonly entry?: URL;
}

/** The threads cannot work at all: our fault, not a scenario's. */
class BrokenPool extends Error {
  override readonly name = "BrokenPool";
}

export class PoolRunner implements Runner {
  readonly workers: number;
  readonly #pool: Piscina;
  readonly #secondsPerRun: number | null;
  readonly #shared = new WeakMap<Bundle, SharedBundle>();
  /** What one run takes lately; null before the first. */
  #millisPerRun: number | null = null;
  /** Rejects when a thread dies that is not at work: it could not even load, and the next one won't either. */
  readonly #broken: Promise<never>;

  private constructor(pool: Piscina, options: PoolOptions) {
    this.#pool = pool;
    this.#broken = new Promise((_, reject) => {
      pool.on("error", (error) => {
        reject(new BrokenPool(`a worker cannot start: ${error instanceof Error ? error.message : String(error)}`));
        void pool.destroy();
      });
    });
    // It is looked at where batches are waited for; between runs nobody waits.
    this.#broken.catch(() => undefined);
    this.workers = options.workers;
    this.#secondsPerRun = options.secondsPerRun ?? null;
  }

  /** Starts the threads; piscina is imported only here. */
  static async start(options: PoolOptions): Promise<PoolRunner> {
    const { Piscina } = await import("piscina");
    setFlagsFromString(ONE_COLLECTOR_EACH);
    const settings: ThreadSettings = options.scenarios === undefined ? {} : { scenarios: options.scenarios };
    const pool = new Piscina({
      filename: (options.entry ?? new URL("./worker.js", import.meta.url)).href,
      name: "playBatch",
      workerData: settings,
      minThreads: options.workers,
      maxThreads: options.workers,
      recordTiming: false,
      workerHistogram: false,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES },
    });
    return new PoolRunner(pool, options);
  }

  async run(jobs: Iterable<Job>, onResult: OnResult, { signal }: RunManyOptions = {}): Promise<RunManySummary> {
    const source = new Lookahead(jobs);
    const flying = new Set<Promise<void>>();
    const ready = new Map<number, Played>();
    const mostFlying = this.#secondsPerRun === null ? IN_FLIGHT_PER_WORKER * this.workers : this.workers;
    const ended = whenAborted(signal);
    let delivered = 0;
    const launch = (): void => {
      while (flying.size < mostFlying) {
        const first = source.taken;
        const batch = source.take(this.#batchSize(), (job) => source.taken - delivered < kindOf(job).ahead * this.workers);
        if (batch.length === 0) return;
        const task: Promise<void> = this.#play(batch).then((played) => {
          played.forEach((each, k) => ready.set(first + k, each));
          flying.delete(task);
        });
        task.catch(() => undefined);
        flying.add(task);
      }
    };
    try {
      for (launch(); flying.size > 0 || ready.size > 0; launch()) {
        for (let played = ready.get(delivered); played !== undefined; played = ready.get(delivered)) {
          if (signal?.aborted === true) return { delivered, aborted: true };
          ready.delete(delivered);
          const job = source.release(delivered);
          await onResult(resultOf(job, runKey(job), played), delivered);
          delivered += 1;
          launch();
        }
        if (signal?.aborted === true) return { delivered, aborted: true };
        if (flying.size > 0) await Promise.race([...flying, ended.promise]);
      }
      return { delivered, aborted: false };
    } finally {
      ended.forget();
      source.close();
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  #batchSize(): (job: Job) => number {
    const fit = this.#millisPerRun === null || this.#secondsPerRun !== null ? 1 : Math.max(1, Math.round(BATCH_MILLIS / this.#millisPerRun));
    return (job) => Math.min(fit, kindOf(job).batch);
  }

  /** Plays a batch; when its thread dies, each of its jobs by itself, so that only the guilty one is lost. Rejects only with BrokenPool. */
  async #play(jobs: readonly Job[]): Promise<readonly Played[]> {
    try {
      const { played, millis } = await this.#send(jobs);
      const each = millis / jobs.length;
      this.#millisPerRun = this.#millisPerRun === null ? each : 0.7 * this.#millisPerRun + 0.3 * each;
      return played;
    } catch (error) {
      if (error instanceof BrokenPool) throw error;
      if (jobs.length === 1) return [{ ok: false, failure: failureOf(error, this.#secondsPerRun) }];
      const apart: Played[] = [];
      for (const job of jobs) apart.push(...(await this.#play([job])));
      return apart;
    }
  }

  #send(jobs: readonly Job[]): Promise<PlayedBatch> {
    const bundles = [...new Set(jobs.map(({ bundle }) => bundle))].map((bundle) => this.#share(bundle));
    const requests = jobs.map((job) => ({ key: runKey(job), hash: job.bundle.hash, seed: job.seed, fidelity: job.fidelity, detail: job.detail }));
    const batch: Batch = { requests, bundles };
    const signal = this.#secondsPerRun === null ? null : AbortSignal.timeout(this.#secondsPerRun * 1000);
    // The pool is typed for any task; the worker's entry answers a batch like this.
    const played = this.#pool.run(batch, { signal }) as Promise<PlayedBatch>;
    return Promise.race([played, this.#broken]);
  }

  #share(bundle: Bundle): SharedBundle {
    const shared = this.#shared.get(bundle) ?? encodeBundle(bundle);
    this.#shared.set(bundle, shared);
    return shared;
  }
}

const kindOf = (job: Job): { readonly batch: number; readonly ahead: number } => (job.detail === "row" ? MOST.row : MOST.outcome);

function failureOf(error: unknown, seconds: number | null): JobFailure {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && error.name === "AbortError") return { kind: "timed-out", message: `the run took longer than ${seconds ?? 0} s` };
  return { kind: "crashed", message: `the worker died: ${message}` };
}

/** Jobs that were taken and whose results are not delivered yet. */
export class Lookahead {
  taken = 0;
  readonly #source: Iterator<Job>;
  readonly #open = new Map<number, Job>();
  #next: Job | null = null;
  #ended = false;

  constructor(jobs: Iterable<Job>) {
    this.#source = jobs[Symbol.iterator]();
  }

  /** The next jobs, as long as they fit in a batch and may be taken. */
  take(size: (job: Job) => number, may: (job: Job) => boolean): readonly Job[] {
    const batch: Job[] = [];
    for (let job = this.#peek(); job !== null && batch.length < size(job) && may(job); job = this.#peek()) {
      batch.push(job);
      this.#open.set(this.taken, job);
      this.taken += 1;
      this.#next = null;
    }
    return batch;
  }

  /** The job of this index, which was taken and not released. */
  open(index: number): Job {
    const job = this.#open.get(index);
    if (job === undefined) throw new Error(`job ${index} was never taken`);
    return job;
  }

  /** The job of this index, whose result is there. */
  release(index: number): Job {
    const job = this.open(index);
    this.#open.delete(index);
    return job;
  }

  close(): void {
    this.#source.return?.();
  }

  #peek(): Job | null {
    if (this.#next !== null || this.#ended) return this.#next;
    const step = this.#source.next();
    this.#ended = step.done === true;
    this.#next = step.done === true ? null : step.value;
    return this.#next;
  }
}

/** A promise that resolves when the signal aborts; to be forgotten, so that a signal of many runs gathers no listeners. */
function whenAborted(signal: AbortSignal | undefined): { readonly promise: Promise<void>; forget(): void } {
  let forget = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    const stop = (): void => resolve();
    signal?.addEventListener("abort", stop);
    forget = () => signal?.removeEventListener("abort", stop);
  });
  return { promise, forget: () => forget() };
}
