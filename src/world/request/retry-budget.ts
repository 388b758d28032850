// Retries as a share of first tries over the last ten seconds: what keeps a failing callee from a retry storm.

import { MICROS_PER_SECOND, type Micros, type Ratio } from "../../kernel/units.js";

const SECONDS = 10;

export class RetryBudget {
  readonly #tries = new Int32Array(SECONDS);
  readonly #retries = new Int32Array(SECONDS);
  #triesInWindow = 0;
  #retriesInWindow = 0;
  #second = 0;

  constructor(readonly budget: Ratio) {}

  /** A first try goes out. */
  countTry(now: Micros): void {
    this.#advance(now);
    this.#tries[this.#second % SECONDS] += 1;
    this.#triesInWindow += 1;
  }

  /** Takes one retry from the budget if there is one left. */
  takeRetry(now: Micros): boolean {
    this.#advance(now);
    if (this.#retriesInWindow + 1 > this.budget * this.#triesInWindow) return false;
    this.#retries[this.#second % SECONDS] += 1;
    this.#retriesInWindow += 1;
    return true;
  }

  #advance(now: Micros): void {
    const second = Math.floor(now / MICROS_PER_SECOND);
    if (second === this.#second) return;
    const from = Math.max(this.#second + 1, second - SECONDS + 1);
    for (let s = from; s <= second; s++) {
      const slot = s % SECONDS;
      this.#triesInWindow -= this.#tries[slot];
      this.#retriesInWindow -= this.#retries[slot];
      this.#tries[slot] = 0;
      this.#retries[slot] = 0;
    }
    this.#second = second;
  }
}
