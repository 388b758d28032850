// Memory that a leak really takes: resident, because it is written to, and never more than a game day allows.

import type { Bytes } from "../../../kernel/units.js";

/** A game day takes at most this much memory away, whatever the scenario says. */
export const MOST_BALLAST: Bytes = 256 * 1024 * 1024;
const BLOCK: Bytes = 1024 * 1024;

export class Ballast {
  readonly #blocks: Buffer[] = [];

  get bytes(): Bytes {
    return this.#blocks.length * BLOCK;
  }

  /** Takes memory until `bytes` (whole blocks, at most the limit) are held. */
  growTo(bytes: Bytes): void {
    const wanted = Math.floor(Math.min(bytes, MOST_BALLAST) / BLOCK);
    while (this.#blocks.length < wanted) this.#blocks.push(Buffer.alloc(BLOCK, 1));
  }
}
