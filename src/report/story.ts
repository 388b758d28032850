// The story of a run as every face tells it: the weighty entries, holds included, and nothing said twice.

import type { Decision } from "../engines/decision.js";
import type { Micros } from "../kernel/units.js";
import { clock, counted } from "../kernel/format.js";
import type { Outcome, TimelineEntry } from "../sim/outcome.js";
import { sentence } from "./text.js";

/** One line of the story; its decisions by number, none where nothing was decided. */
export interface StoryEntry {
  readonly at: Micros;
  readonly kind: TimelineEntry["kind"];
  readonly text: string;
  readonly decisions: readonly number[];
  /** Whether traffic, flags and releases stayed as they were. */
  readonly hold: boolean;
}

/** How much room holds get: each its line, those in a row together, or none. */
export type HoldDetail = "each" | "together" | "none";

/** What happened, in order. A page that repeats its decision's reason becomes part of that decision. */
export function storyOf(outcome: Outcome, holds: HoldDetail): readonly StoryEntry[] {
  const held = new Set(outcome.decisions.filter(isHold).map((decision) => decision.id));
  const pages = new Set(outcome.timeline.filter(isPage).map((entry) => `${entry.at} ${entry.text}`));
  const said = new Set<string>();
  const entries = outcome.timeline.flatMap((entry): StoryEntry[] => {
    const hold = entry.decision !== null && held.has(entry.decision);
    if (!entry.major && !(hold && holds !== "none")) return [];
    const page = `${entry.at} Page: ${entry.text}`;
    const paged = entry.decision !== null && pages.has(page);
    if (paged) said.add(page);
    else if (isPage(entry) && said.has(`${entry.at} ${entry.text}`)) return [];
    const text = paged ? `${sentence(entry.text)} On-call is paged.` : entry.text;
    return [{ at: entry.at, kind: entry.kind, text, decisions: entry.decision === null ? [] : [entry.decision], hold }];
  });
  return holds === "together" ? runsOfHolds(entries) : entries;
}

const isHold = (decision: Decision): boolean => decision.actions.every((action) => action === "hold");
const isPage = (entry: TimelineEntry): boolean => entry.text.startsWith("Page: ");

/** Holds that follow each other become one line: how often, until when, and the first one's reason. */
function runsOfHolds(entries: readonly StoryEntry[]): StoryEntry[] {
  const told: StoryEntry[] = [];
  for (let start = 0, end = 1; start < entries.length; start = end, end += 1) {
    while (entries[start].hold && end < entries.length && entries[end].hold) end += 1;
    const run = entries.slice(start, end);
    const [first] = run;
    const last = run[run.length - 1];
    told.push(run.length === 1 ? first : {
      ...first,
      text: `Held ${counted(run.length, "time")} until ${clock(last.at)}; first: ${first.text}`,
      decisions: run.flatMap((entry) => entry.decisions),
    });
  }
  return told;
}

/** `3`, or `3-5` for decisions that are told together. */
export const decisionNumbers = (decisions: readonly number[]): string =>
  decisions.length <= 1 ? decisions.join("") : `${decisions[0]}-${decisions[decisions.length - 1]}`;
