// Figures as people write them: durations, shares, rates, sizes, amounts; round ones more often than not.

import { constantFrom, integer, oneof, type Arbitrary } from "fast-check";

const SECONDS_PER_MINUTE = 60;

/** Whole seconds as text: `90s`, `5m`. */
export const secondsText = (seconds: number): string => (seconds > 0 && seconds % SECONDS_PER_MINUTE === 0 ? `${seconds / SECONDS_PER_MINUTE}m` : `${seconds}s`);

const ROUND_SECONDS = [1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 420, 600, 900, 1200, 1800, 3600];

/** From `min` to `max` seconds. */
export function duration(min: number, max: number): Arbitrary<string> {
  const round = ROUND_SECONDS.filter((seconds) => seconds >= min && seconds <= max);
  const any = integer({ min, max }).map(secondsText);
  return round.length === 0 ? any : oneof({ weight: 3, arbitrary: constantFrom(...round).map(secondsText) }, { weight: 1, arbitrary: any });
}

export const millis = (min: number, max: number): Arbitrary<string> => integer({ min, max }).map((value) => `${value}ms`);

/** Above this, tenths of a percent are noise. */
const FINE_UP_TO = 10;

/** A share: whole percents, or tenths where it is small. */
export function percent(min: number, max: number): Arbitrary<string> {
  const whole = (): Arbitrary<string> => integer({ min: Math.ceil(min), max: Math.floor(max) }).map((value) => `${value}%`);
  const fine = (): Arbitrary<string> => integer({ min: Math.ceil(min * 10), max: Math.floor(Math.min(FINE_UP_TO, max) * 10) }).map((value) => `${value / 10}%`);
  if (max < 1) return fine();
  return min >= FINE_UP_TO ? whole() : oneof({ weight: 2, arbitrary: whole() }, { weight: 1, arbitrary: fine() });
}

/** `x1`, `x1.5` ... in halves. */
export const factor = (min: number, max: number): Arbitrary<string> => integer({ min: min * 2, max: max * 2 }).map((value) => `x${value / 2}`);
export const rate = (min: number, max: number): Arbitrary<string> => integer({ min, max }).map((value) => `${value}rps`);
export const euro = (min: number, max: number): Arbitrary<string> => integer({ min, max }).map((value) => `${value}EUR`);
export const whole = (min: number, max: number): Arbitrary<number> => integer({ min, max });
export const mebibytes = (min: number, max: number): Arbitrary<string> => integer({ min, max }).map((value) => `${value}MiB`);
