// Incidents of a delivery: opened by a critical alert or a decision to act, closed when users are safe again.

import type { AlertFinding } from "../engines/alerts.js";
import { CHANNEL, type Channel, type Severity } from "../engines/alerts.js";
import type { DecidedAction, Decision } from "../engines/decision.js";
import { minutes, type Micros } from "../kernel/units.js";
import { commandText } from "./canary-commands.js";
import type { DeliveryResult } from "./observer.js";
import type { ActionEvent, PlatformCommand } from "./platform.js";

/** Who is responsible from when on (SYSTEMS.md section 6). */
export const ESCALATION_LADDER: readonly { readonly after: Micros; readonly who: string }[] = [
  { after: minutes(0), who: "automatic" },
  { after: minutes(5), who: "on-call engineer" },
  { after: minutes(15), who: "senior manager" },
  { after: minutes(30), who: "executives" },
];

/** A page should be acknowledged within this. */
export const ACKNOWLEDGE_TARGET: Micros = minutes(15);

/** Who is responsible for an incident that has been open for `open`. */
export function responsible(open: Micros): string {
  return ESCALATION_LADDER.reduce((who, rung) => (open >= rung.after ? rung.who : who), ESCALATION_LADDER[0].who);
}

export interface IncidentRecord {
  readonly openedAt: Micros;
  readonly closedAt: Micros | null;
  readonly release: string;
  readonly summary: string;
  /** Whether it was decided to act: then only what becomes of the release ends it. */
  readonly acted: boolean;
  /** How it went, oldest first. */
  readonly notes: readonly { readonly at: Micros; readonly text: string }[];
}

/** What moves an incident. */
export type IncidentSignal =
  | { readonly kind: "alert"; readonly at: Micros; readonly alert: AlertFinding }
  | { readonly kind: "decision"; readonly decision: Decision }
  | { readonly kind: "page"; readonly at: Micros; readonly message: string }
  /** No trigger fired and every gate passed for a full window. */
  | { readonly kind: "recovered"; readonly at: Micros }
  | { readonly kind: "result"; readonly result: DeliveryResult };

const ACTS: readonly DecidedAction[] = ["disable-flag", "shift-traffic", "roll-back"];

/** The incident after a signal; null stays null until something opens one, and a closed one stays as it is. Pure. */
export function followIncident(incident: IncidentRecord | null, release: string, signal: IncidentSignal): IncidentRecord | null {
  const note = noteOf(signal);
  if (incident === null) return opens(signal) ? { openedAt: note.at, closedAt: null, release, summary: note.text, acted: acts(signal), notes: [note] } : null;
  if (incident.closedAt !== null) return incident;
  return { ...incident, acted: incident.acted || acts(signal), closedAt: closes(signal, incident) ? note.at : null, notes: [...incident.notes, note] };
}

/** A delivery's incidents in order: after one is closed, the next signal that would open one does. */
export function incidentsIn(release: string, signals: readonly IncidentSignal[]): readonly IncidentRecord[] {
  const closed: IncidentRecord[] = [];
  let open: IncidentRecord | null = null;
  for (const signal of signals) {
    const next: IncidentRecord | null = followIncident(open, release, signal);
    if (next !== null && next.closedAt !== null) closed.push(next);
    open = next?.closedAt === null ? next : null;
  }
  return open === null ? closed : [...closed, open];
}

function opens(signal: IncidentSignal): boolean {
  return acts(signal) || (signal.kind === "alert" && signal.alert.severity === "critical");
}

function acts(signal: IncidentSignal): boolean {
  return signal.kind === "decision" && signal.decision.actions.some((action) => ACTS.includes(action));
}

/**
 * Users are safe when the release is gone or dark, or was found well and promoted; and when the checks recovered while
 * nobody had decided to act: then it was not the release's doing, or it passed.
 */
function closes(signal: IncidentSignal, { acted }: IncidentRecord): boolean {
  return (signal.kind === "recovered" && !acted) || (signal.kind === "result" && signal.result.kind !== "held");
}

function noteOf(signal: IncidentSignal): { readonly at: Micros; readonly text: string } {
  switch (signal.kind) {
    case "alert":
      return { at: signal.at, text: signal.alert.text };
    case "decision":
      return { at: signal.decision.at, text: signal.decision.reason };
    case "page":
      return { at: signal.at, text: `Paged: ${signal.message}` };
    case "recovered":
      return { at: signal.at, text: "Recovered: no trigger fired and every gate passed for a full window." };
    case "result":
      return { at: signal.result.at, text: `Ended: ${signal.result.kind}.` };
  }
}

/** An alert that a delivery itself raises, beside those of its checks. */
export interface DeliveryAlert {
  readonly severity: Severity;
  readonly channel: Channel;
  readonly text: string;
}

const alertOf = (severity: Severity, text: string): DeliveryAlert => ({ severity, channel: CHANNEL[severity], text });

/** A command that did not work is a warning; a switched flag is worth a line. */
export function alertOfAction(command: PlatformCommand, event: ActionEvent): DeliveryAlert | null {
  if (event.type === "action.failed") return alertOf("warning", `Failed to ${commandText(command)}: ${event.why}.`);
  if (event.type === "action.timed-out") return alertOf("warning", `Timed out: ${commandText(command)}.`);
  return command.kind === "set-flag" ? alertOf("info", `Done: ${commandText(command)}.`) : null;
}

/** How a delivery ended, for the log. */
export function alertOfResult(service: string, version: string, result: DeliveryResult): DeliveryAlert {
  const release = `${service} ${version}`;
  switch (result.kind) {
    case "promoted":
      return alertOf("info", `${release} is promoted and stable.`);
    case "flag-off":
      return alertOf("warning", `${release} stays dark: its flag is off.`);
    case "rolled-back":
      return alertOf("warning", `${release} is rolled back.`);
    case "held":
      return alertOf("warning", `${release} is held.`);
  }
}
