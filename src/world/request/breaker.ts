// A circuit breaker: stops calls to a callee that fails, and probes it again after a pause.

import type { Micros } from "../../kernel/units.js";
import type { BreakerSpec } from "../spec.js";

const SLICES = 10;

/** Closed, open, or half-open with one trial call under way. Counts lie in ten slices of the window. */
export class Breaker {
  #state: "closed" | "open" | "half-open" = "closed";
  #openUntil: Micros = 0;
  #trialRunning = false;
  /** Releases to blame for the failures that opened it. */
  blame = 0;
  readonly #requests = new Int32Array(SLICES);
  readonly #failures = new Int32Array(SLICES);
  /** Releases to blame for a slice's failures. */
  readonly #blames = new Int32Array(SLICES);
  readonly #slice: Micros;
  #current = 0;

  constructor(readonly spec: BreakerSpec) {
    this.#slice = Math.max(1, spec.window / SLICES);
  }

  get isOpen(): boolean {
    return this.#state !== "closed";
  }

  /** Whether a call may go out now. */
  admits(now: Micros): boolean {
    if (this.#state === "closed") return true;
    if (this.#state === "open") {
      if (now < this.#openUntil) return false;
      this.#state = "half-open";
      this.#trialRunning = false;
    }
    if (this.#trialRunning) return false;
    this.#trialRunning = true;
    return true;
  }

  /** Notes how a call ended; returns 1 when that opens the breaker, -1 when it closes it, 0 otherwise. */
  record(now: Micros, failed: boolean, blame: number): -1 | 0 | 1 {
    if (this.#state === "open") return 0;
    if (this.#state === "half-open") {
      this.#trialRunning = false;
      if (failed) return this.#open(now, blame);
      this.#state = "closed";
      this.blame = 0;
      this.#forget();
      return -1;
    }
    this.#advance(now);
    const slice = this.#current % SLICES;
    this.#requests[slice] += 1;
    if (!failed) return 0;
    this.#failures[slice] += 1;
    this.#blames[slice] |= blame;
    let requests = 0;
    let failures = 0;
    for (let i = 0; i < SLICES; i++) {
      requests += this.#requests[i];
      failures += this.#failures[i];
    }
    if (requests < this.spec.minRequests || failures < this.spec.failureRatio * requests) return 0;
    return this.#open(now, blame);
  }

  /** The caller of a call under way is gone: if it was the trial, another may try. */
  abandon(): void {
    this.#trialRunning = false;
  }

  #open(now: Micros, blame: number): 1 {
    this.#state = "open";
    this.#openUntil = now + this.spec.openFor;
    this.blame = this.#blames.reduce((mask, each) => mask | each, this.blame | blame);
    this.#forget();
    return 1;
  }

  #forget(): void {
    this.#requests.fill(0);
    this.#failures.fill(0);
    this.#blames.fill(0);
  }

  #advance(now: Micros): void {
    const slice = Math.floor(now / this.#slice);
    if (slice - this.#current >= SLICES) {
      this.#forget();
      this.#current = slice;
      return;
    }
    while (this.#current < slice) {
      this.#current += 1;
      this.#requests[this.#current % SLICES] = 0;
      this.#failures[this.#current % SLICES] = 0;
      this.#blames[this.#current % SLICES] = 0;
    }
  }
}
