// Many runs: what a runner is asked, what it gives back, and what it promises whoever does the work.

import type { Outcome } from "../sim/outcome.js";
import type { Fidelity } from "../world/world.js";
import type { Bundle } from "./bundle.js";
import type { RunRow } from "./run-row.js";

/** `row`: the compact record. `light`: that and the Outcome without chart series and regret. `full`: that and the whole Outcome. */
export type Detail = "row" | "light" | "full";

/** One run to play: data only. */
export interface Job {
  readonly bundle: Bundle;
  readonly seed: number;
  readonly fidelity: Fidelity;
  readonly detail: Detail;
}

/** The part of a run key before the seed: `hash:fidelity`. */
export const groupName = ({ bundle, fidelity }: Pick<Job, "bundle" | "fidelity">): string => `${bundle.hash}:${fidelity}`;

/** The stable name of a run: `hash:fidelity:seed`. */
export const runKey = (job: Pick<Job, "bundle" | "fidelity" | "seed">): string => `${groupName(job)}:${job.seed}`;

/** Why a run has no result: its scenario is refused, the simulator broke, or it took longer than it may. */
export interface JobFailure {
  readonly kind: "refused" | "crashed" | "timed-out";
  readonly message: string;
}

export type RunResult = RunDone | RunLost;

export interface RunDone {
  readonly ok: true;
  readonly key: string;
  readonly job: Job;
  readonly row: RunRow;
  /** The row as JSON: the same bytes on every machine. */
  readonly text: string;
  /** Null unless the job asked for `light` or `full`. */
  readonly outcome: Outcome | null;
}

export interface RunLost {
  readonly ok: false;
  readonly key: string;
  readonly job: Job;
  readonly failure: JobFailure;
}

/** Called once per job, in the order of the jobs. While its promise is open, no further result is delivered. */
export type OnResult = (result: RunResult, index: number) => void | Promise<void>;

export interface RunManyOptions {
  /** Once aborted, no further result is delivered; what was delivered is a beginning of the jobs. */
  readonly signal?: AbortSignal;
}

export interface RunManySummary {
  readonly delivered: number;
  /** True when the signal ended it before the last job. */
  readonly aborted: boolean;
}

/**
 * Plays jobs. Results come in the order of the jobs and are the same bytes for any number of workers; the jobs are
 * taken from their iterable a bounded way ahead of the results, so that a million of them need no memory.
 */
export interface Runner {
  readonly workers: number;
  run(jobs: Iterable<Job>, onResult: OnResult, options?: RunManyOptions): Promise<RunManySummary>;
  /** Ends the workers; the runner is of no use afterwards. */
  close(): Promise<void>;
}

/** Each seed of a bundle, in order. */
export function* jobsOf(bundle: Bundle, seeds: Iterable<number>, how: { readonly fidelity: Fidelity; readonly detail?: Detail }): Generator<Job> {
  for (const seed of seeds) yield { bundle, seed, fidelity: how.fidelity, detail: how.detail ?? "row" };
}
