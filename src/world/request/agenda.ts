// Rare events (starts, probes, effects, flags) as plain callbacks; requests never come this way.

import { EventClass } from "../../kernel/clock.js";
import type { EventQueue } from "../../kernel/event-queue.js";
import type { Micros } from "../../kernel/units.js";
import { EventKind } from "./event-kinds.js";

export class Agenda {
  readonly #queue: EventQueue;
  readonly #entries: ((() => void) | null)[] = [];
  readonly #free: number[] = [];

  constructor(queue: EventQueue) {
    this.#queue = queue;
  }

  /** Calls `what` at the time `at`, after everything that was already due then. */
  at(at: Micros, what: () => void): void {
    const slot = this.#free.pop() ?? this.#entries.length;
    this.#entries[slot] = what;
    this.#queue.time[0] = at;
    this.#queue.push(EventClass.world, EventKind.agenda, slot);
  }

  /** The event of this slot is due. */
  run(slot: number): void {
    const what = this.#entries[slot];
    this.#entries[slot] = null;
    this.#free.push(slot);
    what?.();
  }
}
