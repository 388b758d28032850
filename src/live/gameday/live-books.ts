// The truth's books of a game day: what clients got from the load generator, what versions answered from their replicas.

import type { Report } from "../process/protocol.js";
import { LEDGER_COLUMNS, LEDGER_EDGES, type LedgerBook } from "../../world/ledger.js";

type ReplicaBooks = Extract<Report, { readonly type: "replica-books" }>;
type LoadBooks = Extract<Report, { readonly type: "load-books" }>;

/** One life of a replica: a process that starts anew counts from 0 again. */
export interface ReplicaLife {
  readonly service: string;
  readonly version: string;
}

interface LifeFigures {
  readonly inFlightSeconds: number;
  readonly arrivals: number;
  readonly latencySeconds: number;
}

const NOTHING: LifeFigures = { inFlightSeconds: 0, arrivals: 0, latencySeconds: 0 };

/**
 * Keeps a ledger up to the last reports. Service cells are sums over all lives of all replicas, the killed ones up to
 * their last report (half a second before their end at most); which user asked is not known there, so that a world in
 * segments has them all under `rest`.
 */
export class LiveBooks {
  readonly ledger: LedgerBook;
  readonly #serviceCell = new Map<string, number>();
  readonly #last = new Map<ReplicaLife, ReplicaBooks>();

  constructor(ledger: LedgerBook) {
    this.ledger = ledger;
    ledger.cells.forEach(({ scope, service, version, endpoint, segment }, index) => {
      if (scope === "service" && segment !== "targeted") this.#serviceCell.set(keyOf(service, version, endpoint), index);
    });
  }

  /** The edge as the load generator has it: every page after all retries, reloads included. */
  hearLoad(report: LoadBooks): void {
    const { ledger } = this;
    ledger.cells.forEach(({ scope }, cell) => {
      if (scope !== "edge") return;
      copyRow(report.totals, ledger.totals, cell, LEDGER_COLUMNS);
      copyRow(report.histogram, ledger.histogram, cell, LEDGER_EDGES + 1);
    });
    ledger.firstHarmAt.set(report.firstHarmAt);
    ledger.lastHarmAt.set(report.lastHarmAt);
    ledger.harmBy.set(report.harmBy);
  }

  /** What one life of a replica answered since the report before. */
  hearReplica(life: ReplicaLife, report: ReplicaBooks): void {
    const before = this.#last.get(life);
    report.endpoints.forEach(({ endpoint, totals, histogram }, slot) => {
      const cell = this.#serviceCell.get(keyOf(life.service, life.version, endpoint));
      if (cell === undefined) return;
      addRow(totals, before?.endpoints[slot].totals, this.ledger.totals, cell, LEDGER_COLUMNS);
      addRow(histogram, before?.endpoints[slot].histogram, this.ledger.histogram, cell, LEDGER_EDGES + 1);
    });
    this.#last.set(life, report);
  }

  /** Requests that the version's replicas had inside when they last reported: of the same moment as the ledger. */
  inFlight(service: string, version: string): number {
    let sum = 0;
    for (const [life, report] of this.#last) if (life.service === service && life.version === version) sum += report.inFlight;
    return sum;
  }

  /** Little's law over all lives of the service's replicas. */
  littlesLaw(service: string): LifeFigures {
    let sum = NOTHING;
    for (const [life, report] of this.#last) {
      if (life.service !== service) continue;
      sum = {
        inFlightSeconds: sum.inFlightSeconds + report.inFlightSeconds,
        arrivals: sum.arrivals + report.arrivals,
        latencySeconds: sum.latencySeconds + report.latencySeconds,
      };
    }
    return sum;
  }
}

const keyOf = (service: string, version: string, endpoint: string): string => JSON.stringify([service, version, endpoint]);

function copyRow(from: Float64Array, to: Float64Array, row: number, width: number): void {
  to.set(from.subarray(row * width, (row + 1) * width), row * width);
}

function addRow(now: Float64Array, before: Float64Array | undefined, to: Float64Array, row: number, width: number): void {
  for (let column = 0; column < Math.min(width, now.length); column += 1) to[row * width + column] += now[column] - (before?.[column] ?? 0);
}
