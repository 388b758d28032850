// The cases that reached something new, and which of them to change next: those that reached what few others did.

import type { Fields } from "./document.js";
import type { Hand } from "./hand.js";

const MOST_MEMBERS = 256;
const WEIGHT_UNITS = 1_000;

interface Member {
  readonly document: Fields;
  readonly features: readonly string[];
}

export class Population {
  /** How many cases reached each feature. */
  readonly reached = new Map<string, number>();
  readonly #members: Member[] = [];

  get size(): number {
    return this.#members.length;
  }

  get documents(): readonly Fields[] {
    return this.#members.map(({ document }) => document);
  }

  /** Takes in what a case reached; true when something of it was new, and the case is kept. */
  hear(document: Fields, features: readonly string[]): boolean {
    const isNew = features.some((feature) => !this.reached.has(feature));
    for (const feature of features) this.reached.set(feature, (this.reached.get(feature) ?? 0) + 1);
    if (!isNew) return false;
    this.#members.push({ document, features });
    if (this.#members.length > MOST_MEMBERS) this.#members.splice(this.#commonest(), 1);
    return true;
  }

  /** A case to change: the rarer what it reached, the likelier. */
  pick(hand: Hand): Fields {
    return hand.weighted(this.#members.map(({ document, features }) => [Math.max(1, Math.round(WEIGHT_UNITS * this.#rarity(features))), document] as const));
  }

  #rarity(features: readonly string[]): number {
    return features.reduce((sum, feature) => sum + 1 / (this.reached.get(feature) ?? 1), 0);
  }

  #commonest(): number {
    const rarities = this.#members.map(({ features }) => this.#rarity(features));
    return rarities.indexOf(Math.min(...rarities));
  }
}
