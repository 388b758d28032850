// A service's replicas as queues: how often a request waits or is refused, and how long, at every load.

import { LOADS } from "./load-grid.js";

/** How many replicas the balancer looks at before it picks the least busy one; 1 looks at none. */
export interface QueueShape {
  readonly choices: number;
  readonly replicas: number;
  readonly slots: number;
  /** Waiting places per replica. */
  readonly places: number;
}

/** A pool at one load, for exponential service of mean 1; counts are per replica. */
export interface QueuePoint {
  /** Share of arrivals that find every place taken. */
  readonly refused: number;
  /** Share of the admitted that wait, and the first two moments of an admitted one's wait (zero included). */
  readonly waits: number;
  readonly waitMean: number;
  readonly waitSquare: number;
  /** Mean number in the system, and at work. */
  readonly inSystem: number;
  readonly busy: number;
  /** Integral of the waiting time's autocovariance over time: variance of its average over T is twice this over T. */
  readonly waitDrift: number;
}

/** At most this many numbers in the system are told apart; longer queues are cut there. */
export const QUEUE_STATES_MAX = 6_000;
const ITERATIONS_MAX = 400;
const ENOUGH = 1e-9;

/** Queue points by load, worked out when first asked for. */
export class QueueModel {
  readonly shape: QueueShape;
  readonly #points: (QueuePoint | undefined)[] = new Array<QueuePoint | undefined>(LOADS.length);
  readonly #imbalance: Imbalance | null;

  constructor(shape: QueueShape) {
    const choices = Math.min(shape.choices, shape.replicas);
    const places = Math.min(shape.places, Math.floor(QUEUE_STATES_MAX / (choices > 1 ? shape.replicas : 1)) - shape.slots);
    this.shape = { ...shape, choices, places: Math.max(0, places) };
    this.#imbalance = choices > 1 ? new Imbalance(this.shape) : null;
  }

  /** The point at LOADS[load]. */
  point(load: number): QueuePoint {
    return (this.#points[load] ??= this.#solve(LOADS[load]));
  }

  #solve(load: number): QueuePoint {
    return this.#imbalance === null ? aloneAt(this.shape, load) : this.#imbalance.at(load);
  }
}

const models = new Map<string, QueueModel>();
const MODELS_MAX = 400;

/** The shared model of a shape: it depends on nothing but the shape. */
export function queueModel(shape: QueueShape): QueueModel {
  const name = `${shape.choices}/${shape.replicas}/${shape.slots}/${shape.places}`;
  let model = models.get(name);
  if (model === undefined) {
    if (models.size >= MODELS_MAX) models.clear();
    models.set(name, (model = new QueueModel(shape)));
  }
  return model;
}

/** M/M/c/K: every replica is a queue of its own (random choice; round robin comes close to it). */
function aloneAt({ slots, places }: QueueShape, load: number): QueuePoint {
  const states = slots + places + 1;
  const up = new Float64Array(states);
  const down = new Float64Array(states);
  const waits = new Float64Array(states);
  for (let n = 0; n < states; n += 1) {
    up[n] = n + 1 < states ? load * slots : 0;
    down[n] = Math.min(n, slots);
    waits[n] = n >= slots && n + 1 < states ? (n - slots + 1) / slots : 0;
  }
  const share = stationary(up, down);
  let waiting = 0;
  let mean = 0;
  let square = 0;
  let inSystem = 0;
  let busy = 0;
  for (let n = 0; n < states; n += 1) {
    inSystem += share[n] * n;
    busy += share[n] * down[n];
    mean += share[n] * waits[n];
    if (waits[n] > 0) {
      waiting += share[n];
      square += share[n] * waits[n] * (waits[n] + 1 / slots);
    }
  }
  const refused = share[states - 1];
  const admitted = Math.max(1e-12, 1 - refused);
  return {
    refused, inSystem, busy,
    waits: waiting / admitted, waitMean: mean / admitted, waitSquare: square / admitted,
    waitDrift: driftOf(share, up, waits, mean),
  };
}

/** Stationary shares of a birth-and-death chain, computed from its peak outwards so that nothing overflows. */
function stationary(up: Float64Array, down: Float64Array): Float64Array {
  const share = new Float64Array(up.length);
  let peak = 0;
  while (peak + 1 < up.length && up[peak] > down[peak + 1]) peak += 1;
  share[peak] = 1;
  for (let n = peak + 1; n < up.length; n += 1) share[n] = (share[n - 1] * up[n - 1]) / down[n];
  for (let n = peak - 1; n >= 0; n -= 1) share[n] = up[n] > 0 ? (share[n + 1] * down[n + 1]) / up[n] : n === 0 && peak === 0 ? 1 : 0;
  let total = 0;
  for (const one of share) total += one;
  for (let n = 0; n < share.length; n += 1) share[n] /= total;
  return share;
}

/** For a birth-and-death chain the autocovariance of f integrates to a sum over cuts of (mass-weighted f below)^2 / flow. */
function driftOf(share: Float64Array, up: Float64Array, f: Float64Array, mean: number): number {
  let below = 0;
  let drift = 0;
  for (let n = 0; n + 1 < share.length; n += 1) {
    below += share[n] * (f[n] - mean);
    const flow = share[n] * up[n];
    if (flow > 1e-15) drift += (below * below) / flow;
  }
  return drift;
}

/** What a balancer of several choices makes of a mean number per replica. */
interface Spread {
  readonly mean: number;
  readonly busy: number;
  readonly waits: number;
  readonly waitMean: number;
  readonly waitSquare: number;
}

/**
 * Replicas behind a balancer that looks at several of them: the total in the system moves as one birth-and-death chain
 * (its slow, common fluctuation), and how it is spread over the replicas at any moment follows the mean field of
 * that many choices at the same mean number (the supermarket model; its fast imbalance).
 */
