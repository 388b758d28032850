// The rate of pages over time, as straight pieces: its value, its integral, and the inverse that turns draws into arrivals.

import { streamKey, uniform } from "../kernel/draws.js";
import { exponentialFrom } from "../kernel/distributions/exponential.js";
import { gammaFrom } from "../kernel/distributions/gamma.js";
import { MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND, type Micros, type Ratio, type Rps } from "../kernel/units.js";
import type { EffectModel } from "./active-effects.js";
import type { Model, TrafficModel } from "./model.js";
import type { RateShape } from "./spec.js";

const DAY = 24 * MICROS_PER_HOUR;
/** A daily sine is drawn as straight lines of this length (error below 0.01 %). */
const DAILY_PIECE = 5 * MICROS_PER_MINUTE;
/** After the horizon the rate stays what it was then, so that asking a little further does no harm. */
const BEYOND = 1e15;

/**
 * A rate in pages per second, linear between breakpoints, with jumps at them. The last piece has no end.
 * Arrival n of a Poisson process lies where the cumulated rate reaches the sum of n unit exponentials.
 */
export class RateCurve {
  /** Start of piece i, its rate at start and end, and the expected arrivals before it. */
  readonly starts: Float64Array;
  readonly rateFrom: Float64Array;
  readonly rateTo: Float64Array;
  readonly before: Float64Array;

  constructor(starts: readonly Micros[], rateFrom: readonly Rps[], rateTo: readonly Rps[]) {
    this.starts = Float64Array.from([...starts, BEYOND]);
    this.rateFrom = Float64Array.from(rateFrom);
    this.rateTo = Float64Array.from(rateTo);
    this.before = new Float64Array(starts.length + 1);
    for (let i = 0; i < starts.length; i++) {
      const length = (this.starts[i + 1] - this.starts[i]) / MICROS_PER_SECOND;
      this.before[i + 1] = this.before[i] + ((rateFrom[i] + rateTo[i]) / 2) * length;
    }
  }

  /** Pages per second at this time. */
  rate(at: Micros): Rps {
    const i = this.#pieceAt(at);
    const share = (at - this.starts[i]) / (this.starts[i + 1] - this.starts[i]);
    return this.rateFrom[i] + (this.rateTo[i] - this.rateFrom[i]) * share;
  }

  /** Expected arrivals from time 0 to `at`. */
  cumulated(at: Micros): number {
    const i = this.#pieceAt(at);
    const seconds = (at - this.starts[i]) / MICROS_PER_SECOND;
    return this.before[i] + ((this.rateFrom[i] + this.rate(at)) / 2) * seconds;
  }

  /** Expected arrivals in [from, to). */
  expected(from: Micros, to: Micros): number {
    return this.cumulated(to) - this.cumulated(from);
  }

  /** The piece in which the cumulated rate reaches `target`, searching on from piece `from`. */
  pieceReaching(target: number, from: number): number {
    let i = from;
    while (i < this.rateFrom.length && this.before[i + 1] < target) i += 1;
    return i;
  }

  /** When the cumulated rate reaches `target` inside piece `i`; Infinity when it never does. */
  timeReaching(target: number, i: number): Micros {
    if (i >= this.rateFrom.length) return Infinity;
    const left = target - this.before[i];
    const start = this.rateFrom[i];
    const slope = ((this.rateTo[i] - start) / (this.starts[i + 1] - this.starts[i])) * MICROS_PER_SECOND;
    // start s + slope s^2 / 2 = left, in the form that stays exact for a small slope.
    const root = Math.sqrt(Math.max(0, start * start + 2 * slope * left));
    const seconds = left === 0 ? 0 : (2 * left) / (start + root);
    return this.starts[i] + seconds * MICROS_PER_SECOND;
  }

  #pieceAt(at: Micros): number {
    let low = 0;
    let high = this.rateFrom.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle] <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/**
 * The curve of one traffic stream: rate x shape x bursts x surges x gamma slots, from 0 to the horizon. With
 * `noiseFree` bursts are spread evenly and gamma slots are 1, which is what they are on average.
 */
export function rateCurve(model: Model, traffic: TrafficModel, horizon: Micros, noiseFree: boolean): RateCurve {
  const { spec } = traffic;
  const surges = model.effects.filter((e) => e.kind === "surge" && (e.service < 0 || e.service === traffic.service));
  const factors: StepFunction[] = surges.map(surgeSteps);
  let constant = spec.rate;
  if (spec.bursts !== null) {
    if (noiseFree) constant *= 1 + (spec.bursts.factor - 1) * Math.min(1, spec.bursts.lasts / spec.bursts.every);
    else factors.push(burstSteps(model.seed, traffic, horizon));
  }
  if (spec.spread.kind === "gamma" && !noiseFree) factors.push(gammaSteps(model.seed, traffic, horizon));
  return combine(shapePoints(spec.shape, horizon), factors, constant, horizon);
}

/** A factor that is constant between its times; 1 before the first. */
interface StepFunction {
  readonly times: readonly Micros[];
  readonly values: readonly number[];
}

