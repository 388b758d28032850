// A circuit breaker in expectation: it opens when the window's failures reach its ratio, and tries again after its pause.

import { toSeconds, type Micros } from "../../kernel/units.js";
import type { BreakerSpec } from "../spec.js";

/** One per caller's version and callee. */
export class BreakerState {
  open = false;
  blame = 0;
  openUntil: Micros = 0;
  #requests = 0;
  #failures = 0;
  #lastFailing = 0;

  constructor(readonly spec: BreakerSpec) {}

  /** Takes in a stretch of calls that ends at `now`; returns 1 when it opens, -1 when it closes, 0 otherwise. */
  observe(now: Micros, stretch: Micros, attemptsPerSecond: number, failing: number, blame: number): -1 | 0 | 1 {
    if (this.open) {
      if (now < this.openUntil) return 0;
      // One trial call decides; it fares as calls did last.
      if (failing >= 0 && this.#lastFailing >= 0.5) this.#lastFailing = failing;
      this.open = false;
      this.#requests = 0;
      this.#failures = 0;
      return -1;
    }
    const share = Math.min(1, stretch / this.spec.window);
    const calls = attemptsPerSecond * toSeconds(stretch);
    this.#requests = this.#requests * (1 - share) + calls;
    this.#failures = this.#failures * (1 - share) + calls * failing;
    this.#lastFailing = failing;
    if (this.#requests < this.spec.minRequests || this.#failures < this.spec.failureRatio * this.#requests) return 0;
    this.open = true;
    this.blame = blame;
    this.openUntil = now + this.spec.openFor;
    return 1;
  }
}
