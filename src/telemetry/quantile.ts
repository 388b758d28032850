// histogram_quantile as Prometheus computes it from cumulated buckets: linear within a bucket, and its three edge rules.

/** Relative difference below which a step between neighbouring buckets is floating-point noise (Prometheus: 1e-12). */
const SMALL_DELTA = 1e-12;
/** The smallest normal double, as Prometheus' almost.Equal uses it near zero. */
const MIN_NORMAL = 2.2250738585072014e-308;

/**
 * The q-quantile of a classic histogram, NaN when it has no observations (or fewer than two buckets).
 * `cumulative[i]` counts observations up to `edges[i]`; the last one, +Inf, has no edge. `cumulative` is corrected
 * in place where it falls, as Prometheus does before it interpolates.
 */
export function histogramQuantile(q: number, edges: Float64Array, cumulative: Float64Array): number {
  const last = edges.length;
  if (last < 1 || q !== q) return NaN;
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  ensureMonotonic(cumulative);
  const observations = cumulative[last];
  if (!(observations > 0)) return NaN;

  const rank = q * observations;
  const bucket = firstAtLeast(cumulative, last, rank);
  // In the +Inf bucket all we know is the highest finite edge.
  if (bucket === last) return edges[last - 1];
  if (bucket === 0) {
    return edges[0] <= 0 ? edges[0] : edges[0] * (rank / cumulative[0]);
  }
  const below = cumulative[bucket - 1];
  const start = edges[bucket - 1];
  return start + (edges[bucket] - start) * ((rank - below) / (cumulative[bucket] - below));
}

/** The first of the `length` leading counts that is not below `rank`; `length` when all are. */
function firstAtLeast(counts: Float64Array, length: number, rank: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (counts[middle] >= rank) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Lifts every count that is below its predecessor, and levels steps too small to be more than rounding. */
function ensureMonotonic(counts: Float64Array): void {
  let previous = counts[0];
  for (let i = 1; i < counts.length; i += 1) {
    const current = counts[i];
    if (current < previous || almostEqual(previous, current)) counts[i] = previous;
    else previous = current;
  }
}

function almostEqual(a: number, b: number): boolean {
  if (a === b) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < MIN_NORMAL) return difference < SMALL_DELTA * MIN_NORMAL;
  return difference / Math.min(sum, Number.MAX_VALUE) < SMALL_DELTA;
}
