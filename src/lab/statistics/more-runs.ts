// How many more runs it takes until they tell, if what was seen so far goes on as it did.

/** Beyond this many more, the number says only that the truth is as good as at the very border. */
const MOST_MORE = 1_000_000;

/** Found by doubling the total, then halving the gap; at least 1, and null when more than a million do not tell. */
export function moreRunsUntil(runs: number, tells: (total: number) => boolean): number | null {
  let high = Math.max(1, runs);
  while (!tells(high)) {
    if (high - runs > MOST_MORE) return null;
    high *= 2;
  }
  let low = runs;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (tells(middle)) high = middle;
    else low = middle;
  }
  return Math.max(1, high - runs);
}
