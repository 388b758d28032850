// The journal of one run: what the delivery statecharts decided, entered, did and ended with, per release.

import type { DeliveryResult } from "../delivery/observer.js";
import type { ActionEvent, PlatformCommand } from "../delivery/platform.js";
import { CANARY_STATES } from "../delivery/states.js";
import type { Decision, DecidedAction } from "../engines/decision.js";
import type { CheckResult } from "../engines/evidence.js";
import type { Micros } from "../kernel/units.js";
import { AlarmLog } from "./alarm-log.js";

export interface StateEntry {
  readonly state: string;
  readonly label: string;
  readonly at: Micros;
  readonly why: string;
}

export interface ActionEntry {
  readonly at: Micros;
  readonly text: string;
  readonly command: PlatformCommand;
  /** Null when the command was sent; the event that ended it otherwise. */
  readonly event: ActionEvent | null;
}

/** An evaluation in which a trigger's persistence was met while the release was before users and not yet being taken back. */
export interface BreachEntry {
  readonly at: Micros;
  readonly state: string;
  readonly checks: readonly string[];
  /** How many decisions there were before it. */
  readonly decisions: number;
}

export interface PageEntry {
  readonly at: Micros;
  readonly message: string;
  readonly asks: boolean;
}

/** Everything that was written down about one release. */
export interface ReleaseJournal {
  readonly index: number;
  readonly releasedAt: Micros;
  /** When delivery began; null while it waited for an earlier release of the same service. */
  startedAt: Micros | null;
  readonly decisions: Decision[];
  /** Per decision: whether its deciding check passes without the release's own requests; null when none decided. */
  readonly passesWithoutRelease: (boolean | null)[];
  /** What the evaluations of the checks raised. */
  readonly alarms: AlarmLog;
  readonly states: StateEntry[];
  readonly actions: ActionEntry[];
  readonly pages: PageEntry[];
  /** What had to be acted on. */
  readonly breaches: BreachEntry[];
  result: DeliveryResult | null;
  /** Set when the release it was built on was taken back before its turn came. */
  invalidated: boolean;
  /** When an oracle took over; null when none did. */
  oracleActedAt: Micros | null;
}

export function emptyJournal(index: number, releasedAt: Micros): ReleaseJournal {
  return {
    index,
    releasedAt,
    startedAt: null,
    decisions: [],
    passesWithoutRelease: [],
    alarms: new AlarmLog(),
    states: [],
    actions: [],
    pages: [],
    breaches: [],
    result: null,
    invalidated: false,
    oracleActedAt: null,
  };
}

/** States before users in which a fired trigger has to act, whatever they wait for. */
const MUST_ACT: ReadonlySet<string> = new Set(
  CANARY_STATES.filter(({ state, exposed }) => exposed && state !== "stranded" && !state.startsWith("rolling-back.")).map(({ state }) => state),
);

/** Whether every action has failed and people decide: until one of them lets the release go on, or it is taken back. */
function isLeftToPeople(states: readonly StateEntry[]): boolean {
  const stranded = states.findLastIndex(({ state }) => state === "stranded");
  return stranded >= 0 && states.slice(stranded + 1).every(({ state }) => state === "held" || state.startsWith("rolling-back."));
}

/** Writes an evaluation down in which a trigger fired and had to be acted on. */
export function noteBreach(journal: ReleaseJournal, results: readonly CheckResult[], at: Micros): void {
  const state = journal.states.at(-1)?.state ?? "";
  if (!results.some(({ fired }) => fired) || !MUST_ACT.has(state) || isLeftToPeople(journal.states)) return;
  journal.breaches.push({ at, state, checks: results.filter(({ fired }) => fired).map(({ check }) => check), decisions: journal.decisions.length });
}

/** The actions that take a release back, in part or whole. */
const ACTING: readonly DecidedAction[] = ["disable-flag", "shift-traffic", "roll-back"];

/** Whether a decision acts on the release rather than waits, asks or goes on. */
export function isActing(decision: Decision): boolean {
  return decision.actions.some((action) => ACTING.includes(action));
}

/** The first decision that acts on the release, with its place in the journal. */
export function actingDecision(journal: ReleaseJournal): { decision: Decision; place: number } | null {
  const place = journal.decisions.findIndex(isActing);
  return place < 0 ? null : { decision: journal.decisions[place], place };
}
