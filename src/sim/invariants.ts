// What must hold in every run, whatever the strategy: DESIGN.md section 6, "Invariants".

import type { Decision, DecisionRule } from "../engines/decision.js";
import { seconds, type Micros } from "../kernel/units.js";
import { clock as clockText, count, counted, duration as span } from "../kernel/format.js";
import { LEDGER_COLUMNS, LedgerColumn } from "../world/ledger.js";
import type { ReleaseJournal } from "./journal.js";
import type { InvariantOutcome } from "./outcome.js";
import { cellsWhere, type RecordRow } from "./recording.js";
import type { Simulation } from "./play.js";
import { releasesOf } from "./stage.js";

const WEIGHT_TOLERANCE = 1e-9;

/** Checks every invariant on a finished run. */
export function checkInvariants(simulation: Simulation): readonly InvariantOutcome[] {
  return [
    weightsSumToOne(simulation),
    noTrafficToBadVersion(simulation),
    noPromotionWithoutData(simulation),
    failedActionsAreAnswered(simulation),
    firedTriggersAct(simulation),
    decisionsHaveEvidence(simulation),
    littlesLaw(simulation),
  ];
}

function outcome(name: string, checked: number, failure: string | null, fine: string): InvariantOutcome {
  return { name, held: failure === null, checked, reason: failure ?? fine };
}

function weightsSumToOne({ recorder, input }: Simulation): InvariantOutcome {
  const services = [...new Set(recorder.tracked.map((version) => version.service))];
  const placesOf = services.map((service) => recorder.tracked.flatMap((version, place) => (version.service === service ? [place] : [])));
  let failure: string | null = null;
  let last: RecordRow["versions"] | null = null;
  for (const row of recorder.rows) {
    // Rows share what did not change between them.
    if (row.versions === last) continue;
    last = row.versions;
    for (const [index, service] of services.entries()) {
      let sum = 0;
      for (const place of placesOf[index]) sum += row.versions[place].weight;
      if (!(Math.abs(sum - 1) <= WEIGHT_TOLERANCE)) {
        failure ??= `at ${clockText(row.at)} the weights of ${service} in ${input.scenario.name} sum to ${sum}`;
      }
    }
  }
  return outcome("weights sum to 100%", recorder.rows.length * services.length, failure, services.length === 0 ? "no weight was set: nothing was released" : "at every record");
}

/** Cohort expects the number inside and draws the answers: they may differ by this many standard errors. */
const INSIDE_STANDARD_ERRORS = 4;

/**
 * After a version is taken back, its propagation and the drain, it answers no further request. Traffic that was only
 * shifted away leaves the version's replicas in place, and nothing ends what they still have queued: they may answer
 * as many requests as were inside then.
 */
function noTrafficToBadVersion(simulation: Simulation): InvariantOutcome {
  const { recorder, journals, input } = simulation;
  const { splitPropagation, drain } = input.scenario.world;
  let [checked, tooLate] = [0, 0];
  let failure: string | null = null;
  for (const { index, release } of releasesOf(input.scenario)) {
    const done = takenBack(journals[index]);
    if (done === null) continue;
    const limit = done.at + splitPropagation + drain;
    const cells = cellsWhere(recorder.cells, (cell) => cell.scope === "service" && cell.service === release.service && cell.version === release.version);
    const settled = recorder.rows.find((row) => row.at >= limit);
    const from = done.drained ? settled : recorder.rows.find((row) => settled !== undefined && closedAt(row, cells) >= settled.at);
    const last = recorder.rows.at(-1);
    if (settled === undefined || from === undefined || last === undefined || from === last) {
      tooLate += 1;
      continue;
    }
    checked += 1;
    const inside = done.drained ? 0 : insideOf(settled, recorder, index);
    const chance = input.fidelity === "cohort" ? INSIDE_STANDARD_ERRORS * Math.sqrt(inside) : 0;
    const more = requestsOf(last, cells) - requestsOf(from, cells);
    if (more > inside + chance) {
      failure ??= `${release.version} still answered ${counted(more, "request")} after ${clockText(from.at)}${inside === 0 ? "" : `, with ${count(inside)} inside by ${clockText(settled.at)}`}`;
    }
  }
  const idle = tooLate > 0 ? "a version was taken back too late in the run to tell" : "no version was taken back";
  return outcome("no request reaches a version taken back", checked, failure, checked === 0 ? idle : "none did");
}

