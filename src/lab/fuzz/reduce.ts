// Shrinks a failing case to the shortest document that still fails in the same way: delta debugging on the document itself.

import { caseOf, type CaseFrame, type FuzzCase } from "./cases.js";
import type { Fields } from "./document.js";
import { LAST_PASS, PASSES } from "./simpler.js";

/** Candidates that are played together; the first that still fails is taken, so that the number of workers changes nothing. */
const TOGETHER = 4;
export const MOST_SHRINK_RUNS = 600;

/** Which of these cases fail in the way that is being shrunk. */
export type StillFails = (cases: readonly FuzzCase[]) => Promise<readonly boolean[]>;

export interface Reduced {
  readonly smallest: FuzzCase;
  readonly runs: number;
}

/**
 * How much there is to read: characters first, then digits that are not round, then time. Every accepted step makes
 * it less, so that shrinking ends.
 */
export function sizeOf(text: string): number {
  const digits = (text.match(/\d+/g) ?? []).reduce((sum, number) => sum + number.replace(/0+$/, "").length, 0);
  const seconds = [...text.matchAll(/\b(\d+)(s|m)\b/g)].reduce((sum, [, number, unit]) => sum + Number(number) * (unit === "m" ? 60 : 1), 0);
  return text.length + digits / 100 + seconds / 1e7;
}

/** Shrinks `failing` within its frame; plays at most `budget` candidates. */
export async function reduced(failing: FuzzCase, frame: CaseFrame, stillFails: StillFails, { budget = MOST_SHRINK_RUNS, signal }: { readonly budget?: number; readonly signal?: AbortSignal } = {}): Promise<Reduced> {
  let smallest = failing;
  let runs = 0;
  const tried = new Set<string>([failing.text]);
  const candidate = (document: Fields): FuzzCase | null => {
    const made = caseOf(document, frame, smallest.fidelity);
    if (!made.ok || tried.has(made.value.text) || sizeOf(made.value.text) >= sizeOf(smallest.text)) return null;
    tried.add(made.value.text);
    return made.value;
  };
  const isOver = (): boolean => runs >= budget || signal?.aborted === true;
  /** The next step of a pass from `place` on: the place of the candidate that was taken, or null at the pass's end. */
  const step = async (pass: (document: Fields) => readonly Fields[], place: number): Promise<number | null> => {
    const documents = pass(smallest.document);
    for (let next = place; next < documents.length && !isOver(); ) {
      const group: { readonly made: FuzzCase; readonly at: number }[] = [];
      for (; next < documents.length && group.length < TOGETHER; next += 1) {
        const made = candidate(documents[next]);
        if (made !== null) group.push({ made, at: next });
      }
      if (group.length === 0) continue;
      runs += group.length;
      const fails = await stillFails(group.map(({ made }) => made));
      const first = fails.indexOf(true);
      if (first < 0) continue;
      // Those beside it were played against a larger document; they may be asked again.
      for (const { made } of group.slice(first + 1)) tried.delete(made.text);
      smallest = group[first].made;
      return group[first].at;
    }
    return null;
  };
  for (let before = ""; before !== smallest.text && !isOver(); ) {
    before = smallest.text;
    for (const pass of PASSES) {
      for (let place: number | null = 0; place !== null && !isOver(); ) place = await step(pass(frame.scenario), place);
    }
  }
  await step(LAST_PASS(frame.scenario), 0);
  return { smallest, runs };
}
