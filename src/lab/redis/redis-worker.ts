// A worker: takes batches out of Redis, plays them in threads, and sends the results back to whoever asked.

import { DelayedError, WaitingError, Worker, type Job as QueueJob } from "bullmq";
import { Redis } from "ioredis";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { buildWords, sameBuild, thisBuild, type Build } from "../build.js";
import type { Job } from "../runner.js";
import { BundleStore } from "./bundle-store.js";
import { durationWords, Patience, reachRedis, redisOptions, within } from "./connect.js";
import type { RedisPlace } from "./place.js";
import { Pools } from "./pools.js";
import { batchSchema, buildSchema, KEYS, LIFE, QUEUE, type Answer, type BatchJob, type ResultsAnswer, type WorkerName } from "./protocol.js";
import { lastingTrouble, type RedisTrouble } from "./trouble.js";

/** Batches at a time: while the tail of one is played, the next one is there. */
const AT_A_TIME = 2;
/** A worker that doesn't renew its lock for so long is dead, and its batch goes to another. */
const LOCK_MILLIS = 10_000;
const STALLED_MILLIS = 5000;
/** How many workers may vanish over a batch. */
const MOST_STALLS = 2;
/** Asked to end, a worker plays its batches to their end for so long; the rest goes back. */
const GRACE_MILLIS = 10_000;
/** A farewell must not wait for a Redis that is gone. */
const FAREWELL_MILLIS = 5000;
const PATIENCE_SECONDS = 300;
/** A batch of another build lies this long before somebody else may take it, and we keep away from the queue for longer each time. */
const RETURNED_MILLIS = 500;
const MOST_SHY_MILLIS = 15_000;
/** Between tries of a command that Redis refused. */
const RETRY_MILLIS = 1000;

export interface RedisWorkerOptions {
  readonly place: RedisPlace;
  /** Threads. */
  readonly workers: number;
  readonly patienceSeconds?: number;
  readonly onNotice?: (line: string) => void;
  readonly onPlayed?: (runs: number) => void;
  /** In tests: the built thread, and another build. */
  readonly entry?: URL;
  readonly build?: Build;
}

export class RedisWorker {
  readonly name: WorkerName;
  /** Ends when the worker was stopped; rejects when it can't go on. */
  readonly ended: Promise<void>;
  readonly #options: RedisWorkerOptions;
  readonly #client: Redis;
  readonly #worker: Worker<unknown, null>;
  readonly #patience: Patience;
  readonly #bundles: BundleStore;
  readonly #pools: Pools;
  readonly #hurry = new AbortController();
  readonly #told = new Set<string>();
  #shyMillis = RETURNED_MILLIS;
  #stopping: Promise<void> | null = null;
  #end: (error: unknown) => void = () => undefined;

