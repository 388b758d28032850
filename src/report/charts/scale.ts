// Axes that a person would have drawn: round ticks, room for the limits, and labels that do not overlap.

import { MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND, type Micros } from "../../kernel/units.js";

export interface ValueScale {
  readonly kind: "linear" | "symlog";
  readonly max: number;
  /** Below this a symlog axis is close to linear. */
  readonly constant: number;
  readonly ticks: readonly number[];
}

/** Beyond this ratio of the largest value to the smallest limit, a linear axis would hide the limit. */
const LARGEST_LINEAR_RATIO = 14;

/** Ticks nearer to each other than this share of the height would overlap with their labels. */
const LEAST_TICK_GAP = 0.1;

/** An axis from zero that shows all of `values` and `limits`; logarithmic above the limits when values dwarf them. */
export function valueScale(values: readonly (number | null)[], limits: readonly number[], least: number): ValueScale {
  let top = least;
  for (const value of values) if (value !== null && value > top) top = value;
  const positive = limits.filter((limit) => limit > 0);
  for (const limit of positive) top = Math.max(top, limit * 1.15);
  const smallest = Math.min(...positive, Infinity);
  if (top / smallest <= LARGEST_LINEAR_RATIO || smallest === Infinity) {
    const step = niceStep(top * 1.04, 4);
    const max = top * 1.06;
    return { kind: "linear", max, constant: 1, ticks: stepsUpTo(step, max) };
  }
  const max = top * 1.25;
  const scale: ValueScale = { kind: "symlog", max, constant: smallest / 2, ticks: [] };
  return { ...scale, ticks: logarithmicTicks(scale, powerOfTenBelow(smallest)) };
}

/** Zero, the powers of ten, then fives and twos wherever they keep their distance from those. */
function logarithmicTicks(scale: ValueScale, from: number): readonly number[] {
  const ticks = [0];
  for (const factor of [1, 5, 2]) {
    for (let power = from; power * factor <= scale.max; power *= 10) {
      const tick = Number((power * factor).toPrecision(6));
      const height = pixelOf(scale, tick, 1);
      if (ticks.every((other) => Math.abs(pixelOf(scale, other, 1) - height) >= LEAST_TICK_GAP)) ticks.push(tick);
    }
  }
  return ticks.sort((a, b) => a - b);
}

/** Where a value lies, in pixels from the top of a plot of this height. */
export function pixelOf(scale: ValueScale, value: number, height: number): number {
  const clamped = Math.min(Math.max(value, 0), scale.max);
  const share =
    scale.kind === "linear"
      ? clamped / scale.max
      : Math.log1p(clamped / scale.constant) / Math.log1p(scale.max / scale.constant);
  return height * (1 - share);
}

const TIME_STEPS: readonly Micros[] = [
  ...[5, 10, 15, 30].map((count) => count * MICROS_PER_SECOND),
  ...[1, 2, 5, 10, 15, 20, 30].map((count) => count * MICROS_PER_MINUTE),
  ...[1, 2, 3, 6, 12, 24, 48, 72, 168].map((count) => count * MICROS_PER_HOUR),
];

/** Round times within [from, to], at most about `most` of them, and the step between them. */
export function timeTicks(from: Micros, to: Micros, most: number): { readonly step: Micros; readonly ticks: readonly Micros[] } {
  const step = TIME_STEPS.find((each) => (to - from) / each <= most) ?? TIME_STEPS[TIME_STEPS.length - 1];
  const ticks: Micros[] = [];
  for (let tick = Math.ceil(from / step) * step; tick <= to && ticks.length < 200; tick += step) ticks.push(tick);
  return { step, ticks };
}

/** Moves label centres apart to at least `gap`, inside [0, height], keeping their order and moving them little. */
export function spreadLabels(wanted: readonly number[], gap: number, height: number): readonly number[] {
  const order = wanted.map((_, index) => index).sort((a, b) => wanted[a] - wanted[b] || a - b);
  const placed = wanted.slice();
  let floor = -Infinity;
  for (const index of order) {
    placed[index] = Math.max(wanted[index], floor + gap, 0);
    floor = placed[index];
  }
  let ceiling = height + gap;
  for (const index of order.slice().reverse()) {
    placed[index] = Math.min(placed[index], ceiling - gap);
    ceiling = placed[index];
  }
  return placed;
}

function niceStep(range: number, most: number): number {
  const rough = range / most;
  const power = powerOfTenBelow(rough);
  const factor = [1, 2, 2.5, 5, 10].find((each) => each * power >= rough * (1 - 1e-9)) ?? 10;
  return Number((factor * power).toPrecision(6));
}

function powerOfTenBelow(value: number): number {
  let power = 1;
  while (power > value && power > 1e-12) power /= 10;
  while (power * 10 <= value && power < 1e15) power *= 10;
  return Number(power.toPrecision(6));
}

function stepsUpTo(step: number, max: number): readonly number[] {
  const ticks: number[] = [];
  for (let index = 0; index * step <= max * (1 + 1e-9) && index <= 20; index += 1) ticks.push(Number((index * step).toPrecision(10)));
  return ticks;
}
