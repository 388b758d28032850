// The file of a calibrated world: the world as it was written, with the fitted figures and what each rests on.

import { dirname, relative, resolve } from "node:path";
import { Document, isNode } from "yaml";
import { duration, percent } from "../../kernel/format.js";
import type { Micros } from "../../kernel/units.js";
import { formatDuration, parseDuration, parseDurationRange } from "../../scenario/units.js";
import type { Calibration, Excess, FittedEndpoint, Overhead } from "./calibration.js";
import { isMap, type WrittenWorld } from "./written-world.js";

const HOP = /^#\s*hop: (\d+)us\b/m;

/** What a calibrated world's file says of the way from a client to a replica; null where it says nothing. */
export function hopIn(text: string): Micros | null {
  const found = HOP.exec(text);
  return found === null ? null : Number(found[1]);
}

const OVERHEAD = /^#\s*overhead: start-up (-?\d+)us, split (-?\d+)us, lag (-?\d+)us\b/m;

/** What a calibrated world's file says that real processes add; null where it says nothing. */
export function overheadIn(text: string): Overhead | null {
  const found = OVERHEAD.exec(text);
  return found === null ? null : { startup: Number(found[1]), split: Number(found[2]), lag: Number(found[3]) };
}

/** The text of the file `out`. */
export function calibratedText({ world, file }: WrittenWorld, calibration: Calibration, out: string): string {
  const draft = new Draft({ ...world, kind: "world" });
  for (const endpoint of calibration.endpoints) writeTime(draft, endpoint);
  if (calibration.startup !== null) for (const name of draft.keys(["services"])) writeStartup(draft, name, calibration.startup);
  if (calibration.split !== null) writeSplit(draft, calibration.split);
  const { scrape, missed } = calibration;
  const overhead: Overhead = { startup: calibration.startup?.by ?? 0, split: calibration.split?.by ?? 0, lag: scrape.lagP50 - writtenLag(draft) };
  draft.put(["telemetry", "lag"], formatDuration(scrape.lagP50), `median of ${scrape.scrapes} scrapes; p95 ${duration(scrape.lagP95)}`);
  draft.put(["telemetry", "missed"], `${Number((missed * 100).toFixed(3))}%`, `${percent(missed)} of ${scrape.scrapes} scrapes`);
  moveTraces(draft, file, out);
  return draft.text(header(calibration, overhead, file));
}

function header({ from, to, seed, hop, scrape, quality, startup }: Calibration, overhead: Overhead, file: string): string {
  return [
    ` ${file}, calibrated on an unfaulted game day: ${duration(from)} to ${duration(to)}, seed ${seed}.`,
    " It is for the simulator: real processes that play it would add what they add once more.",
    ` hop: ${Math.round(hop.by)}us from a client by the proxy to a replica and back, mean of ${hop.samples} pages. A world has no field for it; \`gameday --predict\` adds it to what clients wait.`,
    ` overhead: start-up ${Math.round(overhead.startup)}us, split ${Math.round(overhead.split)}us, lag ${Math.round(overhead.lag)}us more than written. Real processes take it at any speed: \`gameday --speed N --predict\` divides what was written, and adds this.`,
    ` scrapes: ${scrape.scrapes}, of which ${scrape.failed} failed; 95% of intervals are within ${duration(scrape.jitterP95)} of the one meant.`,
    ...(startup === null ? [" start-up: not measured, since no replica started."] : []),
    " flags: not measured, since none was switched.",
    ...quality.map((why) => ` Take care: ${why}.`),
  ].join("\n");
}

type Path = readonly string[];

/** Plain data with notes at some of its values. */
class Draft {
  readonly data: Record<string, unknown>;
  readonly #notes: { readonly path: Path; readonly note: string }[] = [];

  constructor(data: Record<string, unknown>) {
    this.data = structuredClone(data);
  }

  get(path: Path): unknown {
    return path.reduce<unknown>((at, part) => (isMap(at) ? at[part] : undefined), this.data);
  }

