// The cause of a decision: the deciding check asked once more, without the requests that carry the release's effects.

import type { DecisionBasis } from "../delivery/observer.js";
import type { SeriesStore } from "../telemetry/store.js";

/**
 * Whether the deciding check finds no fault in telemetry's lane for "without release `release`": then the release
 * is the cause. Null when no check decided. Absent data is no fault: nothing is left that could break a limit.
 */
export function passesWithoutRelease(store: SeriesStore, release: number, basis: DecisionBasis): boolean | null {
  const { at, queries } = basis;
  if (at === null) return null;
  // A release without a defect has no lane of its own: nothing it did could be left out.
  const lane = 1 + release < store.lanes ? 1 + release : 0;
  const answers = queries.map((query) => store.query(query, at, lane));
  return basis.passesOn({ at, queries, answers });
}
