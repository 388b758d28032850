// The units every layer measures in: flavoured numbers, so that a ratio never passes for a rate.

declare const unit: unique symbol;

/** A number with a unit. Plain literals fit; a number of another unit does not. */
type Quantity<Unit extends string> = number & { readonly [unit]?: Unit };

/** Time or a duration: an integer count of microseconds (exact in a double for 285 years). */
export type Micros = Quantity<"microseconds">;
/** A share: 0.01 is one percent. */
export type Ratio = Quantity<"ratio">;
/** A rate in requests per second. */
export type Rps = Quantity<"requests per second">;
/** A size in bytes. */
export type Bytes = Quantity<"bytes">;
/** An amount of money in euro. */
export type Euro = Quantity<"euro">;

export const MICROS_PER_MILLI = 1_000;
export const MICROS_PER_SECOND = 1_000_000;
export const MICROS_PER_MINUTE = 60 * MICROS_PER_SECOND;
export const MICROS_PER_HOUR = 60 * MICROS_PER_MINUTE;

/** Milliseconds as an integer count of microseconds. */
export const millis = (count: number): Micros => Math.round(count * MICROS_PER_MILLI);
/** Seconds as an integer count of microseconds. */
export const seconds = (count: number): Micros => Math.round(count * MICROS_PER_SECOND);
/** Minutes as an integer count of microseconds. */
export const minutes = (count: number): Micros => Math.round(count * MICROS_PER_MINUTE);
/** Hours as an integer count of microseconds. */
export const hours = (count: number): Micros => Math.round(count * MICROS_PER_HOUR);
/** A count of microseconds in seconds, as Prometheus writes time. */
export const toSeconds = (duration: Micros): number => duration / MICROS_PER_SECOND;
