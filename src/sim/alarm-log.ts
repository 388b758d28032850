// The alerts of one delivery as its evaluations go by: kept are the few that were raised, not the evaluations.

import { NO_ALERTS, updateAlerts, type AlertFinding, type StandingAlerts } from "../engines/alerts.js";
import type { CheckResult } from "../engines/evidence.js";
import type { Micros } from "../kernel/units.js";

export interface RaisedAlert {
  readonly at: Micros;
  /** When the evaluation had arrived: from then on somebody could be woken. */
  readonly heardAt: Micros;
  readonly alert: AlertFinding;
}

/** One evaluation's place in time. */
export interface EvaluationMoment {
  readonly at: Micros;
  readonly heardAt: Micros;
  /** How long everything must look well before it counts as recovered: one window of the strategy. */
  readonly window: Micros;
}

/** Folds evaluation after evaluation, so that a run of days holds on to none of them. */
export class AlarmLog {
  readonly raised: RaisedAlert[] = [];
  /** When everything had looked well for a full window: once per such stretch. */
  readonly recovered: Micros[] = [];
  #standing: StandingAlerts = NO_ALERTS;
  #wellSince: Micros | null = null;
  #toldWell = false;

  /** One evaluation of the checks. */
  hear(results: readonly CheckResult[], { at, heardAt, window }: EvaluationMoment): void {
    const update = updateAlerts(this.#standing, results);
    this.#standing = update.standing;
    for (const alert of update.raised) this.raised.push({ at, heardAt, alert });
    if (!looksWell(results) || hasCritical(this.#standing)) {
      this.#wellSince = null;
      this.#toldWell = false;
      return;
    }
    this.#wellSince ??= at;
    if (this.#toldWell || at - this.#wellSince < window) return;
    this.#toldWell = true;
    this.recovered.push(at);
  }
}

/** No trigger fires and every gate passes; what cannot be judged does not look well. */
const looksWell = (results: readonly CheckResult[]): boolean => results.every(({ role, status, fired }) => !fired && (role === "trigger" || status === "pass"));

const hasCritical = (standing: StandingAlerts): boolean => standing !== NO_ALERTS && Object.values(standing).includes("critical");
