// Judges every check on one snapshot: observed against threshold, on how large a sample, with a reason to read.

import type { Micros, Ratio } from "../../kernel/units.js";
import type { WindowSnapshot } from "../../telemetry/query.js";
import type { CheckResult, CheckSpec, CheckStatus } from "../evidence.js";
import { compareShare, compareValues, needsBaseline, type Finding } from "./compare.js";
import { measure, type Measured } from "./measure.js";
import { breachesIn, remember, type BreachHistory } from "./persistence.js";
import { clipWindow, type HealthPlan, type JudgedSince, type PlannedCheck } from "./queries.js";
import { checkReason, seriesWords } from "./reason.js";

/** The situation that a snapshot is judged in. */
export interface HealthMoment {
  readonly since: JudgedSince;
  /** The canary's set weight. */
  readonly weight: Ratio;
  readonly minRequests: number;
  /** Answers to the plan's past queries; null until they arrived. */
  readonly past: WindowSnapshot | null;
}

export interface Evaluation {
  readonly results: readonly CheckResult[];
  readonly history: BreachHistory;
}

/** What a check came to, before its persistence. */
interface Judgement {
  readonly status: CheckStatus;
  readonly observed: number | null;
  readonly threshold: number | null;
  readonly baseline: number | null;
  readonly baselineIs: "stable" | "past" | "weight" | null;
  readonly sampleSize: number;
  readonly baselineSampleSize: number;
  readonly note: string | null;
}

/** Pure: the same plan, snapshot, moment and history yield the same results and the next history. */
export function evaluateHealth(plan: HealthPlan, snapshot: WindowSnapshot, moment: HealthMoment, history: BreachHistory): Evaluation {
  const results: CheckResult[] = [];
  const next: Record<string, readonly boolean[]> = {};
  for (const check of plan.checks) {
    const judgement = judge(check, snapshot, moment);
    const remembered = remember(history[check.spec.id], judgement.status === "breach", check.spec.persistence);
    next[check.spec.id] = remembered;
    results.push(resultOf(plan, check, judgement, snapshot.at, moment, breachesIn(remembered)));
  }
  return { results, history: next };
}

/** Metrics whose sample is requests; the others rest on scrapes alone. */
function restsOnRequests(spec: CheckSpec): boolean {
  return spec.metric === "error-rate" || spec.metric === "p50" || spec.metric === "p95" || spec.metric === "p99" ||
    spec.metric === "throughput" || spec.metric === "conversion";
}

function isFull(check: PlannedCheck, at: Micros, since: JudgedSince): boolean {
  const from = since[check.clippedBy];
  return from !== null && at - from >= check.window;
}

function judge(check: PlannedCheck, snapshot: WindowSnapshot, moment: HealthMoment): Judgement {
  const { spec } = check;
  const full = isFull(check, snapshot.at, moment.since);
  if (spec.metric === "throughput") return judgeShare(check, snapshot, moment, full);
  const canary = measure(spec.metric, check.canary, snapshot);
  if (canary.kind === "absent") return nothing(canary, full);
  const found = { observed: canary.value, sampleSize: canary.sample };
  if (restsOnRequests(spec) && !full) return thin(found, "the window is not full since the last change");
  if (restsOnRequests(spec) && canary.sample < moment.minRequests) return thin(found, `fewer than ${moment.minRequests} requests`);
  if (snapshot.at - canary.newest > check.window / 2) return thin(found, "the newest sample is older than half the window");
  const baseline = needsBaseline(spec.compare, spec.metric) ? baselineOf(check, snapshot, moment) : null;
  if (baseline !== null && baseline.measured.kind === "absent") {
    return { ...thin(found, `no baseline from ${baseline.is === "past" ? "before the release" : "stable"}`), status: "missing", baselineIs: baseline.is };
  }
  const base = baseline === null || baseline.measured.kind === "absent" ? null : baseline.measured;
  if (base !== null && restsOnRequests(spec) && base.sample < moment.minRequests) {
    return { ...thin(found, `the baseline has fewer than ${moment.minRequests} requests`), baseline: base.value, baselineIs: baseline?.is ?? null, baselineSampleSize: base.sample };
  }
  const finding = compareValues(spec.metric, spec.compare, canary, base);
  const enough = full || (finding.breach && standsEarly(spec));
  return {
    ...found, status: statusOf(finding, enough), threshold: finding.threshold,
    note: enough ? finding.note : "the window is not full since the last change",
    baseline: base?.value ?? null, baselineIs: baseline?.is ?? null, baselineSampleSize: base?.sample ?? 0,
  };
}

