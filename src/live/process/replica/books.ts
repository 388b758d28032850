// The replica's own books: every answer by endpoint in the ledger's columns, and the sums of Little's law.

import { MICROS_PER_SECOND, type Euro, type Micros } from "../../../kernel/units.js";
import { LEDGER_COLUMNS, LEDGER_EDGES, ledgerBucket, LedgerColumn } from "../../../world/ledger.js";
import type { EndpointBooks, ReplicaSetup } from "../protocol.js";

export class Books {
  readonly endpoints: readonly EndpointBooks[];
  readonly #slowAfter: Micros;
  #inside = 0;
  #insideSince: Micros;
  #insideSeconds = 0;
  #arrivals = 0;
  #latencySeconds = 0;

  constructor(setup: ReplicaSetup, now: Micros) {
    this.#insideSince = now;
    this.#slowAfter = setup.slowAfterSeconds === null ? Infinity : setup.slowAfterSeconds * MICROS_PER_SECOND;
    this.endpoints = setup.service.endpoints.map(({ name }) =>
      ({ endpoint: name, totals: new Float64Array(LEDGER_COLUMNS), histogram: new Float64Array(LEDGER_EDGES + 1) }));
  }

  /** A request came in to stay. */
  arrived(now: Micros): void {
    this.#count(now, 1);
    this.#arrivals += 1;
  }

  /** It left after `latency`. */
  left(now: Micros, latency: Micros): void {
    this.#count(now, -1);
    this.#latencySeconds += latency / MICROS_PER_SECOND;
  }

  /** An answer of the endpoint in this place, refusals included. */
  answered(slot: number, failed: boolean, latency: Micros, taint: number): void {
    const { totals, histogram } = this.endpoints[slot];
    const slow = latency > this.#slowAfter;
    totals[LedgerColumn.requests] += 1;
    if (failed) totals[LedgerColumn.errors] += 1;
    else if (slow) totals[LedgerColumn.slow] += 1;
    totals[LedgerColumn.latencySeconds] += latency / MICROS_PER_SECOND;
    histogram[ledgerBucket(latency)] += 1;
    if (taint === 0) return;
    if (failed) totals[LedgerColumn.harmedErrors] += 1;
    else if (slow) totals[LedgerColumn.harmedSlow] += 1;
  }

  /** An order that this replica's page ended in. */
  ordered(slot: number, value: Euro): void {
    const { totals } = this.endpoints[slot];
    totals[LedgerColumn.conversions] += 1;
    totals[LedgerColumn.orderEuro] += value;
  }

  /** Requests inside, their integral over time, arrivals and summed latency. */
  littlesLaw(now: Micros): { inFlightSeconds: number; arrivals: number; latencySeconds: number } {
    this.#count(now, 0);
    return { inFlightSeconds: this.#insideSeconds, arrivals: this.#arrivals, latencySeconds: this.#latencySeconds };
  }

  #count(now: Micros, step: number): void {
    this.#insideSeconds += (this.#inside * (now - this.#insideSince)) / MICROS_PER_SECOND;
    this.#insideSince = now;
    this.#inside += step;
  }
}
