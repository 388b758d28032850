// The windows through which truth is seen, and how late in a run one can still begin.

import { minutes, type Micros, type Ratio } from "../kernel/units.js";
import type { Scenario } from "../scenario/compiled.js";
import { recordInterval } from "./play.js";

/** Truth looks through sliding windows of this width (DESIGN.md section 6). */
export const TRUTH_WINDOW: Micros = minutes(5);
/** A scenario of a minute or two, as game days are, has windows of this share of it: they are only shorter, not other ones. */
export const TRUTH_WINDOW_SHARE: Ratio = 0.25;

/** Width of the windows through which a scenario's truth is seen. */
export const truthWindow = ({ duration }: Pick<Scenario, "duration">): Micros => Math.min(TRUTH_WINDOW, Math.floor(duration * TRUTH_WINDOW_SHARE));

/** Whether a whole window of record rows comes after `from`. */
export function windowFits(scenario: Scenario, from: Micros): boolean {
  const interval = recordInterval(scenario);
  return Math.ceil(from / interval) * interval + truthWindow(scenario) <= scenario.duration;
}

/** Up to here a whole window of record rows fits before the run's end, wherever the rows come. */
export const lastWindowFrom = (scenario: Scenario): Micros => scenario.duration - truthWindow(scenario) - 2 * recordInterval(scenario);
