// What is varied: one field by its path, with a list of values or a range, as the user writes it after `--set` or `--vary`.

import { scenarioOf, type Bundle, type BundleOptions } from "../bundle.js";
import { schemasAt, type FieldSchema } from "../field-path.js";
import { fieldOf, placeOf, withField } from "../variant.js";
import { between, fieldValue, type Between, type FieldValue, type RangeScale } from "./quantity.js";

/** One field and the values that it may take. */
export interface Axis {
  readonly path: string;
  /** As the user wrote it, after the equals sign. */
  readonly written: string;
  /** The values that were named or counted; null for a range that a design still has to sample. */
  readonly levels: readonly FieldValue[] | null;
  /** The value at a share from 0 to 1 of the axis. */
  readonly at: Between;
  readonly scale: RangeScale;
}

export type AxisResult = { readonly ok: true; readonly value: Axis } | { readonly ok: false; readonly message: string };

const MOST_LEVELS = 10_000;
const RANGE = /^(.+?)\.\.(.+?)(?:\/(\d+))?(?:\s+(log))?$/;

/** Reads `PATH=a..b/n`, `PATH=a..b/n log` or `PATH=a,b,c`; the field must be one of this scenario. */
export function parseAxis(text: string, bundle: Bundle, options: BundleOptions = {}): AxisResult {
  const cut = text.indexOf("=");
  const path = text.slice(0, Math.max(0, cut)).trim();
  const written = text.slice(cut + 1).trim();
  if (cut < 1 || written === "") return bad(`\`${text}\`: write PATH=VALUES, like triggers.error-rate.above=0.5%..5%/10 or steps.0.weight=5%,10%`);
  const place = placeOf(bundle, path);
  if (!place.ok) return bad(problemText(place.problems[0]));
  const { kind, at } = place.value;
  const schemas = schemasAt(kind, kind !== "scenario" && at[0] === kind ? at.slice(1) : at);
  const axis = axisOf(path, written, isWhole(schemas));
  if (!axis.ok) return bad(`\`${path}\`: ${axis.message}`);
  const wrong = unusable(axis.value, bundle, options);
  return wrong === null ? axis : bad(`\`${path}=${written}\`: ${wrong}`);
}

/** An axis without its scenario: for fields that are known to be there. */
export function axisOf(path: string, written: string, whole: boolean): AxisResult {
  const range = written.includes(",") ? null : RANGE.exec(written);
  if (range === null) {
    const levels = distinct(splitList(written).map(fieldValue));
    if (levels.length === 0) return bad("no value; write them like 1%,2%");
    return good({ path, written, levels, at: (share) => levels[Math.min(levels.length - 1, Math.floor(share * levels.length))], scale: "linear" });
  }
  const [, from, to, steps, log] = range;
  const scale: RangeScale = log === undefined ? "linear" : "log";
  const way = between(from, to, scale, whole);
  if (typeof way === "string") return bad(way);
  if (steps === undefined) return good({ path, written, levels: null, at: way, scale });
  const count = Number(steps);
  if (count < 2 || count > MOST_LEVELS) return bad(`\`/${steps}\`: a range has 2 to ${MOST_LEVELS} values`);
  const levels = distinct(Array.from({ length: count }, (_, k) => way(k / (count - 1))));
  return good({ path, written, levels, at: way, scale });
}

/** Commas within brackets and braces belong to a value. */
function splitList(text: string): readonly string[] {
  const items: string[] = [""];
  let depth = 0;
  for (const sign of text) {
    depth += "[{".includes(sign) ? 1 : "]}".includes(sign) ? -1 : 0;
    if (sign === "," && depth === 0) items.push("");
    else items[items.length - 1] += sign;
  }
  return items.map((item) => item.trim()).filter((item) => item !== "");
}

const distinct = (values: readonly FieldValue[]): readonly FieldValue[] => values.filter(({ text }, index) => values.findIndex((other) => other.text === text) === index);

/** Whether a field takes whole numbers only. */
function isWhole(schemas: readonly FieldSchema[]): boolean {
  const types = schemas.map((schema) => (schema as { readonly type?: unknown }).type).filter((type) => type !== undefined);
  return types.includes("integer") && !types.includes("number") && !types.includes("string");
}

/** Why the loader takes neither the first nor the last value; null when it takes one of them. */
function unusable(axis: Axis, bundle: Bundle, options: BundleOptions): string | null {
  let why: string | null = null;
  for (const value of [axis.levels?.[0] ?? axis.at(0), axis.levels?.at(-1) ?? axis.at(1)]) {
    const changed = withField(bundle, { path: axis.path, value: value.text });
    const loaded = changed.ok ? scenarioOf(changed.value, options) : changed;
    if (loaded.ok) return null;
    why ??= problemText(loaded.problems[0]);
  }
  return why;
}

/** The axis whose field an axis before it varies already, under whichever name; null when each has its own. */
export function variedTwice(axes: readonly Axis[], bundle: Bundle): Axis | null {
  const fields = axes.map(({ path }) => {
    const place = placeOf(bundle, path);
    return place.ok ? JSON.stringify([place.value.file, place.value.at]) : path;
  });
  return axes.find((_, k) => fields.indexOf(fields[k]) < k) ?? null;
}

/** Whether this is a field of the strategy, in a file of its own or within the scenario. */
export function isOfStrategy(bundle: Bundle, path: string): boolean {
  const place = placeOf(bundle, path);
  return place.ok && (place.value.kind === "strategy" || (place.value.kind === "scenario" && place.value.at[0] === "strategy" && place.value.at.length > 1));
}

/** The field's value in the scenario as it is, for comparisons; empty when it is not written. */
export function writtenValue(bundle: Bundle, path: string): string {
  const value = fieldOf(bundle, path);
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : value === undefined ? "" : JSON.stringify(value);
}

const problemText = ({ message, instead }: { readonly message: string; readonly instead: string | null }): string => (instead === null ? message : `${message}; ${instead}`);
const good = (value: Axis): AxisResult => ({ ok: true, value });
const bad = (message: string): AxisResult => ({ ok: false, message });
