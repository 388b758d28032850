// The runner that plays on many machines: batches go out through Redis, results come back into a file that is the truth.

import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { randomUUID } from "node:crypto";
import { counted } from "../../kernel/format.js";
import { buildWords, sameBuild, thisBuild } from "../build.js";
import type { Bundle } from "../bundle.js";
import { resultOf } from "../inline-runner.js";
import type { Played } from "../play.js";
import { Lookahead } from "../pool-runner.js";
import { groupName, runKey, type Job, type OnResult, type RunManyOptions, type RunManySummary, type Runner } from "../runner.js";
import { Answers } from "./answers.js";
import { Outstanding, type Waiting } from "./outstanding.js";
import { durationWords, Patience, reachRedis, redisOptions, within } from "./connect.js";
import type { RedisPlace } from "./place.js";
import { KEYS, LIFE, QUEUE, type Answer, type BatchJob, type ResultsAnswer, type WorkerName } from "./protocol.js";
import { ResultFile, type ResultFileOptions } from "../storage/result-file.js";
import { lastingTrouble, RedisTrouble } from "./trouble.js";

/** Runs that may be ahead of the results that were delivered. */
const AHEAD = { row: 16_384, outcome: 256 } as const;
const MOST_BATCHES = 256;
const HEARTBEAT_MILLIS = 5000;
/** Whatever may have gone lost without a word is looked after so often. */
const LOOK_AFTER_MILLIS = 15_000;
const PATIENCE_SECONDS = 300;
/** When nobody has answered for so long, the user is told what is missing. */
const LONELY_MILLIS = 10_000;
/** A farewell must not wait for a Redis that is gone. */
const FAREWELL_MILLIS = 3000;
/** How often a bundle may be gone that was put before. */
const MOST_MISSED = 20;
/** How often a run by itself may take its worker down before it is given up. */
const MOST_DEATHS = 2;

export interface RedisRunnerOptions extends Pick<ResultFileOptions, "resume" | "files"> {
  readonly place: RedisPlace;
  /** The file of results. */
  readonly results: string;
  /** The user's Ctrl-C: then the file says that the command didn't come to its end. */
  readonly interrupted?: AbortSignal;
  readonly secondsPerRun?: number;
  /** How long Redis may be away. */
  readonly patienceSeconds?: number;
  /** Something that the user should know while the work goes on. */
  readonly onNotice?: (line: string) => void;
}

export class RedisRunner implements Runner {
  readonly #options: RedisRunnerOptions;
  readonly #session = randomUUID();
  readonly #build = thisBuild();
  readonly #client: Redis;
  readonly #queue: Queue<BatchJob, null>;
  readonly #answers: Answers;
  readonly #patience: Patience;
  readonly #file: ResultFile;
  readonly #outstanding = new Outstanding();
  /** Runs without a result, by key and detail, until they are delivered. They are not kept: another try may do better. */
  readonly #lost = new Map<string, Played>();
  readonly #workers = new Map<string, number>();
  readonly #strangers = new Set<string>();
  /** When each bundle was last put into Redis, and whether it is there yet; emptied when Redis may have forgotten. */
  readonly #puts = new Map<string, { readonly at: number; readonly done: Promise<void> }>();
  readonly #missed = new Map<string, number>();
  readonly #timers: NodeJS.Timeout[] = [];
  #lastNotice = "";
  #broken: unknown = null;
  /** A run() is under way, or ended by an error. */
  #unfinished = false;
  /** What is still being taken out of Redis. */
  #leaving: Promise<unknown> = Promise.resolve();
  #closing = false;
  #wake: () => void = () => undefined;

