// Progress of a long command: runs done, rate and time left; silent when nobody watches.

import type { Terminal } from "./terminal.js";

const MIN_MILLIS_BETWEEN_UPDATES = 100;

export class Progress {
  readonly #terminal: Terminal;
  readonly #what: string;
  readonly #total: number;
  readonly #startedAt = performance.now();
  #shownAt = 0;

  constructor(terminal: Terminal, what: string, total: number) {
    this.#terminal = terminal;
    this.#what = what;
    this.#total = total;
  }

  step(done: number): void {
    const now = performance.now();
    if (!this.#terminal.live || now - this.#shownAt < MIN_MILLIS_BETWEEN_UPDATES) return;
    this.#shownAt = now;
    const rate = (done * 1000) / Math.max(1, now - this.#startedAt);
    const left = Math.ceil((this.#total - done) / rate);
    this.#terminal.status(`${this.#what}: ${done} of ${this.#total} runs, ${rate.toFixed(0)} per second, ${left} s left`);
  }

  clear(): void {
    this.#terminal.status("");
  }
}