/** When the command that took the version's traffic away was done: a rollback, which drains it, or all traffic shifted to stable. */
function takenBack({ actions, result }: ReleaseJournal): { readonly at: Micros; readonly drained: boolean } | null {
  if (result?.kind !== "rolled-back") return null;
  const last = actions.findLast(
    ({ command, event }) => event?.type === "action.done" && (command.kind === "roll-back" || (command.kind === "set-weight" && command.weight === 0)),
  );
  return last === undefined ? null : { at: last.at, drained: last.command.kind === "roll-back" };
}

/** Up to when the row tells of all these cells. */
function closedAt(row: RecordRow, cells: readonly number[]): Micros {
  return Math.min(...cells.map((cell) => {
    const closed = row.closedAt?.[cell] ?? NaN;
    return Number.isNaN(closed) ? row.at : closed;
  }));
}

/** How many requests a release's version had inside at that row. */
function insideOf(row: RecordRow, { tracked }: Simulation["recorder"], release: number): number {
  return row.versions.reduce((sum, { inside }, index) => (tracked[index].release === release ? sum + inside : sum), 0);
}

function requestsOf(row: RecordRow, cells: readonly number[]): number {
  return cells.reduce((sum, cell) => sum + row.totals[cell * LEDGER_COLUMNS + LedgerColumn.requests], 0);
}

/** A person may promote blindly; the engine never: each required gate was evaluated, and had data. */
function noPromotionWithoutData({ journals, input }: Simulation): InvariantOutcome {
  const required = input.scenario.strategy.gates.filter((gate) => gate.required).map((gate) => gate.id);
  let checked = 0;
  let failure: string | null = null;
  for (const decision of journals.flatMap((journal) => journal.decisions)) {
    if (decision.by !== "engine" || !(decision.actions.includes("promote") || decision.actions.includes("finish"))) continue;
    checked += 1;
    const blind = required.find((gate) => (decision.checks.find(({ check }) => check === gate)?.status ?? "missing") === "missing");
    if (blind !== undefined) failure ??= `decision ${decision.id} promotes while "${blind}" has no data`;
  }
  return outcome("no promotion while a required metric lacks data", checked, failure, checked === 0 ? "nothing was promoted" : `${counted(checked, "promotion")}${checked === 1 ? "" : ", each"} with data`);
}

/** Besides its own time-out, a command's end may take this long to be heard. */
const HEARING_GRACE: Micros = seconds(30);

/**
 * A command that failed, timed out, or never ended is followed by another one or a page in bounded time. One that
 * another command has overtaken, like a scaling that a rollback broke off, needs no further answer.
 */
function failedActionsAreAnswered({ journals, input }: Simulation): InvariantOutcome {
  const { actionTimeout, every } = input.scenario.strategy;
  let checked = 0;
  let failure: string | null = null;
  for (const journal of journals) {
    const sent = journal.actions.filter(({ event }) => event === null);
    for (const { at, text, command } of sent) {
      const end = journal.actions.find((action) => action.command === command && action.event !== null);
      if (end?.event?.type === "action.done") continue;
      const limit = end === undefined ? at + actionTimeout + HEARING_GRACE : end.at + every;
      if (limit > input.scenario.duration) continue;
      checked += 1;
      const from = end?.at ?? at;
      const later = sent.slice(sent.findIndex((action) => action.command === command) + 1);
      const answered = later.some((next) => next.at <= limit) || journal.pages.some((page) => page.at >= from && page.at <= limit);
      if (!answered) {
        failure ??= `"${text}" ${end === undefined ? "never ended" : "failed"} at ${clockText(from)} and nothing followed within ${span(limit - from)}`;
      }
    }
  }
  return outcome("a failed action leads to a next one or a page", checked, failure, checked === 0 ? "no action failed" : `all ${count(checked)} did`);
}

/** On a real clock the decision is written a moment after the evaluation that it answers. */
const ANSWERING_GRACE: Micros = seconds(1);

/** Whatever state a release before users is in, a trigger that fires is the next thing to be decided on. */
function firedTriggersAct({ journals }: Simulation): InvariantOutcome {
  let checked = 0;
  let failure: string | null = null;
  for (const { breaches, decisions } of journals) {
    for (const { at, state, checks, decisions: before } of breaches) {
      checked += 1;
      const next: Decision | undefined = decisions[before];
      const acts = next !== undefined && next.at - at <= ANSWERING_GRACE && (next.rule === "trigger" || next.rule === "hard-trigger");
      if (!acts) failure ??= `"${checks[0]}" fired at ${clockText(at)} in ${state} and nothing was decided`;
    }
  }
  return outcome("a fired trigger is acted on at once", checked, failure, checked === 0 ? "none fired" : `all ${count(checked)} were`);
}

