// A bound for a proportion that holds at every number of runs at once, so that one may stop as soon as it says enough.

import { assert } from "../../kernel/assert.js";
import { exactLog, logGamma } from "../../kernel/exact.js";
import type { Ratio } from "../../kernel/units.js";
import type { Interval } from "./clopper-pearson.js";

/** Beta(1/2, 1/2), Jeffreys' prior: tight for proportions near 0 and 1, which claims are mostly about. */
const PRIOR_A = 0.5;
const PRIOR_B = 0.5;

/**
 * The evidence against a chance of `p` after so many hits: the likelihood of the runs under a beta mixture of chances,
 * over their likelihood under `p` (log). If p is the truth, this ratio is a martingale of mean 1, and by Ville's
 * inequality it ever exceeds 1/alpha with a probability of at most alpha, however often one looks.
 * Sources: H. Robbins, Statistical methods related to the law of the iterated logarithm, Ann. Math. Stat. 41 (1970);
 * S. R. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, Time-uniform, nonparametric, nonasymptotic confidence sequences,
 * Ann. Stat. 49 (2021).
 */
export function logEvidenceAgainst(p: Ratio, hits: number, runs: number): number {
  const misses = runs - hits;
  const mixture = logBeta(PRIOR_A + hits, PRIOR_B + misses) - logBeta(PRIOR_A, PRIOR_B);
  return mixture - times(hits, p) - times(misses, 1 - p);
}

/** All chances that the runs so far do not speak against, at every number of runs with a probability of 1 - alpha. */
export function confidenceSequence(hits: number, runs: number, { alpha = 0.05 }: { readonly alpha?: Ratio } = {}): Interval {
  assert(hits >= 0 && hits <= runs, "hits are counted among the runs");
  if (runs === 0) return { low: 0, high: 1 };
  const enough = -exactLog(alpha);
  const centre = hits / runs;
  const spoken = (p: number): boolean => logEvidenceAgainst(p, hits, runs) >= enough;
  // The evidence grows with the distance from the observed share, to both sides.
  return { low: spoken(0) ? edge(0, centre, spoken) : 0, high: spoken(1) ? edge(1, centre, spoken) : 1 };
}

/** Whether the runs prove that the true chance is not `p`, in the direction in which they lie. */
export type Side = "above" | "below" | "open";

/** On which side of `p` the true chance is, as soon as that can be said with an error of at most alpha. */
export function sideOf(p: Ratio, hits: number, runs: number, { alpha = 0.05 }: { readonly alpha?: Ratio } = {}): Side {
  if (runs === 0 || logEvidenceAgainst(p, hits, runs) < -exactLog(alpha)) return "open";
  return hits / runs > p ? "above" : "below";
}

/** x log p, with 0 log 0 = 0. */
const times = (count: number, p: Ratio): number => (count === 0 ? 0 : p <= 0 ? -Infinity : count * exactLog(p));

const logBeta = (a: number, b: number): number => logGamma(a) + logGamma(b) - logGamma(a + b);

/** The border between chances that are spoken against, from `outside` on, and those that are not. */
function edge(outside: number, inside: number, spoken: (p: number) => boolean): number {
  let [out, into] = [outside, inside];
  for (let step = 0; step < 100 && Math.abs(out - into) > 1e-12; step += 1) {
    const middle = (out + into) / 2;
    if (spoken(middle)) out = middle;
    else into = middle;
  }
  return out;
}
