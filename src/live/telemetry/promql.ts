// Telemetry questions in PromQL: text that means to Prometheus what the query means to our store.

import { unreachable } from "../../kernel/assert.js";
import { MICROS_PER_MILLI, type Micros } from "../../kernel/units.js";
import type { Selector, TelemetryQuery } from "../../telemetry/query.js";
import { escapeLabelValue } from "./page.js";

/** Whether a range takes in a sample exactly at its beginning: Prometheus 2 did, Prometheus 3 and we do not. */
export type RangeBounds = "left-open" | "closed";

/** The range bounds of a Prometheus version as its build information gives it, e.g. `2.42.0+ds`. */
export function rangeBoundsOf(version: string): RangeBounds {
  return /^v?[0-2]\./.test(version) ? "closed" : "left-open";
}

export interface PromqlDialect {
  readonly bounds: RangeBounds;
  /** The histogram's edges in seconds, ascending: which `le` a count of fast requests stands for. */
  readonly edgesSeconds: readonly number[];
}

/**
 * The query as PromQL. Of a version with closed ranges it asks for a millisecond less, its grain, so that the same
 * samples are in the range; what is extrapolated to the range's ends is then smaller by up to that millisecond.
 */
export function promql(query: TelemetryQuery, dialect: PromqlDialect): string {
  const at = query.offset === undefined || query.offset === 0 ? "" : ` offset ${duration(query.offset)}`;
  const range = `[${duration(dialect.bounds === "closed" ? Math.max(MICROS_PER_MILLI, query.window - MICROS_PER_MILLI) : query.window)}]`;
  switch (query.fn) {
    case "rate":
    case "increase":
      return `sum(${query.fn}(${selector(query, dialect)}${range}${at}))`;
    case "quantile":
      return `histogram_quantile(${query.q}, sum by (le) (rate(${selector(query, dialect)}${range}${at})))`;
    case "latest":
      return `${query.across}(${selector(query, dialect)}${at})`;
    case "avg-over-time":
    case "max-over-time":
    case "min-over-time":
      return `${query.across}(${query.fn.replaceAll("-", "_")}(${selector(query, dialect)}${range}${at}))`;
    default:
      return unreachable(query);
  }
}

/** The series that a query touches. */
function selector(query: TelemetryQuery, dialect: PromqlDialect): string {
  const metric = query.fn === "quantile" ? `${query.metric}_bucket` : query.metric;
  const matchers = [...labelMatchers(query.where), ...endpointMatchers(query.where.endpoints)];
  if (query.where.code !== undefined) matchers.push(equals("code", query.where.code));
  if ("le" in query) matchers.push(`le=~"${leTexts(query.le, dialect.edgesSeconds).map(regexText).join("|")}"`);
  return `${metric}{${matchers.join(",")}}`;
}

/** Matchers of the labels that say which targets a query is about. */
export function labelMatchers(where: Selector): string[] {
  const labels = [["service", where.service], ["version", where.version], ["replica", where.replica], ["database", where.database]] as const;
  return labels.flatMap(([label, value]) => (value === undefined ? [] : [equals(label, value)]));
}

function endpointMatchers(endpoints: readonly string[] | undefined): string[] {
  if (endpoints === undefined) return [];
  // Of no endpoint: nothing, not even what has no such label.
  if (endpoints.length === 0) return [`endpoint=""`, `endpoint!=""`];
  return endpoints.length === 1 ? [equals("endpoint", endpoints[0])] : [`endpoint=~"${endpoints.map(regexText).join("|")}"`];
}

/** The smallest edge at or above `le`, as clients may write it: Go and Node `1`, Prometheus 3 and Python `1.0`. */
function leTexts(le: number, edges: readonly number[]): string[] {
  const edge = edges.find((one) => one >= le);
  if (edge === undefined) return ["+Inf"];
  return Number.isInteger(edge) ? [String(edge), `${edge}.0`] : [String(edge)];
}

const equals = (label: string, value: string): string => `${label}="${escapeLabelValue(value)}"`;

/** A text that stands for itself in an (always anchored) regular expression between double quotes. */
export function regexText(text: string): string {
  return escapeLabelValue(text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
}

const UNITS = [["h", 3_600_000], ["m", 60_000], ["s", 1_000]] as const;

/** A duration as PromQL writes it, to the millisecond (at least one). */
export function duration(micros: Micros): string {
  const millis = Math.max(1, Math.round(micros / MICROS_PER_MILLI));
  const unit = UNITS.find(([, length]) => millis % length === 0);
  return unit === undefined ? `${millis}ms` : `${millis / unit[1]}${unit[0]}`;
}
