// The threads of a worker: a pool for each limit of time that its batches ask for, started when one does.

import { PoolRunner } from "../pool-runner.js";

/** Pools that stay though nobody uses them. */
const MOST_KEPT = 2;

interface Kept {
  readonly pool: Promise<PoolRunner>;
  users: number;
}

export class Pools {
  readonly #options: { readonly workers: number; readonly entry?: URL };
  /** The one unused for longest first. */
  readonly #kept = new Map<number | null, Kept>();

  constructor(options: { readonly workers: number; readonly entry?: URL }) {
    this.#options = options;
  }

  /** Lends out the pool of this limit; a pool that is lent out is never closed. */
  async with<T>(secondsPerRun: number | null, action: (pool: PoolRunner) => Promise<T>): Promise<T> {
    const kept = this.#kept.get(secondsPerRun) ?? { pool: PoolRunner.start({ ...this.#options, ...(secondsPerRun === null ? {} : { secondsPerRun }) }), users: 0 };
    this.#kept.delete(secondsPerRun);
    this.#kept.set(secondsPerRun, kept);
    kept.users += 1;
    try {
      return await action(await kept.pool);
    } finally {
      kept.users -= 1;
      await this.#tidy();
    }
  }

  async close(): Promise<void> {
    const all = [...this.#kept.values()];
    this.#kept.clear();
    await Promise.allSettled(all.map(async ({ pool }) => (await pool).close()));
  }

  async #tidy(): Promise<void> {
    for (const [seconds, { pool, users }] of [...this.#kept]) {
      if (this.#kept.size <= MOST_KEPT) return;
      if (users > 0) continue;
      this.#kept.delete(seconds);
      await (await pool).close();
    }
  }
}
