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

/** Folds evaluation after evaluation, so that a run of days holds on to none of them. */
export class AlarmLog {
  readonly raised: RaisedAlert[] = [];
  #standing: StandingAlerts = NO_ALERTS;

  /** One evaluation of the checks, as of `at`. */
  hear(results: readonly CheckResult[], at: Micros, heardAt: Micros): void {
    const update = updateAlerts(this.#standing, results);
    this.#standing = update.standing;
    for (const alert of update.raised) this.raised.push({ at, heardAt, alert });
  }
}
