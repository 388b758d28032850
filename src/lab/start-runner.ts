// Chooses who plays: this thread for few runs, worker threads on all cores for many, other machines when there is a Redis.

import { availableParallelism } from "node:os";
import type { Fidelity } from "../world/world.js";
import { InlineRunner } from "./inline-runner.js";
import type { KeptRunnerOptions } from "./kept-runner.js";
import { PoolRunner } from "./pool-runner.js";
import type { RedisRunnerOptions } from "./redis/redis-runner.js";
import type { Runner } from "./runner.js";

/** What a run weighs against one of cohort; a thread must load the simulator first, which costs about forty of those. */
const WEIGHT: Readonly<Record<Fidelity, number>> = { cohort: 1, request: 200 };
const WORTH_A_POOL = 80;

export interface StartOptions {
  /** As the user asked; all cores when left out. */
  readonly workers?: number;
  /** How many runs there will be, and of which kind; unknown is many. */
  readonly runs?: Readonly<Partial<Record<Fidelity, number>>>;
  readonly secondsPerRun?: number;
  /** Scenarios that a thread keeps compiled; few where each one is played but once or twice. */
  readonly scenarios?: number;
  /** Other machines play, by way of this Redis. */
  readonly redis?: RedisRunnerOptions;
  /** What this machine plays is kept in a file. */
  readonly kept?: KeptRunnerOptions;
}

/** A runner. The results are the same whichever it is. */
export async function startRunner({ redis, kept, ...options }: StartOptions = {}): Promise<Runner> {
  const { secondsPerRun } = options;
  if (redis !== undefined) return (await import("./redis/redis-runner.js")).RedisRunner.start({ ...redis, ...(secondsPerRun === undefined ? {} : { secondsPerRun }) });
  if (kept !== undefined) return (await import("./kept-runner.js")).KeptRunner.start(kept, () => startHere(options));
  return startHere(options);
}

/** Whether so many runs are worth worker threads: below that they are done in a moment. */
export const isWorthThreads = ({ cohort = 0, request = 0 }: NonNullable<StartOptions["runs"]>): boolean => cohort * WEIGHT.cohort + request * WEIGHT.request >= WORTH_A_POOL;

async function startHere({ workers = availableParallelism(), runs, secondsPerRun, scenarios }: StartOptions): Promise<Runner> {
  const few = runs !== undefined && !isWorthThreads(runs) && secondsPerRun === undefined;
  if (few || (workers === 1 && secondsPerRun === undefined)) return new InlineRunner();
  const count = runs === undefined ? Infinity : (runs.cohort ?? 0) + (runs.request ?? 0);
  return PoolRunner.start({ workers: Math.max(1, Math.min(workers, count)), ...(secondsPerRun === undefined ? {} : { secondsPerRun }), ...(scenarios === undefined ? {} : { scenarios }) });
}
