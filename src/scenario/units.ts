// Units as people write them (`15m`, `0.5%`, `400rps`, `2GiB`, `48EUR`), read into the kernel's, with advice when they are wrong.

import { MICROS_PER_HOUR, MICROS_PER_MILLI, MICROS_PER_MINUTE, MICROS_PER_SECOND, type Bytes, type Euro, type Micros, type Ratio, type Rps } from "../kernel/units.js";
import type { Persistence } from "../engines/evidence.js";
import { civilMicros } from "./civil-time.js";
import { LIMITS } from "./limits.js";

/** A value read, or what is wrong with the text and what to write instead. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string; readonly instead: string };

const good = <T>(value: T): Parsed<T> => ({ ok: true, value });
const bad = <T>(message: string, instead: string): Parsed<T> => ({ ok: false, message, instead });

const DURATION_UNITS: Readonly<Record<string, Micros>> = {
  us: 1,
  "µs": 1,
  ms: MICROS_PER_MILLI,
  s: MICROS_PER_SECOND,
  m: MICROS_PER_MINUTE,
  h: MICROS_PER_HOUR,
  d: 24 * MICROS_PER_HOUR,
  w: 7 * 24 * MICROS_PER_HOUR,
};

/** Longer words for the same units, for the advice. */
const DURATION_WORDS: Readonly<Record<string, string>> = {
  sec: "s", secs: "s", second: "s", seconds: "s", min: "m", mins: "m", minute: "m", minutes: "m",
  hr: "h", hrs: "h", hour: "h", hours: "h", day: "d", days: "d", week: "w", weeks: "w",
  msec: "ms", millis: "ms", millisecond: "ms", milliseconds: "ms", micros: "us",
};

/** `15m`, `250ms`, `1h30m`, `2d`: a duration of zero or more. */
export function parseDuration(text: string): Parsed<Micros> {
  const compact = text.trim();
  if (tooLong(compact)) return bad("this is too long for a duration", "write 15m");
  if (compact.startsWith("-")) return bad(`a duration can't be negative: \`${compact}\``, `write ${parseDuration(compact.slice(1)).ok ? compact.slice(1).trim() : "15m"}`);
  if (isNumber(compact)) return bad(`\`${compact}\` has no unit`, `write ${compact}m, ${compact}s or ${compact}ms, not ${compact}`);
  const part = /(\d+(?:\.\d+)?)\s*([a-zµ]+)\s*/gy;
  let total = 0;
  let end = 0;
  for (let match = part.exec(compact); match !== null; match = part.exec(compact)) {
    const word = match[2];
    if (!Object.hasOwn(DURATION_UNITS, word)) {
      const short = Object.hasOwn(DURATION_WORDS, word) ? DURATION_WORDS[word] : null;
      return bad(`\`${word}\` is no unit of time`, short === null ? "units of time: us, ms, s, m, h, d, w" : `write ${match[1]}${short}`);
    }
    total += Number(match[1]) * DURATION_UNITS[word];
    end = part.lastIndex;
  }
  if (end === 0 || end !== compact.length) return bad(`\`${compact}\` is no duration`, "write it like 250ms, 90s, 15m, 1h30m or 2d");
  if (!(total <= LIMITS.anyDuration)) return bad(`\`${compact}\` is longer than a year`, "write at most 366d");
  return good(Math.round(total));
}

/** `10s-20s`: two durations, the second not before the first. */
export function parseDurationRange(text: string): Parsed<{ readonly from: Micros; readonly to: Micros }> {
  const parts = text.split(/-|\.\.|\bto\b/);
  if (parts.length !== 2) return bad(`\`${text.trim()}\` is no range of durations`, "write it like 1s-10s");
  const from = parseDuration(parts[0]);
  if (!from.ok) return from;
  const to = parseDuration(parts[1]);
  if (!to.ok) return to;
  if (to.value < from.value) return bad(`the range \`${text.trim()}\` runs backwards`, `write ${parts[1].trim()}-${parts[0].trim()}`);
  return good({ from: from.value, to: to.value });
}

/** A signed duration to add: `+200ms`. */
export function parseAddedDuration(text: string): Parsed<Micros> {
  return parseDuration(text.trim().replace(/^\+\s*/, ""));
}

const PERCENT = /^([+-]?)\s*(\d+(?:\.\d+)?|\.\d+)\s*%$/;

