// Sorts what checks saw into alerts: who is woken, who is told, and what is only written down.

import { unreachable } from "../kernel/assert.js";
import { percent } from "../kernel/format.js";
import type { CheckMetric, CheckResult } from "./evidence.js";
import { figure, sentence } from "./wording.js";

export type Severity = "critical" | "warning" | "info";
export type Channel = "pager" | "chat" | "log";

/** SYSTEMS.md section 6: where each severity goes. */
export const CHANNEL: Readonly<Record<Severity, Channel>> = { critical: "pager", warning: "chat", info: "log" };

/** From which value on a metric is a warning, and from which it is critical (null: never). */
export interface AlertLimits {
  readonly warning: number;
  readonly critical: number | null;
}

/** SYSTEMS.md section 6. Errors and resources as ratios, latency in seconds, business as a relative drop. */
export const ALERT_LIMITS = {
  errors: { warning: 0.01, critical: 0.05 },
  latency: { warning: 2, critical: 5 },
  business: { warning: 0.2, critical: 0.5 },
  resources: { warning: 0.8, critical: null },
} as const satisfies Record<string, AlertLimits>;

/** From this error rate on a version is down rather than failing. */
export const DOWN_ERROR_RATE = 0.99;

export interface AlertFinding {
  readonly severity: Severity;
  readonly channel: Channel;
  /** What it is about, e.g. `error rate of checkout v2`: one alert stands per series. */
  readonly series: string;
  readonly text: string;
}

function limitsOf(metric: CheckMetric): AlertLimits | null {
  switch (metric) {
    case "error-rate":
      return ALERT_LIMITS.errors;
    case "p95":
      return ALERT_LIMITS.latency;
    case "conversion":
      return ALERT_LIMITS.business;
    case "cpu":
    case "memory":
    case "pool":
      return ALERT_LIMITS.resources;
    case "p50":
    case "p99":
    case "throughput":
    case "restarts":
    case "query-timeouts":
    case "startup-failures":
    case "flag-service":
      return null;
    default:
      return unreachable(metric);
  }
}

/** What the limits are held against: the value, or for business metrics the drop below the baseline. */
function severityValue(result: CheckResult): number | null {
  if (result.observed === null) return null;
  if (result.metric !== "conversion") return result.observed;
  return result.baseline === null || result.baseline <= 0 ? null : 1 - result.observed / result.baseline;
}

/** The alert that one check result calls for; null when none does. Thin and missing data alert nobody. */
export function classify(result: CheckResult): AlertFinding | null {
  if (result.status === "thin" || result.status === "missing") return null;
  const limits = limitsOf(result.metric);
  const value = severityValue(result);
  if (limits === null || value === null || !(value > limits.warning)) return null;
  const critical = limits.critical !== null && value > limits.critical;
  const severity: Severity = critical ? "critical" : "warning";
  return { severity, channel: CHANNEL[severity], series: result.series, text: alertText(result, value, critical ? limits.critical : limits.warning) };
}

function alertText(result: CheckResult, value: number, limit: number): string {
  const series = sentence(result.series);
  if (result.metric === "conversion") return `${series} is ${percent(value)} below its baseline (limit ${percent(limit)}).`;
  const seen = figure(result.metric, value);
  if (result.metric === "error-rate" && value >= DOWN_ERROR_RATE) return `${series} is ${seen}: it is down.`;
  return `${series} is ${seen}, above ${figure(result.metric, limit)}.`;
}

const RANK: Readonly<Record<Severity, number>> = { info: 0, warning: 1, critical: 2 };

/** The worst alert per series that these results call for, in the order of the checks. */
export function classifyAll(results: readonly CheckResult[]): readonly AlertFinding[] {
  let bySeries: Map<string, AlertFinding> | null = null;
  for (const result of results) {
    const finding = classify(result);
    if (finding === null) continue;
    bySeries ??= new Map();
    const known = bySeries.get(finding.series);
    if (known === undefined || RANK[finding.severity] > RANK[known.severity]) bySeries.set(finding.series, finding);
  }
  return bySeries === null ? NO_FINDINGS : [...bySeries.values()];
}

const NO_FINDINGS: readonly AlertFinding[] = [];

/** Alerts that stand, by series: plain data that goes in and comes out. */
export type StandingAlerts = Readonly<Record<string, Severity>>;

/** Where a delivery begins. */
export const NO_ALERTS: StandingAlerts = {};

/** What one evaluation changed about the alerts that stand. */
export interface AlertUpdate {
  readonly standing: StandingAlerts;
  readonly raised: readonly AlertFinding[];
  readonly resolved: readonly string[];
}

const NOTHING_NEW: AlertUpdate = { standing: NO_ALERTS, raised: [], resolved: [] };

/** What is new since the last evaluation: an alert is raised when it begins or gets worse, and resolved when it ends. */
export function updateAlerts(standing: StandingAlerts, results: readonly CheckResult[]): AlertUpdate {
  const found = classifyAll(results);
  // Nearly always: no alert stands and none is called for.
  if (found.length === 0 && standing === NO_ALERTS) return NOTHING_NEW;
  const raised = found.filter((alert) => !(alert.series in standing) || RANK[alert.severity] > RANK[standing[alert.series]]);
  // A series that was not judged this time keeps its alert: silence is not recovery.
  const judged = new Set(results.filter(({ status }) => status === "pass" || status === "breach").map(({ series }) => series));
  const next: Record<string, Severity> = {};
  const resolved: string[] = [];
  for (const [series, severity] of Object.entries(standing)) {
    if (!judged.has(series)) next[series] = severity;
    else if (!found.some((alert) => alert.series === series)) resolved.push(series);
  }
  for (const alert of found) next[alert.series] = alert.severity;
  return { standing: Object.keys(next).length === 0 ? NO_ALERTS : next, raised, resolved };
}
