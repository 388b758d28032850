// Judges every check on one snapshot: observed against threshold, on how large a sample, with a reason to read.

import type { WindowSnapshot } from "../../telemetry/query.js";
import type { Band, CheckResult, CheckSpec, CheckStatus } from "../evidence.js";
import { bandOf } from "./compare.js";
import { judgeCheck, type HealthMoment, type Judgement } from "./judge.js";
import { remember, type BreachHistory } from "./persistence.js";
import { clipWindow, type HealthPlan, type PlannedCheck } from "./queries.js";
import { checkReason, seriesWords } from "./reason.js";

export type { HealthMoment } from "./judge.js";

/** The results of one evaluation, and the history for the next. */
export interface Evaluation {
  readonly results: readonly CheckResult[];
  readonly history: BreachHistory;
}

/**
 * Pure: the same plan, snapshot, moment and history yield the same results and the next history. Results write
 * their series and reason when read; `writtenOut` makes them plain data.
 */
export function evaluateHealth(plan: HealthPlan, snapshot: WindowSnapshot, moment: HealthMoment, history: BreachHistory): Evaluation {
  const results: CheckResult[] = [];
  const evaluation = history.evaluations + 1;
  const next: (readonly number[])[] = [];
  for (let place = 0; place < plan.checks.length; place += 1) {
    const check = plan.checks[place];
    const judgement = judgeCheck(check, snapshot, moment);
    const remembered = remember(history.breaches[place], evaluation, judgement.status === "breach", check.spec.persistence);
    next.push(remembered);
    const window = clipWindow(check.window, snapshot.at, moment.since[check.clippedBy]);
    results.push(new LazyResult(plan, check, judgement, { from: snapshot.at - window, to: snapshot.at }, remembered.length));
  }
  return { results, history: { evaluations: evaluation, breaches: next } };
}

/**
 * A result whose reason is written only when somebody reads it: most evaluations are never looked at. A class,
 * because a getter in an object literal gives every object a hidden class of its own (with object spreads in the
 * judging, 13 checks took 70 us instead of 2.4).
 */
class LazyResult implements CheckResult {
  readonly check: string;
  readonly role: CheckResult["role"];
  readonly metric: CheckResult["metric"];
  readonly status: CheckStatus;
  readonly observed: number | null;
  readonly threshold: number | null;
  readonly baseline: number | null;
  readonly sampleSize: number;
  readonly baselineSampleSize: number;
  readonly window: CheckResult["window"];
  readonly breaches: number;
  readonly persistence: CheckResult["persistence"];
  readonly fired: boolean;
  readonly #plan: HealthPlan;
  readonly #spec: CheckSpec;
  readonly #judgement: Judgement;

  constructor(plan: HealthPlan, { spec }: PlannedCheck, judgement: Judgement, window: CheckResult["window"], breaches: number) {
    this.check = spec.id;
    this.role = spec.role;
    this.metric = spec.metric;
    this.status = judgement.status;
    this.observed = judgement.observed;
    this.threshold = judgement.threshold;
    this.baseline = judgement.baseline;
    this.sampleSize = judgement.sampleSize;
    this.baselineSampleSize = judgement.baselineSampleSize;
    this.window = window;
    this.breaches = breaches;
    this.persistence = spec.persistence;
    this.fired = spec.role === "trigger" && judgement.status === "breach" && breaches >= spec.persistence.need;
    this.#plan = plan;
    this.#spec = spec;
    this.#judgement = judgement;
  }

  get series(): string {
    return seriesWords(this.#plan.scope, this.#spec);
  }

  get band(): Band | undefined {
    return bandOf(this.metric, this.#spec.compare, this.threshold === null ? null : this.baseline, this.sampleSize + this.baselineSampleSize) ?? undefined;
  }

  get reason(): string {
    return checkReason(this, this.#spec, this.#judgement.baselineIs, this.#judgement.note);
  }
}

/** The result as plain data with its reason written out, as a decision keeps it. */
export function writtenOut(result: CheckResult): CheckResult {
  const { check, role, metric, series, status, observed, threshold, baseline, band, sampleSize, baselineSampleSize, window, breaches, persistence, fired, reason } = result;
  return { check, role, metric, series, status, observed, threshold, baseline, ...(band === undefined ? {} : { band }), sampleSize, baselineSampleSize, window, breaches, persistence, fired, reason };
}
