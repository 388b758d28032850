// Looks at `never`, `always` and `eventually-within` rules after every record row of a run.

import { assert } from "../kernel/assert.js";
import type { Micros } from "../kernel/units.js";
import { toSeconds } from "../kernel/units.js";
import { clock as clockText, count, counted, duration as span } from "../kernel/format.js";
import { figureText, satisfies, seriesText } from "../scenario/comparison.js";
import type { Expectation, RuleComparison, RuleSeries, RuleSubject } from "../scenario/compiled.js";
import { LedgerColumn, type LedgerCell } from "../world/ledger.js";
import { cellsWhere, columnBetween, quantileBetween, spanBetween, sumBetween, type Recorder, type RecordRow, type VersionRow } from "./recording.js";

type Rule = Expectation & { readonly kind: "rule" };

export interface RuleFinding {
  readonly passed: boolean;
  readonly reason: string;
}

/** Judges one rule over the whole recording; truth figures are of the interval that a row closes. */
export function judgeRule(rule: Rule, recorder: Recorder): RuleFinding {
  switch (rule.temporal) {
    case "never":
      return judgeNever(rule, recorder);
    case "always":
      return judgeAlways(rule, recorder);
    case "eventually-within":
      return judgeEventually(rule, recorder);
  }
}

function judgeNever(rule: Rule, recorder: Recorder): RuleFinding {
  let looked = 0;
  for (let row = 1; row < recorder.rows.length; row += 1) {
    if (rule.while !== null && holds(rule.while, recorder, row) !== true) continue;
    const held = holds(rule.claim, recorder, row);
    if (held === null) continue;
    looked += 1;
    if (held) return { passed: false, reason: story(rule, recorder, row) };
  }
  return { passed: true, reason: `never so in ${counted(looked, "look")}${rule.while === null ? "" : " while the condition held"}` };
}

function judgeAlways(rule: Rule, recorder: Recorder): RuleFinding {
  let looked = 0;
  for (let row = 1; row < recorder.rows.length; row += 1) {
    if (rule.while !== null && holds(rule.while, recorder, row) !== true) continue;
    const held = holds(rule.claim, recorder, row);
    if (held === null) continue;
    looked += 1;
    if (!held) return { passed: false, reason: story(rule, recorder, row) };
  }
  return looked === 0
    ? { passed: false, reason: "there was nothing to look at: no traffic, or the condition never held" }
    : { passed: true, reason: looked === 1 ? "so in its only look" : `so in all ${count(looked)} looks` };
}

/** The clock starts with the run, or when `while` first holds. */
function judgeEventually(rule: Rule, recorder: Recorder): RuleFinding {
  assert(rule.within !== null, "eventually-within has a limit");
  let startsAt: Micros | null = rule.while === null ? 0 : null;
  for (let row = 1; row < recorder.rows.length; row += 1) {
    const { at } = recorder.rows[row];
    if (startsAt === null && rule.while !== null && holds(rule.while, recorder, row) === true) startsAt = at;
    if (startsAt === null) continue;
    if (at - startsAt > rule.within) break;
    if (holds(rule.claim, recorder, row) === true) {
      return { passed: true, reason: `so after ${span(at - startsAt)} (limit ${span(rule.within)})` };
    }
  }
  if (startsAt === null) return { passed: true, reason: "its condition never held, so nothing was asked" };
  const end = recorder.rows.at(-1)?.at ?? 0;
  return end - startsAt < rule.within
    ? { passed: false, reason: `not so in the ${span(end - startsAt)} from ${clockText(startsAt)} to the end of the run (limit ${span(rule.within)})` }
    : { passed: false, reason: `not so within ${span(rule.within)} of ${clockText(startsAt)}` };
}

function story(rule: Rule, recorder: Recorder, row: number): string {
  const parts = [rule.claim, ...(rule.while === null ? [] : [rule.while])].map((comparison) => {
    const value = valueOf(comparison, recorder, row);
    return `${seriesText(comparison)} was ${value === null ? "not measurable" : figureText(comparison.series, value)}`;
  });
  return `at ${clockText(recorder.rows[row].at)} ${parts.join(" while ")}`;
}

/** Whether the comparison holds at a row; null where there is nothing to measure. */
function holds(comparison: RuleComparison, recorder: Recorder, row: number): boolean | null {
  const value = valueOf(comparison, recorder, row);
  return value === null ? null : satisfies(comparison, value);
}

/** The comparison's series at a row, in its own unit. */
function valueOf(comparison: RuleComparison, recorder: Recorder, row: number): number | null {
  const { series, subject, seen } = comparison;
  const now = subjectAt(recorder, recorder.rows[row], subject);
  if (series === "weight") return now.weight;
  if (series === "replicas") return now.replicas;
  if (seen) return series === "p95" ? now.seenP95Seconds : series === "error-rate" ? now.seenErrorRate : null;
  const cells = cellsWhere(recorder.cells, (cell) => concerns(cell, series, subject));
  return trueValue(comparison, recorder, row, cells);
}

/** The version's state then, or that of the service as a whole. */
function subjectAt({ tracked, services }: Recorder, row: RecordRow, { service, version }: RuleSubject): VersionRow {
  const state = version === null
    ? row.services[services.indexOf(service)]
    : row.versions[tracked.findIndex((each) => each.service === service && each.version === version)];
  assert(state !== undefined, "the record follows whom rules name");
  return state;
}

/** A service's own answers; conversions are written down where clients come in. */
const concerns = (cell: LedgerCell, series: RuleSeries, { service, version }: RuleSubject): boolean =>
  cell.scope === (series === "conversion" ? "edge" : "service") && cell.service === service && (version === null || cell.version === version);

function trueValue(
  comparison: RuleComparison,
  recorder: Recorder,
  row: number,
  cells: readonly number[],
): number | null {
  const { rows } = recorder;
  const [from, to] = [rows[row - 1], rows[row]];
  const requests = sumBetween(from, to, cells, LedgerColumn.requests);
  switch (comparison.series) {
    case "error-rate":
      return requests > 0 ? sumBetween(from, to, cells, LedgerColumn.errors) / requests : null;
    case "conversion":
      return requests > 0 ? sumBetween(from, to, cells, LedgerColumn.conversions) / requests : null;
    case "rps":
      return rateBetween(rows, row, cells);
    case "p95":
      return quantileBetween(from, to, cells, recorder.ledger.edgesSeconds, 0.95);
    default:
      return null;
  }
}

/** Requests per second in the interval that a row closes. */
function rateBetween(rows: readonly RecordRow[], row: number, cells: readonly number[]): number {
  const span = spanBetween(rows, row - 1, row);
  return cells.reduce((sum, cell) => sum + columnBetween(rows[row - 1], rows[row], cell, LedgerColumn.requests) / toSeconds(span(cell)), 0);
}
