// Reads a recorded trace and cuts out the scenario's stretch: a rate shape whose highest point there is 1.

import type { Micros } from "../kernel/units.js";
import type { RateShape } from "../world/spec.js";
import { formatCivil } from "./civil-time.js";
import type { Place } from "./findings.js";
import { LIMITS } from "./limits.js";
import { codeFrame, type Problem } from "./problem.js";
import { formatDuration, parseCivilTime } from "./units.js";

export interface Trace {
  /** Microseconds since 1970, rising. */
  readonly times: readonly Micros[];
  readonly values: readonly number[];
}

/** Parses `timestamp,value` rows. Every bad row is reported, up to a limit. */
export function parseTrace(file: string, text: string): { readonly trace: Trace | null; readonly problems: readonly Problem[] } {
  const lines = text.split(/\r\n|\n|\r/);
  const problems: Problem[] = [];
  const wrong = (line: number, column: number, length: number, message: string, instead: string): void => {
    if (problems.length < LIMITS.problems) problems.push({ file, line, column, path: "", message, instead, frame: codeFrame(lines, line, column, length) });
  };
  if (lines[0].replace(/\s/g, "") !== "timestamp,value") wrong(1, 1, lines[0].length, "a trace begins with the line `timestamp,value`", "write timestamp,value first");
  const times: Micros[] = [];
  const values: number[] = [];
  for (let index = 1; index < lines.length; index += 1) {
    const line = lines[index];
    if (line.trim() === "") continue;
    if (times.length >= LIMITS.traceRows) {
      wrong(index + 1, 1, line.length, `the trace has more than ${LIMITS.traceRows} rows`, "cut it");
      break;
    }
    const row = parseRow(line);
    if (!row.ok) wrong(index + 1, row.column, row.length, row.message, row.instead);
    else if (times.length > 0 && row.time <= times[times.length - 1]) wrong(index + 1, 1, line.length, "this row is not later than the one before", "sort the rows by time, each time once");
    else {
      times.push(row.time);
      values.push(row.value);
    }
  }
  if (problems.length === 0 && times.length < 2) wrong(Math.min(2, lines.length), 1, 1, "a trace needs at least two rows", "write rows like 2014-04-14 09:00:00,94");
  return { trace: problems.length === 0 ? { times, values } : null, problems };
}

type Row =
  | { readonly ok: true; readonly time: Micros; readonly value: number }
  | { readonly ok: false; readonly column: number; readonly length: number; readonly message: string; readonly instead: string };

function parseRow(line: string): Row {
  const comma = line.indexOf(",");
  if (comma < 0 || line.indexOf(",", comma + 1) >= 0) return { ok: false, column: 1, length: line.length, message: "a row is a time, a comma and a value", instead: "write it like 2014-04-14 09:00:00,94" };
  const time = parseCivilTime(line.slice(0, comma));
  if (!time.ok) return { ok: false, column: 1, length: comma, message: time.message, instead: "write it like 2014-04-14 09:00:00" };
  const written = line.slice(comma + 1).trim();
  const value = /^[+-]?\d+(\.\d+)?(e[+-]?\d{1,3})?$/i.test(written) ? Number(written) : Number.NaN;
  const place = { column: comma + 2, length: Math.max(1, line.length - comma - 1) };
  if (!Number.isFinite(value)) return { ok: false, ...place, message: `\`${written.slice(0, LIMITS.nameLength)}\` is no number`, instead: "write a count, like 94" };
  if (value < 0) return { ok: false, ...place, message: `a count can't be negative: ${written}`, instead: "write zero or more" };
  return { ok: true, time: time.value, value };
}

/**
 * The trace from `starts` (its first row when null) for `duration` (to its end when null), linear between rows;
 * times count from the start, and the highest value of the stretch is 1.
 */
export function cutTrace(trace: Trace, starts: Micros | null, duration: Micros | null, place: Place): RateShape | null {
  const first = trace.times[0];
  const last = trace.times[trace.times.length - 1];
  const from = starts ?? first;
  const to = duration === null ? last : from + duration;
  const startsAt = place.in(starts === null ? "trace" : "starts");
  if (from < first || from >= last) {
    startsAt.wrong(`the trace has nothing at ${formatCivil(from)}`, `it runs from ${formatCivil(first)} to ${formatCivil(last)}`);
    return null;
  }
  if (to > last) {
    startsAt.wrong(`the trace ends at ${formatCivil(last)}, before the scenario does (${formatCivil(to)})`, last - first < to - from ? `write a scenario of at most ${formatDuration(last - first)}` : `start at ${formatCivil(last - (to - from))} or before`);
    return null;
  }
  const times: Micros[] = [0];
  const values: number[] = [valueAt(trace, from)];
  for (let i = 0; i < trace.times.length; i += 1) {
    if (trace.times[i] <= from || trace.times[i] >= to) continue;
    times.push(trace.times[i] - from);
    values.push(trace.values[i]);
  }
  times.push(to - from);
  values.push(valueAt(trace, to));
  const highest = values.reduce((high, value) => Math.max(high, value), 0);
  if (highest <= 0) {
    startsAt.wrong("the trace is zero for the whole scenario", "start at another time");
    return null;
  }
  return { kind: "trace", times, relative: values.map((value) => value / highest) };
}

/** Linear between the rows around `at`, which lies within the trace. */
function valueAt({ times, values }: Trace, at: Micros): number {
  let low = 0;
  let high = times.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (times[middle] <= at) low = middle;
    else high = middle;
  }
  const share = (at - times[low]) / (times[high] - times[low]);
  return values[low] + (values[high] - values[low]) * share;
}
