// Waits a service time without burning it: timers of whole milliseconds, steered so that their mean comes out right.

import type { Micros } from "../../../kernel/units.js";
import { processMicros } from "./run-clock.js";

/** How much of each timer's lateness is believed: slow enough not to follow one request. */
const GAIN = 0.02;
/** A busy machine's lateness beyond this is the machine's, and stays visible. */
const MOST_CORRECTED: Micros = 2_000;
/** A timer that comes earlier than this goes round once more. */
const TOO_EARLY: Micros = 1_200;

/** Timers that are as often early as late: a millisecond's grain, but no millisecond's bias. */
export class Waiting {
  /** Mean lateness of timers just now. */
  #lateness: Micros = 0;

  get lateness(): Micros {
    return this.#lateness;
  }

  /** Calls `done` after `delay`; a delay below half a millisecond ends in this turn of the event loop. */
  after(delay: Micros, done: () => void): void {
    this.until(processMicros() + delay, done);
  }

  /** Calls `done` at `target`, as `processMicros` counts. */
  until(target: Micros, done: () => void): void {
    const millis = Math.round((target - processMicros() - this.#lateness) / 1000);
    if (millis < 1) {
      setImmediate(done);
      return;
    }
    setTimeout(() => {
      const late = processMicros() - target;
      this.#learn(late);
      if (late < -TOO_EARLY) this.until(target, done);
      else done();
    }, millis);
  }

  #learn(late: Micros): void {
    const seen = Math.max(-MOST_CORRECTED, Math.min(MOST_CORRECTED, late));
    const next = this.#lateness + GAIN * seen;
    this.#lateness = Math.max(-MOST_CORRECTED, Math.min(MOST_CORRECTED, next));
  }
}
