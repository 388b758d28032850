// The slow fluctuation of queues around their mean load, drawn once per tick.

import type { StreamKey } from "../../kernel/draws.js";
import { toSeconds, type Micros } from "../../kernel/units.js";
import { forgetting, levelOf, levelsAt, nextDeviation, sigmaOf, waitSpread, type Breath, type Levels } from "./fluctuation.js";
import type { LawBook } from "./law-book.js";
import type { Pool } from "./pool.js";
import type { QueueModel } from "./queue-model.js";

export class Breathing {
  now: Micros = 0;
  readonly #book: LawBook;
  /** Null without noise. */
  readonly #tickSeconds: number | null;

  constructor(book: LawBook, tickSeconds: number | null) {
    this.#book = book;
    this.#tickSeconds = tickSeconds;
  }

  /** The queue's load as it is felt in this tick: a slow fluctuation around its mean. */
  felt(queue: QueueModel, load: number, breath: Breath, key: StreamKey | null, entity: number, serviceSeconds: number, variation: number): number {
    const tickSeconds = this.#tickSeconds;
    if (tickSeconds === null || key === null) return load;
    const point = queue.point(load);
    const spread = waitSpread(point, serviceSeconds, variation, tickSeconds);
    if (spread <= 0) return load;
    const tick = Math.floor(toSeconds(this.now) / tickSeconds);
    if (breath.scoreTick !== tick) {
      const memory = forgetting(point, serviceSeconds, variation);
      breath.deviation = nextDeviation(breath.deviation, spread, key, tick, entity, memory, tickSeconds);
      breath.scoreTick = tick;
    }
    const levels = this.#levels(queue, load, spread);
    return levels.loads[levelOf(breath.deviation / sigmaOf(spread))];
  }

  #levels(queue: QueueModel, load: number, spread: number): Levels {
    return this.#book.named(`levels ${queue.name} ${load} ${spread}`, () => levelsAt(queue, load, spread));
  }

  /** The slow fluctuation of the pool's waits and refusals in this tick. */
  ofPool(pool: Pool, variation: number): void {
    const { queue, load, serviceSeconds } = pool;
    pool.felt = this.felt(queue, load, pool.breath, pool.key, 0, serviceSeconds, variation);
    if (pool.felt === load) return;
    const spread = waitSpread(queue.point(load), serviceSeconds, variation, this.#tickSeconds!);
    pool.refused = Math.min(1, queue.point(pool.felt).refused * this.#levels(queue, load, spread).refusalScale);
  }
}
