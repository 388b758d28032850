// Keeps the agreement's measurements in a folder, so that a table over many seeds can be made in several sittings.

import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../lab/storage/folder.js";
import type { Sample } from "../lab/agreement/measure.js";
import { MODEL_VERSION } from "../world/model-version.js";
import type { Fidelity } from "../world/world.js";

/**
 * One file per cell and fidelity, one line per seed. What was kept is only as good as the model that made it:
 * `isCurrent` says so by measuring again, and whoever keeps what is not current drops it.
 */
export class KeptSamples {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    makeFolder(folder);
  }

  /** By seed; of a seed kept twice the later one. */
  read(cell: string, fidelity: Fidelity): Map<number, Sample> {
    const path = this.#path(cell, fidelity);
    if (!existsSync(path)) return new Map();
    const lines = readFileSync(path, "utf8").split("\n").filter((line) => line !== "");
    return new Map(lines.map((line) => JSON.parse(line) as Sample).map((sample) => [sample.seed, sample]));
  }

  add(cell: string, fidelity: Fidelity, samples: readonly Sample[]): void {
    appendFileSync(this.#path(cell, fidelity), samples.map((sample) => `${JSON.stringify(sample)}\n`).join(""));
  }

  drop(cell: string, fidelity: Fidelity): void {
    writeFileSync(this.#path(cell, fidelity), "");
  }

  #path(cell: string, fidelity: Fidelity): string {
    return join(this.#folder, `${cell.replace(/[^a-z0-9]+/gi, "-")}.${fidelity}.model-${MODEL_VERSION}.jsonl`);
  }
}

/** Whether the first and the last kept seed, measured anew, come out to the last digit as they were kept. */
export function isCurrent(kept: ReadonlyMap<number, Sample>, measureAgain: (seed: number) => Sample): boolean {
  const seeds = [...kept.keys()].sort((a, b) => a - b);
  return [...new Set([seeds[0], seeds[seeds.length - 1]])].every((seed) => JSON.stringify(measureAgain(seed)) === JSON.stringify(kept.get(seed)));
}
