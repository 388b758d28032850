// The Clock port over the wall's time: run time passes by itself, and timers keep the order that they have in simulation.

import { performance } from "node:perf_hooks";
import { EventClass, VirtualClock, type TimerId } from "../../kernel/clock.js";
import { MICROS_PER_MILLI, type Micros } from "../../kernel/units.js";
import type { ScriptClock } from "../../sim/stage.js";

/** Node's timers count in 32 bits; a later one looks again in between. */
const LONGEST_SLEEP_MS = 2 ** 31 - 1;

export interface WallClockOptions {
  /** Run time 0, on the wall's clock: may lie ahead, and then run time is below zero until it comes. */
  readonly epochMillis: number;
  /** A timer's callback threw: nothing else may go on as if nothing had happened. */
  readonly onError: (error: unknown) => void;
  /** Milliseconds of the wall's clock that never go back; for tests. */
  readonly wall?: () => number;
}

/**
 * The wall's time, read once, now, and then followed by a clock that nobody can set. Not as of the process's start: the
 * machine may have slept since, or its clock have been set, while somebody was asked.
 */
function monotonicWall(): () => number {
  const origin = Date.now() - performance.now();
  return () => origin + performance.now();
}

/** Run time is microseconds since the epoch. Callbacks that are due together fire in order of (time, class, insertion). */
export class WallClock implements ScriptClock {
  readonly #options: WallClockOptions;
  readonly #wall: () => number;
  /** Run time at the start, turned around: the timers' own clock begins at 0. */
  readonly #lead: Micros;
  /** Holds the timers; its own time is that of the last one fired, plus the lead. */
  readonly #timers = new VirtualClock();
  #sleep: NodeJS.Timeout | null = null;
  #wakesAt: Micros = Infinity;
  #stopped = false;

  constructor(options: WallClockOptions) {
    this.#options = options;
    this.#wall = options.wall ?? monotonicWall();
    this.#lead = Math.max(0, -this.now());
  }

  now(): Micros {
    return Math.floor((this.#wall() - this.#options.epochMillis) * MICROS_PER_MILLI);
  }

  setTimer(delay: Micros, callback: () => void): TimerId {
    return this.at(this.now() + Math.max(0, delay), EventClass.engine, callback);
  }

  /** What lies in the past is due at once. */
  at(at: Micros, rank: EventClass, callback: () => void): TimerId {
    const id = this.#timers.at(Math.max(at + this.#lead, this.#timers.now()), rank, callback);
    this.#arm();
    return id;
  }

  clearTimer(id: TimerId): void {
    this.#timers.clearTimer(id);
  }

  /** Resolves when run time reaches `at`; never when the clock is stopped before. */
  until(at: Micros): Promise<void> {
    return new Promise((resolve) => this.at(at, EventClass.script, resolve));
  }

  /** No timer fires any more. */
  stop(): void {
    this.#stopped = true;
    if (this.#sleep !== null) clearTimeout(this.#sleep);
    this.#sleep = null;
  }

  #nextAt(): Micros {
    return this.#timers.nextAt() - this.#lead;
  }

  #arm(): void {
    const next = this.#nextAt();
    if (this.#stopped || next === Infinity || (this.#sleep !== null && this.#wakesAt <= next)) return;
    if (this.#sleep !== null) clearTimeout(this.#sleep);
    this.#wakesAt = next;
    const millis = Math.ceil(Math.max(0, next - this.now()) / MICROS_PER_MILLI);
    this.#sleep = setTimeout(() => this.#wake(), Math.min(millis, LONGEST_SLEEP_MS));
  }

  #wake(): void {
    this.#sleep = null;
    try {
      // One at a time: a callback may set a timer that is due before the next one, or stop the clock.
      while (!this.#stopped && this.#nextAt() <= this.now()) this.#timers.runUntil(this.#timers.nextAt(), () => undefined);
    } catch (error) {
      this.#options.onError(error);
    }
    this.#arm();
  }
}
