// m of the last n evaluations, as plain data that goes in and comes out.

import type { Persistence } from "../evidence.js";

/** How many evaluations there were, and per check (in the plan's order) which of the remembered ones were breaches. */
export interface BreachHistory {
  readonly evaluations: number;
  readonly breaches: readonly (readonly number[])[];
}

export const NO_HISTORY: BreachHistory = { evaluations: 0, breaches: [] };

const NONE: readonly number[] = [];

/**
 * The numbers of those evaluations among the last `of`, `evaluation` included, that were breaches. What could not be
 * judged is no breach. The same array comes back while nothing changes, which is nearly always.
 */
export function remember(past: readonly number[] | undefined, evaluation: number, breach: boolean, persistence: Persistence): readonly number[] {
  const oldest = evaluation - persistence.of + 1;
  const known = past ?? NONE;
  const kept = known.length > 0 && known[0] < oldest ? known.filter((one) => one >= oldest) : known;
  return breach ? [...kept, evaluation] : kept;
}
