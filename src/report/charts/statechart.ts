// The statechart as it was walked: a box and a lane per state, bars where time was spent, arrows with their reason.

import { axisTime, clock, counted, duration } from "../../kernel/format.js";
import { escapeText } from "../escape.js";
import { paint, versionPaint } from "../palette.js";
import type { Micros } from "../../kernel/units.js";
import type { Outcome, ReleaseOutcome } from "../../sim/outcome.js";
import { timeTicks } from "./scale.js";

const WIDTH = 1080;
const BOX_WIDTH = 280;
const LANES_FROM = 300;
const LANES_TO = 1062;
const LANE = 48;
const TOP = 10;
const LETTER = 6.1;
const FONT = "font-family=\"system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif\"";

/** Text that stays readable where an arrow runs behind it. */
const HALO = `font-size="11.5" fill="${paint("muted")}" stroke="${paint("surface")}" stroke-width="4" stroke-linejoin="round" paint-order="stroke"`;

interface Visit {
  readonly state: string;
  readonly from: Micros;
  readonly to: Micros;
  /** Why it was entered; null for the first. */
  readonly why: string | null;
}

interface Lane {
  readonly state: string;
  readonly label: string;
  readonly spent: Micros;
  readonly entries: number;
}

/** When its first state was entered; an outcome of before that was kept tells it where that state was entered once. */
function beganAt({ startedAt, states, transitions, times }: ReleaseOutcome): Micros {
  const [first] = states;
  const told = first?.entries === 1 && transitions.length > 0 ? transitions[0].at - first.spent : times.releasedAt;
  return startedAt ?? told;
}

/** The visits to states in order of time, from the begin of delivery to the end of the run. */
export function visitsOf(release: ReleaseOutcome, end: Micros): readonly Visit[] {
  const { transitions } = release;
  const first = transitions.length === 0 ? release.states[0]?.state : transitions[0].from;
  if (first === undefined) return [];
  const starts = [{ state: first, from: beganAt(release), why: null as string | null }, ...transitions.map((each) => ({ state: each.to, from: each.at, why: each.why }))];
  return starts.map((visit, index) => ({ ...visit, to: Math.max(visit.from, starts[index + 1]?.from ?? Math.max(end, visit.from)) }));
}

/** One release's path as an SVG picture. */
export function statechartSvg(outcome: Outcome, index: number): string {
  const release = outcome.releases[index];
  const visits = visitsOf(release, outcome.duration);
  const lanes = lanesOf(release, visits);
  const { from, to } = stretchOf(release, outcome.duration);
  const x = (at: Micros): number => LANES_FROM + ((Math.min(Math.max(at, from), to) - from) / Math.max(1, to - from)) * (LANES_TO - LANES_FROM);
  const height = TOP + lanes.length * LANE + 28;
  const rowOf = new Map(lanes.map((lane, row) => [lane.state, row]));
  const last = visits[visits.length - 1]?.state;
  const parts = [
    timeAxis(from, to, x, lanes.length),
    ...lanes.map((lane, row) => laneBox(lane, row, lane.state === last)),
    ...visits.slice(1).map((visit, each) => arrow(x(visit.from), rowOf.get(visits[each].state) ?? 0, rowOf.get(visit.state) ?? 0)),
    ...visits.map((visit) => bar(visit, barWords(visit, lanes), rowOf.get(visit.state) ?? 0, x, visit.state === last && visit.to > to)),
    ...visits.filter((visit) => visit.why !== null && visits.filter((other) => other.state === visit.state).length === 1)
      .map((visit) => whyText(visit, rowOf.get(visit.state) ?? 0, x)),
  ];
  const title = `States of ${release.service} ${release.version} with the time spent in each`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeText(title)}" ${FONT}>`
    + `<rect width="${WIDTH}" height="${height}" fill="${paint("surface")}"/>${parts.join("")}</svg>`;
}

function lanesOf(release: ReleaseOutcome, visits: readonly Visit[]): readonly Lane[] {
  const known = new Set(release.states.map((lane) => lane.state));
  const extra = [...new Set(visits.map((visit) => visit.state))].filter((state) => !known.has(state));
  return [...release.states, ...extra.map((state) => ({
    state, label: state,
    spent: visits.filter((visit) => visit.state === state).reduce((sum, visit) => sum + visit.to - visit.from, 0),
    entries: visits.filter((visit) => visit.state === state).length,
  }))];
}

