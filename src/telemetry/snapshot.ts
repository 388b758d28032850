// The Telemetry port over the simulated store: answers are as of the question, and arrive after a query's latency.

import type { Clock } from "../kernel/clock.js";
import type { Micros } from "../kernel/units.js";
import type { Telemetry, TelemetryQuery, WindowSnapshot } from "./query.js";
import type { SeriesStore } from "./store.js";

/** Answers engines from a store that the world keeps up to the clock. */
export class StoreTelemetry implements Telemetry {
  readonly #store: SeriesStore;
  readonly #clock: Clock;
  readonly #latency: Micros;

  constructor(store: SeriesStore, clock: Clock, latency: Micros) {
    this.#store = store;
    this.#clock = clock;
    this.#latency = latency;
  }

  ask(queries: readonly TelemetryQuery[], deliver: (snapshot: WindowSnapshot) => void): void {
    // Answered now and delivered later: what is scraped in between is not in it.
    const snapshot = this.snapshot(queries, this.#clock.now());
    this.#clock.setTimer(this.#latency, () => deliver(snapshot));
  }

  /** The same questions as of `at`, at once; lane 1 + r leaves out the requests that carry release r's effects. */
  snapshot(queries: readonly TelemetryQuery[], at: Micros, lane = 0): WindowSnapshot {
    return { at, queries, answers: queries.map((query) => this.#store.query(query, at, lane)) };
  }
}
