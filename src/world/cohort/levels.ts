// What a queue is like in a tick of a given score: parts of its steady law that make up exactly that law together.

import { exactExp, normalCdf } from "../../kernel/exact.js";
import type { Fluctuation } from "./fluctuation.js";
import { waitsOf, type Chain, type Waits } from "./queue-model.js";

/** A tick's normal score takes one of this many levels, each this wide but the outermost. */
const LEVELS = 16;
const WIDTH = 0.35;
const DENSITY_AT_0 = 0.3989422804014327;

const edge = (level: number): number => (level <= 0 ? -Infinity : level >= LEVELS ? Infinity : (level - LEVELS / 2) * WIDTH);
const density = (x: number): number => (x === Infinity || x === -Infinity ? 0 : DENSITY_AT_0 * exactExp((-x * x) / 2));

/** Chance and mean of a normal score within each level. */
const CHANCE = Float64Array.from({ length: LEVELS }, (_, i) => normalCdf(edge(i + 1)) - normalCdf(edge(i)));
const MEAN = CHANCE.map((chance, i) => (density(edge(i)) - density(edge(i + 1))) / chance);

/** The level of a normal score. */
export function levelOf(score: number): number {
  return Math.min(LEVELS - 1, Math.max(0, Math.floor(score / WIDTH) + LEVELS / 2));
}

/** The levels' chances; they sum to 1. */
export const LEVEL_CHANCES: Float64Array = CHANCE;

const UNLIKELY = 1e-9;
const TILT_MIN = 1e-3;
const TILT_ROUNDS = 14;
const EXPONENT_MAX = 300;

/**
 * By level, what arrivals meet. A busy tick meets a state more often the more such a state tells about its neighbours: the
 * chance is tilted by the state's potential (for small tilts that is what a reversible chain's averages do given one of them),
 * just so much that the levels' figures vary by `share` of its variance. Weighted by their chances the levels are the
 * steady law again, to the last state, so that nothing is counted twice.
 */
export function levelsOf(chain: Chain, fluctuation: Fluctuation, share: number): readonly Waits[] {
  const states = likelyStates(chain.met);
  const coupling = new Coupling(chain.met, states, fluctuation);
  let [low, high] = [0, TILT_MIN];
  const wanted = share * fluctuation.variance;
  for (let i = 0; i < TILT_ROUNDS && coupling.spread(high) < wanted; i += 1) [low, high] = [high, high * 2.5];
  for (let i = 0; i < TILT_ROUNDS && high - low > 0.02 * high; i += 1) {
    const middle = (low + high) / 2;
    if (coupling.spread(middle) < wanted) low = middle;
    else high = middle;
  }
  coupling.spread(high);
  return Array.from({ length: LEVELS }, (_, i) => waitsOf(chain, coupling.metAt(i)));
}

function likelyStates(met: Float64Array): Int32Array {
  const states: number[] = [];
  for (let n = 0; n < met.length; n += 1) if (met[n] > UNLIKELY) states.push(n);
  return Int32Array.from(states);
}

const BALANCING_ROUNDS = 40;
const BALANCED = 1e-4;

/** Levels and states with given chances each, tied by exp(tilt x score x potential). */
class Coupling {
  readonly #met: Float64Array;
  readonly #figure: Float64Array;
  readonly #potential: Float64Array;
  readonly #states: Int32Array;
  readonly #length: number;
  readonly #kernel: Float64Array;
  readonly #byLevel = new Float64Array(LEVELS).fill(1);
  readonly #byState: Float64Array;

  constructor(met: Float64Array, states: Int32Array, { figure, potential }: Fluctuation) {
    this.#states = states;
    this.#length = met.length;
    let total = 0;
    for (const n of states) total += met[n];
    this.#met = Float64Array.from(states, (n) => met[n] / total);
    this.#figure = Float64Array.from(states, (n) => figure[n]);
    this.#potential = normed(this.#met, Float64Array.from(states, (n) => bent(potential[n] - potential[states[0]])));
    this.#kernel = new Float64Array(LEVELS * states.length);
    this.#byState = new Float64Array(states.length).fill(1);
  }

  /** Ties them; returns the variance of the levels' mean figures. */
  spread(tilt: number): number {
    this.#tie(tilt);
    const count = this.#met.length;
    let [mean, square] = [0, 0];
    for (let i = 0; i < LEVELS; i += 1) {
      let sum = 0;
      for (let k = 0; k < count; k += 1) sum += this.#kernel[i * count + k] * this.#byState[k] * this.#met[k] * this.#figure[k];
      sum *= this.#byLevel[i];
      mean += CHANCE[i] * sum;
      square += CHANCE[i] * sum * sum;
    }
    return square - mean * mean;
  }

  /** The chances to meet each state in a level. */
  metAt(level: number): Float64Array {
    const met = new Float64Array(this.#length);
    const count = this.#met.length;
    for (let k = 0; k < count; k += 1) met[this.#states[k]] = this.#byLevel[level] * this.#kernel[level * count + k] * this.#byState[k] * this.#met[k];
    return met;
  }

  /** Balances levels and states in turn until both have their chances; the levels' are exact. */
  #tie(tilt: number): void {
    const count = this.#met.length;
    for (let i = 0; i < LEVELS; i += 1) {
      for (let k = 0; k < count; k += 1) {
        this.#kernel[i * count + k] = exactExp(Math.min(EXPONENT_MAX, Math.max(-EXPONENT_MAX, tilt * MEAN[i] * this.#potential[k])));
      }
    }
    this.#byState.fill(1);
    for (let round = 0; round < BALANCING_ROUNDS; round += 1) {
      this.#balanceLevels();
      if (this.#balanceStates() < BALANCED) break;
    }
    this.#balanceLevels();
  }

  #balanceLevels(): void {
    const count = this.#met.length;
    for (let i = 0; i < LEVELS; i += 1) {
      let sum = 0;
      for (let k = 0; k < count; k += 1) sum += this.#kernel[i * count + k] * this.#byState[k] * this.#met[k];
      this.#byLevel[i] = 1 / sum;
    }
  }

  #balanceStates(): number {
    const count = this.#met.length;
    let moved = 0;
    for (let k = 0; k < count; k += 1) {
      let sum = 0;
      for (let i = 0; i < LEVELS; i += 1) sum += this.#kernel[i * count + k] * this.#byLevel[i] * CHANCE[i];
      moved += this.#met[k] * Math.abs(this.#byState[k] * sum - 1);
      this.#byState[k] = 1 / sum;
    }
    return moved;
  }
}

/**
 * The potential itself would leave a strong tilt all of the deepest queues to the busiest level. Its root lets the levels' other
 * quantiles vary as simulated queues' do (two and six replicas of four slots at 70 and 85 %).
 */
const bent = (potential: number): number => Math.sqrt(Math.max(0, potential));

/** Of mean 0 and variance 1. */
function normed(met: Float64Array, values: Float64Array): Float64Array {
  let [mean, square] = [0, 0];
  for (let k = 0; k < met.length; k += 1) mean += met[k] * values[k];
  for (let k = 0; k < met.length; k += 1) square += met[k] * (values[k] - mean) * (values[k] - mean);
  const scale = square > 0 ? 1 / Math.sqrt(square) : 0;
  return values.map((value) => (value - mean) * scale);
}
