// Which series a query touches, worked out once per query object and set of targets.

import type { Selector, TelemetryQuery } from "./query.js";
import type { TargetLabels, TargetSchema } from "./schema.js";
import { Sums } from "./sums.js";
import type { Target } from "./target.js";

/** Which columns of a target a query touches. For a quantile, `slots` says where each of its buckets is summed. */
export interface PlanEntry {
  readonly target: Target;
  readonly columns: Int32Array;
  readonly slots: Int32Array;
}

export interface Plan {
  /** The store's generation that the plan was made for. */
  readonly generation: number;
  readonly entries: readonly PlanEntry[];
  /** Of a quantile: all edges, and room for the buckets summed over the series. */
  readonly edges: Float64Array;
  readonly sums: Sums;
  readonly counts: Float64Array;
}

/** Finds the series of a query among all targets. */
export function makePlan(query: TelemetryQuery, targets: readonly Target[], generation: number): Plan {
  const matched = targets
    .filter((target) => labelsMatch(query.where, labelsOf(target, query)))
    .map((target) => ({ target, columns: target.schema.columns(query) }))
    .filter((entry) => entry.columns.length > 0);
  const edges = query.fn === "quantile" ? allEdges(matched.map((entry) => entry.target.schema)) : NO_EDGES;
  return {
    generation,
    edges,
    sums: new Sums(edges.length + 1),
    counts: new Float64Array(edges.length + 1),
    entries: matched.map((entry) => ({ ...entry, slots: slotsOf(entry.target.schema, edges) })),
  };
}

const NO_EDGES = new Float64Array(0);
const NO_SLOTS = new Int32Array(0);

/** All edges of all schemas, ascending: `sum by (le)` adds what has the same edge. */
function allEdges(schemas: readonly TargetSchema[]): Float64Array {
  return Float64Array.from(new Set(schemas.flatMap((schema) => [...schema.edgesSeconds]))).sort();
}

/** For each bucket of a schema its place among all edges; the +Inf bucket comes last. */
function slotsOf(schema: TargetSchema, edges: Float64Array): Int32Array {
  if (edges.length === 0) return NO_SLOTS;
  const slots = Int32Array.from(schema.edgesSeconds, (edge) => edges.indexOf(edge));
  return Int32Array.from([...slots, edges.length]);
}

/** The labels of the series that a query looks for on a target. */
function labelsOf(target: Target, query: TelemetryQuery): TargetLabels {
  if (query.metric !== "up") return { ...target.schema.labels, ...target.labels };
  return target.schema.upLabelled ? { ...target.schema.labels, ...target.labels } : {};
}

function labelsMatch(where: Selector, labels: TargetLabels): boolean {
  return (
    (where.service === undefined || where.service === labels.service) &&
    (where.version === undefined || where.version === labels.version) &&
    (where.replica === undefined || where.replica === labels.replica) &&
    (where.database === undefined || where.database === labels.database)
  );
}
