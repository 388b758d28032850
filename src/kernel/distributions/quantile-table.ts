// A quantile function as a table: a fast draw from any continuous distribution, with the exact tails.

const CELLS = 4096;
/** Cells at either end that are computed exactly: there a quantile function bends too much for a line. */
const TAIL_CELLS = 64;

/**
 * A straight line between 4,096 knots of a quantile function, and the function itself in the outer 64 cells
 * of either end (measured for the lognormal: five times as fast as the function). Between its knots the
 * relative error is below 1e-5 sigma (1 + sigma).
 */
export class QuantileTable {
  readonly mean: number;
  readonly #exact: (u: number) => number;
  readonly #knots = new Float64Array(CELLS + 1);

  /** `exact` is increasing on (0, 1); `mean` is carried along for those who plan with it. */
  constructor(exact: (u: number) => number, mean: number) {
    this.#exact = exact;
    this.mean = mean;
    for (let i = TAIL_CELLS; i <= CELLS - TAIL_CELLS; i += 1) this.#knots[i] = exact(i / CELLS);
  }

  /** The variable at the uniform draw u, increasing in u. */
  from(u: number): number {
    const position = u * CELLS;
    const cell = position | 0;
    if (cell < TAIL_CELLS || cell >= CELLS - TAIL_CELLS) return this.#exact(u);
    const low = this.#knots[cell];
    return low + (position - cell) * (this.#knots[cell + 1] - low);
  }
}
