// Values of a field as people write them, and the numbers between two of them: `0.5%`, `15m`, `x3`, `50rps`.

import { exactExp, exactLog } from "../../kernel/exact.js";
import { MICROS_PER_SECOND } from "../../kernel/units.js";
import { formatDuration, parseBytes, parseDuration, parseRate } from "../../scenario/units.js";

/** A value of a varied field. */
export interface FieldValue {
  /** As it stands in the file: `0.5%`. */
  readonly text: string;
  /** For queries and charts, in base units: a ratio, seconds, requests per second, bytes, a factor, a count; null for words. */
  readonly number: number | null;
}

/** A quantity split into its number and its unit: `{ sign: "+", size: 2, unit: "%" }`. */
interface Quantity {
  readonly prefix: string;
  readonly size: number;
  readonly unit: string;
}

const QUANTITY = /^([+x×]?)\s*(-?(?:\d+(?:\.\d+)?|\.\d+))\s*(%|[a-zA-Zµ€/]*)$/;

function quantityOf(text: string): Quantity | null {
  const match = QUANTITY.exec(text.trim());
  return match === null ? null : { prefix: match[1], size: Number(match[2]), unit: match[3] };
}

/** The value that a text stands for. */
export function fieldValue(text: string): FieldValue {
  const written = text.trim();
  return { text: written, number: numberOf(written) };
}

function numberOf(text: string): number | null {
  const quantity = quantityOf(text);
  if (quantity !== null && quantity.unit === "%") return clean(quantity.size / 100);
  if (quantity !== null && quantity.unit === "") return quantity.size;
  const duration = parseDuration(text.replace(/^\+\s*/, ""));
  if (duration.ok) return duration.value / MICROS_PER_SECOND;
  const rate = parseRate(text);
  if (rate.ok) return rate.value;
  const bytes = parseBytes(text);
  if (bytes.ok) return bytes.value;
  return quantity !== null && /^(EUR|€)$/.test(quantity.unit) ? quantity.size : null;
}

/** The value with so many significant digits; words and durations stay as they are. */
export function roundedTo(value: FieldValue, digits: number): FieldValue {
  const quantity = quantityOf(value.text);
  return quantity === null || parseDuration(value.text).ok ? value : fieldValue(`${quantity.prefix}${plain(Number(quantity.size.toPrecision(digits)))}${quantity.unit}`);
}

/** The values between two, ends included, for a share from 0 to 1 of the way. */
export type Between = (share: number) => FieldValue;

export type RangeScale = "linear" | "log";

/**
 * The way from one value to another, in equal steps or equal ratios; text says why there is none. `whole` rounds to
 * whole numbers, for fields that take nothing else.
 */
export function between(from: string, to: string, scale: RangeScale, whole: boolean): Between | string {
  const [a, b] = [quantityOf(from), quantityOf(to)];
  if (a !== null && b !== null && (a.unit === b.unit || a.unit === "") && (a.prefix === b.prefix || a.prefix === "")) {
    return quantities(a.size, b.size, scale, whole, (size) => `${b.prefix}${plain(size)}${b.unit}`);
  }
  const [start, end] = [parseDuration(from), parseDuration(to)];
  if (start.ok && end.ok) return quantities(start.value, end.value, scale, false, wholeDuration);
  if (a === null || b === null) return `a range needs two quantities: \`${from.trim()}..${to.trim()}\``;
  return `both ends of a range need the same unit: \`${from.trim()}..${to.trim()}\``;
}

function quantities(a: number, b: number, scale: RangeScale, whole: boolean, write: (size: number) => string): Between | string {
  if (scale === "log" && !(a > 0 && b > 0)) return "a range with equal ratios (log) needs ends above 0";
  if (!(b > a)) return "a range runs from its smaller end to its larger one";
  const [logA, logB] = scale === "log" ? [exactLog(a), exactLog(b)] : [0, 0];
  const at = (share: number): number => {
    if (share <= 0) return a;
    if (share >= 1) return b;
    return scale === "log" ? exactExp(logA + (logB - logA) * share) : a + (b - a) * share;
  };
  return (share) => fieldValue(write(whole ? Math.round(at(share)) : at(share)));
}

/** Whole seconds from a minute on, whole milliseconds from a second on: nobody writes more. */
function wholeDuration(micros: number): string {
  const step = micros >= 60 * MICROS_PER_SECOND ? MICROS_PER_SECOND : micros >= MICROS_PER_SECOND ? 1000 : 1;
  return formatDuration(Math.round(micros / step) * step);
}

/** At most four significant digits, as a person would write them. */
function plain(size: number): string {
  if (size === 0) return "0";
  const rounded = Number(size.toPrecision(4));
  return Math.abs(rounded) >= 1e-6 ? String(rounded) : rounded.toFixed(12).replace(/0+$/, "");
}

const clean = (value: number): number => Number(value.toPrecision(12));
