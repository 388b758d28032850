// `--redis` and `--resume`: how a command of many runs gets its runner, on this machine or on many, and where results are kept.

import type { Bundle } from "../../lab/bundle.js";
import type { RedisPlace } from "../../lab/redis/place.js";
import type { Runner } from "../../lab/runner.js";
import { startRunner, type StartOptions } from "../../lab/start-runner.js";
import { UsageError } from "../exit.js";
import type { Terminal } from "../terminal.js";
import { parseWorkers } from "./plan.js";

export interface RedisFlags {
  readonly redis?: string;
  readonly redisPasswordFile?: string;
  readonly redisCa?: string;
}

export interface RunnerFlags extends RedisFlags {
  readonly workers?: string;
  readonly resume?: boolean;
}

export interface RunnerNeeds extends Pick<StartOptions, "runs" | "secondsPerRun" | "scenarios"> {
  /** The file that results from other machines are kept in, and those of this one when `keeps` says so. */
  readonly results: string;
  /** Scenarios of which this machine's results are kept too; all results must be of these files. */
  readonly keeps?: readonly Bundle[];
  readonly signal: AbortSignal;
}

/** Refuses what does not go together. `alone`: the command can resume without Redis too. */
export function checkRunnerFlags(flags: RunnerFlags, { alone = false }: { readonly alone?: boolean } = {}): void {
  if (flags.redis === undefined) {
    if (flags.resume === true && !alone) throw new UsageError("--resume: goes on with runs that other machines played, so it needs --redis URL");
    if (flags.redisPasswordFile !== undefined) throw new UsageError("--redis-password-file: is of no use without --redis URL");
    if (flags.redisCa !== undefined) throw new UsageError("--redis-ca: is of no use without --redis URL");
  } else if (flags.workers !== undefined) {
    throw new UsageError("--workers is for this machine's threads; with --redis the runs are played by `shakedown worker --redis URL --workers N`, wherever that runs");
  }
}

/** What a command that can print JSON keeps: with `--json` nothing is written, unless there is something to go on with. */
export const keptUnlessJson = ({ json, redis, resume }: RunnerFlags & { readonly json?: boolean }, scenarios: readonly Bundle[]): Pick<RunnerNeeds, "keeps"> =>
  json === true && redis === undefined && resume !== true ? {} : { keeps: scenarios };

/** The runner that the flags ask for. */
export async function runnerFor(flags: RunnerFlags, { runs, secondsPerRun, scenarios, results, keeps, signal }: RunnerNeeds, terminal: Terminal): Promise<Runner> {
  const local = { workers: parseWorkers(flags.workers), ...(runs === undefined ? {} : { runs }), ...(secondsPerRun === undefined ? {} : { secondsPerRun }), ...(scenarios === undefined ? {} : { scenarios }) };
  if (flags.redis === undefined && keeps === undefined) return startRunner(local);
  const files = keeps === undefined ? null : (await import("../../lab/storage/result-head.js")).filesOf(keeps);
  const kept = { results, files, resume: flags.resume === true, interrupted: signal, onNotice: (line: string) => notice(terminal, line) };
  if (flags.redis === undefined) return startRunner({ ...local, kept });
  return startRunner({ ...local, redis: { ...kept, place: await redisPlaceOf(flags.redis, flags) } });
}

/** Where Redis is. Throws RedisTrouble. */
export async function redisPlaceOf(url: string, { redisPasswordFile, redisCa }: RedisFlags): Promise<RedisPlace> {
  const { redisPlace } = await import("../../lab/redis/place.js");
  return redisPlace(url, { ...(redisPasswordFile === undefined ? {} : { passwordFile: redisPasswordFile }), ...(redisCa === undefined ? {} : { ca: redisCa }) });
}

/** A line that does not collide with a line of progress. */
export function notice(terminal: Terminal, line: string): void {
  terminal.status("");
  terminal.warn(line);
}
