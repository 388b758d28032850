// Series as Prometheus hands them out, put into the telemetry layer's own store, so that the windows' code exists once.

import type { Micros } from "../../kernel/units.js";
import type { CounterName, GaugeName } from "../../telemetry/catalogue.js";
import { TargetSchema, UP_COLUMN, type HistogramColumns, type ScalarSeries, type TargetLabels } from "../../telemetry/schema.js";
import { SeriesStore } from "../../telemetry/store.js";
import { TARGET_LABELS } from "./page.js";
import type { PrometheusSeries } from "./prometheus-api.js";

const HISTOGRAM = "http_request_duration_seconds";
/** Labels that tell apart the series of one target. */
const SERIES_LABELS: ReadonlySet<string> = new Set(["__name__", "endpoint", "code", "le"]);

export interface ObservedOptions {
  /** Run time 0 in Unix milliseconds. */
  readonly epochMillis: number;
  readonly lookback: Micros;
  /** How far back the questions will reach, at least. */
  readonly reach: Micros;
}

/** A store of one lane with just these samples; what the store is asked must have been asked of Prometheus. */
export function observedStore(series: readonly PrometheusSeries[], options: ObservedOptions): SeriesStore {
  const retention = Math.max(options.reach, options.lookback);
  const groups = [...groupByTarget(series)].map(([id, members]) => ({ id, members, times: timesOf(members) }));
  const mostRows = groups.reduce((most, { times }) => Math.max(most, times.length), 1);
  const store = new SeriesStore({ lanes: 1, lookback: options.lookback, retention, scrape: Math.max(1, Math.floor(retention / (mostRows + 1))) });
  for (const { id, members, times } of groups) {
    const { schema, columns } = observedSchema(members);
    const target = store.addTarget({ id, labels: targetLabels(members[0]), schema });
    const cursors = new Uint32Array(members.length);
    const row = new Float64Array(schema.size);
    for (const time of times) {
      row.fill(NaN);
      members.forEach((member, i) => {
        if (member.times[cursors[i]] === time) row[columns[i]] = member.values[cursors[i]++];
      });
      const at = (time - options.epochMillis) * 1000;
      target.recordRow(at, at, row);
    }
  }
  return store;
}

/** A text that two series share when all their labels but `without` are the same. */
export function identityOf({ labels }: PrometheusSeries, without: ReadonlySet<string>): string {
  const names = Object.keys(labels).filter((label) => !without.has(label)).sort();
  return JSON.stringify(names.map((label) => [label, labels[label]]));
}

/** What shares every label that does not tell series of one target apart: it is scraped together. */
function groupByTarget(series: readonly PrometheusSeries[]): Map<string, PrometheusSeries[]> {
  const groups = new Map<string, PrometheusSeries[]>();
  for (const one of series) {
    const key = identityOf(one, SERIES_LABELS);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return groups;
}

function timesOf(members: readonly PrometheusSeries[]): readonly number[] {
  return [...new Set(members.flatMap(({ times }) => times))].sort((a, b) => a - b);
}

function targetLabels({ labels }: PrometheusSeries): TargetLabels {
  return Object.fromEntries(TARGET_LABELS.flatMap((label) => (labels[label] === undefined ? [] : [[label, labels[label]]])));
}

/** Columns for a target's series: `up`, gauges, counters, then for each endpoint a histogram with all edges seen. */
function observedSchema(members: readonly PrometheusSeries[]): { readonly schema: TargetSchema; readonly columns: Int32Array } {
  const columns = new Int32Array(members.length);
  const scalars: ScalarSeries[] = [{ metric: "up", column: UP_COLUMN }];
  let size = 1;
  const place = (kind: "gauge" | "counter"): void => {
    members.forEach(({ labels }, i) => {
      const name = labels.__name__ ?? "";
      if (name === "up" || name.startsWith(`${HISTOGRAM}_`) || name.endsWith("_total") !== (kind === "counter")) return;
      columns[i] = size++;
      const { endpoint, code } = labels;
      scalars.push({
        // The adapter asks for names of the catalogue only.
        metric: name as CounterName | GaugeName,
        column: columns[i],
        ...(endpoint !== undefined && { endpoint }),
        ...((code === "2xx" || code === "5xx") && { code }),
      });
    });
  };
  place("gauge");
  const firstCounter = size;
  place("counter");
  const edges = edgesOf(members);
  const histograms = new Map<string, HistogramColumns>();
  members.forEach(({ labels }, i) => {
    if (!labels.__name__?.startsWith(`${HISTOGRAM}_`)) return;
    const endpoint = labels.endpoint ?? "";
    let own = histograms.get(endpoint);
    if (own === undefined) {
      own = { endpoint, firstBucket: size, lastBucket: size + edges.length, sum: size + edges.length + 1 };
      histograms.set(endpoint, own);
      size = own.sum + 1;
    }
    columns[i] = labels.__name__.endsWith("_sum") ? own.sum : own.firstBucket + slotOf(leOf(labels.le), edges);
  });
  const schema = new TargetSchema({
    labels: {}, upLabelled: true, init: "zero", edgesSeconds: edges, scalars, histograms: [...histograms.values()],
    groups: [], size, firstCounter, lastCounter: size - 1,
  });
  return { schema, columns };
}

function edgesOf(members: readonly PrometheusSeries[]): readonly number[] {
  const edges = new Set(members.flatMap(({ labels }) => (labels.le === undefined ? [] : [leOf(labels.le)])));
  return [...edges].filter((edge) => Number.isFinite(edge)).sort((a, b) => a - b);
}

const leOf = (text: string | undefined): number => (text === undefined || text === "+Inf" ? Infinity : Number(text));

const slotOf = (le: number, edges: readonly number[]): number => (le === Infinity ? edges.length : edges.indexOf(le));
