// Queues breathe: how much the average over a tick of what arrivals meet differs from its mean, and how long that lasts.

import { exactExp, exactLog, normalCdf } from "../../kernel/exact.js";
import type { Ratio } from "../../kernel/units.js";
import type { Chain } from "./queue-model.js";

/** How one figure of a queue fluctuates, for service of mean 1. */
export interface Fluctuation {
  /** Variance of the figure from one arrival to another. */
  readonly variance: number;
  /**
   * What neighbours' likeness adds, per arrival, to the variance of a sum over many of them: `crowd` because they meet
   * the same crowd, `self` because whoever takes long makes others wait.
   */
  readonly crowd: number;
  readonly self: number;
  /** Arrivals per service time at all copies, and how many copies there are. */
  readonly arrivals: number;
  readonly copies: number;
  /** The figure by state, and what an arrival that meets the state tells about the figure of those around it, up to a factor. */
  readonly figure: Float64Array;
  readonly potential: Float64Array;
}

/** States rarer than this do not matter. */
const UNLIKELY = 1e-9;

/** Refusals are what breathes most visibly once they are more frequent than this; below, the slowest answers are. */
const REFUSALS_SHOW = 0.005;

/**
 * The fluctuation of what shows: of refusals in a queue that is often full, otherwise of the chance to be among the slowest
 * twentieth of all answers (that is what a p95 feels), or of the wait itself for an inner queue, whose waits hide in longer
 * answers. Refused requests come again with the chance `echo`. `variation` is the squared coefficient of variation of the service time, taken as lognormal.
 */
export function fluctuationOf(chain: Chain, variation: number, inner: boolean, echo: Ratio): Fluctuation {
  const { met } = chain;
  const last = met.length - 1;
  if (met[last] > REFUSALS_SHOW) return refusalFluctuation(chain, variation, echo);
  return inner ? sumOver(chain, chain.waitMean, null) : slowFluctuation(chain, variation);
}

/**
 * What a full queue refuses is arrivals less services. Of N arrivals and A services the share e = 1 - A / N varies, times N, by
 * (1 - e)^2 (c^2 / (1 - e) + 1), of which counting refusals one by one draws e (1 - e) anyway. When refused ones come
 * again, arrivals are more by a factor 1 + echo e, and every deviation is echoed. Near saturation queues come and go: the chain knows.
 */
function refusalFluctuation(chain: Chain, variation: number, echo: Ratio): Fluctuation {
  const { met } = chain;
  const figure = new Float64Array(met.length);
  figure[met.length - 1] = 1;
  const fluctuation = sumOver(chain, figure, null);
  const e = met[met.length - 1];
  const more = 1 + echo * e;
  const echoed = 1 / (1 - (echo * (1 - e)) / more);
  const drawn = e / (1 - e);
  const crowd = fluctuation.crowd * Math.max(0, (echoed * echoed * (variation / (1 - e) + more) - drawn) / (1 / (1 - e) + 1 - drawn));
  return { ...fluctuation, crowd };
}

function slowFluctuation(chain: Chain, variation: number): Fluctuation {
  const { met } = chain;
  const waiting = new StateWaits(chain, variation);
  const service = new LognormalService(variation);
  const slow = slowest(met, waiting, service);
  const figure = new Float64Array(met.length);
  const work = new Float64Array(met.length);
  for (let n = 0; n < met.length; n += 1) {
    if (met[n] < UNLIKELY) continue;
    figure[n] = waiting.mean(n, slow, (time) => service.beyond(time));
    work[n] = waiting.mean(n, slow, (time) => service.workBeyond(time)) - figure[n];
  }
  return sumOver(chain, figure, work);
}

const SLOWEST = 0.05;
const SLOW_MAX = 200;
const ROUNDS = 20;

