// What must hold in every run, whatever the strategy: DESIGN.md section 6, "Invariants".

import type { Micros } from "../kernel/units.js";
import { clock as clockText, count, duration as span } from "../kernel/format.js";
import { LEDGER_COLUMNS, LedgerColumn } from "../world/ledger.js";
import type { InvariantOutcome } from "./outcome.js";
import { cellsWhere, type RecordRow } from "./recording.js";
import type { Simulation } from "./simulate.js";
import { recordInterval } from "./simulate.js";
import { releasesOf } from "./stage.js";

const WEIGHT_TOLERANCE = 1e-9;

/** Checks every invariant on a finished run. */
export function checkInvariants(simulation: Simulation): readonly InvariantOutcome[] {
  return [
    weightsSumToOne(simulation),
    noTrafficToBadVersion(simulation),
    noPromotionWithoutData(simulation),
    failedActionsAreAnswered(simulation),
    decisionsHaveEvidence(simulation),
    littlesLaw(simulation),
  ];
}

function outcome(name: string, checked: number, failure: string | null, fine: string): InvariantOutcome {
  return { name, held: failure === null, checked, reason: failure ?? fine };
}

function weightsSumToOne({ recorder, input }: Simulation): InvariantOutcome {
  const services = new Set(recorder.tracked.map((version) => version.service));
  let failure: string | null = null;
  for (const row of recorder.rows) {
    for (const service of services) {
      const sum = row.versions.reduce(
        (total, version, index) => (recorder.tracked[index].service === service ? total + version.weight : total),
        0,
      );
      if (Math.abs(sum - 1) > WEIGHT_TOLERANCE) {
        failure ??= `at ${clockText(row.at)} the weights of ${service} in ${input.scenario.name} sum to ${sum}`;
      }
    }
  }
  return outcome("weights sum to 100 %", recorder.rows.length, failure, "at every record");
}

/** After a rollback is done, its propagation and the drain, the version answers no further request. */
function noTrafficToBadVersion(simulation: Simulation): InvariantOutcome {
  const { recorder, journals, input } = simulation;
  const { splitPropagation, drain } = input.scenario.world;
  let checked = 0;
  let failure: string | null = null;
  for (const { index, release } of releasesOf(input.scenario)) {
    const done = rollbackDoneAt(simulation, index);
    if (done === null || journals[index].result?.kind !== "rolled-back") continue;
    checked += 1;
    const limit = done + splitPropagation + drain + recordInterval(input.scenario);
    const cells = cellsWhere(recorder.cells, (cell) => cell.scope === "service" && cell.service === release.service && cell.version === release.version);
    const settled = recorder.rows.find((row) => row.at >= limit);
    const last = recorder.rows.at(-1);
    if (settled === undefined || last === undefined) continue;
    const more = requestsOf(last, cells) - requestsOf(settled, cells);
    if (more > 0) failure ??= `${release.version} still answered ${count(more)} requests after ${clockText(limit)}`;
  }
  return outcome("no request reaches a version taken back", checked, failure, checked === 0 ? "no version was taken back" : "none did");
}

function rollbackDoneAt({ journals }: Simulation, index: number): Micros | null {
  const done = journals[index].actions.find(
    ({ command, event }) => command.kind === "roll-back" && event?.type === "action.done",
  );
  return done?.at ?? null;
}

function requestsOf(row: RecordRow, cells: readonly number[]): number {
  return cells.reduce((sum, cell) => sum + row.totals[cell * LEDGER_COLUMNS + LedgerColumn.requests], 0);
}

function noPromotionWithoutData({ journals }: Simulation): InvariantOutcome {
  let checked = 0;
  let failure: string | null = null;
  for (const decision of journals.flatMap((journal) => journal.decisions)) {
    if (decision.by !== "engine" || !(decision.actions.includes("promote") || decision.actions.includes("finish"))) continue;
    checked += 1;
    const missing = decision.checks.find((check) => check.role === "gate" && check.status === "missing");
    if (missing !== undefined) failure ??= `decision ${decision.id} promotes while "${missing.check}" has no data`;
  }
  return outcome("no promotion while a required metric lacks data", checked, failure, `${count(checked)} promotions, each with data`);
}

/** A failed or timed-out action is followed by another action, a page, or the end of the run, in bounded time. */
function failedActionsAreAnswered({ journals, input }: Simulation): InvariantOutcome {
  const limit = input.scenario.strategy.actionTimeout + input.scenario.strategy.every;
  let checked = 0;
  let failure: string | null = null;
  for (const journal of journals) {
    for (const { event, at, text } of journal.actions) {
      if (event === null || event.type === "action.done") continue;
      checked += 1;
      const next = [...journal.actions.filter((action) => action.event === null), ...journal.pages].some(
        (answer) => answer.at >= at && answer.at <= at + limit,
      );
      if (!next && at + limit <= input.scenario.duration) {
        failure ??= `"${text}" failed at ${clockText(at)} and nothing followed within ${span(limit)}`;
      }
    }
  }
  return outcome("a failed action leads to a next one or a page", checked, failure, checked === 0 ? "no action failed" : `all ${count(checked)} did`);
}

/** A decision of the engine shows checks, or names the rule that needs none. */
function decisionsHaveEvidence({ journals }: Simulation): InvariantOutcome {
  const decisions = journals.flatMap((journal) => journal.decisions);
  const bare = decisions.find((decision) => decision.reason === "" || (decision.by === "engine" && decision.rule !== "action-failed" && decision.rule !== "no-answer" && decision.checks.length === 0 && decision.flag === null));
  return outcome(
    "every decision has evidence",
    decisions.length,
    bare === undefined ? null : `decision ${bare.id} (${bare.rule}) shows no check`,
    `${count(decisions.length)} decisions`,
  );
}

/** Little's law holds up to the requests still inside at the end. */
const LITTLES_TOLERANCE = 0.01;
/** Cohort draws the times and expects the number inside: they may differ by this many standard errors. */
const LITTLES_STANDARD_ERRORS = 5;

/** Number in the system x time = sum of the times in it, service by service. */
function littlesLaw({ world, input }: Simulation): InvariantOutcome {
  let failure: string | null = null;
  for (const service of input.scenario.world.services) {
    const { inFlightSeconds, latencySeconds, arrivals } = world.littlesLaw(service.name);
    if (arrivals < 1_000) continue;
    const difference = Math.abs(inFlightSeconds - latencySeconds) / Math.max(inFlightSeconds, latencySeconds);
    const chance = input.fidelity === "cohort" ? LITTLES_STANDARD_ERRORS / Math.sqrt(arrivals) : 0;
    if (difference > LITTLES_TOLERANCE + chance) {
      failure ??= `${service.name}: number inside x time is ${count(inFlightSeconds)} s, the sum of times ${count(latencySeconds)} s`;
    }
  }
  return outcome("Little's law", input.scenario.world.services.length, failure, "number inside x time = sum of the times, within 1 % and chance");
}
