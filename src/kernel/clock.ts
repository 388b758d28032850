// The Clock port and its virtual implementation: time jumps from timer to timer, in one fixed order.

import { assert } from "./assert.js";
import { MICROS_PER_MILLI, type Micros } from "./units.js";

export type TimerId = number;

/** What happens first when several things happen at the same instant. */
export const EventClass = { world: 0, scrape: 1, engine: 2, script: 3 } as const;
export type EventClass = (typeof EventClass)[keyof typeof EventClass];

/** Time as the engines and statecharts see it; they never know whether it is virtual or the wall's. */
export interface Clock {
  /** Microseconds since the run began. */
  now(): Micros;
  /** Calls `callback` once after `delay`; a delay below zero counts as zero. */
  setTimer(delay: Micros, callback: () => void): TimerId;
  /** Forgets a timer; unknown or fired ids are ignored. */
  clearTimer(id: TimerId): void;
}

/** The shape that xstate's `createActor(machine, { clock })` wants: delays in milliseconds. */
export interface XstateClock {
  setTimeout(callback: (...args: unknown[]) => void, delayMillis: number): TimerId;
  clearTimeout(id: TimerId): void;
}

/** Gives a statechart our clock, so that its `after` delays run in virtual time. */
export function xstateClock(clock: Clock): XstateClock {
  return {
    setTimeout: (callback, delayMillis) =>
      clock.setTimer(Math.round(delayMillis * MICROS_PER_MILLI), () => callback()),
    clearTimeout: (id) => clock.clearTimer(id),
  };
}

interface Timer {
  readonly id: TimerId;
  readonly at: Micros;
  readonly rank: EventClass;
  readonly callback: () => void;
  /** Nobody waits for it any more; it lies in the heap until its time comes. */
  cleared: boolean;
}

/**
 * The simulator's clock. Timers fire in order of (time, class, insertion). It holds the few timers of
 * engines and script (the world keeps its own events in typed arrays), so it is written for the reader.
 */
export class VirtualClock implements Clock {
  #now: Micros = 0;
  #nextId: TimerId = 1;
  readonly #heap: Timer[] = [];
  readonly #pending = new Map<TimerId, Timer>();

  now(): Micros {
    return this.#now;
  }

  setTimer(delay: Micros, callback: () => void): TimerId {
    return this.at(this.#now + Math.max(0, delay), EventClass.engine, callback);
  }

  /** Calls `callback` at the absolute time `at` (not before now), in the given class. */
  at(at: Micros, rank: EventClass, callback: () => void): TimerId {
    assert(Number.isFinite(at) && at >= this.#now, "a timer lies in the future");
    const timer: Timer = { id: this.#nextId++, at, rank, callback, cleared: false };
    this.#pending.set(timer.id, timer);
    this.#heap.push(timer);
    this.#siftUp(this.#heap.length - 1);
    return timer.id;
  }

  clearTimer(id: TimerId): void {
    const timer = this.#pending.get(id);
    if (timer === undefined) return;
    timer.cleared = true;
    this.#pending.delete(id);
  }

  /** When the next timer fires; Infinity when there is none. */
  nextAt(): Micros {
    this.#dropDead();
    return this.#heap.length === 0 ? Infinity : this.#heap[0].at;
  }

  /**
   * Fires every timer due at or before `end`, then stands at `end`.
   * `before(at)` is called before a timer at `at` fires: there the world catches up to that time.
   */
  runUntil(end: Micros, before: (at: Micros) => void): void {
    for (let at = this.nextAt(); at <= end; at = this.nextAt()) {
      before(at);
      this.#now = at;
      const timer = this.#pop();
      this.#pending.delete(timer.id);
      timer.callback();
    }
    before(end);
    this.#now = end;
  }

  #dropDead(): void {
    while (this.#heap.length > 0 && this.#heap[0].cleared) this.#pop();
  }

  #pop(): Timer {
    const top = this.#heap[0];
    const last = this.#heap.pop();
    assert(last !== undefined, "pop needs a timer");
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#siftDown(0);
    }
    return top;
  }

  #siftUp(start: number): void {
    const heap = this.#heap;
    for (let child = start; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!isBefore(heap[child], heap[parent])) return;
      [heap[child], heap[parent]] = [heap[parent], heap[child]];
      child = parent;
    }
  }

  #siftDown(start: number): void {
    const heap = this.#heap;
    for (let parent = start; ; ) {
      let first = 2 * parent + 1;
      if (first >= heap.length) return;
      if (first + 1 < heap.length && isBefore(heap[first + 1], heap[first])) first += 1;
      if (!isBefore(heap[first], heap[parent])) return;
      [heap[first], heap[parent]] = [heap[parent], heap[first]];
      parent = first;
    }
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  if (a.at !== b.at) return a.at < b.at;
  if (a.rank !== b.rank) return a.rank < b.rank;
  return a.id < b.id;
}
