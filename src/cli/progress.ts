// Progress of a long command: runs done, rate, time left and how it looks so far; silent when nobody watches.

import type { Terminal } from "./terminal.js";

const MIN_MILLIS_BETWEEN_UPDATES = 100;

export class Progress {
  readonly #terminal: Terminal;
  readonly #what: string;
  readonly #total: number | null;
  readonly #startedAt: number;
  readonly #now: () => number;
  /** What an earlier, interrupted command had done already says nothing about the rate. */
  #before: number | null = null;
  #shownAt = -Infinity;

  /** The total is null where nobody knows how many runs it takes. */
  constructor(terminal: Terminal, what: string, total: number | null, now: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#what = what;
    this.#total = total;
    this.#now = now;
    this.#startedAt = now();
  }

  /** So many runs are done; `interim` is what they say so far. */
  step(done: number, interim = ""): void {
    this.#before ??= done - 1;
    const now = this.#now();
    if (!this.#terminal.live || now - this.#shownAt < MIN_MILLIS_BETWEEN_UPDATES) return;
    this.#shownAt = now;
    const rate = ((done - this.#before) * 1000) / Math.max(1, now - this.#startedAt);
    const parts = [
      `${this.#what}: ${done}${this.#total === null ? "" : ` of ${this.#total}`} runs`,
      `${rate.toFixed(0)} per second`,
      ...(this.#total === null ? [] : [`${Math.ceil((this.#total - done) / rate)} s left`]),
      ...(interim === "" ? [] : [interim]),
    ];
    this.#terminal.status(parts.join(", ").slice(0, Math.max(20, this.#terminal.width - 1)));
  }

  clear(): void {
    this.#terminal.status("");
  }
}
