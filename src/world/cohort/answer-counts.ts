// One cell's answers as whole numbers: drawn from what is expected, by status code and bucket, with the pages among them.

import type { Digest } from "../../kernel/digest.js";
import { uniform, uniforms, type StreamKey } from "../../kernel/draws.js";
import { binomialFrom } from "../../kernel/distributions/binomial.js";
import { poissonCounts } from "../../kernel/distributions/poisson.js";

/**
 * Places are (code, bucket), 2xx first. One object serves cell after cell, and each pass over the places is a loop of
 * its own: with all that is done to a place in one body the compiler boxes every double of it.
 */
export class AnswerCounts {
  /** Answers by place, seconds that each of them took, and how many are pages. Where there is no answer the seconds are another cell's. */
  readonly answers: Float64Array;
  readonly secondsEach: Float64Array;
  readonly pages: Float64Array;
  readonly #uniforms: Float64Array;
  readonly #buckets: number;
  readonly #noiseFree: boolean;

  constructor(buckets: number, noiseFree: boolean) {
    this.answers = new Float64Array(2 * buckets);
    this.secondsEach = new Float64Array(2 * buckets);
    this.pages = new Float64Array(2 * buckets);
    this.#uniforms = new Float64Array(2 * buckets);
    this.#buckets = buckets;
    this.#noiseFree = noiseFree;
  }

  /**
   * Takes the expected answers and their seconds from `first` on, which are zero then. Draw indices go up from `index`
   * by bucket, and by `perCode` from one code to the other. Returns how many answers there are.
   */
  draw(expected: Float64Array, seconds: Float64Array, first: number, key: StreamKey, entity: number, index: number, perCode: number): number {
    const { answers, secondsEach } = this;
    const buckets = this.#buckets;
    if (this.#noiseFree) for (let i = 0; i < answers.length; i += 1) answers[i] = Math.max(0, expected[first + i]);
    else {
      uniforms(key, entity, index, buckets, this.#uniforms, 0);
      uniforms(key, entity, index + perCode, buckets, this.#uniforms, buckets);
      poissonCounts(this.#uniforms, expected, first, answers);
    }
    let sum = 0;
    for (let i = 0; i < answers.length; i += 1) {
      const mean = expected[first + i];
      if (mean <= 0) continue;
      secondsEach[i] = seconds[first + i] / mean;
      sum += answers[i];
      expected[first + i] = 0;
      seconds[first + i] = 0;
    }
    return sum;
  }

  /** Of the drawn answers, `share` are pages. */
  drawPages(share: number, key: StreamKey, entity: number, index: number, perCode: number): void {
    const { answers, pages } = this;
    const buckets = this.#buckets;
    if (share >= 1) {
      pages.set(answers);
      return;
    }
    for (let i = 0; i < 2 * buckets; i += 1) {
      const n = answers[i];
      const drawIndex = i < buckets ? index + i : index + perCode + i - buckets;
      pages[i] = n === 0 ? 0 : this.#noiseFree ? n * share : binomialFrom(uniform(key, entity, drawIndex), n, share);
    }
  }

  /** Takes the drawn counts into the run's fingerprint. */
  mark(digest: Digest): void {
    const { answers } = this;
    for (let i = 0; i < answers.length; i += 1) if (answers[i] !== 0) digest.add(answers[i]);
  }
}
