// The truth's own books: cumulative counts per cell that no engine ever sees.

import { exactPow } from "../kernel/exact.js";
import { MICROS_PER_SECOND, type Euro, type Micros } from "../kernel/units.js";
import type { Model } from "./model.js";

/**
 * Edge cells count a client's page after all retries inside the system (a reload is a new page); service cells
 * count a version's own answers to its callers. `segment` is `targeted` for users that a limited effect (users < 1)
 * touches, `rest` for the others, `all` when no effect is limited.
 */
export interface LedgerCell {
  readonly scope: "edge" | "service";
  readonly service: string;
  readonly version: string;
  readonly endpoint: string;
  readonly segment: "all" | "targeted" | "rest";
}

/** Columns of a cell's row. `harmed*` carry an effect of some release; whose it is stands in `harmBy`. */
export const LedgerColumn = {
  requests: 0,
  errors: 1,
  /** Succeeded, but slower than the objective's edge. */
  slow: 2,
  latencySeconds: 3,
  conversions: 4,
  orderEuro: 5,
  /** Failed because of a release's effect. */
  harmedErrors: 6,
  /** Slow past the objective because of a release's effect. */
  harmedSlow: 7,
} as const;
export const LEDGER_COLUMNS = 8;

/** Columns of a release's row: its harm to clients. A page that carries effects of two releases counts whole for both. */
export const HarmColumn = {
  /** Pages that failed, were slow, or lost their order. */
  pages: 0,
  failed: 1,
  /** Succeeded, but slower than the objective's edge. */
  slow: 2,
  /** Orders that its effects took away, by a failed page or a lost conversion, in euro. */
  lostOrderEuro: 3,
} as const;
export const HARM_COLUMNS = 4;

/** What became of a harmed page; `order`: answered well, only its order is lost. */
export type HarmKind = "failed" | "slow" | "order";

/** Upper edges of the ledger's fine latency histogram: 1 ms x 2^(k/4), k = 0..68 (about 131 s), then +Inf. */
export const LEDGER_EDGES = 69;

export interface Ledger {
  readonly cells: readonly LedgerCell[];
  /** cells x LEDGER_COLUMNS, cumulative since the start. */
  readonly totals: Float64Array;
  /** cells x (LEDGER_EDGES + 1) counts, not cumulated over edges; empty in `light` detail. */
  readonly histogram: Float64Array;
  /** Upper edges in seconds, LEDGER_EDGES long. */
  readonly edgesSeconds: Float64Array;
  /** Per release: the first and the last request (its end) that an effect of the release failed or slowed past the objective; NaN before. */
  readonly firstHarmAt: Float64Array;
  readonly lastHarmAt: Float64Array;
  /** releases x HARM_COLUMNS: harm so far. */
  readonly harmBy: Float64Array;
  /** By cell: up to when its books are closed; NaN (or absent): to the present moment. */
  readonly closedAt?: Float64Array;
}

/** Upper edges of the fine histogram in seconds, computed once. */
const EDGES_SECONDS: Float64Array = Float64Array.from({ length: LEDGER_EDGES }, (_, k) => 0.001 * exactPow(2, k / 4));
const EDGES_MICROS: Float64Array = EDGES_SECONDS.map((edge) => edge * MICROS_PER_SECOND);

/** The fine histogram's bucket of a latency: the first edge that is not below it. */
export function ledgerBucket(latency: Micros): number {
  if (latency <= 1000) return 0;
  // The octave from the integer part of the milliseconds, then at most four edges of a quarter octave each.
  const octave = 31 - Math.clz32(latency / 1000);
  let bucket = 4 * octave;
  if (bucket > LEDGER_EDGES - 1) return LEDGER_EDGES;
  while (bucket < LEDGER_EDGES && EDGES_MICROS[bucket] < latency) bucket += 1;
  return bucket;
}

/** The ledger that a world writes: the same arrays, with the way from (version, endpoint, user) to a cell's row. */
export class LedgerBook implements Ledger {
  readonly cells: readonly LedgerCell[];
  readonly totals: Float64Array;
  readonly histogram: Float64Array;
  readonly edgesSeconds = EDGES_SECONDS;
  readonly firstHarmAt: Float64Array;
  readonly lastHarmAt: Float64Array;
  readonly harmBy: Float64Array;
  readonly closedAt: Float64Array;
  /** First cell of a version, by version; -1 when the scope has none. Then slot x segments + segment follow. */
  readonly #edgeFirst: Int32Array;
  readonly #serviceFirst: Int32Array;
  readonly #segments: number;