/** Rules whose evidence is what happened (a failed action, silence, a person's word), or that nothing was seen. */
const TOLD_BY_EVENTS: readonly DecisionRule[] = ["action-failed", "no-answer", "answer", "missing-data"];
/** Rules that rest on one check: it is named, and shown with figures. */
const RESTING_ON_A_CHECK: readonly DecisionRule[] = ["trigger", "hard-trigger", "gate"];

function decisionsHaveEvidence({ journals, input }: Simulation): InvariantOutcome {
  const { gates, triggers } = input.scenario.strategy;
  const decisions = journals.flatMap((journal) => journal.decisions);
  let failure: string | null = null;
  for (const decision of decisions) {
    const lack = lacks(decision, gates.length + triggers.length > 0);
    if (lack !== null) failure ??= `decision ${decision.id} (${decision.rule}) ${lack}`;
  }
  return outcome("every decision has evidence", decisions.length, failure, decisions.length === 0 ? "nothing was decided" : counted(decisions.length, "decision"));
}

function lacks({ reason, rule, checks, decidingCheck }: Decision, hasChecks: boolean): string | null {
  if (reason === "") return "gives no reason";
  const deciding = checks.find(({ check }) => check === decidingCheck);
  if (RESTING_ON_A_CHECK.includes(rule)) {
    if (decidingCheck === null) return "names no check";
    if (deciding === undefined) return `does not show "${decidingCheck}"`;
    return deciding.observed === null || deciding.threshold === null ? `shows "${decidingCheck}" without figures` : null;
  }
  return hasChecks && checks.length === 0 && !TOLD_BY_EVENTS.includes(rule) ? "shows no check" : null;
}

/** Little's law holds up to the requests still inside at the end. */
const LITTLES_TOLERANCE = 0.01;
/** On real processes a killed replica takes its last half second of books with it, and clocks are read between events. */
const LITTLES_TOLERANCE_LIVE = 0.05;
/** Cohort draws the times and expects the number inside: they may differ by this many standard errors of the sum of times. */
const LITTLES_STANDARD_ERRORS = 4;
const LITTLES_FEWEST_ARRIVALS = 1_000;

/**
 * Number in the system x time = sum of the times in it, service by service. In `request` both are counted, apart
 * from each other. In `cohort` the number inside is what the queues expect, and the times are those that were drawn.
 */
function littlesLaw(simulation: Simulation): InvariantOutcome {
  const { world, input } = simulation;
  let checked = 0;
  let failure: string | null = null;
  for (const { name } of input.scenario.world.services) {
    const { inFlightSeconds, latencySeconds, arrivals, squareSeconds = 0 } = world.littlesLaw(name);
    if (arrivals < LITTLES_FEWEST_ARRIVALS) continue;
    checked += 1;
    const times = input.fidelity === "cohort" ? drawnSeconds(simulation, name) : latencySeconds;
    const difference = Math.abs(inFlightSeconds - times) / Math.max(inFlightSeconds, times);
    const chance = input.fidelity === "cohort" ? (LITTLES_STANDARD_ERRORS * Math.sqrt(squareSeconds)) / Math.max(inFlightSeconds, times) : 0;
    const tolerance = input.fidelity === "live" ? LITTLES_TOLERANCE_LIVE : LITTLES_TOLERANCE;
    if (!(difference <= tolerance + chance)) {
      failure ??= `${name}: number inside x time is ${count(inFlightSeconds)} s, the sum of times ${count(times)} s`;
    }
  }
  return outcome("Little's law", checked, failure, checked === 0 ? "too few requests to tell" : `number inside x time = sum of the times, within ${input.fidelity === "live" ? "5" : "1"}% and chance`);
}

/** The sum of all times of answers that the service's versions gave. */
function drawnSeconds({ recorder }: Simulation, service: string): number {
  const cells = cellsWhere(recorder.cells, (cell) => cell.scope === "service" && cell.service === service);
  return cells.reduce((sum, cell) => sum + recorder.ledger.totals[cell * LEDGER_COLUMNS + LedgerColumn.latencySeconds], 0);
}
