// Series as a metrics page names them: a schema's columns by name and labels, read from a page and written to one.

import { UP_COLUMN, type TargetLabels, type TargetSchema } from "../../telemetry/schema.js";
import { parseExposition } from "./exposition.js";

const HISTOGRAM = "http_request_duration_seconds";

/** The labels that say which target a series is of; the rest say which of its series. */
export const TARGET_LABELS = ["service", "version", "replica", "database"] as const satisfies readonly (keyof TargetLabels)[];

/** The columns of one target's schema, found by what a page calls them. */
export class PageColumns {
  readonly #schema: TargetSchema;
  readonly #labels: TargetLabels;
  readonly #columns = new Map<string, number>();

  /** `labels` are those of the target's series; what a page says of another service, version or replica is not the target's. */
  constructor(schema: TargetSchema, labels: TargetLabels) {
    this.#schema = schema;
    this.#labels = labels;
    for (const { metric, column, endpoint, code } of schema.scalars) {
      if (column !== UP_COLUMN) this.#columns.set(keyOf(metric, endpoint, code, undefined), column);
    }
    for (const { endpoint, firstBucket, lastBucket, sum } of schema.histograms) {
      schema.edgesSeconds.forEach((edge, i) => this.#columns.set(keyOf(`${HISTOGRAM}_bucket`, endpoint, undefined, edge), firstBucket + i));
      this.#columns.set(keyOf(`${HISTOGRAM}_bucket`, endpoint, undefined, Infinity), lastBucket);
      this.#columns.set(keyOf(`${HISTOGRAM}_sum`, endpoint, undefined, undefined), sum);
    }
  }

  /** Reads a page into a row from `start` on; what the page does not show is NaN. Throws an ExpositionError. */
  read(page: string, row: Float64Array, start: number): void {
    row.fill(NaN, start, start + this.#schema.size);
    row[start + UP_COLUMN] = 1;
    const seen = new Set<number>();
    parseExposition(page, ({ name, labels, value }) => {
      const column = this.#columnOf(name, labels);
      // Of a series shown twice Prometheus keeps the first, too.
      if (column === undefined || seen.has(column)) return;
      seen.add(column);
      row[start + column] = value;
    });
  }

  #columnOf(name: string, labels: ReadonlyMap<string, string>): number | undefined {
    let endpoint: string | undefined;
    let code: string | undefined;
    let le: number | undefined;
    for (const [label, value] of labels) {
      switch (label) {
        case "endpoint":
          endpoint = value;
          break;
        case "code":
          code = value;
          break;
        case "le":
          le = value === "+Inf" ? Infinity : Number(value);
          break;
        case "service":
        case "version":
        case "replica":
        case "database":
          if (value !== this.#labels[label]) return undefined;
          break;
        default:
          return undefined;
      }
    }
    return this.#columns.get(keyOf(name, endpoint, code, le));
  }
}

function keyOf(name: string, endpoint: string | undefined, code: string | undefined, le: number | undefined): string {
  return JSON.stringify([name, endpoint ?? null, code ?? null, le === undefined ? null : String(le)]);
}

/** Writes live values (buckets not cumulated) as a page; series of a lazy schema come with their first event. */
export function renderPage(schema: TargetSchema, labels: TargetLabels, live: Float64Array): string {
  const own = TARGET_LABELS.flatMap((label) => (labels[label] === undefined ? [] : [[label, labels[label]] as const]));
  const lines = new Map<string, string[]>();
  const write = (family: string, name: string, more: readonly (readonly [string, string])[], value: number): void => {
    const of = lines.get(family) ?? [];
    of.push(`${name}${selectorText([...own, ...more])} ${sampleText(value)}`);
    lines.set(family, of);
  };
  const absent = absentColumns(schema, live);
  for (const { metric, column, endpoint, code } of schema.scalars) {
    if (column === UP_COLUMN || absent.has(column)) continue;
    write(metric, metric, [...(endpoint === undefined ? [] : [["endpoint", endpoint] as const]), ...(code === undefined ? [] : [["code", code] as const])], live[column]);
  }
  for (const { endpoint, firstBucket, lastBucket, sum } of schema.histograms) {
    if (absent.has(sum)) continue;
    let count = 0;
    for (let i = firstBucket; i <= lastBucket; i += 1) {
      count += live[i];
      const le = i === lastBucket ? "+Inf" : String(schema.edgesSeconds[i - firstBucket]);
      write(HISTOGRAM, `${HISTOGRAM}_bucket`, [["endpoint", endpoint], ["le", le]], count);
    }
    write(HISTOGRAM, `${HISTOGRAM}_sum`, [["endpoint", endpoint]], live[sum]);
    write(HISTOGRAM, `${HISTOGRAM}_count`, [["endpoint", endpoint]], count);
  }
  return [...lines].flatMap(([family, of]) => [`# TYPE ${family} ${typeOf(family)}`, ...of]).map((line) => `${line}\n`).join("");
}

/** Columns of a lazy schema without an event yet. */
function absentColumns(schema: TargetSchema, live: Float64Array): ReadonlySet<number> {
  const absent = new Set<number>();
  if (schema.init === "zero") return absent;
  const leaveOut = (first: number, last: number): void => {
    for (let i = first; i <= last; i += 1) if (live[i] !== 0) return;
    for (let i = first; i <= last; i += 1) absent.add(i);
  };
  for (let g = 0; g < schema.groups.length; g += 2) leaveOut(schema.groups[g], schema.groups[g + 1]);
  for (const { firstBucket, sum } of schema.histograms) leaveOut(firstBucket, sum);
  return absent;
}

const typeOf = (family: string): string => (family === HISTOGRAM ? "histogram" : family.endsWith("_total") ? "counter" : "gauge");

function sampleText(value: number): string {
  if (value !== value) return "NaN";
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}

/** Labels as a page, and PromQL, write them: `{name="value"}`; nothing without labels. */
export function selectorText(labels: readonly (readonly [string, string])[]): string {
  return labels.length === 0 ? "" : `{${labels.map(([name, value]) => `${name}="${escapeLabelValue(value)}"`).join(",")}}`;
}

/** Between a page's, or PromQL's, double quotes. */
export function escapeLabelValue(value: string): string {
  return value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}
