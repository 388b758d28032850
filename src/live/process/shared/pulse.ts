// How well this process keeps up: its event loop's delay, its processor time and its memory since the last look.

import { monitorEventLoopDelay, performance, type IntervalHistogram } from "node:perf_hooks";
import type { Pulse } from "../protocol.js";

export class PulseMeter {
  readonly #delay: IntervalHistogram;
  #cpu = process.cpuUsage();
  #at = performance.now();

  /** Looks at the loop every so many milliseconds; each look wakes the process, and there may be many processes. */
  constructor(readonly resolutionMillis: number) {
    this.#delay = monitorEventLoopDelay({ resolution: resolutionMillis });
    this.#delay.enable();
  }

  /** Figures since the last call. */
  read(): Pulse {
    const { user, system } = process.cpuUsage(this.#cpu);
    const now = performance.now();
    const elapsedMicros = Math.max(1, (now - this.#at) * 1000);
    // The histogram holds the interval plus the delay.
    const p99 = this.#delay.count === 0 ? 0 : this.#delay.percentile(99) / 1000 - this.resolutionMillis * 1000;
    this.#cpu = process.cpuUsage();
    this.#at = now;
    this.#delay.reset();
    return { eventLoopP99: Math.max(0, p99), cpu: (user + system) / elapsedMicros, residentBytes: process.memoryUsage.rss() };
  }

  stop(): void {
    this.#delay.disable();
  }
}