  constructor(model: Model, detail: "full" | "light") {
    const cells: LedgerCell[] = [];
    const segments: LedgerCell["segment"][] = model.segmented ? ["rest", "targeted"] : ["all"];
    this.#segments = segments.length;
    const addScope = (scope: LedgerCell["scope"]): Int32Array =>
      Int32Array.from(model.versions, (version) => {
        const service = model.services[version.service];
        if (scope === "edge" && !service.entry) return -1;
        const first = cells.length;
        for (const endpoint of service.endpoints) {
          for (const segment of segments) {
            cells.push({ scope, service: service.spec.name, version: version.name, endpoint: endpoint.spec.name, segment });
          }
        }
        return first;
      });
    this.#edgeFirst = addScope("edge");
    this.#serviceFirst = addScope("service");
    this.cells = cells;
    this.totals = new Float64Array(cells.length * LEDGER_COLUMNS);
    this.histogram = new Float64Array(detail === "full" ? cells.length * (LEDGER_EDGES + 1) : 0);
    this.firstHarmAt = new Float64Array(model.releases).fill(NaN);
    this.lastHarmAt = new Float64Array(model.releases).fill(NaN);
    this.harmBy = new Float64Array(model.releases * HARM_COLUMNS);
    this.closedAt = new Float64Array(cells.length).fill(NaN);
  }

  /** Notes that a version's books are closed up to then, with so many endpoints: who books only now and then says so. */
  close(version: number, endpoints: number, at: Micros): void {
    const count = endpoints * this.#segments;
    for (const first of [this.#edgeFirst[version], this.#serviceFirst[version]]) {
      if (first >= 0) this.closedAt.fill(at, first, first + count);
    }
  }

  /** Cell of client pages that `version` was to serve; `segment` 1 is `targeted` where the world is segmented. */
  edgeCell(version: number, endpointSlot: number, segment: number): number {
    return this.#edgeFirst[version] + endpointSlot * this.#segments + segment;
  }

  /** Cell of a version's own answers. */
  serviceCell(version: number, endpointSlot: number, segment: number): number {
    return this.#serviceFirst[version] + endpointSlot * this.#segments + segment;
  }

  /** Adds one answer: request, error or slow, latency and its fine bucket. */
  observe(cell: number, latency: Micros, failed: boolean, slow: boolean): void {
    const row = cell * LEDGER_COLUMNS;
    const { totals, histogram } = this;
    totals[row + LedgerColumn.requests] += 1;
    if (failed) totals[row + LedgerColumn.errors] += 1;
    else if (slow) totals[row + LedgerColumn.slow] += 1;
    totals[row + LedgerColumn.latencySeconds] += latency / MICROS_PER_SECOND;
    if (histogram.length > 0) histogram[cell * (LEDGER_EDGES + 1) + ledgerBucket(latency)] += 1;
  }

  /** Adds one harmed answer to its cell: failed, or succeeded but slow, because of some release. */
  countHarmed(cell: number, failed: boolean, slow: boolean): void {
    if (failed) this.totals[cell * LEDGER_COLUMNS + LedgerColumn.harmedErrors] += 1;
    else if (slow) this.totals[cell * LEDGER_COLUMNS + LedgerColumn.harmedSlow] += 1;
  }

  /** Notes one harmed page of every release in the mask, at the time it ended. */
  harm(mask: number, kind: HarmKind, at: Micros): void {
    for (let release = 0; release < this.firstHarmAt.length; release++) {
      if ((mask & (1 << release)) === 0) continue;
      if (this.harmBy[release * HARM_COLUMNS + HarmColumn.pages] === 0) this.firstHarmAt[release] = at;
      this.lastHarmAt[release] = at;
      this.countHarm(release, kind, 1);
    }
  }

  /** Adds harmed pages of one release. */
  countHarm(release: number, kind: HarmKind, count: number): void {
    const row = release * HARM_COLUMNS;
    this.harmBy[row + HarmColumn.pages] += count;
    if (kind !== "order") this.harmBy[row + HarmColumn[kind]] += count;
  }

  /** Adds orders that every release in the mask took away. */
  loseOrders(mask: number, euro: Euro): void {
    for (let release = 0; release < this.firstHarmAt.length; release++) {
      if ((mask & (1 << release)) !== 0) this.harmBy[release * HARM_COLUMNS + HarmColumn.lostOrderEuro] += euro;
    }
  }
}

/** An empty ledger for the model's versions, endpoints and segments. */
export const createLedger = (model: Model, detail: "full" | "light"): LedgerBook => new LedgerBook(model, detail);
