// The proxy's side of one replica: its connections, what is under way, and what its health check thinks of it.

import { Pool } from "undici";
import type { Backend } from "../protocol.js";
import { Wire } from "../shared/wire.js";

/** A replica that says nothing for this long has its connection closed; callers gave up long before. */
const LONGEST_WAIT_MILLIS = 60_000;
const KEEP_ALIVE_MILLIS = 120_000;
/** Connections to one replica, those of requests that callers gave up among them. */
const CONNECTIONS = 2048;
/** However short the interval, a busy machine's late answer is no bad one. */
const PROBE_PATIENCE_MILLIS = 500;
/** A probe that hangs keeps its connection, so there is one more for the next. */
const PROBE_CONNECTIONS = 4;

export class BackendLink {
  readonly pool: Pool;
  inFlight = 0;
  admitted = false;
  readonly #probes: Wire;
  #goodProbes = 0;
  #badProbes = 0;
  #probing = false;
  #hangs = false;

  constructor(readonly backend: Backend, readonly health: { readonly healthyAfter: number; readonly unhealthyAfter: number }) {
    this.pool = new Pool(`http://127.0.0.1:${backend.port}`, {
      connections: CONNECTIONS, pipelining: 1, keepAliveTimeout: KEEP_ALIVE_MILLIS, keepAliveMaxTimeout: KEEP_ALIVE_MILLIS,
      headersTimeout: LONGEST_WAIT_MILLIS, bodyTimeout: LONGEST_WAIT_MILLIS, connect: { timeout: 5_000 },
    });
    this.#probes = new Wire(backend.port, PROBE_CONNECTIONS);
  }

  /**
   * Asks whether the replica is ready; `changed` hears when that admits or expels it. One that hangs counts as bad once its
   * patience is over, and again at each probe that would have been due.
   */
  probe(changed: () => void): void {
    if (this.#hangs) this.#count(false, changed);
    if (this.#probing) return;
    this.#probing = true;
    const patience = setTimeout(() => {
      this.#hangs = true;
      this.#count(false, changed);
    }, PROBE_PATIENCE_MILLIS);
    this.#probes.ask("/healthz", [], ({ status }) => {
      clearTimeout(patience);
      this.#probing = false;
      this.#hangs = false;
      this.#count(status === 200, changed);
    });
  }

  /** Requests under way come to an end first. */
  close(): void {
    this.#probes.destroy();
    this.pool.close().catch(() => undefined);
  }

  #count(good: boolean, changed: () => void): void {
    this.#goodProbes = good ? this.#goodProbes + 1 : 0;
    this.#badProbes = good ? 0 : this.#badProbes + 1;
    const admitted = this.admitted
      ? this.#badProbes < this.health.unhealthyAfter
      : this.#goodProbes >= this.health.healthyAfter;
    if (admitted === this.admitted) return;
    this.admitted = admitted;
    changed();
  }
}
