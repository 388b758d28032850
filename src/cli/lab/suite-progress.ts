// The progress of many runs on one line: runs done, rate, time left and how it looks so far; silent when nobody watches.

import type { Terminal } from "../terminal.js";

const MIN_MILLIS_BETWEEN_UPDATES = 100;

export class SuiteProgress {
  readonly #terminal: Terminal;
  readonly #total: number;
  readonly #startedAt = performance.now();
  #shownAt = 0;
  #done = 0;
  #failed = 0;
  #skipped = 0;

  constructor(terminal: Terminal, total: number) {
    this.#terminal = terminal;
    this.#total = total;
  }

  /** One run of `what` is done. */
  step(what: string, passed: boolean): void {
    this.#done += 1;
    if (!passed) this.#failed += 1;
    const now = performance.now();
    if (!this.#terminal.live || now - this.#shownAt < MIN_MILLIS_BETWEEN_UPDATES) return;
    this.#shownAt = now;
    const rate = (this.#done * 1000) / Math.max(1, now - this.#startedAt);
    const total = this.#total - this.#skipped;
    const left = Math.ceil((total - this.#done) / rate);
    const looks = this.#failed === 0 ? "all passed so far" : `${this.#failed} failed so far`;
    const line = `${what}: ${this.#done} of ${total} runs, ${rate.toFixed(0)} per second, ${left} s left, ${looks}`;
    this.#terminal.status(line.slice(0, Math.max(20, this.#terminal.width - 1)));
  }

  /** Runs that were planned and need not be played. */
  skip(runs: number): void {
    this.#skipped += runs;
  }

  clear(): void {
    this.#terminal.status("");
  }
}