/** `0.5%`, `+2%`, `-30%`: a percentage as a ratio, with its sign. */
export function parsePercent(text: string): Parsed<Ratio> {
  const compact = text.trim();
  if (tooLong(compact)) return bad("this is too long for a percentage", "write 5%");
  if (isNumber(compact)) return bad(`\`${compact}\` has no unit`, percentAdvice(Number(compact)));
  const match = PERCENT.exec(compact);
  if (match === null) return bad(`\`${compact}\` is no percentage`, "write it like 5% or 0.5%");
  const size = Number(match[2]) / 100;
  return good(match[1] === "-" ? 0 - size : size);
}

/** What a bare number for a ratio probably meant. */
export function percentAdvice(number: number): string {
  const percent = Math.abs(number) < 1 ? trimmed(number * 100) : trimmed(number);
  return `write ${percent}%, not ${number}`;
}

const trimmed = (value: number): string => String(Math.round(value * 1e6) / 1e6);

const RATE = /^(\d+(?:\.\d+)?)\s*(rps|rpm|req\/s|\/s|\/sec|\/min|\/m|\/h)$/;
const SECONDS_PER: Readonly<Record<string, number>> = { rps: 1, "req/s": 1, "/s": 1, "/sec": 1, rpm: 60, "/min": 60, "/m": 60, "/h": 3600 };

/** `400rps`, `20/min`, `5/h` in requests per second. */
export function parseRate(text: string): Parsed<Rps> {
  const compact = text.trim();
  if (isNumber(compact)) return bad(`\`${compact}\` has no unit`, `write ${compact}rps, not ${compact}`);
  if (compact.startsWith("-")) return bad(`a rate can't be negative: \`${compact}\``, "write it like 400rps");
  const match = tooLong(compact) ? null : RATE.exec(compact);
  if (match === null) return bad(`\`${compact.slice(0, LIMITS.nameLength)}\` is no rate`, "write it like 400rps or 20/min");
  const value = Number(match[1]) / SECONDS_PER[match[2]];
  if (value > LIMITS.rate) return bad(`\`${compact}\` is more than ${LIMITS.rate} requests per second`, "write a lower rate");
  return good(value);
}

const SIZE_UNITS: Readonly<Record<string, Bytes>> = {
  B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12,
  KiB: 1024, MiB: 1_048_576, GiB: 1_073_741_824, TiB: 1_099_511_627_776, Ki: 1024, Mi: 1_048_576, Gi: 1_073_741_824,
};

/** `2GiB`, `400MB`. */
export function parseBytes(text: string): Parsed<Bytes> {
  const compact = text.trim();
  if (isNumber(compact)) return bad(`\`${compact}\` has no unit`, `write ${compact}MiB, not ${compact}`);
  if (compact.startsWith("-")) return bad(`a size can't be negative: \`${compact}\``, "write it like 512MiB");
  const match = tooLong(compact) ? null : /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(compact);
  if (match === null) return bad(`\`${compact.slice(0, LIMITS.nameLength)}\` is no size`, "write it like 512MiB or 2GiB");
  if (!Object.hasOwn(SIZE_UNITS, match[2])) return bad(`\`${match[2]}\` is no unit of size`, "units of size: B, kB, MB, GB, KiB, MiB, GiB");
  return good(Math.round(Number(match[1]) * SIZE_UNITS[match[2]]));
}

const GROWTH_MINUTES: Readonly<Record<string, number>> = { s: 1 / 60, sec: 1 / 60, min: 1, m: 1, h: 60 };

/** `+5MB/min`: a growth in bytes per minute. */
export function parseGrowth(text: string): Parsed<Bytes> {
  const match = /^\+?\s*([^/]*)\/\s*([a-z]+)\s*$/.exec(text.trim());
  if (match === null || !Object.hasOwn(GROWTH_MINUTES, match[2])) return bad(`\`${text.trim().slice(0, LIMITS.nameLength)}\` is no growth`, "write it like +5MB/min");
  const size = parseBytes(match[1]);
  return size.ok ? good(size.value / GROWTH_MINUTES[match[2]]) : size;
}

