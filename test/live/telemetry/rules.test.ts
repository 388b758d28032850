// Staleness and alerts against promtool's rule tests: a series ends when Prometheus says so, a trigger fires when its alert does.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CheckSpec } from "../../../src/engines/evidence.js";
import { evaluateHealth, type HealthMoment } from "../../../src/engines/health/evaluate.js";
import { NO_HISTORY, type BreachHistory } from "../../../src/engines/health/persistence.js";
import { planHealth, queriesAt, type HealthPlan, type PlannedCheck } from "../../../src/engines/health/queries.js";
import { hours, seconds, type Micros } from "../../../src/kernel/units.js";
import { findOnPath } from "../../../src/live/safety/children.js";
import { selectorText } from "../../../src/live/telemetry/page.js";
import { duration, promql, rangeBoundsOf } from "../../../src/live/telemetry/promql.js";
import type { TelemetryQuery } from "../../../src/telemetry/query.js";
import { serviceSchema } from "../../../src/telemetry/schema.js";
import { SeriesStore } from "../../../src/telemetry/store.js";

const INTERVAL = seconds(15);
const EVERY = seconds(30);
const WINDOW = seconds(60);
const EDGES = [0.1, 0.2, 0.4, 1];
const REQUESTS = 10_000;
const LABELS = { service: "shop", version: "v2", replica: "r" };

/** What one interval brings: requests and memory, nothing (the scrape was missed), or the end of every series. */
type Step = { readonly kind: "scrape"; readonly failed: boolean; readonly slow: boolean; readonly memory: number } | { readonly kind: "missed" | "stale" };

/** A store and promtool's input series from the same steps, one per interval from time 0 on. */
function tell(steps: readonly Step[]) {
  const schema = serviceSchema({ service: "shop", version: "v2", endpoints: ["buy"], edgesSeconds: EDGES, init: "zero" });
  const store = new SeriesStore({ lanes: 1, scrape: INTERVAL, retention: hours(3) });
  const target = store.addTarget({ id: "r", labels: LABELS, schema });
  const [live] = target.live;
  steps.forEach((step, i) => {
    const time = i * INTERVAL;
    if (step.kind === "stale") target.recordStale(time, time, NaN);
    if (step.kind !== "scrape") return;
    const failed = step.failed ? REQUESTS / 5 : 0;
    live[schema.requestsIndex(0, 0)] += REQUESTS - failed;
    live[schema.requestsIndex(0, 1)] += failed;
    live[schema.bucketIndex(0, step.slow ? 3 : 1)] += REQUESTS;
    live[schema.memoryIndex] = step.memory;
    target.record(time, time);
  });
  const columns: [name: string, labels: Readonly<Record<string, string>>, column: number][] = [
    ["http_requests_total", { endpoint: "buy", code: "2xx" }, schema.requestsIndex(0, 0)],
    ["http_requests_total", { endpoint: "buy", code: "5xx" }, schema.requestsIndex(0, 1)],
    ["memory_usage_ratio", {}, schema.memoryIndex],
    ...[...EDGES.map(String), "+Inf"].map((le, bucket): [string, Record<string, string>, number] => ["http_request_duration_seconds_bucket", { endpoint: "buy", le }, schema.bucketIndex(0, bucket)]),
  ];
  const input = columns.map(([name, labels, column]) => {
    let row = 0;
    const values = steps.map(({ kind }) => {
      if (kind === "missed") return "_";
      const value = target.value(row++, 0, column);
      return kind === "stale" ? "stale" : String(value);
    });
    return { series: `${name}${selectorText(Object.entries({ ...LABELS, ...labels }))}`, values: values.join(" ") };
  });
  return { store, input };
}