  private constructor(options: RedisRunnerOptions, file: ResultFile) {
    const { place, patienceSeconds = PATIENCE_SECONDS } = options;
    this.#options = options;
    this.#file = file;
    this.#client = new Redis(redisOptions(place));
    this.#queue = new Queue(QUEUE, { connection: this.#client, streams: { events: { maxLen: 100 } } });
    this.#queue.on("error", () => undefined);
    this.#patience = new Patience(this.#client, place, patienceSeconds, {
      onAway: (reason) => this.#notice(`${place.name} is away (${reason}); waiting for it up to ${durationWords(patienceSeconds)}`),
      onBack: () => {
        this.#notice(`${place.name} is back: ${counted(this.#outstanding.runs, "run")} without a result ${this.#outstanding.runs === 1 ? "is" : "are"} enqueued again`);
        this.#lookAfter(true);
      },
      onLost: (trouble) => this.#lose(trouble),
    });
    this.#answers = new Answers(place, KEYS.answers(this.#session), (answer) => this.#heed(answer), (error) => this.#trouble(error));
    this.#timers.push(setInterval(() => this.#beat(), HEARTBEAT_MILLIS), setInterval(() => this.#lookAfter(false), LOOK_AFTER_MILLIS), setInterval(() => this.#lonely(), LONELY_MILLIS));
    this.#beat();
  }

  /** Opens the result file and makes sure that Redis is there. Throws RedisTrouble or StorageError. */
  static async start(options: RedisRunnerOptions): Promise<RedisRunner> {
    await reachRedis(options.place);
    const file = ResultFile.open(options.results, { resume: options.resume, build: thisBuild(), files: options.files ?? null });
    if (file.kept > 0) options.onNotice?.(`${file.path}: goes on after ${counted(file.kept, "run")}`);
    return new RedisRunner(options, file);
  }

  /** Threads of all workers that have answered so far. */
  get workers(): number {
    return Math.max(1, [...this.#workers.values()].reduce((sum, threads) => sum + threads, 0));
  }

  async run(jobs: Iterable<Job>, onResult: OnResult, { signal }: RunManyOptions = {}): Promise<RunManySummary> {
    const source = new Lookahead(jobs);
    const stop = (): void => this.#wake();
    signal?.addEventListener("abort", stop);
    let delivered = 0;
    this.#unfinished = true;
    const ended = (aborted: boolean): RunManySummary => {
      this.#unfinished = false;
      return { delivered, aborted };
    };
    try {
      for (;;) {
        if (this.#broken !== null) throw this.#broken as Error;
        if (signal?.aborted === true) return ended(true);
        this.#send(source, delivered);
        if (delivered === source.taken) return ended(false);
        const job = source.open(delivered);
        const played = this.#playedOf(job);
        if (played === null) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          continue;
        }
        source.release(delivered);
        await onResult(resultOf(job, runKey(job), played), delivered);
        delivered += 1;
      }
    } finally {
      signal?.removeEventListener("abort", stop);
      source.close();
      this.#forget();
    }
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    if (this.#broken === null && this.#options.interrupted?.aborted === true) this.#notice(`${this.#file.path} keeps what was played; --resume goes on from there`);
    this.#closing = true;
    this.#patience.close();
    this.#timers.forEach((timer) => clearTimeout(timer));
    try {
      this.#file.close(this.#broken === null && !this.#unfinished && this.#options.interrupted?.aborted !== true);
    } finally {
      this.#answers.close();
      if (this.#client.status === "ready") {
        await within(FAREWELL_MILLIS, this.#leaving);
        await within(FAREWELL_MILLIS, this.#client.del(KEYS.alive(this.#session), KEYS.answers(this.#session)));
        await within(FAREWELL_MILLIS, this.#queue.close());
      }
      this.#client.disconnect();
    }
  }

  /** Takes as many jobs as may be ahead, and sends those that nobody has played yet. */
  #send(source: Lookahead, delivered: number): void {
    while (this.#outstanding.batches < MOST_BATCHES) {
      const jobs = source.take(({ fidelity, detail }) => this.#outstanding.batchSize(fidelity, detail), ({ detail }) => source.taken - delivered < (detail === "row" ? AHEAD.row : AHEAD.outcome));
      if (jobs.length === 0) return;
      const fresh = jobs.filter((job) => this.#playedOf(job, false) === null && !this.#outstanding.has(job));
      if (fresh.length > 0) this.#enqueue(this.#outstanding.add(fresh), false);
    }
  }

  /** What was played of a job, if it was. */
  #playedOf(job: Job, read = true): Played | null {
    const { detail, seed } = job;
    const group = groupName(job);
    if (this.#file.has(group, detail, seed)) {
      if (!read) return NOT_READ;
      const { row, outcome } = this.#outstanding.taken(job) ?? this.#file.read(group, detail, seed);
      return { ok: true, row, outcome };
    }
    return this.#lost.get(`${group}:${detail}:${seed}`) ?? null;
  }

  /** Puts a batch into Redis, its bundles first. `ahead`: before all that wait there. */
  #enqueue(batch: Waiting, ahead: boolean): void {
    this.#put([...batch.bundles.values()])
      .then(() => this.#queue.add("batch", this.#jobOf(batch), { jobId: this.#idOf(batch), lifo: ahead, ...JOB_OPTIONS }))
      .catch((error: unknown) => this.#trouble(error));
  }

  /** Makes sure that these bundles are in Redis. One that is on its way is waited for: hundreds of batches may need it at once. */
  async #put(bundles: readonly Bundle[]): Promise<void> {
    const now = performance.now();
    const old = new Map(bundles.filter(({ hash }) => now - (this.#puts.get(hash)?.at ?? -Infinity) > (LIFE.bundle * 1000) / 4).map((bundle) => [bundle.hash, bundle]));
    if (old.size > 0) {
      const put = { at: now, done: this.#sendBundles([...old.values()]) };
      for (const hash of old.keys()) this.#puts.set(hash, put);
      put.done.catch(() => {
        for (const hash of old.keys()) if (this.#puts.get(hash) === put) this.#puts.delete(hash);
      });
    }
    await Promise.all(bundles.flatMap(({ hash }) => this.#puts.get(hash)?.done ?? []));
  }

  async #sendBundles(bundles: readonly Bundle[]): Promise<void> {
    const pipeline = this.#client.pipeline();
    for (const bundle of bundles) pipeline.set(KEYS.bundle(bundle.hash), JSON.stringify(bundle), "EX", LIFE.bundle);
    for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
  }

  #jobOf({ batch, groups }: Waiting): BatchJob {
    return { build: this.#build, session: this.#session, batch, secondsPerRun: this.#options.secondsPerRun ?? null, groups: [...groups] };
  }

  #idOf({ batch }: Waiting): string {
    return `${this.#session}-${batch}`;
  }

  /** Enqueues again what has no result: all that Redis still has stays as it is, since a batch keeps its name. */
  #lookAfter(mayHaveForgotten: boolean): void {
    if (this.#client.status !== "ready") return;
    if (mayHaveForgotten) this.#puts.clear();
    this.#beat();
    const batches = this.#outstanding.all();
    if (batches.length === 0) return;
    this.#put(batches.flatMap(({ bundles }) => [...bundles.values()]))
      .then(() => this.#queue.addBulk(batches.map((batch) => ({ name: "batch", data: this.#jobOf(batch), opts: { jobId: this.#idOf(batch), ...JOB_OPTIONS } }))))
      .catch((error: unknown) => this.#trouble(error));
  }

  #beat(): void {
    this.#client.set(KEYS.alive(this.#session), "1", "EX", LIFE.alive).catch((error: unknown) => this.#trouble(error));
  }

  #heed(answer: Answer): void {
    try {
      if (answer.kind === "refused") this.#stranger(answer.by);
      else if (answer.kind === "died") this.#died(answer.batch, answer.reason);
      else this.#receive(answer);
      this.#wake();
    } catch (error) {
      this.#fail(error);
    }
  }

  #receive(answer: ResultsAnswer): void {
    const { batch, by, groups, millis, left } = answer;
    if (!sameBuild(by.build, this.#build)) return this.#stranger(by);
    this.#workers.set(by.worker, by.threads);
    const name = `${by.worker} (${buildWords(by.build)})`;
    const waiting = this.#outstanding.get(batch);
    let runs = 0;
    for (const { hash, fidelity, detail, runs: played } of groups) {
      const group = `${hash}:${fidelity}`;
      for (const run of played) {
        const expected = waiting?.expects(group, detail, run.seed) === true;
        runs += 1;
        if ("row" in run) {
          const result = { row: run.row, outcome: run.outcome, by: name };
          if (!expected && !this.#file.has(group, detail, run.seed)) continue;
          checkRow(run.row, `${group}:${run.seed}`, name);
          if (this.#file.add(group, detail, run.seed, result)) this.#outstanding.keep(group, detail, run.seed, result);
        } else if (expected && !this.#file.has(group, detail, run.seed)) {
          this.#lost.set(`${group}:${detail}:${run.seed}`, { ok: false, failure: { kind: run.kind, message: run.message } });
        }
      }
    }
    this.#file.flush();
    if (waiting === undefined) return;
    if (runs > 0) this.#outstanding.took(waiting, (millis * by.threads) / runs);
    this.#outstanding.delete(batch);
    const rest = waiting.jobs.filter((job) => this.#playedOf(job, false) === null);
    if (left === "bundle") this.#missing([...waiting.bundles.keys()]);
    if (rest.length > 0) this.#enqueue(this.#outstanding.add(rest, waiting.deaths), true);
  }

  /** A worker found no bundle: it is put again, a few times. */
  #missing(hashes: readonly string[]): void {
    for (const hash of hashes) {
      this.#puts.delete(hash);
      const times = (this.#missed.get(hash) ?? 0) + 1;
      this.#missed.set(hash, times);
      if (times > MOST_MISSED) this.#lose(new RedisTrouble(`${this.#options.place.name}: loses what was just stored; give it more memory, or set maxmemory-policy noeviction`));
    }
  }

  /** Workers vanished over this batch: each of its runs goes out by itself, so that only the guilty one is lost. */
  #died(batch: number, reason: string): void {
    const waiting = this.#outstanding.get(batch);
    if (waiting === undefined) return;
    this.#outstanding.delete(batch);
    const rest = waiting.jobs.filter((job) => this.#playedOf(job, false) === null);
    for (const job of rest) {
      const deaths = rest.length === 1 ? waiting.deaths + 1 : waiting.deaths;
      if (deaths < MOST_DEATHS) this.#enqueue(this.#outstanding.add([job], deaths), true);
      else this.#lost.set(`${groupName(job)}:${job.detail}:${job.seed}`, { ok: false, failure: { kind: "crashed", message: `its workers vanished again and again: ${reason}` } });
    }
  }

  #stranger({ worker, build }: WorkerName): void {
    if (this.#strangers.has(worker)) return;
    this.#strangers.add(worker);
    this.#notice(`the worker ${worker} runs ${buildWords(build)} and this is ${buildWords(this.#build)}: it leaves our runs to others`);
  }

  #lonely(): void {
    if (this.#workers.size > 0 || this.#outstanding.runs === 0 || this.#client.status !== "ready") return;
    this.#queue.getActiveCount().then(
      (active) => {
        if (active === 0) this.#notice(`no worker has answered yet; start one with: shakedown worker --redis ${this.#options.place.name}`);
      },
      (error: unknown) => this.#trouble(error),
    );
  }

  /** A command failed: for good, or until things are looked after the next time. */
  #trouble(error: unknown): void {
    if (this.#closing) return;
    const lasting = lastingTrouble(error, this.#options.place.name);
    if (lasting !== null) this.#lose(lasting);
    else if (this.#client.status === "ready") this.#notice(`${this.#options.place.name}: ${error instanceof Error ? error.message : String(error)}; trying again`);
  }

  #lose({ message }: RedisTrouble): void {
    this.#fail(new RedisTrouble(`${message}; the results so far are kept in ${this.#file.path}, and --resume goes on from there`));
  }

  #fail(error: unknown): void {
    this.#broken ??= error;
    this.#wake();
  }

  /** The run is over: nobody needs to play what still waits. */
  #forget(): void {
    const batches = this.#outstanding.all();
    this.#outstanding.clear();
    this.#lost.clear();
    if (this.#client.status !== "ready") return;
    this.#leaving = Promise.allSettled(batches.map((batch) => this.#queue.remove(this.#idOf(batch))));
  }

  #notice(line: string): void {
    if (line === this.#lastNotice || this.#closing) return;
    this.#lastNotice = line;
    this.#options.onNotice?.(line);
  }
}

const JOB_OPTIONS = { removeOnComplete: true, removeOnFail: true } as const;
const NOT_READ: Played = { ok: true, row: "", outcome: null };

/** A row that is not of this run is no result at all. */
function checkRow(text: string, key: string, by: string): void {
  const start = `"key":"${key}"`;
  if (!text.startsWith('{"rowVersion":') || !text.includes(start)) throw new Error(`${by} answered the run ${key} with something else: ${text.slice(0, 100)}`);
}
