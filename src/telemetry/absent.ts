// The three ways in which a query has no answer; a number is never made up for one of them.

import type { Answer } from "./query.js";

/** No matching series has a sample in the range: never exposed, stale, or not scraped. */
export const NO_SERIES: Answer = { kind: "absent", why: "no series" };
/** Matching series have samples in the range, but none has the two that a rate needs. */
export const TOO_FEW_SAMPLES: Answer = { kind: "absent", why: "too few samples" };
/** The histogram is there, and nothing was observed in the range. */
export const NO_OBSERVATIONS: Answer = { kind: "absent", why: "no observations" };
