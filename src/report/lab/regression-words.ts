// How a suite compares with its baseline, in words.

import { count, counted, duration, money, percent } from "../../kernel/format.js";
import { isWorse, type BaselineResult, type Change, type DetectionChange, type Regression } from "../../lab/against.js";
import { oneLine } from "../text.js";
import { mark } from "../words.js";

/** What every report of a suite may be given besides: how the suite compares with its baseline. */
export interface AgainstOption {
  readonly against?: BaselineResult | null;
}

/** Of what stands in the baseline alone so many are named: a part of the suite may be tested on purpose. */
const MOST_NAMED = 5;

/** The comparison as a report says it: against what, then line by line; nothing where none was asked for. */
export function againstLines(against: BaselineResult | null, interrupted: boolean): readonly string[] {
  if (against === null) return [];
  return [`against ${oneLine(against.baseline)}:`, ...(interrupted ? ["not compared: the test was interrupted"] : regressionLines(against.regressions))];
}

/** `; 1 worse than ref.json`, to follow what became of the suite; nothing where none is worse. */
export function worseWords(against: BaselineResult | null): string {
  const worse = against?.regressions.filter(isWorse).length ?? 0;
  return against === null || worse === 0 ? "" : `; ${count(worse)} worse than ${oneLine(against.baseline)}`;
}

/** `worse than ref.json (20 seeds in common)`, of one scenario. */
export const verdictWords = ({ verdict, seeds }: Regression, { baseline }: BaselineResult): string => {
  const common = `(${counted(seeds, "seed")} in common)`;
  return verdict === "worse" || verdict === "better" ? `${verdict} than ${oneLine(baseline)} ${common}` : seeds === 0 ? verdict : `${verdict} ${common}`;
};

/** One line per scenario, and one per change under it; then a line for all that stand in the baseline alone. */
export function regressionLines(regressions: readonly Regression[]): readonly string[] {
  const alone = regressions.filter(({ verdict }) => verdict === "only in the baseline");
  const lines = regressions.filter((each) => !alone.includes(each)).flatMap((each) => [headWords(each), ...each.changes.map((change) => `    ${changeWords(change)}`)]);
  if (alone.length === 0) return lines;
  const named = alone.slice(0, MOST_NAMED).map((each) => `${oneLine(each.name)} ${whereWords(each)}`);
  return [...lines, `○ only in the baseline, not tested now: ${named.join(", ")}${alone.length > MOST_NAMED ? `, and ${alone.length - MOST_NAMED} more` : ""}`];
}

function headWords(regression: Regression): string {
  const { name, seeds, verdict } = regression;
  if (seeds === 0) return `○ ${oneLine(name)} ${whereWords(regression)}: ${verdict}`;
  return `${mark(verdict !== "worse")} ${oneLine(name)}: ${verdict} (${counted(seeds, "seed")} in common)`;
}

const whereWords = ({ file, fidelity }: Regression): string => `(${oneLine(file)} at ${fidelity})`;

/** `cost: worse, 120 € before and 180 € now (by 60 €, between 40 € and 80 €)`. */
export function changeWords(change: Change): string {
  if (change.metric === "detection") return detectionWords(change);
  const { metric, direction, before, after, difference, low, high } = change;
  const show = metric === "cost" ? money : percent;
  return `${metric}: ${direction}, ${show(before)} before and ${show(after)} now (by ${show(difference)}, between ${show(low)} and ${show(high)})`;
}

/** `detection: worse, median 1m before and 2m now (later on 30 of 60 seeds, sooner on 2; never on 0 before and 15 now)`. */
function detectionWords({ direction, before, after, seeds, later, sooner, neverBefore, neverNow }: DetectionChange): string {
  const show = (median: number | null): string => (median === null ? "never" : duration(median * 1e6));
  const never = neverBefore + neverNow === 0 ? "" : `; never on ${count(neverBefore)} before and ${count(neverNow)} now`;
  return `detection: ${direction}, median ${show(before)} before and ${show(after)} now (later on ${count(later)} of ${counted(seeds, "seed")}, sooner on ${count(sooner)}${never})`;
}
