// Reads `--seeds 1..50` and `--seed 7`.

import { UsageError } from "./exit.js";

/** More seeds than this in one command belong to the lab's workers. */
const MAX_SEEDS = 100_000;
const MAX_SEED = 2 ** 31 - 1;

/** Parses one seed: a whole number from 0 to 2147483647. */
export function parseSeed(text: string): number {
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed > MAX_SEED) {
    throw new UsageError(`--seed ${text}: write a whole number from 0 to ${MAX_SEED}, e.g. --seed 7`);
  }
  return seed;
}

/** Parses `FROM..TO` (both included) or a comma-separated list of seeds. */
export function parseSeeds(text: string): readonly number[] {
  const range = /^(\d+)\.\.(\d+)$/.exec(text);
  if (range === null) {
    if (!/^\d+(,\d+)*$/.test(text)) {
      throw new UsageError(`--seeds ${text}: write a range such as 1..50, or a list such as 1,5,9`);
    }
    return [...new Set(text.split(",").map(parseSeed))];
  }
  const from = parseSeed(range[1]);
  const to = parseSeed(range[2]);
  if (to < from) throw new UsageError(`--seeds ${text}: the range runs backwards; write ${to}..${from}`);
  if (to - from + 1 > MAX_SEEDS) throw new UsageError(`--seeds ${text}: at most ${MAX_SEEDS} seeds at once`);
  return Array.from({ length: to - from + 1 }, (_, k) => from + k);
}
