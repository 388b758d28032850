// Goodness of fit: does a sampler fed with our own draws follow the distribution it claims?

import { streamKey, uniform } from "../../../src/kernel/draws.js";

const key = streamKey(11, "goodness-of-fit");

/** `count` uniform draws of a stream fixed in advance, by number `index`. */
export function draws(count: number, index: number): Float64Array {
  const us = new Float64Array(count);
  for (let i = 0; i < count; i += 1) us[i] = uniform(key, i, index);
  return us;
}

/** Kolmogorov and Smirnov's distance times sqrt(n): above 2.2 once in 10,000 samples that fit. */
export function kolmogorov(sample: Float64Array, cdf: (x: number) => number): number {
  const sorted = sample.slice().sort();
  const n = sorted.length;
  let distance = 0;
  sorted.forEach((x, i) => {
    const p = cdf(x);
    distance = Math.max(distance, p - i / n, (i + 1) / n - p);
  });
  return distance * Math.sqrt(n);
}
export const KOLMOGOROV_LIMIT = 2.2;

/**
 * Pearson's chi-square of counts against their chances, cells of few pooled, as a standard normal
 * (Wilson and Hilferty): above 3.7 once in 10,000 samples that fit.
 */
export function pearson(sample: ArrayLike<number>, mass: (k: number) => number): number {
  const n = sample.length;
  const observed = new Map<number, number>();
  let largest = 0;
  for (let i = 0; i < n; i += 1) {
    observed.set(sample[i], (observed.get(sample[i]) ?? 0) + 1);
    largest = Math.max(largest, sample[i]);
  }
  let chiSquare = 0;
  let cells = 0;
  let seen = 0;
  let expected = 0;
  let seenAll = 0;
  let expectedAll = 0;
  for (let k = 0; k <= largest; k += 1) {
    seen += observed.get(k) ?? 0;
    expected += n * mass(k);
    if (expected < 20 || n - expectedAll - expected < 20) continue;
    chiSquare += (seen - expected) ** 2 / expected;
    cells += 1;
    seenAll += seen;
    expectedAll += expected;
    seen = 0;
    expected = 0;
  }
  // What is left of either tail is one last cell.
  chiSquare += (n - seenAll - (n - expectedAll)) ** 2 / (n - expectedAll);
  const ninth = 2 / (9 * cells);
  return (Math.cbrt(chiSquare / cells) - (1 - ninth)) / Math.sqrt(ninth);
}
export const PEARSON_LIMIT = 3.7;

/** How many standard errors the sample mean lies from `mean`, and the sample variance over `variance`. */
export function moments(sample: ArrayLike<number>, mean: number, variance: number): { z: number; ratio: number } {
  const n = sample.length;
  let sum = 0;
  for (let i = 0; i < n; i += 1) sum += sample[i];
  let squares = 0;
  for (let i = 0; i < n; i += 1) squares += (sample[i] - mean) ** 2;
  return { z: (sum / n - mean) / Math.sqrt(variance / n), ratio: squares / n / variance };
}
