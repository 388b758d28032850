// How a suite compares with its baseline, in words.

import { counted, duration, money, percent } from "../../kernel/format.js";
import type { Change, Regression } from "../../lab/baseline.js";
import { oneLine } from "../text.js";
import { mark } from "../words.js";

/** Of what stands in the baseline alone so many are named: a part of the suite may be tested on purpose. */
const MOST_NAMED = 5;

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

/** `cost is worse: 120 € before, 180 € now (by 60 €, between 40 € and 80 €)`. */
export function changeWords({ metric, direction, before, after, difference, low, high }: Change): string {
  const show = (value: number): string => (metric === "cost" ? money(value) : metric === "detection" ? `${value < 0 ? "-" : ""}${duration(Math.abs(value) * 1e6)}` : percent(value));
  return `${metric}: ${direction}, ${show(before)} before and ${show(after)} now (by ${show(difference)}, between ${show(low)} and ${show(high)})`;
}
