// How far back the questions of a strategy reach: what keeps samples must keep them so long.

import type { Micros } from "../kernel/units.js";
import type { CanaryStrategy } from "./strategy.js";

/** The longest window of any check, and of the watch after a flag switch where one may come. */
export function longestWindow({ window, gates, triggers, rollback }: CanaryStrategy): Micros {
  const watch = triggers.length > 0 && rollback.prefer === "flag-or-full" ? rollback.flagWatch : 0;
  return [...gates, ...triggers].reduce((longest, check) => Math.max(longest, check.window ?? 0), Math.max(window, watch));
}