function statusOf(finding: Finding, enough: boolean): CheckStatus {
  if (!finding.conclusive || !enough) return "thin";
  return finding.breach ? "breach" : "pass";
}

/** Counts and maxima can only grow while the window fills, so that their breach stands early; averages must wait. */
function standsEarly({ metric }: CheckSpec): boolean {
  return metric === "memory" || metric === "restarts" || metric === "startup-failures";
}

/** Stable in the same window; without traffic on stable, or when the check says so, the past. */
function baselineOf(check: PlannedCheck, snapshot: WindowSnapshot, moment: HealthMoment): { measured: Measured; is: "stable" | "past" } {
  const { spec } = check;
  if (check.stable !== null && !(restsOnRequests(spec) && moment.weight >= 1)) {
    return { measured: measure(spec.metric, check.stable, snapshot), is: "stable" };
  }
  const measured: Measured =
    check.past === null || moment.past === null ? { kind: "absent", sample: 0, why: "no series" } : measure(spec.metric, check.past, moment.past);
  return { measured, is: "past" };
}

function judgeShare(check: PlannedCheck, snapshot: WindowSnapshot, moment: HealthMoment, full: boolean): Judgement {
  const canary = measure("throughput", check.canary, snapshot);
  const stable: Measured = check.stable === null ? { kind: "absent", sample: 0, why: "no series" } : measure("throughput", check.stable, snapshot);
  if (canary.kind === "absent" && (stable.kind === "absent" || moment.weight >= 1)) return nothing(canary, full);
  const total = canary.sample + stable.sample;
  const share = total > 0 ? canary.sample / total : 0;
  const found = { observed: share, sampleSize: canary.sample };
  const base = { baseline: moment.weight, baselineIs: "weight" as const, baselineSampleSize: stable.sample };
  const newest = Math.max(canary.kind === "value" ? canary.newest : 0, stable.kind === "value" ? stable.newest : 0);
  if (!full) return { ...thin(found, "the window is not full since the last change"), ...base };
  if (total < moment.minRequests) return { ...thin(found, `fewer than ${moment.minRequests} requests`), ...base };
  if (snapshot.at - newest > check.window / 2) return { ...thin(found, "the newest sample is older than half the window"), ...base };
  const finding = compareShare(check.spec.compare, share, moment.weight, total);
  return { ...found, ...base, status: finding.breach ? "breach" : "pass", threshold: finding.threshold, note: finding.note };
}

function thin(found: { observed: number; sampleSize: number }, note: string): Judgement {
  return { ...found, status: "thin", threshold: null, baseline: null, baselineIs: null, baselineSampleSize: 0, note };
}

/** No data at all: too early to tell while the window fills, missing afterwards. */
function nothing(measured: Measured, full: boolean): Judgement {
  const why = measured.kind === "absent" ? measured.why : "no data";
  return {
    status: full ? "missing" : "thin", observed: null, threshold: null, baseline: null, baselineIs: null,
    sampleSize: measured.sample, baselineSampleSize: 0, note: full ? why : `${why} yet`,
  };
}

function resultOf(plan: HealthPlan, check: PlannedCheck, judgement: Judgement, at: Micros, moment: HealthMoment, breaches: number): CheckResult {
  const { spec } = check;
  const window = clipWindow(check.window, at, moment.since[check.clippedBy]);
  const result: CheckResult = {
    check: spec.id, role: spec.role, metric: spec.metric,
    series: seriesWords(plan.scope, spec),
    status: judgement.status, observed: judgement.observed, threshold: judgement.threshold, baseline: judgement.baseline,
    sampleSize: judgement.sampleSize, baselineSampleSize: judgement.baselineSampleSize,
    window: { from: at - window, to: at },
    breaches, persistence: spec.persistence,
    fired: spec.role === "trigger" && judgement.status === "breach" && breaches >= spec.persistence.need,
    // Written only when somebody reads it: most evaluations are never looked at.
    get reason() {
      return checkReason(result, spec, judgement.baselineIs, judgement.note);
    },
  };
  return result;
}
