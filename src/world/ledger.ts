// The truth's own books: cumulative counts per cell that no engine ever sees.

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

/** Columns of a cell's row. `harmed*` carry an effect of some release; see also `harmedBy`. */
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
  /** Orders that a failure or an effect took away, in euro, expected value. */
  lostOrderEuro: 8,
} as const;
export const LEDGER_COLUMNS = 9;

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
  /** Per release: harmed requests so far, failed and slow. */
  readonly harmedBy: Float64Array;
}
