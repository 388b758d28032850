// Latencies from the intended start, and how late pages were sent: high dynamic range histograms in microseconds.

import { build, type Histogram } from "hdr-histogram-js";
import type { Micros } from "../../../kernel/units.js";

const LONGEST: Micros = 600_000_000;

const histogram = (): Histogram =>
  build({ lowestDiscernibleValue: 1, highestTrackableValue: LONGEST, numberOfSignificantValueDigits: 3 });

export class LatencyBook {
  readonly #latency = histogram();
  readonly #lag = histogram();

  /** A page ended; NaN-free percentiles from then on. */
  record(latency: Micros): void {
    this.#latency.recordValue(Math.min(LONGEST, Math.max(1, Math.round(latency))));
  }

  recordLag(lag: Micros): void {
    this.#lag.recordValue(Math.min(LONGEST, Math.max(1, Math.round(lag))));
  }

  latencyAt(percentile: number): Micros {
    return this.#latency.totalCount === 0 ? NaN : this.#latency.getValueAtPercentile(percentile);
  }

  /** Send lag since the last time it was taken. */
  takeLag(): { readonly p50: Micros; readonly p99: Micros } {
    const taken = this.#lag.totalCount === 0 ? { p50: 0, p99: 0 }
      : { p50: this.#lag.getValueAtPercentile(50), p99: this.#lag.getValueAtPercentile(99) };
    this.#lag.reset();
    return taken;
  }
}