class Imbalance {
  readonly #shape: QueueShape;
  readonly #spreads: readonly Spread[];

  constructor(shape: QueueShape) {
    this.#shape = shape;
    this.#spreads = spreadsOf(shape);
  }

  at(load: number): QueuePoint {
    const { replicas, slots, places } = this.#shape;
    const states = replicas * (slots + places) + 1;
    const up = new Float64Array(states);
    const down = new Float64Array(states);
    const waits = new Float64Array(states);
    const meanWait = new Float64Array(states);
    const square = new Float64Array(states);
    for (let total = 0, cursor = 0; total < states; total += 1) {
      const mean = total / replicas;
      while (cursor + 2 < this.#spreads.length && this.#spreads[cursor + 1].mean < mean) cursor += 1;
      const spread = between(this.#spreads, cursor, mean, slots);
      up[total] = total + 1 < states ? load * slots * replicas : 0;
      down[total] = Math.max(Math.min(spread.busy * replicas, total), total > 0 ? 1e-9 : 0);
      if (total + 1 === states) continue;
      waits[total] = spread.waits;
      meanWait[total] = spread.waitMean;
      square[total] = spread.waitSquare;
    }
    const share = stationary(up, down);
    let [waiting, first, second, inSystem, busy] = [0, 0, 0, 0, 0];
    for (let total = 0; total < states; total += 1) {
      waiting += share[total] * waits[total];
      first += share[total] * meanWait[total];
      second += share[total] * square[total];
      inSystem += (share[total] * total) / replicas;
      busy += (share[total] * down[total]) / replicas;
    }
    const refused = share[states - 1];
    const admitted = Math.max(1e-12, 1 - refused);
    return {
      refused, inSystem, busy,
      waits: Math.min(1, waiting / admitted), waitMean: first / admitted, waitSquare: second / admitted,
      waitDrift: driftOf(share, up, meanWait, first),
    };
  }
}

/** Beyond this load of the mean field every replica is full, and more in the system is more in every queue. */
const FULL_AT = 0.97;
const SPREADS = 80;

function spreadsOf(shape: QueueShape): Spread[] {
  const spreads: Spread[] = [{ mean: 0, busy: 0, waits: 0, waitMean: 0, waitSquare: 0 }];
  for (let i = 1; i <= SPREADS; i += 1) spreads.push(spreadAt(shape, (FULL_AT * i) / SPREADS));
  return spreads;
}

/** Fixed point of the supermarket model: a replica with n is joined at a rate of load x (P(>= n)^d - P(> n)^d) / P(n). */
function spreadAt({ choices, slots, places }: QueueShape, load: number): Spread {
  const states = slots + Math.min(places, 60) + 1;
  const offered = load * slots;
  const up = new Float64Array(states).fill(offered);
  const down = Float64Array.from({ length: states }, (_, n) => Math.min(n, slots));
  const tail = new Float64Array(states + 1);
  let share = stationary(up, down);
  for (let i = 0; i < ITERATIONS_MAX; i += 1) {
    for (let n = states - 1; n >= 0; n -= 1) tail[n] = tail[n + 1] + share[n];
    for (let n = 0; n + 1 < states; n += 1) {
      const joined = share[n] > 1e-14 ? (offered * (wholePower(tail[n], choices) - wholePower(tail[n + 1], choices))) / share[n] : up[n];
      up[n] = 0.5 * up[n] + 0.5 * Math.max(joined, 1e-12);
    }
    up[states - 1] = 0;
    const next = stationary(up, down);
    let change = 0;
    for (let n = 0; n < states; n += 1) change += Math.abs(next[n] - share[n]);
    share = next;
    if (change < ENOUGH) break;
  }
  let [mean, busy, waits, waitMean, waitSquare] = [0, 0, 0, 0, 0];
  for (let n = states - 1; n >= 0; n -= 1) tail[n] = tail[n + 1] + share[n];
  for (let n = 0; n < states; n += 1) {
    mean += share[n] * n;
    busy += share[n] * down[n];
    if (n < slots) continue;
    const joins = wholePower(tail[n], choices) - wholePower(tail[n + 1], choices);
    const wait = (n - slots + 1) / slots;
    waits += joins;
    waitMean += joins * wait;
    waitSquare += joins * wait * (wait + 1 / slots);
  }
  return { mean, busy, waits, waitMean, waitSquare };
}

function wholePower(base: number, exponent: number): number {
  let result = 1;
  for (let i = 0; i < exponent; i += 1) result *= base;
  return result;
}

/** The spread at a mean number between (or beyond) the known ones. */
function between(spreads: readonly Spread[], cursor: number, mean: number, slots: number): Spread {
  const low = spreads[cursor];
  const high = spreads[cursor + 1];
  if (mean <= high.mean) {
    const t = (mean - low.mean) / (high.mean - low.mean);
    return {
      mean,
      busy: low.busy + (high.busy - low.busy) * t,
      waits: low.waits + (high.waits - low.waits) * t,
      waitMean: low.waitMean + (high.waitMean - low.waitMean) * t,
      waitSquare: low.waitSquare + (high.waitSquare - low.waitSquare) * t,
    };
  }
  // Every queue is longer by as much; the last free slots and the last who need not wait go within a few places.
  const more = mean - high.mean;
  const fade = 1 / (1 + more);
  const waits = 1 - (1 - high.waits) * fade;
  const shift = more / slots;
  return {
    mean,
    busy: slots - (slots - high.busy) * fade,
    waits,
    waitMean: high.waitMean + shift,
    waitSquare: high.waitSquare + 2 * shift * high.waitMean + shift * shift + shift / slots,
  };
}
