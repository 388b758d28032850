// Prometheus' rate() and increase() of one counter series: resets added back, the gap to the window's ends extrapolated.

import { MICROS_PER_SECOND, type Micros } from "../kernel/units.js";
import type { Target } from "./target.js";

/** A gap to the window's end of this many average intervals or more means that the series begins or ends inside. */
const EXTRAPOLATION_THRESHOLD = 1.1;

/** What one series gave; reused from series to series so that nothing is allocated. */
export class SeriesIncrease {
  /** Samples of the series in the range. */
  samples = 0;
  firstTime: Micros = 0;
  lastTime: Micros = 0;
  /** First value in the range, and the growth from it to the last with counter resets added. */
  firstValue = 0;
  growth = 0;

  /** Reads rows `first` to `last` of a column; stale and absent samples are not there. */
  read(target: Target, lane: number, column: number, first: number, last: number): void {
    let samples = 0;
    let firstRow = first;
    let lastRow = first;
    let firstValue = 0;
    let previous = 0;
    let fell = false;
    for (let row = first; row <= last; row += 1) {
      const value = target.value(row, lane, column);
      if (value !== value) continue;
      if (samples === 0) {
        firstRow = row;
        firstValue = value;
      } else if (value < previous) {
        fell = true;
      }
      previous = value;
      lastRow = row;
      samples += 1;
    }
    this.samples = samples;
    if (samples === 0) return;
    this.firstTime = target.timeOf(firstRow);
    this.lastTime = target.timeOf(lastRow);
    this.firstValue = firstValue;
    this.growth = previous - firstValue;
    if (fell) this.#addResets(target, lane, column, firstRow, lastRow);
  }

  /** What a counter had reached before it fell was counted, too. */
  #addResets(target: Target, lane: number, column: number, first: number, last: number): void {
    let previous = this.firstValue;
    for (let row = first + 1; row <= last; row += 1) {
      const value = target.value(row, lane, column);
      if (value !== value) continue;
      if (value < previous) this.growth += previous;
      previous = value;
    }
  }

  /** The increase over (start, end], extrapolated; needs two samples. */
  extrapolated(start: Micros, end: Micros): number {
    return this.growth * this.#factor(start, end);
  }

  /** The increase over (start, end] per second of the window; needs two samples. */
  rate(start: Micros, end: Micros): number {
    return this.growth * (this.#factor(start, end) / ((end - start) / MICROS_PER_SECOND));
  }

  #factor(start: Micros, end: Micros): number {
    const sampled = (this.lastTime - this.firstTime) / MICROS_PER_SECOND;
    const average = sampled / (this.samples - 1);
    const threshold = average * EXTRAPOLATION_THRESHOLD;
    let toStart = (this.firstTime - start) / MICROS_PER_SECOND;
    let toEnd = (end - this.lastTime) / MICROS_PER_SECOND;
    if (toStart >= threshold) toStart = average / 2;
    // A counter was never negative: on its own slope it cannot have begun earlier than at zero.
    if (this.growth > 0 && this.firstValue >= 0) {
      const toZero = sampled * (this.firstValue / this.growth);
      if (toZero < toStart) toStart = toZero;
    }
    if (toEnd >= threshold) toEnd = average / 2;
    return (sampled + toStart + toEnd) / sampled;
  }
}
