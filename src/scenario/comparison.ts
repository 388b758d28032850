// What a rule's comparison means: when a figure satisfies it, and how the figure reads in the series' own unit.

import { count, duration, percent } from "../kernel/format.js";
import { seconds } from "../kernel/units.js";
import type { RuleComparison, RuleSeries } from "./compiled.js";

/** Whether a figure, in the series' own unit, satisfies the comparison. */
export function satisfies({ op, value: limit }: RuleComparison, figure: number): boolean {
  switch (op) {
    case "<":
      return figure < limit;
    case "<=":
      return figure <= limit;
    case ">":
      return figure > limit;
    case ">=":
      return figure >= limit;
    case "==":
      return figure === limit;
    case "!=":
      return figure !== limit;
  }
}

/** What a comparison looks at, as it is written: truth and what telemetry showed of it are two figures. */
export const seriesText = ({ series, seen, of }: RuleComparison): string => `${seen ? "seen." : ""}${series}(${of})`;

/** A figure of a series for people. */
export function figureText(series: RuleSeries, figure: number): string {
  switch (series) {
    case "p95":
      return duration(seconds(figure));
    case "rps":
      return `${count(figure)} rps`;
    case "replicas":
      return count(figure);
    case "weight":
    case "error-rate":
    case "conversion":
      return percent(figure);
  }
}
