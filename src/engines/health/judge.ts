// Judges one check on one snapshot: pass, breach, too little, or nothing at all.

import type { Micros, Ratio } from "../../kernel/units.js";
import type { WindowSnapshot } from "../../telemetry/query.js";
import type { CheckSpec, CheckStatus } from "../evidence.js";
import { compareShare, compareValues, needsBaseline } from "./compare.js";
import { counted } from "../wording.js";
import { measure, type Measured } from "./measure.js";
import type { JudgedSince, PlannedCheck } from "./queries.js";

/** The situation that a snapshot is judged in. */
export interface HealthMoment {
  readonly since: JudgedSince;
  /** The canary's set weight. */
  readonly weight: Ratio;
  readonly minRequests: number;
  /** Answers to the plan's past queries; null until they arrived. */
  readonly past: WindowSnapshot | null;
}

export type BaselineIs = "stable" | "past" | "weight" | null;

/** What a check came to, before its persistence. */
export interface Judgement {
  readonly status: CheckStatus;
  readonly observed: number | null;
  readonly threshold: number | null;
  readonly baseline: number | null;
  readonly baselineIs: BaselineIs;
  readonly sampleSize: number;
  readonly baselineSampleSize: number;
  readonly note: string | null;
}

const FILLING = "the window is not full since the last change";
const STALE = "the newest sample is older than half the window";
const NOT_ASKED: Measured = { kind: "absent", sample: 0, why: "no series" };

/** Metrics whose sample is requests; the others rest on scrapes alone. */
function restsOnRequests({ metric }: CheckSpec): boolean {
  return metric === "error-rate" || metric === "p50" || metric === "p95" || metric === "p99" || metric === "throughput" || metric === "conversion";
}

/** Counts and maxima can only grow while the window fills, so that their breach stands early; averages must wait. */
function standsEarly({ metric }: CheckSpec): boolean {
  return metric === "memory" || metric === "restarts" || metric === "startup-failures";
}

function isFull(check: PlannedCheck, at: Micros, since: JudgedSince): boolean {
  const from = since[check.clippedBy];
  return from !== null && at - from >= check.window;
}

/** Written out field by field: this is the engines' hottest code, and object spreads cost more than the rest of it. */
function undecided(status: "thin" | "missing", observed: number | null, sampleSize: number, note: string, baseline: number | null = null, baselineIs: BaselineIs = null, baselineSampleSize = 0): Judgement {
  return { status, observed, threshold: null, baseline, baselineIs, sampleSize, baselineSampleSize, note };
}

/** Pure; the order of the questions is: is there anything, is it enough, is it fresh, is there a baseline, what does it say. */
export function judgeCheck(check: PlannedCheck, snapshot: WindowSnapshot, moment: HealthMoment): Judgement {
  const { spec } = check;
  const full = isFull(check, snapshot.at, moment.since);
  if (spec.metric === "throughput") return judgeShare(check, snapshot, moment, full);
  const canary = measure(spec.metric, check.canary, snapshot);
  if (canary.kind === "absent") return nothing(canary, full);
  const onRequests = restsOnRequests(spec);
  const { value, sample } = canary;
  if (onRequests && !full) return undecided("thin", value, sample, FILLING);
  if (onRequests && sample < moment.minRequests) return undecided("thin", value, sample, tooFew(moment));
  if (snapshot.at - canary.newest > check.window / 2) return undecided("thin", value, sample, STALE);
  const isRelative = needsBaseline(spec.compare, spec.metric);
  const baselineIs: BaselineIs = isRelative ? whichBaseline(check, moment) : null;
  const base = baselineIs === null ? null : measureBaseline(check, snapshot, moment, baselineIs);
  if (base !== null && base.kind === "absent") {
    return undecided("missing", value, sample, baselineIs === "past" ? "no baseline from before the release" : "no baseline from stable", null, baselineIs);
  }
  if (base !== null && onRequests && base.sample < moment.minRequests) {
    return undecided("thin", value, sample, `the baseline has ${tooFew(moment)}`, base.value, baselineIs, base.sample);
  }
  const finding = compareValues(spec.metric, spec.compare, canary, base);
  const enough = full || (finding.breach && standsEarly(spec));
  const status: CheckStatus = !finding.conclusive || !enough ? "thin" : finding.breach ? "breach" : "pass";
  return {
    status, observed: value, threshold: finding.threshold, baseline: base === null ? null : base.value, baselineIs,
    sampleSize: sample, baselineSampleSize: base === null ? 0 : base.sample, note: enough ? finding.note : FILLING,
  };
}

const tooFew = (moment: HealthMoment): string => `fewer than ${counted(moment.minRequests, "request")}`;

/**
 * Stable in the same window, or the past when the check says so. At full exposure the past, too, whatever the metric:
 * a stable without traffic idles, and later it is gone, so that beside it every healthy release would look hungry.
 */
function whichBaseline(check: PlannedCheck, moment: HealthMoment): "stable" | "past" {
  return check.stable !== null && moment.weight < 1 ? "stable" : "past";
}

function measureBaseline(check: PlannedCheck, snapshot: WindowSnapshot, moment: HealthMoment, which: "stable" | "past" | "weight"): Measured {
  if (which === "stable") return check.stable === null ? NOT_ASKED : measure(check.spec.metric, check.stable, snapshot);
  return check.past === null || moment.past === null ? NOT_ASKED : measure(check.spec.metric, check.past, moment.past);
}

/** Throughput: the canary's share of the requests of both versions against its weight. */
function judgeShare(check: PlannedCheck, snapshot: WindowSnapshot, moment: HealthMoment, full: boolean): Judgement {
  const canary = measure("throughput", check.canary, snapshot);
  const stable = check.stable === null ? NOT_ASKED : measure("throughput", check.stable, snapshot);
  if (canary.kind === "absent" && (stable.kind === "absent" || moment.weight >= 1)) return nothing(canary, full);
  const total = canary.sample + stable.sample;
  const share = total > 0 ? canary.sample / total : 0;
  const newest = Math.max(canary.kind === "value" ? canary.newest : 0, stable.kind === "value" ? stable.newest : 0);
  const why = !full ? FILLING : total < moment.minRequests ? tooFew(moment) : snapshot.at - newest > check.window / 2 ? STALE : null;
  if (why !== null) return undecided("thin", share, canary.sample, why, moment.weight, "weight", stable.sample);
  const finding = compareShare(check.spec.compare, share, moment.weight, total);
  return {
    status: finding.breach ? "breach" : "pass", observed: share, threshold: finding.threshold, baseline: moment.weight, baselineIs: "weight",
    sampleSize: canary.sample, baselineSampleSize: stable.sample, note: finding.note,
  };
}

/** No data at all: too early to tell while the window fills, missing afterwards. */
function nothing(measured: Measured, full: boolean): Judgement {
  const why = measured.kind === "absent" ? measured.why : "no data";
  return undecided(full ? "missing" : "thin", null, measured.sample, full ? why : `${why} yet`);
}
