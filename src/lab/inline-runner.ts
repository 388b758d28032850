// The runner that plays in its own thread: for few runs, and as the measure for all other runners.

import { setImmediate } from "node:timers/promises";
import type { CreateDelivery } from "../delivery/canary.js";
import type { Outcome } from "../sim/outcome.js";
import { Player, type Played } from "./play.js";
import type { RunRow } from "./run-row.js";
import { runKey, type Job, type OnResult, type RunManyOptions, type RunManySummary, type Runner, type RunResult } from "./runner.js";

export class InlineRunner implements Runner {
  readonly workers = 1;
  readonly #player: Player;

  constructor(createDelivery: CreateDelivery | null = null) {
    this.#player = new Player(createDelivery);
  }

  async run(jobs: Iterable<Job>, onResult: OnResult, { signal }: RunManyOptions = {}): Promise<RunManySummary> {
    let delivered = 0;
    for (const job of jobs) {
      if (isAborted(signal)) return { delivered, aborted: true };
      const { bundle, seed, fidelity, detail } = job;
      const key = runKey(job);
      const played = this.#player.play({ key, hash: bundle.hash, seed, fidelity, detail }, () => bundle);
      // A breath for timers and signals: a run blocks the thread.
      await setImmediate();
      if (isAborted(signal)) return { delivered, aborted: true };
      await onResult(resultOf(job, key, played), delivered);
      delivered += 1;
    }
    return { delivered, aborted: false };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

/** What a thread played, as its job's result. */
export function resultOf(job: Job, key: string, played: Played): RunResult {
  if (!played.ok) return { ok: false, key, job, failure: played.failure };
  const { row: text, outcome } = played;
  // Both are JSON that Player wrote.
  return { ok: true, key, job, text, row: JSON.parse(text) as RunRow, outcome: outcome === null ? null : (JSON.parse(outcome) as Outcome) };
}
