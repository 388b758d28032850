// SYSTEMS.md's decision matrix as data: which trouble calls for which plan, and who is told.

import type { CheckMetric } from "../evidence.js";

/** What kind of trouble a metric speaks of. */
export type Trouble = "errors" | "latency" | "business" | "infrastructure" | "database" | "flag-service" | "throughput";

const TROUBLE: Readonly<Record<CheckMetric, Trouble>> = {
  "error-rate": "errors",
  p50: "latency",
  p95: "latency",
  p99: "latency",
  throughput: "throughput",
  conversion: "business",
  cpu: "infrastructure",
  memory: "infrastructure",
  restarts: "infrastructure",
  "startup-failures": "infrastructure",
  pool: "database",
  "query-timeouts": "database",
  "flag-service": "flag-service",
};

export const troubleOf = (metric: CheckMetric): Trouble => TROUBLE[metric];

/** Per trouble: whether switching the flag off may cure it, and whether the pager goes with the action. */
export const DECISION_MATRIX: Readonly<Record<Trouble, { readonly flagMayCure: boolean; readonly pages: boolean }>> = {
  errors: { flagMayCure: true, pages: false },
  latency: { flagMayCure: true, pages: false },
  business: { flagMayCure: true, pages: true },
  throughput: { flagMayCure: false, pages: false },
  infrastructure: { flagMayCure: false, pages: false },
  database: { flagMayCure: false, pages: true },
  "flag-service": { flagMayCure: false, pages: true },
};
