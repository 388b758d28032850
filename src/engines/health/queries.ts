// From checks to questions: which telemetry a set of checks needs, and over which window it may look.

import type { Micros } from "../../kernel/units.js";
import type { Selector, TelemetryQuery } from "../../telemetry/query.js";
import type { CheckMetric, CheckSpec } from "../evidence.js";

/** Whom the checks judge: the release's service, its version under test and the recorded stable one. */
export interface HealthScope {
  readonly service: string;
  readonly canary: string;
  readonly stable: string;
  /** The strategy's window; a check may have its own. */
  readonly window: Micros;
  /** Databases the service uses; null looks at every one. */
  readonly databases: readonly string[] | null;
  /** Endpoints of the release's flag: asked apart, so that flag-or-full has its evidence. Null without a flag. */
  readonly flagEndpoints: readonly string[] | null;
}

/** From when telemetry speaks of the present situation: requests since the last shift, the platform since the deploy. */
export interface JudgedSince {
  /** Null while the version has no traffic. */
  readonly traffic: Micros | null;
  readonly platform: Micros;
}

/** Which change clips a query's window. */
export type ClippedBy = "traffic" | "platform";

interface PlannedQuery {
  readonly query: TelemetryQuery;
  readonly clippedBy: ClippedBy;
}

/** Whose series: the version under test, stable beside it, or stable before the release. */
export type Subject = "canary" | "stable" | "past";

/** Places of a metric's answers in its snapshot; what a metric does not use is left out. */
export interface Slots {
  readonly value: number;
  /** All requests of the subject (and endpoint). */
  readonly requests?: number;
  /** Further answers that belong to the value: other databases, another kind of time-out. */
  readonly more?: readonly number[];
  /** Shows that the target is scraped, so that an absent counter means zero. */
  readonly alive?: number;
}

export interface PlannedCheck {
  readonly spec: CheckSpec;
  readonly window: Micros;
  readonly clippedBy: ClippedBy;
  readonly canary: Slots;
  readonly stable: Slots | null;
  readonly past: Slots | null;
}

/** Places of the flag-or-full evidence for one subject. */
export interface ExcessSlots {
  readonly requestsAll: number;
  readonly requestsFeature: number;
  readonly failuresAll: number;
  readonly failuresFeature: number;
  readonly fastAll: number;
  readonly fastFeature: number;
}

/** Infrastructure figures of the version under test that flag-or-full looks at. */
export interface InfrastructureSlots {
  readonly cpu: Slots;
  readonly memory: Slots;
  readonly restarts: Slots;
  readonly pool: Slots;
  /** Whether the flag service answers right now. */
  readonly flagService: number;
}

export interface FlagSlots {
  readonly canary: ExcessSlots;
  readonly stable: ExcessSlots;
  readonly past: ExcessSlots;
  readonly infrastructure: InfrastructureSlots;
}

export interface HealthPlan {
  readonly scope: HealthScope;
  readonly checks: readonly PlannedCheck[];
  readonly flag: FlagSlots | null;
  /** Asked at every evaluation, windows clipped by `queriesAt`. */
  readonly queries: readonly TelemetryQuery[];
  readonly clippedBy: readonly ClippedBy[];
  /** Asked once, before the release is deployed: the same service's past. */
  readonly pastQueries: readonly TelemetryQuery[];
  /** The longest window of any check. */
  readonly longestWindow: Micros;
}

/** Collects queries and gives equal ones one place. */
class QueryList {
  readonly #places = new Map<string, number>();
  readonly planned: PlannedQuery[] = [];

  add(query: TelemetryQuery, clippedBy: ClippedBy): number {
    const key = JSON.stringify([clippedBy, query]);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    this.planned.push({ query, clippedBy });
    this.#places.set(key, this.planned.length - 1);
    return this.planned.length - 1;
  }
}

const QUANTILE: Readonly<Partial<Record<CheckMetric, number>>> = { p50: 0.5, p95: 0.95, p99: 0.99 };

