// Building blocks of the schemas: zod fields that read units and, when a value is wrong, say what to write instead.

import { z } from "zod";

import { LIMITS } from "./limits.js";
import { adviseName } from "./nearest.js";
import { parseBytes, parseCivilTime, parseDuration, parseDurationRange, parseEuro, parseFactor, parsePercent, parsePersistence, parseRate, parseTimeOfDay, percentAdvice, type Parsed } from "./units.js";
import { formatPercent } from "./units.js";

/** A zod message carries what is wrong and, after a line break, what to write instead. */
export const advice = (message: string, instead: string): string => `${message}\n${instead}`;

/** What a value is, in the user's words. */
export function describe(input: unknown): string {
  if (input === null) return "nothing";
  if (Array.isArray(input)) return "a list";
  if (typeof input === "object") return "a map";
  if (typeof input === "string") return `\`${input.slice(0, LIMITS.nameLength)}\``;
  return `\`${String(input)}\``;
}

interface UnitField<T> {
  readonly about: string;
  readonly example: string;
  readonly pattern?: string;
  readonly parse: (text: string) => Parsed<T>;
  /** What a bare number probably meant; without it, the number is read as text. */
  readonly bare?: (number: number) => string;
}

/** A value written as text with a unit. */
function unitField<T>(field: UnitField<T>) {
  const wrongType = (input: unknown): string => {
    if (input === undefined) return advice("is missing", `write it like ${field.example}`);
    if (typeof input === "number") {
      return input < 0
        ? advice(`can't be negative: \`${input}\``, `write it like ${field.example}`)
        : advice(`\`${input}\` has no unit`, field.bare?.(input) ?? `write it like ${field.example}`);
    }
    return advice(`should be a value like ${field.example}, not ${describe(input)}`, `write it like ${field.example}`);
  };
  return z
    .string({ error: (issue) => wrongType(issue.input) })
    .meta({ examples: [field.example] })
    .transform((text, context): T => {
      const parsed = field.parse(text);
      if (parsed.ok) return parsed.value;
      context.issues.push({ code: "custom", message: advice(parsed.message, parsed.instead), input: text });
      return z.NEVER;
    })
    .meta({ description: field.about, ...(field.pattern === undefined ? {} : { pattern: field.pattern }) });
}

/** The unit in which a bare number comes nearest to what the field usually holds: 20 is 20m where 2h is usual. */
function plausibleUnit(number: number, example: string): string {
  const usual = parseDuration(example);
  if (!usual.ok || usual.value <= 0 || !(number > 0)) return example.replace(/^[\d.]+/, "");
  const far = (unit: string): number => {
    const size = parseDuration(`1${unit}`);
    const ratio = size.ok ? (number * size.value) / usual.value : Infinity;
    return Math.max(ratio, 1 / ratio);
  };
  return ["ms", "s", "m", "h", "d"].reduce((best, unit) => (far(unit) < far(best) ? unit : best));
}
const DURATION_PATTERN = "^\\s*(\\d+(\\.\\d+)?\\s*(us|µs|ms|s|m|h|d|w)\\s*)+$";
const PERCENT_PATTERN = "^\\s*[+-]?\\s*(\\d+(\\.\\d+)?|\\.\\d+)\\s*%\\s*$";

/** A duration; `positive` keeps zero out where it makes no sense, `repeats` what would come too often to be simulated. */
export const duration = (about: string, example: string, options: { readonly positive?: boolean; readonly repeats?: boolean; readonly atMost?: number; readonly atMostText?: string } = {}) =>
  unitField({
    about,
    example,
    pattern: DURATION_PATTERN,
    bare: (number) => `write ${number}${plausibleUnit(number, example)}, not ${number}`,
    parse: (text) => {
      const parsed = parseDuration(text);
      if (!parsed.ok) return parsed.message.endsWith("has no unit") ? { ...parsed, instead: `write ${text.trim()}${plausibleUnit(Number(text), example)}, not ${text.trim()}` } : parsed;
      if ((options.positive === true || options.repeats === true) && parsed.value === 0) return { ok: false, message: "must be longer than nothing", instead: `write it like ${example}` };
      if (options.repeats === true && parsed.value < LIMITS.interval) return { ok: false, message: `\`${text.trim()}\` is too short`, instead: "write at least 100ms" };
      if (options.atMost !== undefined && parsed.value > options.atMost) return { ok: false, message: `\`${text.trim()}\` is too long`, instead: `write at most ${options.atMostText ?? ""}` };
      return parsed;
    },
  });

