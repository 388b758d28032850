// Alerts and incidents of a run, folded from what the deliveries saw, decided, did and ended with.

import { alertOfAction, alertOfResult, incidentsIn, type IncidentSignal } from "../delivery/incidents.js";
import type { Micros } from "../kernel/units.js";
import type { ReleaseJournal } from "./journal.js";
import type { Alert, Incident } from "./outcome.js";
import type { Simulation } from "./play.js";
import { releasesOf, type ReleaseItem } from "./stage.js";

/** Every alert in order of time: those of the checks as they begin or worsen, and those of the delivery itself. */
export function alertsOf({ journals, input }: Simulation): readonly Alert[] {
  const alerts = releasesOf(input.scenario).flatMap((item) => {
    const journal = journals[item.index];
    return [...journal.alarms.raised.map(({ at, alert: { severity, channel, text } }) => ({ at, severity, channel, text })), ...deliveryAlerts(item, journal)];
  });
  return alerts.sort((a, b) => a.at - b.at);
}

/** Opened by critical alerts or decisions to act, closed by recovery or by what became of the release. */
export function incidentsOf({ journals, input }: Simulation): readonly Incident[] {
  const incidents = releasesOf(input.scenario).flatMap((item) => incidentsIn(item.release.version, signalsOf(journals[item.index])));
  return incidents.map(({ openedAt, closedAt, release, summary }) => ({ openedAt, closedAt, release, summary }));
}

function deliveryAlerts(item: ReleaseItem, journal: ReleaseJournal): readonly Alert[] {
  const actions = journal.actions.flatMap(({ command, event }) => {
    const alert = event === null ? null : alertOfAction(command, event);
    return event === null || alert === null ? [] : [{ at: event.at, ...alert }];
  });
  const { result } = journal;
  return result === null ? actions : [...actions, { at: result.at, ...alertOfResult(item.release.service, item.release.version, result) }];
}

/** What moves the incident, in order of time; a decision comes before the result it leads to at the same instant. */
function signalsOf(journal: ReleaseJournal): readonly IncidentSignal[] {
  const signals: { at: Micros; signal: IncidentSignal }[] = [
    ...journal.alarms.raised.map(({ at, alert }) => ({ at, signal: { kind: "alert" as const, at, alert } })),
    ...journal.decisions.map((decision) => ({ at: decision.at, signal: { kind: "decision" as const, decision } })),
    ...journal.pages.map(({ at, message }) => ({ at, signal: { kind: "page" as const, at, message } })),
    ...journal.alarms.recovered.map((at) => ({ at, signal: { kind: "recovered" as const, at } })),
  ];
  if (journal.result !== null) signals.push({ at: journal.result.at, signal: { kind: "result", result: journal.result } });
  return signals.sort((a, b) => a.at - b.at).map(({ signal }) => signal);
}
