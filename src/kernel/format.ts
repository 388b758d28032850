// How figures look to people, everywhere the same and on every machine: no locale, no Intl.

import {
  MICROS_PER_HOUR,
  MICROS_PER_MILLI,
  MICROS_PER_MINUTE,
  MICROS_PER_SECOND,
  type Euro,
  type Micros,
  type Ratio,
} from "./units.js";

/** What stands where there is nothing to show. */
export const NOTHING = "–";

/** A figure that may be missing: an outcome read back from JSON has null where a number was not finite. */
export type Maybe = number | null | undefined;

const known = (value: Maybe): value is number => typeof value === "number" && Number.isFinite(value);

/** A duration as people write it: `250ms`, `9.5s`, `3m 20s`, `1h 12m`. */
export function duration(micros: Maybe): string {
  if (!known(micros)) return NOTHING;
  if (micros < 0) return `-${duration(-micros)}`;
  if (micros === 0) return "0s";
  if (micros < MICROS_PER_SECOND) return `${significant(micros / MICROS_PER_MILLI, 3)}ms`;
  if (micros < 59.95 * MICROS_PER_SECOND) return `${trimZeros((micros / MICROS_PER_SECOND).toFixed(1))}s`;
  const total = Math.round(micros / MICROS_PER_SECOND);
  const parts = [
    [Math.floor(total / 3600), "h"],
    [Math.floor(total / 60) % 60, "m"],
    [total % 60, "s"],
  ] as const;
  return parts.filter(([count]) => count > 0).map(([count, unit]) => `${count}${unit}`).join(" ");
}

/** A moment of the run: `+01:12:30`, whole seconds, counted from the run's start. */
export function clock(at: Maybe): string {
  if (!known(at)) return NOTHING;
  const total = Math.floor(at / MICROS_PER_SECOND);
  const two = (count: number) => String(count).padStart(2, "0");
  return `+${two(Math.floor(total / 3600))}:${two(Math.floor(total / 60) % 60)}:${two(total % 60)}`;
}

/** A tick of a time axis: minutes from the start, or hours where the run is long. */
export function axisTime(at: Micros, stepMicros: Micros): string {
  if (stepMicros >= MICROS_PER_HOUR) return `${significant(at / MICROS_PER_HOUR, 3)} h`;
  if (stepMicros >= MICROS_PER_MINUTE) return `${Math.round(at / MICROS_PER_MINUTE)} min`;
  const minute = Math.floor(at / MICROS_PER_MINUTE);
  const second = Math.round((at % MICROS_PER_MINUTE) / MICROS_PER_SECOND);
  return `${minute}:${String(second).padStart(2, "0")}`;
}

/** A share in percent with three significant digits: `0.104%`, `12.3%`, `100%`. */
export function percent(ratio: Ratio | null | undefined): string {
  if (!known(ratio)) return NOTHING;
  const value = ratio * 100;
  if (value !== 0 && Math.abs(value) < 0.0005) return value > 0 ? "<0.001%" : ">-0.001%";
  return `${significant(value, 3)}%`;
}

/** A latency in seconds as `0.42ms`, `312ms` or `1.84s`. */
export function latency(seconds: Maybe): string {
  if (!known(seconds)) return NOTHING;
  if (seconds === 0) return "0ms";
  if (Math.abs(seconds) >= 0.9995) return `${significant(seconds, 3)}s`;
  return `${significant(seconds * 1000, 3)}ms`;
}

/** Money: `1,234.50 EUR`; a price below ten cents keeps what it needs: `0.005 EUR`. */
export function money(euro: Euro | null | undefined): string {
  if (!known(euro)) return NOTHING;
  if (euro !== 0 && Math.abs(euro) < 0.095) return `${significant(euro, 2)} EUR`;
  const cents = Math.round(Math.abs(euro) * 100);
  const sign = euro < 0 && cents > 0 ? "-" : "";
  return `${sign}${grouped(Math.floor(cents / 100))}.${String(cents % 100).padStart(2, "0")} EUR`;
}

/** A count with thousands grouped; small fractions (expected values) keep a digit. */
export function count(value: Maybe): string {
  if (!known(value)) return NOTHING;
  if (!Number.isInteger(value) && Math.abs(value) < 100) return significant(value, 2);
  const whole = Math.round(value);
  return `${whole < 0 ? "-" : ""}${grouped(Math.abs(whole))}`;
}

/** A count with its noun: `1 request`, `20 requests`. */
export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : plural}`;
}

/** A rate: `12.4/s`. */
export function perSecond(value: Maybe): string {
  return known(value) ? `${significant(value, 3)}/s` : NOTHING;
}

/** A size in memory or on disk: `512B`, `96MiB`, `1.5GiB`. */
export function bytes(size: Maybe): string {
  if (!known(size)) return NOTHING;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let [rest, unit] = [size, 0];
  while (Math.abs(rest) >= 1023.5 && unit < units.length - 1) [rest, unit] = [rest / 1024, unit + 1];
  return `${significant(rest, 3)}${units[unit]}`;
}

/** A plain number with at most `digits` significant digits, thousands grouped, no trailing zeros. */
export function significant(value: Maybe, digits: number): string {
  if (!known(value)) return NOTHING;
  if (value === 0) return "0";
  const size = Math.abs(value);
  // toPrecision would write 1.2e+3; decimals are counted by hand instead.
  let whole = 1;
  for (let rest = size; rest >= 10; rest /= 10) whole += 1;
  for (let rest = size; rest < 1 && whole > digits - 12; rest *= 10) whole -= 1;
  const decimals = Math.min(12, Math.max(0, digits - whole));
  const text = trimZeros(size.toFixed(decimals));
  if (text === "0") return "0";
  const [integer, fraction] = text.split(".");
  const grown = grouped(Number(integer)) + (fraction === undefined ? "" : `.${fraction}`);
  return value < 0 ? `-${grown}` : grown;
}

function trimZeros(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function grouped(whole: number): string {
  return String(whole).replace(/\B(?=(\d{3})+$)/g, ",");
}