export const durationRange = (about: string, example: string) => unitField({ about, example, parse: parseDurationRange });
export const rate = (about: string, example: string) => unitField({ about, example, parse: parseRate, bare: (number) => `write ${number}rps, not ${number}` });
export const bytes = (about: string, example: string) => unitField({ about, example, parse: parseBytes, bare: (number) => `write ${number}MiB, not ${number}` });
export const euro = (about: string, example: string) => unitField({ about, example, parse: parseEuro, bare: (number) => `write ${number}EUR, not ${number}` });
export const civilTime = (about: string, example: string) => unitField({ about, example, parse: parseCivilTime });
export const timeOfDay = (about: string, example: string) => unitField({ about, example, parse: parseTimeOfDay });
export const persistence = (about: string, example: string) => unitField({ about, example, parse: parsePersistence, pattern: "^\\s*\\d+\\s+of\\s+\\d+\\s*$" });
export const custom = <T>(about: string, example: string, parse: (text: string) => Parsed<T>) => unitField({ about, example, parse });

/** A percentage within [min, max], as a ratio. Unless it says otherwise it is a share: 0 % to 100 %. */
export const percent = (about: string, example: string, range: { readonly min?: number; readonly max?: number; readonly positive?: boolean } = {}) =>
  unitField({
    about,
    example,
    pattern: PERCENT_PATTERN,
    bare: percentAdvice,
    parse: (text) => {
      const parsed = parsePercent(text);
      if (!parsed.ok) return parsed;
      const { min = 0, max = 1, positive = false } = range;
      if (parsed.value > max) return { ok: false, message: `\`${text.trim()}\` is over ${formatPercent(max)}`, instead: `write at most ${formatPercent(max)}` };
      if (parsed.value < min) return { ok: false, message: min === 0 ? `a share can't be negative: \`${text.trim()}\`` : `\`${text.trim()}\` is under ${formatPercent(min)}`, instead: `write it like ${example}` };
      if (positive && parsed.value === 0) return { ok: false, message: "must be more than 0%", instead: `write it like ${example}` };
      return parsed;
    },
  });

/** A factor: `x3`, or the bare number 3. */
export function factor(about: string, example: string, range: { readonly min: number; readonly max?: number }) {
  const { min, max = LIMITS.factor } = range;
  const pattern = "^\\s*([x×]\\s*\\d+(\\.\\d+)?|\\d+(\\.\\d+)?\\s*[x×])\\s*$";
  return z
    .union([z.string(), z.number()], { error: (issue) => (issue.input === undefined ? advice("is missing", `write it like ${example}`) : advice(`should be a factor like ${example}, not ${describe(issue.input)}`, `write it like ${example}`)) })
    .transform((written, context): number => {
      const parsed = typeof written === "number" ? { ok: true as const, value: written } : parseFactor(written);
      let fault: string | null = null;
      if (!parsed.ok) fault = advice(parsed.message, parsed.instead);
      else if (!(parsed.value >= min)) fault = advice(`\`${written}\` is under x${min}`, `write it like ${example}`);
      else if (!(parsed.value <= max)) fault = advice(`\`${written}\` is over x${max}`, `write at most x${max}`);
      if (fault === null && parsed.ok) return parsed.value;
      context.issues.push({ code: "custom", message: fault ?? "", input: written });
      return z.NEVER;
    })
    .meta({ description: about, examples: [example], anyOf: [{ type: "string", pattern }, { type: "number" }] });
}

/** A whole number within [min, max]. */
export function count(about: string, range: { readonly min: number; readonly max: number; readonly example?: number }) {
  const example = String(range.example ?? Math.max(range.min, 1));
  const wrongType = (input: unknown): string =>
    input === undefined ? advice("is missing", `write a number, like ${example}`) : advice(`should be a whole number, not ${describe(input)}`, `write a number, like ${example}`);
  return z
    .number({ error: (issue) => wrongType(issue.input) })
    .int({ error: (issue) => wrongType(issue.input) })
    .min(range.min, { error: (issue) => advice(`\`${String(issue.input)}\` is below ${range.min}`, `write at least ${range.min}`) })
    .max(range.max, { error: (issue) => advice(`\`${String(issue.input)}\` is over ${range.max}`, `write at most ${range.max}`) })
    .meta({ description: about });
}