  keys(path: Path): readonly string[] {
    const found = this.get(path);
    return isMap(found) ? Object.keys(found) : [];
  }

  put(path: Path, value: unknown, note?: string): void {
    let at = this.data;
    for (const part of path.slice(0, -1)) {
      if (!isMap(at[part])) at[part] = {};
      at = at[part] as Record<string, unknown>;
    }
    at[path[path.length - 1]] = value;
    if (note !== undefined) this.note(path, note);
  }

  drop(path: Path): void {
    const holder = this.get(path.slice(0, -1));
    if (isMap(holder)) delete (holder as Record<string, unknown>)[path[path.length - 1]];
  }

  note(path: Path, note: string): void {
    this.#notes.push({ path, note });
  }

  text(commentBefore: string): string {
    const { shakedown: _, kind, ...rest } = this.data;
    const document = new Document({ shakedown: 1, kind, ...rest }, { aliasDuplicateObjects: false });
    document.commentBefore = commentBefore;
    for (const { path, note } of this.#notes) {
      const node = document.getIn(path, true);
      if (isNode(node)) node.comment = ` ${note}`;
    }
    return document.toString({ lineWidth: 0 });
  }
}

const OTHER_TIMES = ["exponential", "constant", "gamma", "shape", "uniform"];

function writeTime(draft: Draft, { service, endpoint, requests, fitted, observed, before }: FittedEndpoint): void {
  const path = ["services", service, "endpoints", endpoint];
  if (fitted === null) return draft.note(path, `not fitted: only ${requests} requests`);
  for (const field of OTHER_TIMES) draft.drop([...path, field]);
  const words = (which: "p50" | "p95"): string => `whole answers took ${duration(observed[which])} (as written they would take ${duration(before[which])}); ${requests} requests`;
  draft.put([...path, "p50"], formatDuration(fitted.p50), words("p50"));
  draft.put([...path, "p95"], formatDuration(fitted.p95), words("p95"));
}

/** As the schema has it where nothing is written. */
const USUAL_STARTUP = { p50: "10s", p95: "20s" };
const USUAL_LAG = "5s";

function writeStartup(draft: Draft, service: string, { by, samples }: Excess): void {
  const path = ["services", service, "startup"];
  const written = draft.get(path);
  const times = Object.entries(isMap(written) ? written : USUAL_STARTUP);
  for (const [field, time] of times) {
    if (typeof time === "string") draft.put([...path, field], later(time, by), `${duration(by)} more than written, by a real process's boot: mean of ${samples}`);
  }
}

/** `1200ms`, or `20ms-60ms`, so much later. */
function later(text: string, by: Micros): string {
  const one = parseDuration(text);
  if (one.ok) return formatDuration(Math.max(0, one.value + by));
  const range = parseDurationRange(text);
  return range.ok ? `${formatDuration(Math.max(0, range.value.from + by))}-${formatDuration(Math.max(0, range.value.to + by))}` : text;
}

function writeSplit(draft: Draft, { by, samples }: Excess): void {
  const written = draft.get(["split-propagation"]);
  draft.put(["split-propagation"], later(typeof written === "string" ? written : "2s", by), `${duration(Math.abs(by))} ${by < 0 ? "less" : "more"} than written, mean of ${samples} changes`);
}

function writtenLag(draft: Draft): Micros {
  const written = draft.get(["telemetry", "lag"]);
  const parsed = parseDuration(typeof written === "string" ? written : USUAL_LAG);
  return parsed.ok ? parsed.value : 0;
}

/** A trace is named from where its world lies, and that is another folder now. */
function moveTraces(draft: Draft, file: string, out: string): void {
  const { traffic } = draft.data;
  for (const entry of Array.isArray(traffic) ? traffic as unknown[] : [traffic]) {
    if (!isMap(entry) || typeof entry["trace"] !== "string") continue;
    (entry as Record<string, unknown>)["trace"] = relative(dirname(resolve(out)), resolve(dirname(file), entry["trace"]));
  }
}
