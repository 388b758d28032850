// The version of the simulated world's behaviour: a change of it is never taken for a change of a strategy.

/** Raised whenever the same input may give another outcome (test/digest says when); part of every outcome and digest. */
export const MODEL_VERSION = "5";
