// m of the last n evaluations, as plain data that goes in and comes out.

import type { Persistence } from "../evidence.js";

/** Per check id, whether each of its last evaluations was a breach, newest last. */
export type BreachHistory = Readonly<Record<string, readonly boolean[]>>;

export const NO_HISTORY: BreachHistory = {};

/** The last `of` evaluations with this one added; what could not be judged is no breach. */
export function remember(past: readonly boolean[] | undefined, breach: boolean, persistence: Persistence): readonly boolean[] {
  if (persistence.of <= 1) return [breach];
  return [...(past ?? []).slice(1 - persistence.of), breach];
}

export function breachesIn(history: readonly boolean[]): number {
  let breaches = 0;
  for (const breach of history) if (breach) breaches += 1;
  return breaches;
}
