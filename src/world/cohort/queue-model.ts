// A service's replicas as queues: how often a request waits or is refused, and how long, at every load.

import { exactExp } from "../../kernel/exact.js";
import { LOADS } from "./load-grid.js";

/** How many replicas the balancer looks at before it picks the least busy one; 1 looks at none. */
export interface QueueShape {
  readonly choices: number;
  /** Requests go to the replicas in turn: each sees arrivals more regular than chance. */
  readonly inTurn: boolean;
  readonly replicas: number;
  readonly slots: number;
  /** Waiting places per replica. */
  readonly places: number;
  /** A queue of short waits within longer answers (a database's): they push the tail in proportion. */
  readonly inner?: boolean;
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
const ITERATIONS_MAX = 400;
const ENOUGH = 1e-9;

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

/** Beyond this load of the mean field every replica is full, and more in the system is more in every queue. */
const FULL_AT = 0.97;
const SPREADS = 80;

/** One spread for each total whose mean number some load of the mean field comes near. */
function spreadsOf(shape: QueueShape): Spread[] {
  if (shape.replicas === 2) return spreadsOfTwo(shape);
  const spreads: Spread[] = [{ mean: 0, busy: 0, waits: 0, waitMean: 0, waitSquare: 0 }];
  let last = 0;
  for (let i = 1; i <= SPREADS; i += 1) {
    const share = meanFieldAt(shape, (FULL_AT * i) / SPREADS);
    let mean = 0;
    for (let n = 0; n < share.length; n += 1) mean += share[n] * n;
    const total = Math.round(mean * shape.replicas);
    if (total <= last) continue;
    last = total;
    spreads.push(spreadGiven(shape, share, total));
  }
  return spreads;
}

/** Fixed point of the supermarket model: a replica with n is joined at a rate of load x (P(>= n)^d - P(> n)^d) / P(n). */
function meanFieldAt({ choices, slots, places }: QueueShape, load: number): Float64Array {
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
  return share;
}

/** Two replicas side by side are few enough to be worked out as they are, with this many waiting places each. */
const PAIR_PLACES = 12;
const PAIR_LOAD = 0.85;
const PAIR_ROUNDS = 300;

/** The chain of both numbers, solved by sweeps; how a total is split hardly depends on the load that brought it about. */
function spreadsOfTwo({ slots, places }: QueueShape): Spread[] {
  const most = slots + Math.min(places, PAIR_PLACES);
  const width = most + 1;
  const offered = 2 * slots * PAIR_LOAD;
  const now = new Float64Array(width * width).fill(1 / (width * width));
  const joined = (n: number, other: number): number => (n >= most ? 0 : n < other || other >= most ? offered : n === other ? offered / 2 : 0);
  for (let round = 0; round < PAIR_ROUNDS; round += 1) {
    for (let a = 0; a < width; a += 1) {
      for (let b = 0; b < width; b += 1) {
        const out = joined(a, b) + joined(b, a) + Math.min(a, slots) + Math.min(b, slots);
        let into = 0;
        if (a > 0) into += now[(a - 1) * width + b] * joined(a - 1, b);
        if (b > 0) into += now[a * width + b - 1] * joined(b - 1, a);
        if (a < most) into += now[(a + 1) * width + b] * Math.min(a + 1, slots);
        if (b < most) into += now[a * width + b + 1] * Math.min(b + 1, slots);
        now[a * width + b] = into / out;
      }
    }
  }
  const spreads: Spread[] = [];
  for (let total = 0; total <= most + slots; total += 1) spreads.push(splitOfTwo(now, width, slots, total));
  return spreads;
}

/** What an arrival finds when two replicas have `total` between them: it joins the less busy one. */
function splitOfTwo(chances: Float64Array, width: number, slots: number, total: number): Spread {
  let [all, busy, waits, waitMean, waitSquare] = [0, 0, 0, 0, 0];
  for (let a = Math.max(0, total - width + 1); a <= Math.min(total, width - 1); a += 1) {
    const b = total - a;
    const chance = chances[a * width + b];
    all += chance;
    busy += (chance * (Math.min(a, slots) + Math.min(b, slots))) / 2;
    const wait = (Math.min(a, b) - slots + 1) / slots;
    if (wait <= 0) continue;
    waits += chance;
    waitMean += chance * wait;
    waitSquare += chance * wait * (wait + 1 / slots);
  }
  return { mean: total / 2, busy: busy / all, waits: waits / all, waitMean: waitMean / all, waitSquare: waitSquare / all };
}

/** Numbers in a replica rarer than this do not matter to how a total is spread. */
const UNLIKELY = 1e-7;

/**
 * How `total` requests are spread over the replicas, when each alone would follow `share`: independent replicas given
 * their sum. (Left to themselves their sum would scatter, and the total's own fluctuation would count twice.) The
 * balancer looks at distinct replicas and joins the least busy.
 */
function spreadGiven({ replicas, choices, slots }: QueueShape, share: Float64Array, total: number): Spread {
  let states = share.length;
  while (states > slots + 1 && share[states - 1] < UNLIKELY) states -= 1;
  const one = share.slice(0, states);
  const others = sumOf(one, replicas - 1);
  const unseen = sumOf(one, replicas - choices);
  let [all, busy] = [0, 0];
  for (let n = 0; n <= Math.min(total, states - 1); n += 1) {
    const chance = one[n] * (others[total - n] ?? 0);
    all += chance;
    busy += chance * Math.min(n, slots);
  }
  let [waits, waitMean, waitSquare] = [0, 0, 0];
  let atLeast = allAtLeast(one, slots, choices, unseen, total) / all;
  for (let n = slots; n < states && atLeast > UNLIKELY; n += 1) {
    const more = n + 1 < states ? allAtLeast(one, n + 1, choices, unseen, total) / all : 0;
    const joins = atLeast - more;
    const wait = (n - slots + 1) / slots;
    waits += joins;
    waitMean += joins * wait;
    waitSquare += joins * wait * (wait + 1 / slots);
    atLeast = more;
  }
  return { mean: total / replicas, busy: busy / all, waits, waitMean, waitSquare };
}

/** The chance that `count` replicas have `least` or more each, and `total` together with those that are not seen. */
function allAtLeast(one: Float64Array, least: number, count: number, unseen: Float64Array, total: number): number {
  const seen = sumOf(one.map((chance, n) => (n < least ? 0 : chance)), count);
  let chance = 0;
  for (let n = 0; n <= Math.min(total, seen.length - 1); n += 1) chance += seen[n] * (unseen[total - n] ?? 0);
  return chance;
}

/** The law of the sum of `count` independent numbers that each follow `one`. */
function sumOf(one: Float64Array, count: number): Float64Array {
  let sum: Float64Array = Float64Array.of(1);
  let power = one;
  for (let left = count; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) sum = convolved(sum, power);
    if (left > 1) power = convolved(power, power);
  }
  return sum;
}

function convolved(a: Float64Array, b: Float64Array): Float64Array {
  const sum = new Float64Array(a.length + b.length - 1);
  for (let i = 0; i < a.length; i += 1) {
    if (a[i] === 0) continue;
    for (let j = 0; j < b.length; j += 1) sum[i + j] += a[i] * b[j];
  }
  return sum;
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