/** `48EUR`, `0.02 EUR`, `€48`. */
export function parseEuro(text: string): Parsed<Euro> {
  const compact = text.trim();
  if (isNumber(compact)) return bad(`\`${compact}\` has no unit`, `write ${compact}EUR, not ${compact}`);
  const match = tooLong(compact) ? null : /^(€\s*)?(-?)(\d+(?:\.\d+)?)\s*(EUR|€)?$/.exec(compact);
  if (match === null || (match[1] === undefined) === (match[4] === undefined)) {
    return bad(`\`${compact.slice(0, LIMITS.nameLength)}\` is no amount of money`, "write it like 48EUR or 0.02EUR");
  }
  if (match[2] === "-") return bad(`an amount can't be negative: \`${compact}\``, `write ${match[3]}EUR`);
  const value = Number(match[3]);
  if (value > LIMITS.euro) return bad(`\`${compact}\` is more than ${LIMITS.euro}EUR`, "write a smaller amount");
  return good(value);
}

/** `x3`, `3x`, `×1.5`. */
export function parseFactor(text: string): Parsed<number> {
  const compact = text.trim();
  if (isNumber(compact)) return bad(`\`${compact}\` has no unit`, `write x${compact}, not ${compact}`);
  const match = tooLong(compact) ? null : /^(?:[x×]\s*(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?)\s*[x×])$/.exec(compact);
  if (match === null) return bad(`\`${compact.slice(0, LIMITS.nameLength)}\` is no factor`, "write it like x3 or x1.5");
  const value = Number(match[1] ?? match[2]);
  if (value > LIMITS.factor) return bad(`\`${compact}\` is more than x${LIMITS.factor}`, "write a smaller factor");
  return good(value);
}

/** `3 of 5`: a check must breach 3 times among the last 5. */
export function parsePersistence(text: string): Parsed<Persistence> {
  const match = /^(\d{1,4})\s+of\s+(\d{1,4})$/.exec(text.trim());
  if (match === null) return bad(`\`${text.trim().slice(0, LIMITS.nameLength)}\` does not say how often`, "write it like 3 of 5");
  const need = Number(match[1]);
  const of = Number(match[2]);
  if (need < 1 || need > of) return bad(`\`${text.trim()}\` can't be met`, `write ${Math.max(1, Math.min(need, of))} of ${Math.max(need, of, 1)}`);
  if (of > LIMITS.persistence) return bad(`\`${text.trim()}\` looks back over more than ${LIMITS.persistence} checks`, "write it like 3 of 5");
  return good({ need, of });
}

const CIVIL = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?)?\s*(?:Z|UTC)?$/;

/** `2014-04-14 09:00` in UTC, as microseconds since 1970. */
export function parseCivilTime(text: string): Parsed<Micros> {
  const match = tooLong(text) ? null : CIVIL.exec(text.trim());
  const value = match === null ? null : civilMicros(match.slice(1).map((part) => Number(part ?? 0)));
  return value === null ? bad(`\`${text.trim().slice(0, LIMITS.nameLength)}\` is no date and time`, "write it like 2014-04-14 09:00 (UTC)") : good(value);
}

/** `14:00`, or `14h`: a time of day as the time since midnight. */
export function parseTimeOfDay(text: string): Parsed<Micros> {
  const match = /^(\d{1,2}):(\d{2})$/.exec(text.trim());
  const sinceMidnight = match === null ? parseDuration(text) : null;
  if (sinceMidnight !== null && sinceMidnight.ok && sinceMidnight.value < 24 * MICROS_PER_HOUR) return sinceMidnight;
  const hour = Number(match?.[1]);
  const minute = Number(match?.[2]);
  if (match === null || hour > 23 || minute > 59) return bad(`\`${text.trim().slice(0, LIMITS.nameLength)}\` is no time of day`, "write it like 14:00");
  return good(hour * MICROS_PER_HOUR + minute * MICROS_PER_MINUTE);
}

/** A number to which a unit need only be added; none takes an exponent. */
const isNumber = (text: string): boolean => text.length <= LIMITS.nameLength && /^[+-]?(\d+(\.\d*)?|\.\d+)$/.test(text);
const tooLong = (text: string): boolean => text.length > LIMITS.nameLength;

/** A duration as people write it: `1h30m`, `250ms`, `0s`. */
export function formatDuration(duration: Micros): string {
  if (duration === 0) return "0s";
  let rest = Math.abs(Math.round(duration));
  let text = duration < 0 ? "-" : "";
  for (const unit of ["d", "h", "m", "s", "ms", "us"]) {
    const size = DURATION_UNITS[unit];
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}

/** A ratio as a percentage without noise: `0.5%`. */
export const formatPercent = (ratio: Ratio): string => `${trimmed(ratio * 100)}%`;
