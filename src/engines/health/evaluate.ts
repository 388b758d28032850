// Judges every check on one snapshot: observed against threshold, on how large a sample, with a reason to read.

import type { Micros } from "../../kernel/units.js";
import type { WindowSnapshot } from "../../telemetry/query.js";
import type { Band, CheckResult, CheckStatus } from "../evidence.js";
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
 * Pure: the same plan, snapshot, moment and history yield the same results and the next history. Results are read by name:
 * all but status, breaches and fired comes from what they were judged from when it is asked for; `writtenOut` makes them plain data.
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
    results.push(new LazyResult(plan, check, judgement, snapshot.at, moment.since[check.clippedBy], remembered.length));
  }
  return { results, history: { evaluations: evaluation, breaches: next } };
}

/**
 * A result whose figures and reason come only when somebody reads them: most evaluations are never looked at. A class,
 * because a getter in an object literal gives every object a hidden class of its own (with object spreads in the
 * judging, 13 checks took 70 us instead of 2.4).
 */
class LazyResult implements CheckResult {
  readonly status: CheckStatus;
  readonly breaches: number;
  readonly fired: boolean;
  readonly #plan: HealthPlan;
  readonly #planned: PlannedCheck;
  readonly #judgement: Judgement;
  readonly #at: Micros;
  readonly #since: Micros | null;

  constructor(plan: HealthPlan, planned: PlannedCheck, judgement: Judgement, at: Micros, since: Micros | null, breaches: number) {
    const { role, persistence } = planned.spec;
    this.status = judgement.status;
    this.breaches = breaches;
    this.fired = role === "trigger" && judgement.status === "breach" && breaches >= persistence.need;
    this.#plan = plan;
    this.#planned = planned;
    this.#judgement = judgement;
    this.#at = at;
    this.#since = since;
  }

  get check(): string {
    return this.#planned.spec.id;
  }

  get role(): CheckResult["role"] {
    return this.#planned.spec.role;
  }

  get metric(): CheckResult["metric"] {
    return this.#planned.spec.metric;
  }

  get persistence(): CheckResult["persistence"] {
    return this.#planned.spec.persistence;
  }

  get observed(): number | null {
    return this.#judgement.observed;
  }

  get threshold(): number | null {
    return this.#judgement.threshold;
  }

  get baseline(): number | null {
    return this.#judgement.baseline;
  }

  get sampleSize(): number {
    return this.#judgement.sampleSize;
  }

  get baselineSampleSize(): number {
    return this.#judgement.baselineSampleSize;
  }

  get window(): CheckResult["window"] {
    return { from: this.#at - clipWindow(this.#planned.window, this.#at, this.#since), to: this.#at };
  }

  get series(): string {
    return seriesWords(this.#plan.scope, this.#planned.spec);
  }

  get band(): Band | undefined {
    return bandOf(this.metric, this.#planned.spec.compare, this.threshold === null ? null : this.baseline, this.sampleSize + this.baselineSampleSize) ?? undefined;
  }

  get reason(): string {
    return checkReason(this, this.#planned.spec, this.#judgement.baselineIs, this.#judgement.note);
  }
}

/** The result as plain data with its reason written out, as a decision keeps it. */
export function writtenOut(result: CheckResult): CheckResult {
  const { check, role, metric, series, status, observed, threshold, baseline, band, sampleSize, baselineSampleSize, window, breaches, persistence, fired, reason } = result;
  return { check, role, metric, series, status, observed, threshold, baseline, ...(band === undefined ? {} : { band }), sampleSize, baselineSampleSize, window, breaches, persistence, fired, reason };
}
