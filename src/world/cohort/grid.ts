// Latency distributions as mass on a fixed logarithmic grid: cheap to add up, cut and project on buckets.

/** Grid points per doubling; neighbours lie 4.4 % apart. */
const POINTS_PER_DOUBLING = 16;
const DOUBLINGS = 20;
/** Smallest positive point. */
const FIRST_SECONDS = 0.00025;
/** Points of the grid: zero, then 0.25 ms x 2^(k/16) up to about 262 s. */
export const GRID_POINTS = POINTS_PER_DOUBLING * DOUBLINGS + 2;

/** 2^(1/16), correctly rounded. */
const STEP = 1.0442737824274138;

/** The grid's points in seconds, ascending from zero. */
export const GRID_SECONDS: Float64Array = makeGrid();

function makeGrid(): Float64Array {
  const grid = new Float64Array(GRID_POINTS);
  let octave = FIRST_SECONDS;
  for (let k = 1; k < GRID_POINTS; octave *= 2) {
    let point = octave;
    for (let i = 0; i < POINTS_PER_DOUBLING && k < GRID_POINTS; i += 1, k += 1) {
      grid[k] = point;
      point *= STEP;
    }
  }
  return grid;
}

/**
 * A distribution or a part of one. A point's mass is the mean of its hat function (1 at the point, falling to 0 at its
 * neighbours), so the mean is exact and so is a sum's mean.
 */
export interface Mass {
  readonly at: Float64Array;
  /** First and last point that carry mass; an empty mass has first > last. */
  readonly first: number;
  readonly last: number;
  readonly total: number;
}

/** Mass that matters less than this is folded into its neighbour when a sum is formed. */
const NEGLIGIBLE = 1e-10;

export const EMPTY_MASS: Mass = { at: new Float64Array(GRID_POINTS), first: 0, last: -1, total: 0 };

/** Wraps an array of masses; finds its support and total. */
export function massOf(at: Float64Array): Mass {
  let first = 0;
  let last = GRID_POINTS - 1;
  while (last >= 0 && at[last] === 0) last -= 1;
  while (first <= last && at[first] === 0) first += 1;
  let total = 0;
  for (let k = first; k <= last; k += 1) total += at[k];
  return { at, first, last, total };
}

