// The sticky split of users over a service's versions, by the simulator's own hash.

import { streamKey, uniform, type StreamKey } from "../../../kernel/draws.js";
import type { Ratio } from "../../../kernel/units.js";

export class Split {
  /** The stable version first, then in the order in which they were first heard of. */
  readonly versions: string[];
  readonly #weights: number[] = [1];
  readonly #key: StreamKey;
  /** Place of the version that has all traffic, -1 when it is split: then no hash is needed. */
  #only = 0;

  constructor(seed: number, service: string, stable: string) {
    this.versions = [stable];
    this.#key = streamKey(seed, `sticky/${service}`);
  }

  /** Makes room for a version that is new here. */
  know(version: string): void {
    if (this.versions.includes(version)) return;
    this.versions.push(version);
    this.#weights.push(0);
  }

  setWeights(weights: Readonly<Record<string, Ratio>>): void {
    for (const version of Object.keys(weights)) this.know(version);
    this.versions.forEach((version, place) => (this.#weights[place] = weights[version] ?? 0));
    this.#only = this.#weights.findIndex((weight) => weight >= 1);
  }

  weightOf(version: string): Ratio {
    return this.#weights[this.versions.indexOf(version)] ?? 0;
  }

  /**
   * Place of the version that serves the user: the newest version takes the lowest hashes, so a rising weight only
   * ever moves users to it. Rounding leaves the rest to the oldest version with weight.
   */
  placeFor(user: number): number {
    if (this.#only >= 0) return this.#only;
    const h = uniform(this.#key, user, 0);
    let below = 0;
    let last = 0;
    for (let place = this.#weights.length - 1; place >= 0; place--) {
      const weight = this.#weights[place];
      if (weight === 0) continue;
      below += weight;
      last = place;
      if (h < below) return place;
    }
    return last;
  }
}
