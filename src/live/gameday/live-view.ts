// What people see of a running game day: a few lines that are drawn anew at a terminal, a plain line now and then elsewhere.

import { createLogUpdate } from "log-update";
import { clock, latency, percent, perSecond } from "../../kernel/format.js";
import { seconds, type Micros } from "../../kernel/units.js";
import type { Decision } from "../../engines/decision.js";
import type { VersionStatus } from "../../world/world.js";
import type { EdgeFigures } from "./seen-figures.js";

/** One look at the game day. */
export interface LiveStatus {
  readonly at: Micros;
  readonly duration: Micros;
  /** What clients got in the last seconds. */
  readonly edge: EdgeFigures;
  readonly split: readonly { readonly service: string; readonly versions: readonly VersionStatus[] }[];
  /** The statecharts' states, in words. */
  readonly states: readonly string[];
  readonly decision: Decision | null;
  readonly faults: readonly string[];
}

export interface GameDayView {
  /** A line that stays. */
  say(line: string): void;
  status(status: LiveStatus): void;
  /** Nothing is drawn any more. */
  end(): void;
}

/** Where nobody watches, a line this often. */
const PLAIN_EVERY: Micros = seconds(10);
const BAR = 24;

/** The view for this output: redrawn in place at a terminal. */
export function liveView(out: NodeJS.WriteStream, width: number): GameDayView {
  return out.isTTY === true ? new DrawnView(out, width) : new PlainView((line) => void out.write(`${line}\n`), width);
}

/** Lines only, and few of them. */
export class PlainView implements GameDayView {
  readonly #print: (line: string) => void;
  readonly #width: number;
  #nextAt: Micros = 0;

  constructor(print: (line: string) => void, width: number) {
    this.#print = print;
    this.#width = width;
  }

  say(line: string): void {
    this.#print(oneLine(line));
  }

  status(status: LiveStatus): void {
    if (status.at < this.#nextAt) return;
    this.#nextAt = status.at + PLAIN_EVERY;
    this.#print(cut(plainLine(status), Math.max(this.#width, 160)));
  }

  end(): void {
    this.#nextAt = Infinity;
  }
}

class DrawnView implements GameDayView {
  readonly #draw: ReturnType<typeof createLogUpdate>;
  readonly #width: number;

  constructor(out: NodeJS.WriteStream, width: number) {
    this.#draw = createLogUpdate(out);
    this.#width = width;
  }

  say(line: string): void {
    this.#draw.persist(cut(oneLine(line), this.#width));
  }

  status(status: LiveStatus): void {
    this.#draw(statusLines(status).map((line) => cut(line, this.#width)).join("\n"));
  }

  end(): void {
    this.#draw.clear();
    this.#draw.done();
  }
}

/** The block that is drawn anew every second. */
export function statusLines(status: LiveStatus): readonly string[] {
  const { at, duration, edge, split, states, decision, faults } = status;
  const done = Math.round(BAR * Math.min(1, Math.max(0, at / duration)));
  const rows: readonly (readonly [label: string, text: string])[] = [
    ["clients", edgeText(edge)],
    ...split.map(({ service, versions }) => [service, versions.map(versionText).join("   ")] as const),
    ...states.map((state) => ["state", state] as const),
    ...(decision === null ? [] : [["decision", `${clock(decision.at)} ${decision.actions.join(", ")}: ${decision.reason}`] as const]),
    ["faults", faults.length === 0 ? "none" : faults.join("; ")],
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  return [
    `${clock(Math.max(0, at))} of ${clock(duration)}  ${"━".repeat(done)}${"─".repeat(BAR - done)}`,
    ...rows.map(([label, text]) => oneLine(`${label.padEnd(width)}  ${text}`)),
  ];
}

/** The same in one line. */
export function plainLine({ at, edge, split, states, faults }: LiveStatus): string {
  const shares = split.map(({ service, versions }) => `${service} ${versions.map(({ version, weight }) => `${version} ${percent(weight)}`).join(" ")}`);
  return [`${clock(Math.max(0, at))}`, edgeText(edge), ...shares, ...states, ...(faults.length === 0 ? [] : [`faults: ${faults.join("; ")}`])].map(oneLine).join(" · ");
}

function edgeText({ perSecond: rate, errorRate, p95Seconds }: EdgeFigures): string {
  return `${perSecond(rate)}, errors ${percent(errorRate)}, p95 ${latency(p95Seconds)}`;
}

function versionText({ version, weight, ready, desired }: VersionStatus): string {
  return `${version} ${percent(weight)} (${ready} of ${desired} replicas)`;
}

// Names and texts come from users' files, and must not steer the terminal.
// eslint-disable-next-line no-control-regex
const oneLine = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, " ");

const cut = (line: string, width: number): string => (line.length <= width ? line : `${line.slice(0, Math.max(1, width - 1))}…`);
