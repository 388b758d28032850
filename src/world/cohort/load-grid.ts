// The loads at which queues are worked out: fine where waiting is sensitive, coarse far beyond saturation.

const FINE_STEP = 0.005;
const FINE_END = 1.25;
const COARSE_RATIO = 1.06;
const LOAD_MAX = 60;

/** Offered work over capacity, ascending from 0. */
export const LOADS: Float64Array = makeLoads();

function makeLoads(): Float64Array {
  const loads: number[] = [];
  for (let i = 0; i * FINE_STEP < FINE_END; i += 1) loads.push(i * FINE_STEP);
  for (let load = FINE_END; load < LOAD_MAX; load *= COARSE_RATIO) loads.push(load);
  return Float64Array.from(loads);
}

const FINE_COUNT = Math.round(FINE_END / FINE_STEP);

/** Index of the grid's load nearest to `load`. */
export function nearestLoad(load: number): number {
  if (!(load > 0)) return 0;
  if (load < FINE_END - FINE_STEP / 2) return Math.round(load / FINE_STEP);
  let i = FINE_COUNT;
  while (i + 1 < LOADS.length && (LOADS[i] + LOADS[i + 1]) / 2 < load) i += 1;
  return i;
}