/** From just before the release to a while after the last transition: a long wait at the end says nothing. */
function stretchOf(release: ReleaseOutcome, end: Micros): { readonly from: Micros; readonly to: Micros } {
  const from = beganAt(release);
  const last = release.transitions[release.transitions.length - 1]?.at ?? end;
  return { from, to: Math.max(from + 1, Math.min(end, last + Math.max((last - from) * 0.25, 1))) };
}

const middle = (row: number): number => TOP + row * LANE + LANE / 2;
const round = (value: number): string => String(Number(value.toFixed(1)));

function laneBox(lane: Lane, row: number, final: boolean): string {
  const y = middle(row) - 19;
  const frame = (inset: number): string =>
    `<rect x="${2 + inset}" y="${y + inset}" width="${BOX_WIDTH - 2 * inset}" height="${38 - 2 * inset}" rx="${7 - inset}" fill="${paint("box")}" stroke="${paint("muted")}"/>`;
  return frame(0) + (final ? frame(3) : "")
    + `<text x="14" y="${y + 16}" font-size="11.5" font-weight="600" fill="${paint("ink")}">${escapeText(cut(lane.label, 38))}</text>`
    + `<text x="14" y="${y + 31}" font-size="11" fill="${paint("muted")}">${escapeText(spentWords(lane, final))}</text>`;
}

function spentWords(lane: Lane, final: boolean): string {
  if (final && lane.spent === 0) return "where it ended";
  return `${duration(lane.spent)}${lane.entries > 1 ? ` in ${counted(lane.entries, "visit")}` : ""}${final ? " · where it ended" : ""}`;
}

function bar(visit: Visit, words: string, row: number, x: (at: Micros) => number, open: boolean): string {
  const left = x(visit.from);
  const width = Math.max(3, x(visit.to) - left);
  const y = middle(row);
  const shape = `<rect x="${round(left)}" y="${y - 6}" width="${round(width)}" height="12" rx="2" fill="${versionPaint(0)}"><title>${escapeText(words)}</title></rect>`;
  return open ? `${shape}<path d="M${round(left + width)},${y - 9}l10,9l-10,9z" fill="${versionPaint(0)}"/>` : shape;
}

function arrow(x: number, from: number, to: number): string {
  if (from === to) return "";
  const down = to > from;
  const end = middle(to) + (down ? -7 : 7);
  const head = down ? `M${round(x - 4)},${end - 6}h8l-4,6z` : `M${round(x - 4)},${end + 6}h8l-4,-6z`;
  return `<path d="M${round(x)},${middle(from)}V${end}" fill="none" stroke="${paint("decision")}" stroke-width="1.3"/><path d="${head}" fill="${paint("decision")}"/>`;
}

const barWords = ({ state, from, to, why }: Visit, lanes: readonly Lane[]): string =>
  `${lanes.find((lane) => lane.state === state)?.label ?? state}: ${clock(from)} to ${clock(to)}, ${duration(to - from)}${why === null ? "" : `\n${why}`}`;

/** The reason under a long bar, or beside it: to its right where there is room, else to its left. */
function whyText(visit: Visit, row: number, x: (at: Micros) => number): string {
  const left = x(visit.from);
  const right = Math.max(left + 3, x(visit.to));
  const roomRight = LANES_TO - right - 18;
  const roomLeft = left - LANES_FROM - 12;
  const text = visit.why ?? "";
  if (right - left >= text.length * LETTER) return `<text x="${round(left + 2)}" y="${middle(row) + 19}" ${HALO}>${escapeText(text)}</text>`;
  const toRight = roomRight >= Math.min(text.length * LETTER, roomLeft);
  const room = Math.floor((toRight ? roomRight : roomLeft) / LETTER);
  if (room < 8) return "";
  const place = toRight ? `x="${round(right + 8)}"` : `x="${round(left - 8)}" text-anchor="end"`;
  return `<text ${place} y="${middle(row) + 4}" ${HALO}>${escapeText(cut(text, room))}</text>`;
}

function timeAxis(from: Micros, to: Micros, x: (at: Micros) => number, lanes: number): string {
  const { step, ticks } = timeTicks(from, to, 10);
  const bottom = TOP + lanes * LANE;
  return ticks.map((tick) =>
    `<path d="M${round(x(tick))},${TOP}V${bottom}" stroke="${paint("grid")}"/>`
    + `<text x="${round(x(tick))}" y="${bottom + 16}" font-size="11.5" text-anchor="middle" fill="${paint("muted")}">${axisTime(tick, step)}</text>`).join("");
}

const cut = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, Math.max(1, most - 1))}…`);