/** Counts kept by the platform tell of a version from its deploy on, whatever its traffic. */
export function clippedBy(metric: CheckMetric): ClippedBy {
  return metric === "restarts" || metric === "startup-failures" || metric === "flag-service" ? "platform" : "traffic";
}

/** Asks for one metric of one subject. */
function ask(list: QueryList, metric: CheckMetric, where: Selector, window: Micros, databases: readonly string[] | null): Slots {
  const clip = clippedBy(metric);
  const add = (query: TelemetryQuery): number => list.add(query, clip);
  const requests = (): number => add({ fn: "increase", metric: "http_requests_total", where, window });
  const version: Selector = { ...(where.service !== undefined && { service: where.service }), ...(where.version !== undefined && { version: where.version }) };
  switch (metric) {
    case "error-rate":
      return { value: add({ fn: "increase", metric: "http_requests_total", where: { ...where, code: "5xx" }, window }), requests: requests() };
    case "p50":
    case "p95":
    case "p99":
      return { value: add({ fn: "quantile", metric: "http_request_duration_seconds", q: QUANTILE[metric] ?? 0.95, where, window }), requests: requests() };
    case "throughput":
      return { value: requests(), requests: requests() };
    case "conversion":
      return {
        value: add({ fn: "increase", metric: "conversions_total", where, window }),
        requests: add({ fn: "increase", metric: "http_requests_total", where: { ...where, code: "2xx" }, window }),
      };
    case "cpu":
      return { value: add({ fn: "avg-over-time", metric: "cpu_usage_ratio", across: "avg", where: version, window }) };
    case "memory":
      return { value: add({ fn: "max-over-time", metric: "memory_usage_ratio", across: "max", where: version, window }) };
    case "restarts":
    case "startup-failures":
      return {
        value: add({ fn: "increase", metric: metric === "restarts" ? "container_restarts_total" : "startup_failures_total", where: version, window }),
        alive: add({ fn: "latest", metric: "replicas_desired", across: "sum", where: version, window }),
      };
    case "pool": {
      const [first, ...more] = ofDatabases(databases).map((one) => add({ fn: "avg-over-time", metric: "db_pool_in_use_ratio", across: "max", where: one, window }));
      return { value: first, more };
    }
    case "query-timeouts": {
      const all = ofDatabases(databases);
      const [first, ...more] = all.flatMap((one) => [
        add({ fn: "increase", metric: "db_query_timeouts_total", where: one, window }),
        add({ fn: "increase", metric: "db_pool_timeouts_total", where: one, window }),
      ]);
      return { value: first, more, alive: add({ fn: "avg-over-time", metric: "db_pool_in_use_ratio", across: "max", where: all[0], window }) };
    }
    case "flag-service":
      return { value: add({ fn: "avg-over-time", metric: "flag_service_up", across: "min", where: {}, window }) };
  }
}

/** One selector per database; every database when they are not known, none when there is none. */
function ofDatabases(databases: readonly string[] | null): readonly [Selector, ...Selector[]] {
  if (databases === null) return [{}];
  const [first = "", ...more] = databases;
  return [{ database: first }, ...more.map((database) => ({ database }))];
}

/** Databases and the flag service belong to no version: beside stable they would be held against themselves. */
const isOfVersion = ({ metric }: CheckSpec): boolean => metric !== "pool" && metric !== "query-timeouts" && metric !== "flag-service";

const isRelative = (spec: CheckSpec): boolean =>
  spec.compare.kind === "times-baseline" || spec.compare.kind === "drops" || (spec.compare.kind === "within" && spec.metric !== "throughput");