/** One of a few words. */
export function choice<const T extends readonly [string, ...string[]]>(about: string, words: T) {
  const error = (input: unknown): string => {
    if (input === undefined) return advice("is missing", `write one of ${words.join(", ")}`);
    return advice(`${describe(input)} is not one of ${words.join(", ")}`, typeof input === "string" ? adviseName(input, words, "choose one of") : `write one of ${words.join(", ")}`);
  };
  return z.enum(words, { error: (issue) => error(issue.input) }).meta({ description: about });
}

/** `on`/`off` or `true`/`false`. */
export function onOff(about: string) {
  return z
    .literal([true, false, "on", "off", "yes", "no"], { error: (issue) => advice(`should be on or off, not ${describe(issue.input)}`, "write on or off") })
    .transform((written) => written === true || written === "on" || written === "yes")
    .meta({ description: about });
}

/** Free text. */
export function text(about: string, example: string, longest: number = LIMITS.textLength) {
  return z
    .string({ error: (issue) => (issue.input === undefined ? advice("is missing", `write it like ${example}`) : advice(`should be text, not ${describe(issue.input)}`, typeof issue.input === "number" ? `write "${issue.input}" in quotes` : `write it like ${example}`)) })
    .min(1, { error: () => advice("is empty", `write it like ${example}`) })
    .max(longest, { error: () => advice(`is longer than ${longest} characters`, "write less") })
    .meta({ description: about, examples: [example] });
}

export const NAME_PATTERN = /^[A-Za-z][A-Za-z0-9._-]*$/;

/** A name of a service, version, endpoint, flag ... */
export function name(about: string, example: string) {
  return text(about, example, LIMITS.nameLength).regex(NAME_PATTERN, {
    error: (issue) => advice(`${describe(issue.input)} is no name`, `start with a letter, then letters, digits, dots, dashes or underscores, like ${example}`),
  });
}

/** A map with exactly these keys; any other is reported with the nearest of them. `id` names it in the JSON Schema. */
export function fields<S extends z.core.$ZodShape>(about: string, shape: S, id?: string) {
  const keys = Object.keys(shape);
  const written = keys.slice(0, 4).join(", ");
  return z
    .strictObject(shape, {
      error: (issue) => {
        if (issue.code === "unrecognized_keys") return keys.join("\n");
        if (issue.input === undefined) return advice("is missing", `write a map with ${written}`);
        return advice(`should be a map with ${written}${keys.length > 4 ? " ..." : ""}, not ${describe(issue.input)}`, `write { ${keys[0]}: ... }`);
      },
    })
    .meta({ description: about, ...(id === undefined ? {} : { id }) });
}

/** A map from names of the user's choosing. */
export function named<V extends z.core.SomeType>(about: string, noun: string, value: V, limit: number) {
  return z
    .record(name(`The name of the ${noun}.`, noun), value, {
      error: (issue) => {
        if (issue.input === undefined) return advice("is missing", `write a map of ${noun}s by name`);
        return advice(`should be a map of ${noun}s by name, not ${describe(issue.input)}`, `write { ${noun}-name: { ... } }`);
      },
    })
    .refine((map) => Object.keys(map).length <= limit, { error: () => advice(`holds more than ${limit} ${noun}s`, `write at most ${limit}`) })
    .meta({ description: about });
}

/** A list of at most `limit` items. */
export function list<V extends z.core.SomeType>(about: string, item: V, limit: number) {
  return z
    .array(item, { error: (issue) => (issue.input === undefined ? advice("is missing", "write a list: [ ... ]") : advice(`should be a list, not ${describe(issue.input)}`, "write a list: [ ... ]")) })
    .max(limit, { error: () => advice(`holds more than ${limit} items`, `write at most ${limit}`) })
    .meta({ description: about });
}

/** One item, or a list of them: always read as a list. */
export function oneOrMany<V extends z.core.SomeType>(about: string, item: V, limit: number) {
  return z
    .union([item, list(about, item, limit)])
    .transform((value) => (Array.isArray(value) ? value : [value]) as z.output<V>[])
    .meta({ description: about });
}
