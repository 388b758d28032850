// A service's replicas as queues: how often a request waits or is refused, and how long, at every load.

import { exactExp } from "../../kernel/exact.js";
import { stationary } from "./birth-death.js";
import { LOADS } from "./load-grid.js";
import type { QueueShape } from "./queue-shape.js";
import { between, spreadsOf, wholePower, type Spread } from "./spread.js";

export type { QueueShape } from "./queue-shape.js";

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
  /**
   * How the queue breathes, seen through the tail of answers: the mean over time of `tailWeight` of the wait, its
   * variance over all replicas, and the time over which it forgets itself. An average over a long time T varies by
   * twice variance x memory over T.
   */
  readonly tail: number;
  readonly tailVariance: number;
  readonly memory: number;
}

/** At most this many numbers in the system are told apart; longer queues are cut there. */
export const QUEUE_STATES_MAX = 6_000;

/** Queue points by load, worked out when first asked for. */
export class QueueModel {
  readonly shape: QueueShape;
  /** Says everything that its points depend on. */
  readonly name: string;
  readonly #points: (QueuePoint | undefined)[] = new Array<QueuePoint | undefined>(LOADS.length);
  readonly #imbalance: Imbalance | null;

  constructor(shape: QueueShape) {
    const choices = Math.min(shape.choices, shape.replicas);
    const places = Math.min(shape.places, Math.floor(QUEUE_STATES_MAX / (choices > 1 ? shape.replicas : 1)) - shape.slots);
    this.shape = { ...shape, choices, places: Math.max(0, places) };
    this.name = nameOf(this.shape);
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

function nameOf(shape: QueueShape): string {
  return `${shape.inner === true ? "inner" : ""}${shape.inTurn ? "turn" : "free"}/${shape.choices}/${shape.replicas}/${shape.slots}/${shape.places}`;
}

/** The shared model of a shape: it depends on nothing but the shape. */
export function queueModel(shape: QueueShape): QueueModel {
  const name = nameOf(shape);
  let model = models.get(name);
  if (model === undefined) {
    if (models.size >= MODELS_MAX) models.clear();
    models.set(name, (model = new QueueModel(shape)));
  }
  return model;
}

/** Every replica is a queue of its own: M/M/c/K for random choice, and close to it when they take turns. */
function aloneAt(shape: QueueShape, load: number): QueuePoint {
  const { slots, places, replicas } = shape;
  const states = slots + places + 1;
  const up = arrivalRates(shape, load * slots);
  const down = new Float64Array(states);
  const waits = new Float64Array(states);
  for (let n = 0; n < states; n += 1) {
    down[n] = Math.min(n, slots);
    waits[n] = n >= slots && n + 1 < states ? (n - slots + 1) / slots : 0;
  }
  const share = stationary(up, down);
  // What an arrival meets, refused ones included.
  const lastRate = up[states - 2];
  let arrivals = share[states - 1] * lastRate;
  for (let n = 0; n + 1 < states; n += 1) arrivals += share[n] * up[n];
  let [waiting, mean, square, inSystem, busy] = [0, 0, 0, 0, 0];
  for (let n = 0; n < states; n += 1) {
    inSystem += share[n] * n;
    busy += share[n] * down[n];
    const met = arrivals > 0 ? (share[n] * up[n]) / arrivals : share[n];
    if (waits[n] === 0) continue;
    waiting += met;
    mean += met * waits[n];
    square += met * waits[n] * (waits[n] + 1 / slots);
  }
  const refused = arrivals > 0 ? (share[states - 1] * lastRate) / arrivals : 0;
  const admitted = Math.max(1e-12, 1 - refused);
  return {
    refused, inSystem, busy,
    waits: waiting / admitted, waitMean: mean / admitted, waitSquare: square / admitted,
    ...fluctuation(share, up, shape.inner === true ? waits : waits.map(tailWeight), replicas),
  };
}

/**
 * Arrivals per service time when n are in the system. In turn, a replica's gaps are Erlang of as many stages as there are
 * replicas: below saturation fewer arrive the more there are (the peakedness of such a stream at infinitely many
 * servers, in Delbrouck's linear form), above it the queue shrinks from place to place by the ratio of GI/M/c.
 */
function arrivalRates({ slots, places, replicas, inTurn }: QueueShape, offered: number): Float64Array {
  const states = slots + places + 1;
  const up = new Float64Array(states).fill(offered);
  up[states - 1] = 0;
  if (!inTurn || replicas === 1 || offered === 0) return up;
  const gapTransform = (s: number): number => wholePower((replicas * offered) / (replicas * offered + s), replicas);
  const peakedness = 1 / (1 - gapTransform(1)) - offered;
  const slope = 1 - 1 / peakedness;
  let ratio = Math.min(1, offered / slots);
  if (offered < slots) for (let i = 0; i < 60; i += 1) ratio = gapTransform(slots * (1 - ratio));
  for (let n = 0; n + 1 < states; n += 1) {
    up[n] = n < slots ? Math.max(offered * 1e-3, offered + (n - offered) * slope) : offered < slots ? ratio * slots : offered;
  }
  return up;
}

/** A wait pushes answers past a high quantile the more the longer it is: about as e^(wait) does, up to a point. */
const TAIL_STEEPNESS = 1.5;
const TAIL_WAIT_MAX = 2.5;
const tailWeight = (wait: number): number => exactExp(TAIL_STEEPNESS * Math.min(wait, TAIL_WAIT_MAX)) - 1;

/**
 * For a birth-and-death chain the autocovariance of f integrates to a sum over cuts of (mass-weighted f below)^2 / flow.
 * What is averaged are arrivals, which come in greater number when they make each other wait: the second term.
 * Independent replicas average each other out.
 */
function fluctuation(share: Float64Array, up: Float64Array, f: Float64Array, independent: number): Pick<QueuePoint, "tail" | "tailVariance" | "memory"> {
  let mean = 0;
  for (let n = 0; n < share.length; n += 1) mean += share[n] * f[n];
  let [below, integral, variance] = [0, 0, 0];
  for (let n = 0; n < share.length; n += 1) {
    below += share[n] * (f[n] - mean);
    variance += share[n] * (f[n] - mean) * (f[n] - mean);
    const flow = share[n] * up[n];
    if (n + 1 < share.length && flow > 1e-15) integral += (below * below) / flow - (below * (f[n] - mean)) / up[n];
  }
  return { tail: mean, tailVariance: variance / independent, memory: variance > 0 ? integral / variance : 0 };
}

/**
 * Replicas behind a balancer that looks at several of them: the total in the system moves as one birth-and-death chain
 * (its slow, common fluctuation), and how a total is spread over the replicas at any moment follows the mean field of
 * that many choices at the same mean number (the supermarket model), given that total (its fast imbalance).
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
      // No balancer beats one common queue.
      const common = Math.max(0, total + 1 - replicas * slots) / (replicas * slots);
      meanWait[total] = Math.max(spread.waitMean, common);
      square[total] = Math.max(spread.waitSquare, common * (common + 1 / (replicas * slots)));
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
      ...fluctuation(share, up, meanWait.map(tailWeight), 1),
    };
  }
}
