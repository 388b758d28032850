// The slow fluctuation of queues around their mean load, drawn once per tick.

import { uniform, type StreamKey } from "../../kernel/draws.js";
import { normalQuantile } from "../../kernel/exact.js";
import { toSeconds, type Micros, type Ratio } from "../../kernel/units.js";
import { fluctuationOf, tieOf } from "./fluctuation.js";
import { freshId } from "./law.js";
import type { LawBook } from "./law-book.js";
import { levelOf, levelsOf } from "./levels.js";
import type { QueueModel, Waits } from "./queue-model.js";

/** What arrivals meet in a tick, with an identity to remember waits by. */
export interface Felt {
  readonly id: number;
  readonly waits: Waits;
  /** What arrivals meet in the long run. */
  readonly steady: Waits;
}

/** A queue's levels, and how much of its score a tick keeps from the one before. */
interface Levels {
  readonly kept: number;
  /** One where nothing breathes. */
  readonly felt: readonly Felt[];
}

/** Where waiting is rarer than this its fluctuation cannot be seen. */
const RARE = 0.004;

/** What a queue remembers from tick to tick: its normal score, and the tick that it was drawn for. */
export class Breath {
  score = 0;
  tick = -1;
  levels: Levels | null = null;
  queue: QueueModel | null = null;
  load = -1;
  serviceSeconds = 0;
  variation = 0;

  /** Goes on from where another one is. */
  follow({ score, tick }: Breath): void {
    this.score = score;
    this.tick = tick;
  }
}

export class Breathing {
  now: Micros = 0;
  readonly #book: LawBook;
  /** Null without noise. */
  readonly #tickSeconds: number | null;

  constructor(book: LawBook, tickSeconds: number | null) {
    this.#book = book;
    this.#tickSeconds = tickSeconds;
  }

  /** What arrivals meet in this tick at a queue whose mean load is LOADS[load]; of those it refuses a share `echo` comes again. */
  felt(queue: QueueModel, load: number, breath: Breath, key: StreamKey | null, entity: number, serviceSeconds: number, variation: number, echo: Ratio): Felt {
    if (breath.levels === null || breath.queue !== queue || breath.load !== load || breath.serviceSeconds !== serviceSeconds || breath.variation !== variation) {
      breath.levels = this.#levels(queue, load, key === null ? null : this.#tickSeconds, serviceSeconds, variation, echo);
      breath.queue = queue;
      breath.load = load;
      breath.serviceSeconds = serviceSeconds;
      breath.variation = variation;
    }
    const { felt, kept } = breath.levels;
    if (felt.length === 1 || key === null || this.#tickSeconds === null) return felt[0];
    const tick = Math.floor(toSeconds(this.now) / this.#tickSeconds);
    if (breath.tick !== tick) {
      breath.score = kept * breath.score + Math.sqrt(1 - kept * kept) * normalQuantile(uniform(key, tick, entity));
      breath.tick = tick;
    }
    return felt[levelOf(breath.score)];
  }

  #levels(queue: QueueModel, load: number, tickSeconds: number | null, serviceSeconds: number, variation: number, echo: Ratio): Levels {
    const calm = (): Levels => this.#book.named(`calm ${queue.name} ${load}`, () => ({ kept: 0, felt: [{ id: freshId(), waits: queue.point(load), steady: queue.point(load) }] }));
    if (tickSeconds === null || queue.point(load).waits < RARE) return calm();
    const fluctuation = this.#book.named(`fluctuation ${queue.name} ${load} ${variation} ${echo}`, () => fluctuationOf(queue.chain(load), variation, queue.shape.inner === true, echo));
    const tie = tieOf(fluctuation, serviceSeconds, variation, tickSeconds);
    if (tie.share === 0) return calm();
    const felt = this.#book.named(`levels ${queue.name} ${load} ${variation} ${tie.share}`, () =>
      levelsOf(queue.chain(load), fluctuation, tie.share).map((waits): Felt => ({ id: freshId(), waits, steady: queue.point(load) })));
    return { kept: tie.kept, felt };
  }
}
