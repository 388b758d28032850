// Finds the name that a misspelt one most likely meant.

/**
 * Damerau-Levenshtein distance (optimal string alignment): inserted, deleted, replaced and swapped
 * neighbouring characters each count one.
 */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      let best = Math.min(last[column] + 1, current[column - 1] + 1, last[column - 1] + (same ? 0 : 1));
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) best = Math.min(best, beforeLast[column - 2] + 1);
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length];
}

/** Longer names are never compared: nobody misspells a hundred characters. */
const LONGEST_COMPARED = 80;

/** The closest of `valid`, when it is close enough to be what was meant; ties go to the first. */
export function nearestName(written: string, valid: readonly string[]): string | null {
  if (written.length > LONGEST_COMPARED) return null;
  const wanted = plain(written);
  let best: string | null = null;
  let bestDistance = Infinity;
  for (const name of valid) {
    const distance = editDistance(wanted, plain(name));
    const allowed = Math.max(1, Math.floor(Math.max(wanted.length, name.length) / 3));
    if (distance <= allowed && distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** Case, underscores and spaces are the commonest slips, so they count nothing. */
const plain = (name: string): string => name.toLowerCase().replace(/[_\s]/g, "-");

/** "did you mean" when a name is near, else what there is to choose from. */
export function adviseName(written: string, valid: readonly string[], noun: string): string {
  const near = nearestName(written, valid);
  if (near !== null) return `write \`${near}\``;
  if (valid.length === 0) return `there is no ${noun} to name here`;
  const shown = valid.slice(0, 12).map((name) => `\`${name}\``).join(", ");
  return `${noun}: ${shown}${valid.length > 12 ? `, and ${valid.length - 12} more` : ""}`;
}
