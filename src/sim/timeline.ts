// The story of a run in order: script, harm, decisions, actions, what broke, who was woken.

import { clock as clockText, counted } from "../kernel/format.js";
import type { PlatformCommand } from "../delivery/platform.js";
import type { Micros } from "../kernel/units.js";
import type { ScriptItem } from "../scenario/compiled.js";
import type { WorldEvent } from "../world/world.js";
import { isActing, type ActionEntry, type ReleaseJournal } from "./journal.js";
import type { TimelineEntry } from "./outcome.js";
import type { Simulation } from "./play.js";
import { releasesOf } from "./stage.js";

/** Sorted by time; entries of one instant keep the order script, world, harm, what an action came to, decision, what is sent. */
export function timelineOf(simulation: Simulation): readonly TimelineEntry[] {
  const { input, world, journals } = simulation;
  const entries = [
    ...input.scenario.script.flatMap(scriptEntries),
    ...world.events.map(worldEntry),
    ...releasesOf(input.scenario).flatMap(({ index, release }) => harmEntries(simulation, index, release.version)),
    ...journals.flatMap(journalEntries),
  ].filter((entry) => entry.at <= input.scenario.duration);
  return entries.sort((a, b) => a.at - b.at);
}

function entry(at: Micros, kind: TimelineEntry["kind"], text: string, major: boolean, decision: number | null = null): TimelineEntry {
  return { at, kind, text, major, decision };
}

function scriptEntries(item: ScriptItem): TimelineEntry[] {
  switch (item.kind) {
    case "release": {
      const { service, version, lines, flag } = item.release;
      const behind = flag === null ? "" : `, feature behind flag ${flag.name}`;
      return [entry(item.at, "script", `Release ${version} of ${service} begins (${counted(lines, "line")}${behind}).`, true)];
    }
    case "fault":
      return [entry(item.at, "script", `Fault: ${item.text}, until ${clockText(item.until)}.`, true)];
    case "answer":
      return [entry(item.at, "person", `The person on call answers: ${item.answer}.`, true)];
  }
}

const MAJOR_WORLD_EVENTS: readonly WorldEvent["kind"][] = ["out-of-memory", "startup-failed", "breaker-opened", "telemetry-lost", "telemetry-back"];

function worldEntry(event: WorldEvent): TimelineEntry {
  return { ...entry(event.at, "world", event.text, MAJOR_WORLD_EVENTS.includes(event.kind)), event: event.kind };
}

function harmEntries({ recorder }: Simulation, index: number, version: string): TimelineEntry[] {
  const at = recorder.ledger.firstHarmAt[index];
  return Number.isNaN(at) ? [] : [entry(at, "harm", `First request harmed by ${version}.`, true)];
}

function journalEntries(journal: ReleaseJournal): TimelineEntry[] {
  return [
    ...journal.actions.filter(({ event }) => event !== null).map(actionEntry),
    ...journal.decisions.map((decision) =>
      entry(
        decision.at,
        "decision",
        decision.reason,
        isActing(decision) || decision.actions.some((action) => action !== "hold"),
        decision.id,
      ),
    ),
    ...journal.states.map((state) => entry(state.at, "state", `${state.label}: ${state.why}`, false)),
    ...journal.actions.filter(({ event }) => event === null).map(actionEntry),
    ...journal.pages.map((page) => entry(page.at, "person", `Page: ${page.message}`, true)),
  ];
}

/** Commands whose end people wait for. */
const MAJOR_COMMANDS: readonly PlatformCommand["kind"][] = ["set-weight", "set-flag", "roll-back", "mark-stable"];

function actionEntry({ at, text, command, event }: ActionEntry): TimelineEntry {
  if (event === null) return entry(at, "action", `${text} …`, false);
  switch (event.type) {
    case "action.done":
      return entry(at, "action", `${text}: done.`, MAJOR_COMMANDS.includes(command.kind));
    case "action.failed":
      return entry(at, "action", `${text}: failed, ${event.why}.`, true);
    case "action.timed-out":
      return entry(at, "action", `${text}: timed out.`, true);
  }
}
