// The database's `/metrics` page, one prom-client registry per lane; the `database` label is the scrape target's.

import { Counter, Gauge, Registry } from "prom-client";
import type { Ratio } from "../../../kernel/units.js";

class Lane {
  readonly registry = new Registry();
  readonly queries: Counter;
  readonly poolTimeouts: Counter;
  readonly queryTimeouts: Counter;
  readonly poolInUse: Gauge;
  readonly poolWaiting: Gauge;

  constructor() {
    const registers = [this.registry];
    this.queries = new Counter({ name: "db_queries_total", help: "Queries answered.", registers });
    this.poolTimeouts = new Counter({ name: "db_pool_timeouts_total", help: "Queries that got no connection in time.", registers });
    this.queryTimeouts = new Counter({ name: "db_query_timeouts_total", help: "Queries whose callers gave up.", registers });
    this.poolInUse = new Gauge({ name: "db_pool_in_use_ratio", help: "Share of connections in use.", registers });
    this.poolWaiting = new Gauge({ name: "db_pool_waiting", help: "Queries that wait for a connection.", registers });
  }
}

export type DatabaseCounter = "queries" | "poolTimeouts" | "queryTimeouts";

export class DatabaseMetrics {
  readonly contentType: string;
  readonly #lanes: readonly Lane[];

  constructor(releases: number) {
    this.#lanes = Array.from({ length: 1 + releases }, () => new Lane());
    this.contentType = this.#lanes[0].registry.contentType;
  }

  get lanes(): number {
    return this.#lanes.length;
  }

  /** Adds 1 in every lane that `taint` does not leave out. */
  count(counter: DatabaseCounter, taint: number): void {
    this.#lanes.forEach((lane, index) => {
      if (index === 0 || (taint & (1 << (index - 1))) === 0) lane[counter].inc();
    });
  }

  async render(lane: number, inUse: Ratio, waiting: number): Promise<string> {
    const { registry, poolInUse, poolWaiting } = this.#lanes[lane];
    poolInUse.set(inUse);
    poolWaiting.set(waiting);
    return registry.metrics();
  }
}