/** The time that a twentieth of all answers take longer than. */
function slowest(met: Float64Array, waiting: StateWaits, service: LognormalService): number {
  const beyond = (time: number): number => {
    let sum = 0;
    for (let n = 0; n < met.length; n += 1) if (met[n] > UNLIKELY) sum += met[n] * waiting.mean(n, time, (rest) => service.beyond(rest));
    return sum;
  };
  let [low, high] = [0, 1];
  while (high < SLOW_MAX && beyond(high) > SLOWEST) high *= 2;
  for (let i = 0; i < ROUNDS; i += 1) {
    const middle = (low + high) / 2;
    if (beyond(middle) > SLOWEST) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The wait in each state: none, or one of two equally likely times that have its mean and deviation. */
class StateWaits {
  readonly #waits: Float64Array;
  readonly #short: Float64Array;
  readonly #long: Float64Array;

  /** The chain's waits are those of exponential service: they stretch with its variation, as `waitOf` stretches them. */
  constructor({ waits, waitMean, waitSquare }: Chain, variation: number) {
    this.#waits = waits;
    this.#short = new Float64Array(waits.length);
    this.#long = new Float64Array(waits.length);
    for (let n = 0; n < waits.length; n += 1) {
      if (waits[n] <= 0) continue;
      const mean = waitMean[n] / waits[n];
      const deviation = Math.sqrt(Math.max(0, ((waitSquare[n] / waits[n] - mean * mean) * (4 + variation)) / 5));
      this.#short[n] = (Math.max(0, mean - deviation) * (1 + variation)) / 2;
      this.#long[n] = ((mean + Math.min(mean, deviation)) * (1 + variation)) / 2;
    }
  }

  /** The mean of `figure` of what is left of `time` after the wait in state n. */
  mean(n: number, time: number, figure: (rest: number) => number): number {
    const waits = this.#waits[n];
    if (waits <= 0) return figure(time);
    return (1 - waits) * figure(time) + (waits / 2) * (figure(time - this.#short[n]) + figure(time - this.#long[n]));
  }
}

class LognormalService {
  readonly #sigma: number;

  constructor(variation: number) {
    this.#sigma = Math.sqrt(exactLog(1 + Math.max(0.01, variation)));
  }

  /** P(S > time). */
  beyond(time: number): number {
    return time <= 0 ? 1 : normalCdf(-exactLog(time) / this.#sigma - this.#sigma / 2);
  }

  /** E[S; S > time]. */
  workBeyond(time: number): number {
    return time <= 0 ? 1 : normalCdf(-exactLog(time) / this.#sigma + this.#sigma / 2);
  }
}

/**
 * The central limit theorem of a sum over a birth-and-death chain's arrivals, by Poisson's equation: with b the mass-weighted
 * figure below a cut, an arrival in state n moves the expected rest of the sum by -b / met, so that neighbours add
 * 2 (b^2 / met - figure b) over the cuts, and an arrival with more work than usual adds -2 work b.
 */
function sumOver(chain: Chain, figure: Float64Array, work: Float64Array | null): Fluctuation {
  const { met, arrivals, copies } = chain;
  const potential = new Float64Array(met.length);
  let mean = 0;
  for (let n = 0; n < met.length; n += 1) mean += met[n] * figure[n];
  let [below, variance, crowd, self] = [0, 0, 0, 0];
  for (let n = 0; n < met.length; n += 1) {
    const off = figure[n] - mean;
    variance += met[n] * off * off;
    if (n + 1 === met.length) break;
    potential[n + 1] = potential[n];
    if (met[n] < UNLIKELY) continue;
    below += met[n] * off;
    crowd += 2 * ((below * below) / met[n] - off * below);
    if (work !== null) self -= 2 * work[n] * below;
    potential[n + 1] -= below / met[n];
  }
  return { variance, crowd: Math.max(0, crowd), self: Math.max(0, self), arrivals: arrivals * copies, copies, figure, potential };
}

/** How a tick is tied to the queue's long run, and to the tick before. */
export interface Tie {
  /** How much of the figure's variance a tick's average has, in coarse steps; 0: nothing breathes. */
  readonly share: number;
  /** Correlation of the tick's score with the one before. */
  readonly kept: number;
}

/** Shares are taken in steps of an eighth of a doubling. */
const SHARE_MIN = 1 / 4096;
const SHARE_MAX = 0.9;
const SHARE_STEP = 1.0905077326652577;

/**
 * The tie that gives a tick's average the variance of the queue's: neighbours' likeness lasts for some time, exponentially.
 * Time stretches with the service's variation; measured against the request world, half as much as waits do.
 */
export function tieOf({ variance, crowd, self, arrivals, copies }: Fluctuation, serviceSeconds: number, variation: number, tickSeconds: number): Tie {
  if (variance <= 0 || arrivals <= 0) return { share: 0, kept: 0 };
  const perTick = (arrivals * tickSeconds) / serviceSeconds;
  // Of the average over the tick, at one copy; copies average each other out.
  const lasting = (crowd * (3 + variation)) / 4;
  const memory = (copies * lasting) / (2 * variance * perTick);
  const averaged = memory > 0 ? 2 * memory * (1 - memory * (1 - exactExp(-1 / memory))) : 0;
  const wanted = averaged / copies + self / (perTick * variance);
  let share = SHARE_MIN;
  while (share * Math.sqrt(SHARE_STEP) < wanted && share * SHARE_STEP < SHARE_MAX) share *= SHARE_STEP;
  // In the long run ticks add up as the sum over arrivals does.
  const ratio = averaged > 0 ? (2 * memory) / averaged : 1;
  return { share: wanted < SHARE_MIN ? 0 : share, kept: Math.max(0, (ratio - 1) / (ratio + 1)) };
}
