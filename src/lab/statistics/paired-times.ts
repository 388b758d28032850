// Two strategies' times on the same seeds where some things never happened: medians and a sign test, with never later than any.

import { assert } from "../../kernel/assert.js";
import type { Ratio } from "../../kernel/units.js";
import { timeReachedBy } from "../detect/reading.js";
import { mcNemar } from "./paired.js";

export interface PairedTimes {
  readonly pairs: number;
  /** In the unit of the times; null when it had happened in fewer than half the runs by the end. */
  readonly medianA: number | null;
  readonly medianB: number | null;
  /** Runs in which it had not happened by the end. */
  readonly openA: number;
  readonly openB: number;
  /** Seeds on which A, and B, was the sooner one. */
  readonly soonerA: number;
  readonly soonerB: number;
  /** The two-sided probability of a split this uneven by chance alone: the sign test, which is McNemar's on who was sooner. */
  readonly pValue: Ratio;
}

/**
 * A mean over those that were there under both would be of the easy ones alone, and the better for whoever misses the
 * hard ones. `material`: by what share of A's time B's must differ to be sooner or later at all.
 */
export function pairedTimes(a: readonly (number | null)[], b: readonly (number | null)[], { material = 0 }: { readonly material?: Ratio } = {}): PairedTimes {
  assert(a.length === b.length && a.length >= 1, "each seed was played with both strategies");
  const count = (holds: (ofA: number, ofB: number) => boolean): number => a.filter((time, index) => holds(time ?? Infinity, b[index] ?? Infinity)).length;
  const soonerA = count((ofA, ofB) => ofA < Infinity && ofB - ofA > material * ofA);
  const soonerB = count((ofA, ofB) => ofB < Infinity && (ofA === Infinity || ofA - ofB > material * ofA));
  return {
    pairs: a.length,
    medianA: timeReachedBy(a, 0.5),
    medianB: timeReachedBy(b, 0.5),
    openA: a.filter((time) => time === null).length,
    openB: b.filter((time) => time === null).length,
    soonerA,
    soonerB,
    pValue: mcNemar(soonerA, soonerB),
  };
}
