// Pages that nobody answers are loaded again late: when the client has given up and waited, and by then the balancer may know better.

import { toSeconds, type Micros } from "../../kernel/units.js";
import type { ServiceState, VersionState } from "./service-state.js";

/** Pages that come again evenly between two moments. */
interface Batch {
  readonly from: Micros;
  readonly to: Micros;
  readonly service: ServiceState;
  readonly version: VersionState;
  readonly cell: number;
  /** As which reload. */
  readonly reload: number;
  readonly count: number;
}

export class LateReloads {
  #batches: Batch[] = [];

  /** Somebody will come again. */
  get pending(): boolean {
    return this.#batches.length > 0;
  }

  add(batch: Batch): void {
    if (batch.count > 0) this.#batches.push(batch);
  }

  /** Sets every version's late reloads per second for a stretch. A version without traffic passes its own on to the others. */
  spread(now: Micros, seconds: number): void {
    if (this.#batches.length === 0) return;
    for (const { service } of this.#batches) for (const version of service.versions) for (const late of version.late) late.fill(0);
    this.#batches = this.#batches.filter(({ to }) => to > now);
    for (const { from, to, service, version, cell, reload, count } of this.#batches) {
      const shared = Math.min(toSeconds(to - now), seconds) - Math.max(0, toSeconds(from - now));
      if (shared <= 0) continue;
      const rate = ((count / toSeconds(to - from)) * shared) / seconds;
      if (service.shares[version.place] > 0) version.late[reload][cell] += rate;
      else for (const other of service.versions) other.late[reload][cell] += rate * service.shares[other.place];
    }
  }
}