/** Runs promtool on a rule file and its test; throws what it says when something is not as expected. */
function promtool(rules: object, test: object): void {
  const folder = mkdtempSync(join(tmpdir(), "shakedown-rules-"));
  try {
    writeFileSync(join(folder, "rules.json"), JSON.stringify({ groups: [{ name: "shakedown", ...rules }] }));
    writeFileSync(join(folder, "test.json"), JSON.stringify({ rule_files: ["rules.json"], evaluation_interval: duration(EVERY), tests: [{ interval: duration(INTERVAL), ...test }] }));
    execFileSync("promtool", ["test", "rules", "test.json"], { cwd: folder, stdio: "pipe" });
  } catch (failure) {
    throw new Error(failure instanceof Error && "stderr" in failure ? `${String(failure.stderr)}${"stdout" in failure ? String(failure.stdout) : ""}` : String(failure), { cause: failure });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const missing = findOnPath("promtool") === null;

describe.skipIf(missing)(missing ? "no promtool on PATH: rules are not compared" : "promtool's rule tests", () => {
  const [, version = ""] = missing ? [] : (/version (\S+)/.exec(execFileSync("promtool", ["--version"], { encoding: "utf8" })) ?? []);
  const dialect = { bounds: rangeBoundsOf(version), edgesSeconds: EDGES };

  it("see a series end at its stale marker, five minutes after its last sample, and begin again, as our store does", () => {
    const scrape = (memory: number): Step => ({ kind: "scrape", failed: false, slow: false, memory });
    const missed = (count: number): Step[] => Array.from({ length: count }, () => ({ kind: "missed" }));
    const steps: Step[] = [...missed(2), scrape(0.1), scrape(1 / 3), ...missed(3), scrape(0.7), { kind: "stale" }, ...missed(2), scrape(0.123456789012345), ...missed(24), scrape(0.9), { kind: "stale" }, { kind: "stale" }, scrape(0.2)];
    const { store, input } = tell(steps);
    const gauge = { metric: "memory_usage_ratio", where: { service: "shop" }, window: seconds(70), across: "max" } as const;
    const queries: readonly TelemetryQuery[] = [{ fn: "latest", ...gauge }, { fn: "latest", ...gauge, offset: seconds(45) }, { fn: "max-over-time", ...gauge }, { fn: "min-over-time", ...gauge, offset: seconds(30) }];
    let absences = 0;
    const tests = queries.flatMap((query) =>
      Array.from({ length: steps.length + 22 }, (_, i) => {
        // Between two scrapes, so that no range begins right on a sample.
        const at: Micros = i * INTERVAL + seconds(7);
        const answer = store.query(query, at);
        if (answer.kind === "absent") absences += 1;
        return { eval_time: duration(at), expr: promql(query, { ...dialect, bounds: "left-open" }), exp_samples: answer.kind === "value" ? [{ labels: "{}", value: answer.value }] : [] };
      }),
    );
    promtool({ rules: [] }, { input_series: input, promql_expr_test: tests });
    expect(absences).toBeGreaterThan(10);
    expect(absences).toBeLessThan(tests.length - 10);
  });

  const trigger = (metric: CheckSpec["metric"], value: number, need: number): CheckSpec => ({ id: `${metric}-${need}`, role: "trigger", metric, compare: { kind: "above", value }, persistence: { need, of: need }, required: false });
  const checks = [trigger("error-rate", 0.07, 1), trigger("error-rate", 0.07, 3), trigger("p95", 0.3, 2), trigger("memory", 0.85, 2)];
  const plan: HealthPlan = planHealth(checks, { service: "shop", canary: "v2", stable: "v1", window: WINDOW, databases: [], flagEndpoints: null }, 0.5);

  /** The alert that stands for a check: true at `need` evaluations in a row, which is true for one `every` less. */
  const alertOf = ({ spec, canary }: PlannedCheck): object => {
    const text = (place: number): string => promql(plan.queries[place], dialect);
    const observed = canary.requests !== undefined && spec.metric === "error-rate" ? `${text(canary.value)} / ${text(canary.requests)}` : text(canary.value);
    const limit = spec.compare.kind === "above" ? spec.compare.value : NaN;
    return { alert: spec.id, expr: `${observed} > ${limit}`, for: spec.persistence.need === 1 ? "0s" : duration((spec.persistence.need - 1) * EVERY) };
  };

  /** When each of the triggers fires, evaluated as a delivery does. */
  function firings(store: SeriesStore, until: Micros): ReadonlyMap<string, readonly boolean[]> {
    const moment: HealthMoment = { since: { traffic: -hours(1), platform: -hours(1) }, weight: 0.5, minRequests: 1, past: null };
    const fired = new Map<string, boolean[]>(checks.map(({ id }) => [id, []]));
    let history: BreachHistory = NO_HISTORY;
    for (let at = 0; at <= until; at += EVERY) {
      const queries = queriesAt(plan, at, moment.since);
      const evaluation = evaluateHealth(plan, { at, queries, answers: queries.map((query) => store.query(query, at)) }, moment, history);
      history = evaluation.history;
      for (const result of evaluation.results) fired.get(result.check)?.push(result.fired);
    }
    return fired;
  }

  const scraped: fc.Arbitrary<Step> = fc.record({ kind: fc.constant("scrape" as const), failed: fc.boolean(), slow: fc.boolean(), memory: fc.constantFrom(0.5, 0.9) });
  // Regimes of several intervals, so that persistence is met at times; a gap never longer than our engines call fresh.
  const regime = fc.tuple(scraped, fc.integer({ min: 2, max: 12 }), fc.constantFrom<Step["kind"]>("scrape", "missed", "stale")).map(([step, count, gap]): Step[] => [
    ...Array.from({ length: count }, () => step), ...(gap === "scrape" ? [] : [{ kind: gap } as Step]),
  ]);

  it("fire an alert with `for` at the very evaluations at which our engine's trigger fires", () => {
    const stories = fc.sample(fc.array(regime, { minLength: 8, maxLength: 14 }), { numRuns: 5, seed: 4 }).map((parts) => parts.flat());
    let fired = 0;
    let quiet = 0;
    for (const steps of stories) {
      const { store, input } = tell(steps);
      const until = Math.floor(((steps.length - 1) * INTERVAL) / EVERY) * EVERY;
      const expected = firings(store, until);
      const tests = [...expected].flatMap(([alertname, list]) =>
        list.map((fires, i) => {
          if (fires) fired += 1;
          else quiet += 1;
          return { eval_time: i === 0 ? "0s" : duration(i * EVERY), alertname, exp_alerts: fires ? [{ exp_labels: {} }] : [] };
        }),
      );
      promtool({ interval: duration(EVERY), rules: plan.checks.map(alertOf) }, { input_series: input, alert_rule_test: tests });
    }
    expect(fired).toBeGreaterThan(100);
    expect(quiet).toBeGreaterThan(100);
  });
});
