// Which series a query touches: worked out once per selector and metric, and carried on as targets come.

import { alike } from "../kernel/alike.js";
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
  readonly metric: TelemetryQuery["metric"];
  readonly le: number | undefined;
  readonly entries: readonly PlanEntry[];
  /** Of a quantile: all edges, and room for the buckets summed over the series. */
  readonly edges: Float64Array;
  readonly sums: Sums;
  readonly counts: Float64Array;
}

interface OpenPlan extends Plan {
  readonly entries: PlanEntry[];
  /** Of the store's targets, the number that were looked at. */
  looked: number;
}

/**
 * The plans of one store. Engines clip a query's window after each change of the split, but keep its selector object;
 * so plans are found by selector and metric, and a clipped query finds that of the full one.
 */
export class Plans {
  #bySelector = new WeakMap<Selector, OpenPlan[]>();

  /** The plan of a query over `targets`, to whose end targets may have been added since. */
  of(query: TelemetryQuery, targets: readonly Target[]): Plan {
    const plans = this.#bySelector.get(query.where) ?? this.#open(query.where);
    const le = "le" in query ? query.le : undefined;
    for (let i = 0; i < plans.length; i += 1) {
      const plan = plans[i];
      if (plan.metric !== query.metric || plan.le !== le) continue;
      if (plan.looked === targets.length || extend(plan, query, targets)) return plan;
      plans[i] = makePlan(query, targets);
      return plans[i];
    }
    const plan = makePlan(query, targets);
    plans.push(plan);
    return plan;
  }

  /** Forgets all plans: targets were taken away. */
  clear(): void {
    this.#bySelector = new WeakMap();
  }

  #open(where: Selector): OpenPlan[] {
    const plans: OpenPlan[] = [];
    this.#bySelector.set(where, plans);
    return plans;
  }
}

const NO_EDGES = new Float64Array(0);
const NO_SLOTS = new Int32Array(0);
const NO_COLUMNS = new Int32Array(0);

/** Finds the series of a query among all targets. */
function makePlan(query: TelemetryQuery, targets: readonly Target[]): OpenPlan {
  const matched = targets.filter((target) => columnsOf(query, target).length > 0);
  const edges = query.fn === "quantile" ? allEdges(matched.map((target) => target.schema)) : NO_EDGES;
  return {
    metric: query.metric,
    le: "le" in query ? query.le : undefined,
    entries: alike(matched.map((target) => entryOf(query, target, edges))),
    looked: targets.length,
    edges,
    sums: new Sums(edges.length + 1),
    counts: new Float64Array(edges.length + 1),
  };
}

/** Adds what came since the plan was made; false when a target has bucket edges that the plan does not know. */
function extend(plan: OpenPlan, query: TelemetryQuery, targets: readonly Target[]): boolean {
  for (; plan.looked < targets.length; plan.looked += 1) {
    const target = targets[plan.looked];
    if (columnsOf(query, target).length === 0) continue;
    if (query.fn === "quantile" && target.schema.edgesSeconds.some((edge) => !plan.edges.includes(edge))) return false;
    plan.entries.push(entryOf(query, target, plan.edges));
  }
  return true;
}

function columnsOf(query: TelemetryQuery, target: Target): Int32Array {
  return labelsMatch(query.where, labelsOf(target, query)) ? target.schema.columns(query) : NO_COLUMNS;
}

function entryOf(query: TelemetryQuery, target: Target, edges: Float64Array): PlanEntry {
  return { target, columns: target.schema.columns(query), slots: slotsOf(target.schema, edges) };
}

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
  if (query.metric === "up" && !target.schema.upLabelled) return NO_LABELS;
  return target.seriesLabels;
}

const NO_LABELS: TargetLabels = {};

function labelsMatch(where: Selector, labels: TargetLabels): boolean {
  return (
    (where.service === undefined || where.service === labels.service) &&
    (where.version === undefined || where.version === labels.version) &&
    (where.replica === undefined || where.replica === labels.replica) &&
    (where.database === undefined || where.database === labels.database)
  );
}
