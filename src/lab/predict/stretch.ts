// What the truth's books say of one stretch of a run: counts and latencies that can be added up and asked for quantiles.

import type { Micros, Ratio } from "../../kernel/units.js";
import { quantileBetween, sumBetween, type Books, type Recorder } from "../../sim/recording.js";
import { LEDGER_EDGES, LedgerColumn } from "../../world/ledger.js";

const BUCKETS = LEDGER_EDGES + 1;

/** Counts over some time, of one version or of all clients. */
export interface Stretch {
  /** As the books were looked at, which may be a little off what was asked for. */
  readonly lasts: Micros;
  readonly requests: number;
  readonly errors: number;
  readonly latencySeconds: number;
  /** Of the ledger's fine buckets. */
  readonly histogram: Float64Array;
}

const NOTHING_YET: Books = { at: 0, totals: new Float64Array(0), histogram: new Float64Array(BUCKETS) };

/** The cells' counts from one time to another, by the books nearest to both. */
export function stretchOf(recorder: Recorder, cells: readonly number[], from: Micros, to: Micros): Stretch {
  const [first, last] = [rowAt(recorder, from), rowAt(recorder, to)];
  const histogram = new Float64Array(BUCKETS);
  for (const cell of cells) {
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) histogram[bucket] += last.histogram[cell * BUCKETS + bucket] - first.histogram[cell * BUCKETS + bucket];
  }
  const sum = (column: number): number => sumBetween(first, last, cells, column);
  return { lasts: last.at - first.at, requests: sum(LedgerColumn.requests), errors: sum(LedgerColumn.errors), latencySeconds: sum(LedgerColumn.latencySeconds), histogram };
}

/** Stretches that do not overlap, as one. */
export function together(stretches: readonly Stretch[]): Stretch {
  const sum = (of: (stretch: Stretch) => number): number => stretches.reduce((total, each) => total + of(each), 0);
  return {
    lasts: sum(({ lasts }) => lasts), requests: sum(({ requests }) => requests), errors: sum(({ errors }) => errors), latencySeconds: sum(({ latencySeconds }) => latencySeconds),
    histogram: Float64Array.from({ length: BUCKETS }, (_, bucket) => sum(({ histogram }) => histogram[bucket])),
  };
}

/** In seconds; null without a request. */
export const quantileOf = ({ histogram }: Stretch, q: Ratio, { ledger }: Pick<Recorder, "ledger">): number | null =>
  quantileBetween(NOTHING_YET, { at: 0, totals: NOTHING_YET.totals, histogram }, [0], ledger.edgesSeconds, q);

/** Real time is a few milliseconds late at each row, so the nearest one is the one that was meant. */
function rowAt({ rows }: Recorder, at: Micros): Books {
  return rows.reduce((nearest, row) => (Math.abs(row.at - at) < Math.abs(nearest.at - at) ? row : nearest), rows[0]);
}
