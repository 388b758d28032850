// A service's replicas as queues: how often a request waits or is refused, and how long, at every load.

import { stationary } from "./birth-death.js";
import { LOADS } from "./load-grid.js";
import type { QueueShape } from "./queue-shape.js";
import { between, spreadsOf, wholePower, type Spread } from "./spread.js";

export type { QueueShape } from "./queue-shape.js";

/** What an arrival meets, for exponential service of mean 1. */
export interface Waits {
  /** Share of arrivals that find every place taken. */
  readonly refused: number;
  /** Share of the admitted that wait, and the first two moments of an admitted one's wait (zero included). */
  readonly waits: number;
  readonly waitMean: number;
  readonly waitSquare: number;
}

/** A pool at one load; counts are per replica. */
export interface QueuePoint extends Waits {
  /** Mean number in the system, and at work. */
  readonly inSystem: number;
  readonly busy: number;
}

/** The queue as a birth-and-death chain, state by state: what happens to an arrival that meets each number in the system. */
export interface Chain {
  /** Share of arrivals, refused ones included, that meet each number; the last is the full queue, which refuses. */
  readonly met: Float64Array;
  /** Arrivals per service time, refused ones included. */
  readonly arrivals: number;
  /** The chance to wait, and the wait's first two moments. */
  readonly waits: Float64Array;
  readonly waitMean: Float64Array;
  readonly waitSquare: Float64Array;
  /** Share of time in each state, and departures per service time there. */
  readonly share: Float64Array;
  readonly down: Float64Array;
  /** So many such chains side by side make the pool. */
  readonly copies: number;
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
    return (this.#points[load] ??= pointOf(this.chain(load), this.shape));
  }

  /** The chain at LOADS[load]: large, so it is not kept. */
  chain(load: number): Chain {
    return this.#imbalance === null ? aloneAt(this.shape, LOADS[load]) : this.#imbalance.at(LOADS[load]);
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

/** What arrivals meet on the whole when they meet each state with the chances in `met`. */
export function waitsOf({ waits, waitMean, waitSquare }: Chain, met: Float64Array): Waits {
  let [waiting, mean, square] = [0, 0, 0];
  for (let n = 0; n < met.length; n += 1) {
    waiting += met[n] * waits[n];
    mean += met[n] * waitMean[n];
    square += met[n] * waitSquare[n];
  }
  const refused = met[met.length - 1];
  const admitted = Math.max(1e-12, 1 - refused);
  return { refused, waits: Math.min(1, waiting / admitted), waitMean: mean / admitted, waitSquare: square / admitted };
}

function pointOf(chain: Chain, { replicas }: QueueShape): QueuePoint {
  const { share, down, met, copies } = chain;
  let [inSystem, busy] = [0, 0];
  for (let n = 0; n < share.length; n += 1) {
    inSystem += share[n] * n;
    busy += share[n] * down[n];
  }
  const each = copies / replicas;
  return { ...waitsOf(chain, met), inSystem: inSystem * each, busy: busy * each };
}

/** Every replica is a queue of its own: M/M/c/K for random choice, and close to it when they take turns. */
function aloneAt(shape: QueueShape, load: number): Chain {
  const { slots, places, replicas } = shape;
  const states = slots + places + 1;
  const up = arrivalRates(shape, load * slots);
  const down = new Float64Array(states);
  const [waits, waitMean, waitSquare] = [new Float64Array(states), new Float64Array(states), new Float64Array(states)];
  for (let n = 0; n < states; n += 1) {
    down[n] = Math.min(n, slots);
    if (n < slots || n + 1 === states) continue;
    const wait = (n - slots + 1) / slots;
    waits[n] = 1;
    waitMean[n] = wait;
    waitSquare[n] = wait * (wait + 1 / slots);
  }
  const share = stationary(up, down);
  // The full queue is met as often as the one before it would be: `up` there says who gets in, which is nobody.
  const rates = up.slice();
  rates[states - 1] = up[states - 2];
  let arrivals = 0;
  for (let n = 0; n < states; n += 1) arrivals += share[n] * rates[n];
  const met = share.map((one, n) => (arrivals > 0 ? (one * rates[n]) / arrivals : one));
  return { met, arrivals, waits, waitMean, waitSquare, share, down, copies: replicas };
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

/**
 * Replicas behind a balancer that looks at several of them: the total in the system moves as one birth-and-death chain
 * (its slow, common fluctuation), and how a total is spread over the replicas at any moment follows the mean field of
 * that many choices at the same mean number (the supermarket model), given that total (its fast imbalance).
 */
class Imbalance {
  readonly #shape: QueueShape;
  readonly #waits: Float64Array;
  readonly #waitMean: Float64Array;
  readonly #waitSquare: Float64Array;
  readonly #down: Float64Array;

  constructor(shape: QueueShape) {
    this.#shape = shape;
    const { replicas, slots, places } = shape;
    const states = replicas * (slots + places) + 1;
    [this.#waits, this.#waitMean, this.#waitSquare, this.#down] = Array.from({ length: 4 }, () => new Float64Array(states));
    const spreads = spreadsOf(shape);
    for (let total = 0, cursor = 0; total < states; total += 1) {
      const mean = total / replicas;
      while (cursor + 2 < spreads.length && spreads[cursor + 1].mean < mean) cursor += 1;
      this.#state(total, between(spreads, cursor, mean, slots), total + 1 === states);
    }
  }

  #state(total: number, spread: Spread, full: boolean): void {
    const { replicas, slots } = this.#shape;
    this.#down[total] = Math.max(Math.min(spread.busy * replicas, total), total > 0 ? 1e-9 : 0);
    if (full) return;
    // No balancer beats one common queue.
    const common = Math.max(0, total + 1 - replicas * slots) / (replicas * slots);
    this.#waits[total] = spread.waits;
    this.#waitMean[total] = Math.max(spread.waitMean, common);
    this.#waitSquare[total] = Math.max(spread.waitSquare, common * (common + 1 / (replicas * slots)));
  }

  at(load: number): Chain {
    const { replicas, slots } = this.#shape;
    const arrivals = load * slots * replicas;
    const up = new Float64Array(this.#down.length).fill(arrivals);
    up[up.length - 1] = 0;
    const share = stationary(up, this.#down);
    return { met: share, arrivals, waits: this.#waits, waitMean: this.#waitMean, waitSquare: this.#waitSquare, share, down: this.#down, copies: 1 };
  }
}