  private constructor(options: RedisWorkerOptions) {
    const { place, workers, patienceSeconds = PATIENCE_SECONDS } = options;
    this.#options = options;
    this.name = { worker: `${hostname()}:${process.pid}`, build: options.build ?? thisBuild(), threads: workers };
    this.ended = new Promise((resolve, reject) => {
      this.#end = (error) => (error === null ? resolve() : reject(error as Error));
    });
    this.#client = new Redis(redisOptions(place));
    this.#bundles = new BundleStore(this.#client);
    this.#pools = new Pools({ workers, ...(options.entry === undefined ? {} : { entry: options.entry }) });
    this.#patience = new Patience(this.#client, place, patienceSeconds, {
      onAway: (reason) => options.onNotice?.(`${place.name} is away (${reason}); waiting for it up to ${durationWords(patienceSeconds)}`),
      onBack: () => options.onNotice?.(`${place.name} is back`),
      onLost: (trouble) => void this.#giveUp(trouble),
    });
    this.#worker = new Worker<unknown, null>(QUEUE, (job, token) => this.#take(job, token ?? ""), {
      connection: redisOptions(place),
      concurrency: AT_A_TIME,
      lockDuration: LOCK_MILLIS,
      stalledInterval: STALLED_MILLIS,
      maxStalledCount: MOST_STALLS,
      runRetryDelay: 1000,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    });
    this.#worker.on("error", (error) => this.#heed(error));
    this.#worker.on("failed", (job, error) => {
      if (job !== undefined) void this.#tellDied(job.data, error.message);
    });
  }

  /** Makes sure that Redis is there and begins to work. Throws RedisTrouble. */
  static async start(options: RedisWorkerOptions): Promise<RedisWorker> {
    await reachRedis(options.place);
    return new RedisWorker(options);
  }

  /** Takes no further batch, plays those at hand for a while, returns what is left of them, and ends. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const hurry = setTimeout(() => this.#hurry.abort(), GRACE_MILLIS);
    await within(GRACE_MILLIS + FAREWELL_MILLIS, this.#worker.close());
    clearTimeout(hurry);
    await this.#leave();
    this.#end(null);
  }

  async #leave(): Promise<void> {
    this.#patience.close();
    this.#hurry.abort();
    await within(FAREWELL_MILLIS, this.#worker.close(true));
    this.#client.disconnect();
    await this.#pools.close();
  }

  async #giveUp(error: unknown): Promise<void> {
    this.#stopping ??= this.#leave();
    await this.#stopping;
    this.#end(error);
  }

  /** What BullMQ asks of us; what it throws tells BullMQ where the job went. */
  async #take(job: QueueJob<unknown, null>, token: string): Promise<null> {
    const build = buildOf(job.data);
    if (build !== null && !sameBuild(build, this.name.build)) return this.#refuse(job, token, build);
    const batch = batchSchema.safeParse(job.data);
    if (!batch.success) {
      this.#tellOnce(`a job in the queue was not understood and thrown away (${batch.error.issues[0].path.join(".")}: ${batch.error.issues[0].message})`);
      return null;
    }
    this.#shyMillis = RETURNED_MILLIS;
    // Whoever asked is gone: a coordinator that goes on asks again.
    if ((await this.#client.exists(KEYS.alive(batch.data.session))) === 0) return null;
    const answer = await this.#play(batch.data);
    if (answer === null) {
      await job.moveToWait(token);
      throw new WaitingError();
    }
    await this.#answer(batch.data.session, answer);
    this.#options.onPlayed?.(answer.groups.reduce((sum, { runs }) => sum + runs.length, 0));
    return null;
  }

  /** A batch of another build goes back, and stays a moment where we don't see it. */
  async #refuse(job: QueueJob<unknown, null>, token: string, build: Build): Promise<never> {
    this.#tellOnce(`this worker runs ${buildWords(this.name.build)} and leaves batches of ${buildWords(build)} to others: start workers of that version`);
    const session = sessionOf(job.data);
    if (session !== null && !this.#told.has(session)) {
      this.#told.add(session);
      await this.#answer(session, { kind: "refused", by: this.name });
    }
    await job.moveToDelayed(Date.now() + RETURNED_MILLIS, token);
    void this.#worker.pause(true);
    setTimeout(() => {
      if (this.#stopping === null) void this.#worker.resume();
    }, this.#shyMillis).unref();
    this.#shyMillis = Math.min(MOST_SHY_MILLIS, 2 * this.#shyMillis);
    throw new DelayedError();
  }

  /** Plays a batch; null when our threads can't work at all: others may have more luck. */
  async #play({ batch, groups, secondsPerRun }: BatchJob): Promise<ResultsAnswer | null> {
    const started = performance.now();
    const bundles = await this.#trying(() => this.#bundles.get(groups.map(({ hash }) => hash)));
    const answer = (played: ResultsAnswer["groups"], left: ResultsAnswer["left"]): ResultsAnswer => ({ kind: "results", batch, by: this.name, millis: performance.now() - started, groups: played, left });
    if (bundles === null) return answer([], "bundle");
    const played = groups.map(({ hash, fidelity, detail }) => ({ hash, fidelity, detail, runs: [] as ResultsAnswer["groups"][number]["runs"][number][] }));
    const places = groups.flatMap(({ seeds }, k) => seeds.map(() => played[k].runs));
    const jobs = groups.flatMap(({ hash, fidelity, detail, seeds }) => seeds.map((seed): Job => ({ bundle: bundles.get(hash), fidelity, detail, seed })));
    try {
      const { aborted } = await this.#pools.with(secondsPerRun, (pool) =>
        pool.run(jobs, (result, index) => {
          const { seed } = result.job;
          if (result.ok) places[index].push({ seed, row: result.text, outcome: result.outcome === null ? null : JSON.stringify(result.outcome) });
          else places[index].push({ seed, kind: result.failure.kind, message: result.failure.message.slice(0, 5000) });
        }, { signal: this.#hurry.signal }));
      return answer(played, aborted ? "interrupted" : null);
    } catch (error) {
      void this.#giveUp(error);
      return null;
    }
  }

  async #answer(session: string, answer: Answer): Promise<void> {
    const key = KEYS.answers(session);
    const text = JSON.stringify(answer);
    await this.#trying(async () => {
      for (const [error] of (await this.#client.multi().rpush(key, text).expire(key, LIFE.answers).exec()) ?? []) if (error !== null) throw error;
    });
  }

  /** Tries again what Redis refuses for a while (it may be full), as long as we go on; says so. */
  async #trying<T>(action: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await action();
      } catch (error) {
        if (this.#hurry.signal.aborted) throw error;
        this.#heed(error);
        this.#tellOnce(`${this.#options.place.name}: ${error instanceof Error ? error.message : String(error)}; trying again`);
        await sleep(RETRY_MILLIS);
      }
    }
  }

  async #tellDied(data: unknown, reason: string): Promise<void> {
    const batch = batchSchema.safeParse(data);
    if (batch.success) await this.#answer(batch.data.session, { kind: "died", batch: batch.data.batch, reason }).catch(() => undefined);
  }

  #heed(error: unknown): void {
    const lasting: RedisTrouble | null = lastingTrouble(error, this.#options.place.name);
    if (lasting !== null) void this.#giveUp(lasting);
  }

  #tellOnce(line: string): void {
    if (this.#told.has(line)) return;
    this.#told.add(line);
    this.#options.onNotice?.(line);
  }
}

/** The build that a job names; null when it is no job of ours. */
function buildOf(data: unknown): Build | null {
  const build = buildSchema.safeParse(partOf(data, "build"));
  return build.success ? build.data : null;
}

function sessionOf(data: unknown): string | null {
  const session = batchSchema.shape.session.safeParse(partOf(data, "session"));
  return session.success ? session.data : null;
}

const partOf = (data: unknown, key: string): unknown => (typeof data === "object" && data !== null ? (data as Record<string, unknown>)[key] : undefined);
