// Queues breathe slowly: a tick's average wait differs from the mean, and the next tick remembers it.

import { exactExp, exactLog, normalQuantile } from "../../kernel/exact.js";
import { uniform, type StreamKey } from "../../kernel/draws.js";
import { LOADS } from "./load-grid.js";
import type { QueueModel, QueuePoint } from "./queue-model.js";

/** Where waiting is rarer than this its fluctuation cannot be seen. */
const RARE = 0.004;
/** A queue that refuses more than this is full all the time: what it refuses is the fluid excess, which does not breathe. */
const FULL_REFUSES = 0.05;
/** A fluctuation takes one of this many equally likely levels. */
const LEVELS = 16;
const SPREAD_STEPS = 32;
const SPREAD_MAX = 0.75;
const ROUNDS = 3;
const ENOUGH = 0.01;

/** Normal scores of the levels: the middle of each sixteenth. */
const LEVEL_SCORES = Float64Array.from({ length: LEVELS }, (_, i) => normalQuantile((i + 0.5) / LEVELS));

/** What a queue remembers from tick to tick: logarithm of the tick's wait over the mean, and the tick it was drawn for. */
export interface Breath {
  deviation: number;
  scoreTick: number;
}

/** Per level the load whose steady wait is that level's; and what refusals are scaled by, so that their mean stays. */
export interface Levels {
  readonly loads: Int32Array;
  readonly refusalScale: number;
}

/**
 * Spread of a tick's average wait around its mean, as a ratio. The time scale stretches with the service time's
 * variation as the wait itself does.
 */
export function waitSpread(point: QueuePoint, serviceSeconds: number, variation: number, tickSeconds: number): number {
  if (point.waits < RARE || point.tail <= 0 || point.refused > FULL_REFUSES) return 0;
  const memory = forgetting(point, serviceSeconds, variation);
  const r = memory / tickSeconds;
  // Variance of the average of a process whose autocorrelation is exponential.
  const averaged = r > 0 ? 2 * r * (1 - r * (1 - exactExp(-1 / r))) : 0;
  const spread = Math.sqrt(point.tailVariance * averaged) / point.tail;
  return Math.min(SPREAD_MAX, Math.round(spread * SPREAD_STEPS) / SPREAD_STEPS);
}

/** Seconds over which the queue forgets its state; measured against the request world, half as sensitive to variation as the wait. */
export function forgetting(point: QueuePoint, serviceSeconds: number, variation: number): number {
  return point.memory * serviceSeconds * ((3 + variation) / 4);
}

/**
 * The next tick's deviation: an autoregression whose memory is the queue's, and whose variance in the long run is the
 * spread's. A queue that has just become slow has little to remember, so that its spread takes time to build up.
 */
export function nextDeviation(deviation: number, spread: number, key: StreamKey, tick: number, entity: number,
  memorySeconds: number, tickSeconds: number): number {
  const kept = memorySeconds > 0 ? exactExp(-tickSeconds / memorySeconds) : 0;
  return kept * deviation + sigmaOf(spread) * Math.sqrt(1 - kept * kept) * normalQuantile(uniform(key, tick, entity));
}

/** Of the lognormal law of mean 1 with this spread. */
export const sigmaOf = (spread: number): number => Math.sqrt(exactLog(1 + spread * spread));

/** The level of a normal score. */
export function levelOf(score: number): number {
  let level = 0;
  while (level + 1 < LEVELS && score > (LEVEL_SCORES[level] + LEVEL_SCORES[level + 1]) / 2) level += 1;
  return level;
}

/** Lognormal levels of mean 1 and the given spread, as loads of the queue around `load`. */
export function levelsAt(queue: QueueModel, load: number, spread: number): Levels {
  const sigma = sigmaOf(spread);
  const factors = LEVEL_SCORES.map((score) => exactExp(sigma * score));
  const mean = factors.reduce((sum, factor) => sum + factor / LEVELS, 0);
  const { tail, waitMean, refused } = queue.point(load);
  const loads = Int32Array.from(factors, (factor) => loadOf(queue, (point) => point.tail, (tail * factor) / mean));
  // Waits bend otherwise than their tail: the levels are moved together until the mean wait stays what it was.
  for (let round = 0; round < ROUNDS; round += 1) {
    let waits = 0;
    for (const at of loads) waits += queue.point(at).waitMean / LEVELS;
    const scale = waitMean / waits;
    if (Math.abs(scale - 1) < ENOUGH) break;
    for (let i = 0; i < LEVELS; i += 1) loads[i] = loadOf(queue, (point) => point.waitMean, queue.point(loads[i]).waitMean * scale);
  }
  let refusals = 0;
  for (const at of loads) refusals += queue.point(at).refused / LEVELS;
  return { loads, refusalScale: refusals > 0 ? refused / refusals : 1 };
}

/** The load at which an increasing figure comes nearest to `value`. */
function loadOf(queue: QueueModel, figure: (point: QueuePoint) => number, value: number): number {
  let low = 0;
  let high = LOADS.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (figure(queue.point(middle)) >= value) high = middle;
    else low = middle + 1;
  }
  if (low > 0 && value - figure(queue.point(low - 1)) < figure(queue.point(low)) - value) return low - 1;
  return low;
}
