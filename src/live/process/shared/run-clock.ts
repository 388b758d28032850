// Run time as a child sees it: microseconds since the game day's epoch, never going back.

import { performance } from "node:perf_hooks";
import type { Micros } from "../../../kernel/units.js";

const MICROS_PER_MILLI = 1000;

/** Microseconds since this process began, with the fraction. */
export const processMicros = (): Micros => performance.now() * MICROS_PER_MILLI;

/** Tells run time. The wall clock is read once, so a clock that is set in the middle moves nothing. */
export class RunClock {
  readonly #offset: Micros;

  constructor(epochMillis: number) {
    this.#offset = (performance.timeOrigin - epochMillis) * MICROS_PER_MILLI;
  }

  now(): Micros {
    return performance.now() * MICROS_PER_MILLI + this.#offset;
  }
}
