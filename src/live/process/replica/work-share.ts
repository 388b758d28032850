// Work in progress integrated over time, per lane: what CPU usage between two scrapes is made of.

import type { Micros } from "../../../kernel/units.js";

export class WorkShare {
  /** Requests in their own work now, by lane: lane 1 + r leaves out those that release r slowed. */
  readonly now: Int32Array;
  /** Sum of ends minus sum of starts: with the count times now that is the integral. */
  readonly #endsLessStarts: Float64Array;
  readonly #before: Float64Array;
  readonly #beforeAt: Float64Array;

  constructor(lanes: number, at: Micros) {
    this.now = new Int32Array(lanes);
    this.#endsLessStarts = new Float64Array(lanes);
    this.#before = new Float64Array(lanes);
    this.#beforeAt = new Float64Array(lanes).fill(at);
  }

  begin(at: Micros, slow: number): void {
    this.#step(at, slow, 1);
  }

  /** `slow` is what it was at the beginning. */
  end(at: Micros, slow: number): void {
    this.#step(at, slow, -1);
  }

  /** Mean number at work since this lane was last asked about. */
  meanSince(at: Micros, lane: number): number {
    const integral = this.#endsLessStarts[lane] + this.now[lane] * at;
    const elapsed = at - this.#beforeAt[lane];
    const mean = elapsed > 0 ? (integral - this.#before[lane]) / elapsed : this.now[lane];
    this.#before[lane] = integral;
    this.#beforeAt[lane] = at;
    return mean;
  }

  #step(at: Micros, slow: number, step: 1 | -1): void {
    for (let lane = 0; lane < this.now.length; lane++) {
      if (lane > 0 && (slow & (1 << (lane - 1))) !== 0) continue;
      this.now[lane] += step;
      this.#endsLessStarts[lane] -= step * at;
    }
  }
}
