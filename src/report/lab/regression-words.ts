// How a suite compares with its baseline, in words.

import { counted, duration, money, percent } from "../../kernel/format.js";
import type { Change, Regression } from "../../lab/baseline.js";
import { oneLine } from "../text.js";
import { mark } from "../words.js";

/** One line per scenario, and one per change under it. */
export function regressionLines(regressions: readonly Regression[]): readonly string[] {
  return regressions.flatMap(({ name, seeds, verdict, changes }) => [
    `${verdict === "worse" ? mark(false) : verdict === "not in the baseline" ? "○" : mark(true)} ${oneLine(name)}: ${verdict}${seeds === 0 ? "" : ` (${counted(seeds, "seed")} in common)`}`,
    ...changes.map((change) => `    ${changeWords(change)}`),
  ]);
}

/** `cost is worse: 120 € before, 180 € now (by 60 €, between 40 € and 80 €)`. */
export function changeWords({ metric, direction, before, after, difference, low, high }: Change): string {
  const show = (value: number): string => (metric === "cost" ? money(value) : metric === "detection" ? `${value < 0 ? "-" : ""}${duration(Math.abs(value) * 1e6)}` : percent(value));
  return `${metric}: ${direction}, ${show(before)} before and ${show(after)} now (by ${show(difference)}, between ${show(low)} and ${show(high)})`;
}
