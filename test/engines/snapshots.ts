// Builds snapshots for engine tests: a version's look turned into the answers Prometheus would give.

import { MICROS_PER_SECOND, minutes, type Micros } from "../../src/kernel/units.js";
import type { Answer, TelemetryQuery, WindowSnapshot } from "../../src/telemetry/query.js";
import type { CheckResult, CheckSpec } from "../../src/engines/evidence.js";
import { evaluateHealth, writtenOut, type HealthMoment } from "../../src/engines/health/evaluate.js";
import { NO_HISTORY } from "../../src/engines/health/persistence.js";
import { planHealth, queriesAt, type HealthPlan, type HealthScope } from "../../src/engines/health/queries.js";

/** Counts in the window of a version; left out means the series is absent. */
export interface Seen {
  readonly requests?: number;
  readonly failures?: number;
  readonly featureRequests?: number;
  readonly featureFailures?: number;
  readonly fast?: number;
  readonly featureFast?: number;
  readonly p95?: number;
  readonly conversions?: number;
  readonly cpu?: number;
  readonly memory?: number;
  readonly restarts?: number;
  readonly startupFailures?: number;
  readonly replicasDesired?: number;
  readonly pool?: number;
  readonly queryTimeouts?: number;
  readonly flagServiceUp?: number;
  readonly newest?: Micros;
}

export const AT = minutes(60);
export const SCOPE: HealthScope = { service: "checkout", canary: "v2", stable: "v1", window: minutes(2), databases: null, flagEndpoints: null };
export const MOMENT: HealthMoment = { since: { traffic: minutes(50), platform: minutes(45) }, weight: 0.25, minRequests: 50, past: null };

export function answerOf(seen: Seen, query: TelemetryQuery, at: Micros): Answer {
  const number = (value: number | undefined): Answer =>
    value === undefined ? { kind: "absent", why: "no series" } : { kind: "value", value, series: 1, samples: 8, newest: seen.newest ?? at };
  const feature = query.where.endpoints !== undefined;
  const requests = feature ? seen.featureRequests : seen.requests;
  const failures = feature ? seen.featureFailures : seen.failures;
  if (query.fn === "quantile") return number(requests === undefined || requests === 0 ? undefined : seen.p95);
  switch (query.metric) {
    case "http_requests_total":
      if (query.where.code === "5xx") return number(failures);
      return number(query.where.code === "2xx" && requests !== undefined ? requests - (failures ?? 0) : requests);
    case "http_request_duration_seconds_bucket":
      return number(feature ? seen.featureFast : seen.fast);
    case "conversions_total":
      return number(seen.conversions);
    case "cpu_usage_ratio":
      return number(seen.cpu);
    case "memory_usage_ratio":
      return number(seen.memory);
    case "container_restarts_total":
      return number(seen.restarts);
    case "startup_failures_total":
      return number(seen.startupFailures);
    case "replicas_desired":
      return number(seen.replicasDesired);
    case "db_pool_in_use_ratio":
      return number(seen.pool);
    case "db_query_timeouts_total":
      return number(seen.queryTimeouts);
    case "flag_service_up":
      return number(seen.flagServiceUp);
    default:
      return number(undefined);
  }
}

/** What each version shows; without a version: what belongs to none (databases, the flag service). */
export type World = Readonly<Record<string, Seen>>;

export function snapshotOf(queries: readonly TelemetryQuery[], world: World, at: Micros = AT): WindowSnapshot {
  return { at, queries, answers: queries.map((query) => answerOf(world[query.where.version ?? "shared"] ?? {}, query, at)) };
}

export interface Judged {
  readonly plan: HealthPlan;
  readonly snapshot: WindowSnapshot;
  readonly results: readonly CheckResult[];
  readonly moment: HealthMoment;
}

export interface Situation {
  readonly scope?: Partial<HealthScope>;
  readonly moment?: Partial<HealthMoment>;
  /** What stable showed before the release. */
  readonly past?: Seen;
  readonly at?: Micros;
}

/** Plans, asks and judges in one go. */
export function judgeAll(specs: readonly CheckSpec[], world: World, situation: Situation = {}): Judged {
  const plan = planHealth(specs, { ...SCOPE, ...situation.scope }, 0.5);
  const at = situation.at ?? AT;
  const past = situation.past === undefined ? null : snapshotOf(plan.pastQueries, { v1: situation.past, shared: situation.past }, minutes(44));
  const moment: HealthMoment = { ...MOMENT, past, ...situation.moment };
  const snapshot = snapshotOf(queriesAt(plan, at, moment.since), world, at);
  return { plan, snapshot, moment, results: evaluateHealth(plan, snapshot, moment, NO_HISTORY).results.map(writtenOut) };
}

/** The one result of one check. */
export function judge(spec: CheckSpec, world: World, situation: Situation = {}): CheckResult {
  return judgeAll([spec], world, situation).results[0];
}

export const check = (metric: CheckSpec["metric"], compare: CheckSpec["compare"], more: Partial<CheckSpec> = {}): CheckSpec => ({
  id: `${metric} ${compare.kind}`, role: "trigger", metric, compare, persistence: { need: 1, of: 1 }, required: false, ...more,
});

/** Requests per second over the scope's window. */
export const perSecond = (rate: number): number => rate * (SCOPE.window / MICROS_PER_SECOND);
