// A circuit breaker in expectation: it opens when the window's failures reach its ratio, and after its pause one trial call decides.

import { uniform, type StreamKey } from "../../kernel/draws.js";
import { MICROS_PER_MILLI, toSeconds, type Micros } from "../../kernel/units.js";
import type { BreakerSpec } from "../spec.js";

const MEDIAN = 0.5;

/** One per caller's version and callee. */
export class BreakerState {
  open = false;
  blame = 0;
  openUntil: Micros = 0;
  #requests = 0;
  #failures = 0;
  readonly #trials: StreamKey | null;

  /** `trials`: draws of how trial calls end; null where there is no noise, there a trial fares as most calls would. */
  constructor(readonly spec: BreakerSpec, trials: StreamKey | null) {
    this.#trials = trials;
  }

  /**
   * Takes in a stretch of calls that ends at `now`, `failing` of which failed, or would have failed while it was open;
   * returns 1 when it opens, again after a trial that failed, -1 when it closes, 0 otherwise.
   */
  observe(now: Micros, stretch: Micros, attemptsPerSecond: number, failing: number, blame: number): -1 | 0 | 1 {
    if (this.open) {
      if (now < this.openUntil) return 0;
      const u = this.#trials === null ? MEDIAN : uniform(this.#trials, Math.round(now / MICROS_PER_MILLI), 0);
      if (u < failing) {
        this.openUntil = now + this.spec.openFor;
        return 1;
      }
      this.open = false;
      this.#requests = 0;
      this.#failures = 0;
      return -1;
    }
    const share = Math.min(1, stretch / this.spec.window);
    const calls = attemptsPerSecond * toSeconds(stretch);
    this.#requests = this.#requests * (1 - share) + calls;
    this.#failures = this.#failures * (1 - share) + calls * failing;
    if (this.#requests < this.spec.minRequests || this.#failures < this.spec.failureRatio * this.#requests) return 0;
    this.open = true;
    this.blame = blame;
    this.openUntil = now + this.spec.openFor;
    return 1;
  }
}