function planCheck(spec: CheckSpec, scope: HealthScope, list: QueryList, past: QueryList): PlannedCheck {
  const window = spec.window ?? scope.window;
  const where = (version: string): Selector => ({
    service: scope.service, version, ...(spec.endpoint !== undefined && { endpoints: [spec.endpoint] }),
  });
  const of = (into: QueryList, version: string): Slots => ask(into, spec.metric, where(version), window, scope.databases);
  const needsStable = spec.metric === "throughput" || (isRelative(spec) && spec.baseline !== "past" && isOfVersion(spec));
  return {
    spec, window, clippedBy: clippedBy(spec.metric),
    canary: of(list, scope.canary),
    stable: needsStable ? of(list, scope.stable) : null,
    past: isRelative(spec) && spec.metric !== "throughput" ? of(past, scope.stable) : null,
  };
}

function askExcess(list: QueryList, scope: HealthScope, version: string, features: readonly string[], le: number): ExcessSlots {
  const all: Selector = { service: scope.service, version };
  const feature: Selector = { ...all, endpoints: features };
  const { window } = scope;
  const add = (query: TelemetryQuery): number => list.add(query, "traffic");
  const requests = (where: Selector): number => add({ fn: "increase", metric: "http_requests_total", where, window });
  const failures = (where: Selector): number => add({ fn: "increase", metric: "http_requests_total", where: { ...where, code: "5xx" }, window });
  const fast = (where: Selector): number => add({ fn: "increase", metric: "http_request_duration_seconds_bucket", le, where, window });
  return {
    requestsAll: requests(all), requestsFeature: requests(feature),
    failuresAll: failures(all), failuresFeature: failures(feature),
    fastAll: fast(all), fastFeature: fast(feature),
  };
}

/**
 * Plans the questions for a release's checks. `slowSeconds` is what counts as a slow request when
 * flag-or-full asks where the slow ones come from.
 */
export function planHealth(checks: readonly CheckSpec[], scope: HealthScope, slowSeconds: number): HealthPlan {
  const list = new QueryList();
  const past = new QueryList();
  const planned = checks.map((spec) => planCheck(spec, scope, list, past));
  const flag = scope.flagEndpoints === null ? null : planFlag(scope, scope.flagEndpoints, slowSeconds, list, past);
  return {
    scope, checks: planned, flag,
    queries: list.planned.map(({ query }) => query),
    clippedBy: list.planned.map((entry) => entry.clippedBy),
    pastQueries: past.planned.map(({ query }) => query),
    longestWindow: planned.reduce((longest, check) => Math.max(longest, check.window), scope.window),
  };
}

function planFlag(scope: HealthScope, features: readonly string[], le: number, list: QueryList, past: QueryList): FlagSlots {
  const canary: Selector = { service: scope.service, version: scope.canary };
  const infrastructure = (metric: CheckMetric): Slots => ask(list, metric, canary, scope.window, scope.databases);
  return {
    canary: askExcess(list, scope, scope.canary, features, le),
    stable: askExcess(list, scope, scope.stable, features, le),
    past: askExcess(past, scope, scope.stable, features, le),
    infrastructure: {
      cpu: infrastructure("cpu"), memory: infrastructure("memory"), restarts: infrastructure("restarts"),
      pool: infrastructure("pool"),
      flagService: list.add({ fn: "latest", metric: "flag_service_up", across: "min", where: {}, window: scope.window }, "platform"),
    },
  };
}

/** How much of `window` may be looked at: never past the last change. One microsecond stands for nothing. */
export function clipWindow(window: Micros, at: Micros, judgedSince: Micros | null): Micros {
  return judgedSince === null ? 1 : Math.max(1, Math.min(window, at - judgedSince));
}

/** The plan's queries for an evaluation at `at`; the very same array once every window is full. */
export function queriesAt(plan: HealthPlan, at: Micros, since: JudgedSince): readonly TelemetryQuery[] {
  const full = since.traffic !== null && at - since.traffic >= plan.longestWindow && at - since.platform >= plan.longestWindow;
  if (full) return plan.queries;
  return plan.queries.map((query, place) => ({ ...query, window: clipWindow(query.window, at, since[plan.clippedBy[place]]) }));
}