/** The last grid point that is not above `seconds`. */
export function pointBelow(seconds: number): number {
  let low = 0;
  let high = GRID_POINTS - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (GRID_SECONDS[middle] <= seconds) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Puts `mass` at `seconds`, shared between the two points around it so that the mean is kept. */
export function addAtom(into: Float64Array, seconds: number, mass: number): void {
  const k = pointBelow(seconds);
  if (k === GRID_POINTS - 1) {
    into[k] += mass;
    return;
  }
  const upper = (seconds - GRID_SECONDS[k]) / (GRID_SECONDS[k + 1] - GRID_SECONDS[k]);
  into[k] += mass * (1 - upper);
  into[k + 1] += mass * upper;
}

/** All mass at one value. */
export function atom(seconds: number, mass = 1): Mass {
  const at = new Float64Array(GRID_POINTS);
  addAtom(at, seconds, mass);
  return massOf(at);
}

/** The grid's image of a continuous distribution on [0, infinity), by Simpson's rule on its distribution function. */
export function massFromCdf(cdf: (seconds: number) => number): Mass {
  const at = new Float64Array(GRID_POINTS);
  let before = 0;
  let low = cdf(0);
  for (let k = 0; k < GRID_POINTS - 1; k += 1) {
    const high = cdf(GRID_SECONDS[k + 1]);
    const middle = cdf((GRID_SECONDS[k] + GRID_SECONDS[k + 1]) / 2);
    const reached = Math.min(1, (low + 4 * middle + high) / 6);
    const mass = reached - before;
    if (mass > NEGLIGIBLE) {
      at[k] = mass;
      before = reached;
    }
    low = high;
  }
  at[GRID_POINTS - 1] = 1 - before > NEGLIGIBLE ? 1 - before : 0;
  return massOf(at);
}

const SUM_POINT = new Uint16Array(GRID_POINTS * GRID_POINTS);
const SUM_UPPER = new Float64Array(GRID_POINTS * GRID_POINTS);
for (let i = 0; i < GRID_POINTS; i += 1) {
  for (let j = 0; j < GRID_POINTS; j += 1) {
    const sum = GRID_SECONDS[i] + GRID_SECONDS[j];
    const k = Math.min(GRID_POINTS - 2, pointBelow(sum));
    SUM_POINT[i * GRID_POINTS + j] = k;
    SUM_UPPER[i * GRID_POINTS + j] = Math.min(1, (sum - GRID_SECONDS[k]) / (GRID_SECONDS[k + 1] - GRID_SECONDS[k]));
  }
}

/** The distribution of a sum of two independent durations (totals multiply). */
export function convolve(a: Mass, b: Mass): Mass {
  if (a.total === 0 || b.total === 0) return EMPTY_MASS;
  if (a.last === 0) return scaleMass(b, a.total);
  if (b.last === 0) return scaleMass(a, b.total);
  const at = new Float64Array(GRID_POINTS);
  for (let i = a.first; i <= a.last; i += 1) {
    const massA = a.at[i];
    if (massA <= NEGLIGIBLE * a.total) continue;
    const row = i * GRID_POINTS;
    for (let j = b.first; j <= b.last; j += 1) {
      const mass = massA * b.at[j];
      const upper = mass * SUM_UPPER[row + j];
      const k = SUM_POINT[row + j];
      at[k] += mass - upper;
      at[k + 1] += upper;
    }
  }
  return massOf(at);
}

export function scaleMass(mass: Mass, factor: number): Mass {
  if (factor === 1) return mass;
  if (factor === 0) return EMPTY_MASS;
  const at = new Float64Array(GRID_POINTS);
  for (let k = mass.first; k <= mass.last; k += 1) at[k] = mass.at[k] * factor;
  return { at, first: mass.first, last: mass.last, total: mass.total * factor };
}

/** Adds `mass` x `factor` to `into`. */
export function addMass(into: Float64Array, mass: Mass, factor: number): void {
  for (let k = mass.first; k <= mass.last; k += 1) into[k] += mass.at[k] * factor;
}

/** Mean x total, in seconds. */
export function firstMoment(mass: Mass): number {
  let sum = 0;
  for (let k = mass.first; k <= mass.last; k += 1) sum += mass.at[k] * GRID_SECONDS[k];
  return sum;
}

/** Mean square x total, in seconds squared. */
export function secondMoment(mass: Mass): number {
  let sum = 0;
  for (let k = mass.first; k <= mass.last; k += 1) sum += mass.at[k] * GRID_SECONDS[k] * GRID_SECONDS[k];
  return sum;
}

/**
 * How much mass lies at or below `seconds`. The cumulated mass up to point k is the mean of the distribution
 * function between points k and k + 1, so it is taken as its value half-way and interpolated from there.
 */
export function massUpTo(mass: Mass, seconds: number): number {
  let before = 0;
  let middle = 0;
  for (let k = mass.first; k <= mass.last; k += 1) {
    const next = k + 1 < GRID_POINTS ? (GRID_SECONDS[k] + GRID_SECONDS[k + 1]) / 2 : Infinity;
    const start = k === mass.first ? (k === 0 ? 0 : (GRID_SECONDS[k - 1] + GRID_SECONDS[k]) / 2) : middle;
    if (seconds < next) {
      if (k === 0) return mass.at[0];
      if (seconds <= start) return before;
      return next === Infinity ? before : before + (mass.at[k] * (seconds - start)) / (next - start);
    }
    before += mass.at[k];
    middle = next;
  }
  return mass.total;
}

/** Splits a duration at a deadline: what ends by then, and how much does not. */
export function cutAt(mass: Mass, seconds: number): { readonly within: Mass; readonly beyond: number } {
  if (mass.last < 0 || GRID_SECONDS[mass.last] <= seconds) return { within: mass, beyond: 0 };
  const reached = massUpTo(mass, seconds);
  if (reached <= 0) return { within: EMPTY_MASS, beyond: mass.total };
  const at = new Float64Array(GRID_POINTS);
  let left = reached;
  for (let k = mass.first; k <= mass.last && left > 0; k += 1) {
    const part = Math.min(left, mass.at[k]);
    addAtom(at, Math.min(GRID_SECONDS[k], seconds), part);
    left -= part;
  }
  return { within: massOf(at), beyond: mass.total - reached };
}
