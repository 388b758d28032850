// One target that stands for many replicas, each scraped at its own time: how much of a window their series would reach over together.

import type { Micros } from "../kernel/units.js";

/** Rows of the target that stands for them, within a range (start, end]. */
export interface PhaseRange {
  readonly start: Micros;
  readonly end: Micros;
  readonly firstTime: Micros;
  readonly lastTime: Micros;
  /** Samples of up to then could be seen. */
  readonly horizon: Micros;
  /** Between scrapes. */
  readonly interval: Micros;
}

/** A gap of this many intervals or more is not bridged, only entered by half of one, as Prometheus extrapolates. */
const BRIDGED_INTERVALS = 1.1;

/**
 * The part of the range, in time, over which one replica's increase reaches: samples and what is extrapolated at both
 * ends. `offset` is when in each interval the replica is scraped. 0 with fewer than two samples.
 */
function reachOf(offset: Micros, { start, end, firstTime, lastTime, horizon, interval }: PhaseRange): Micros {
  const later = (((offset - lastTime) % interval) + interval) % interval;
  const last = lastTime + later <= horizon ? lastTime + later : lastTime + later - interval;
  // A replica whose series begins within the range is first scraped within an interval around the first row.
  const before = firstTime + later - interval;
  const beganInside = firstTime - interval > start;
  const first = before > start && (!beganInside || 2 * later > interval) ? before : before + interval;
  if (last <= first) return 0;
  const bridged = (gap: Micros): Micros => (gap >= BRIDGED_INTERVALS * interval ? interval / 2 : gap);
  return last - first + bridged(first - start) + bridged(end - last);
}

/**
 * What an increase of a target that is scraped at the first of these offsets must be multiplied by to be the sum over
 * replicas that are scraped at each of them. A window's end that lies a little beyond the newest sample is bridged, one
 * that lies farther is not: with one offset for all, a whole version would lose or gain half an interval at once.
 */
export function phaseFactor(offsets: readonly Micros[], range: PhaseRange): number {
  const own = reachOf(range.lastTime, range);
  if (own === 0) return 1;
  let sum = 0;
  for (const offset of offsets) sum += reachOf(offset, range);
  return sum / offsets.length / own;
}
