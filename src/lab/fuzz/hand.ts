// The hand that composes fast-check's arbitraries into whole documents, one draw after the other.

import { Arbitrary, constantFrom, integer, sample, Stream, Value, type Random } from "fast-check";

/** Draws from arbitraries; what shapes a document is drawn evenly, figures lean towards their bounds as fast-check likes them. */
export class Hand {
  readonly random: Random;
  readonly #bias: number | undefined;

  constructor(random: Random, bias: number | undefined) {
    this.random = random;
    this.#bias = bias;
  }

  /** A figure. */
  draw<T>(arbitrary: Arbitrary<T>): T {
    return arbitrary.generate(this.random, this.#bias).value;
  }

  /** A turning of the ways. */
  #even<T>(arbitrary: Arbitrary<T>): T {
    return arbitrary.generate(this.random, undefined).value;
  }

  /** True in about this share of draws. */
  chance(share: number): boolean {
    return this.#even(integer({ min: 0, max: 9_999 })) < share * 10_000;
  }

  pick<T>(choices: readonly T[]): T {
    return choices.length === 1 ? choices[0] : this.#even(constantFrom(...choices));
  }

  count(min: number, max: number): number {
    return this.#even(integer({ min, max }));
  }

  /** Some of the choices, each with this chance. */
  some<T>(choices: readonly T[], share: number): readonly T[] {
    return choices.filter(() => this.chance(share));
  }

  /** By weight: `[[5, a], [1, b]]`. */
  weighted<T>(choices: readonly (readonly [number, T])[]): T {
    const total = choices.reduce((sum, [weight]) => sum + weight, 0);
    let left = this.#even(integer({ min: 0, max: total - 1 }));
    for (const [weight, choice] of choices) {
      if (left < weight) return choice;
      left -= weight;
    }
    return choices[choices.length - 1][1];
  }
}

/** An arbitrary that composes others by hand. It does not shrink: the reducer works on the document itself. */
class Composed<T> extends Arbitrary<T> {
  readonly #compose: (hand: Hand) => T;

  constructor(compose: (hand: Hand) => T) {
    super();
    this.#compose = compose;
  }

  override generate(random: Random, bias: number | undefined): Value<T> {
    return new Value(this.#compose(new Hand(random, bias)), undefined);
  }

  override canShrinkWithoutContext(_value: unknown): _value is T {
    return false;
  }

  override shrink(): Stream<Value<T>> {
    return Stream.nil();
  }
}

export const composed = <T>(compose: (hand: Hand) => T): Arbitrary<T> => new Composed(compose);

/** The arbitrary's value of this seed: the same on every machine. */
export function valueOfSeed<T>(arbitrary: Arbitrary<T>, seed: number): T {
  return sample(arbitrary, { seed, numRuns: 1 })[0];
}