/** Corner points of a shape, linear in between, constant outside. */
export interface Points {
  readonly times: readonly Micros[];
  readonly values: readonly Ratio[];
}

function surgeSteps(effect: EffectModel): StepFunction {
  const factor = effect.effect.what.kind === "surge" ? effect.effect.what.factor : 1;
  return { times: [effect.from, effect.to], values: [factor, 1] };
}

/** Bursts begin after exponential gaps; one that begins within another merely follows it. */
function burstSteps(seed: number, traffic: TrafficModel, horizon: Micros): StepFunction {
  const bursts = traffic.spec.bursts!;
  const key = streamKey(seed, `traffic/${traffic.index}/bursts`);
  const times: Micros[] = [];
  const values: number[] = [];
  const gap = Math.max(1, bursts.every - bursts.lasts);
  for (let n = 0, at = 0; ; n++) {
    at += exponentialFrom(uniform(key, n, 0), gap);
    if (at >= horizon) return { times, values };
    times.push(at, at + bursts.lasts);
    values.push(bursts.factor, 1);
    at += bursts.lasts;
  }
}

/** Every slot's rate is multiplied by a gamma draw of mean 1: more variation than Poisson has. */
function gammaSteps(seed: number, traffic: TrafficModel, horizon: Micros): StepFunction {
  const { spread } = traffic.spec;
  if (spread.kind !== "gamma" || spread.cv === 0) return { times: [], values: [] };
  const key = streamKey(seed, `traffic/${traffic.index}/spread`);
  const shape = 1 / (spread.cv * spread.cv);
  const times: Micros[] = [];
  const values: number[] = [];
  for (let n = 0; n * spread.slot < horizon; n++) {
    times.push(n * spread.slot);
    values.push(gammaFrom(uniform(key, n, 0), shape, 1 / shape));
  }
  return { times, values };
}

/** The shape's corners up to the horizon. */
export function shapePoints(shape: RateShape, horizon: Micros): Points {
  switch (shape.kind) {
    case "constant":
      return { times: [0], values: [1] };
    case "trace":
      return { times: shape.times, values: shape.relative };
    case "daily": {
      const times: Micros[] = [];
      const values: Ratio[] = [];
      for (let at = 0; at <= horizon + DAILY_PIECE; at += DAILY_PIECE) {
        times.push(at);
        const turn = (at + shape.startsAt - shape.peakAt) / DAY;
        values.push(shape.low + (1 - shape.low) * 0.5 * (1 + cosineOfTurn(turn)));
      }
      return { times, values };
    }
  }
}

/** cos(2 pi turn) by its series on an eighth of a turn around the extremes, exact enough for a day's shape. */
function cosineOfTurn(turn: number): number {
  const folded = Math.abs(turn - Math.round(turn));
  const sign = folded > 0.25 ? -1 : 1;
  const x = 2 * Math.PI * (folded > 0.25 ? 0.5 - folded : folded);
  const z = x * x;
  let term = 1;
  let sum = 1;
  for (let n = 1; n <= 10; n++) {
    term *= -z / ((2 * n - 1) * (2 * n));
    sum += term;
  }
  return sign * sum;
}

/** Cuts time at every corner and step, and multiplies. */
function combine(shape: Points, factors: readonly StepFunction[], constant: number, horizon: Micros): RateCurve {
  const inside = (at: Micros): boolean => at > 0 && at < horizon;
  const cuts = [0, horizon, ...shape.times.filter(inside), ...factors.flatMap((f) => f.times.filter(inside))];
  const starts = [...new Set(cuts)].sort((a, b) => a - b);
  const rateFrom: Rps[] = [];
  const rateTo: Rps[] = [];
  const shapeCursor = new LinearCursor(shape);
  const stepCursors = factors.map((factor) => new StepCursor(factor));
  starts.forEach((start, i) => {
    const end = i + 1 < starts.length ? starts[i + 1] : start;
    const factor = stepCursors.reduce((product, cursor) => product * cursor.at(start), constant);
    rateFrom.push(shapeCursor.at(start) * factor);
    rateTo.push(shapeCursor.at(end) * factor);
  });
  return new RateCurve(starts, rateFrom, rateTo);
}

/** Reads a step function at times that never go back much. */
class StepCursor {
  #next = 0;
  constructor(readonly steps: StepFunction) {}

  at(time: Micros): number {
    while (this.#next < this.steps.times.length && this.steps.times[this.#next] <= time) this.#next += 1;
    return this.#next === 0 ? 1 : this.steps.values[this.#next - 1];
  }
}

/** Reads corner points at times that never go back by more than one piece. */
class LinearCursor {
  #i = 0;
  constructor(readonly points: Points) {}

  at(time: Micros): number {
    const { times, values } = this.points;
    if (this.#i > 0 && times[this.#i] > time) this.#i -= 1;
    while (this.#i + 1 < times.length && times[this.#i + 1] <= time) this.#i += 1;
    const i = this.#i;
    if (time <= times[i] || i + 1 >= times.length) return values[i];
    return values[i] + ((values[i + 1] - values[i]) * (time - times[i])) / (times[i + 1] - times[i]);
  }
}
