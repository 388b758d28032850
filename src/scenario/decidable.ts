// Finds checks and strategies that can never decide: a window that holds no two samples, or that is never full before its step ends.

import type { CanaryStep } from "../delivery/strategy.js";
import type { CheckSpec } from "../engines/evidence.js";
import { clippedBy } from "../engines/health/queries.js";
import type { Micros } from "../kernel/units.js";
import { formatDuration } from "./units.js";

/** How a world is seen: what a strategy by itself does not know. */
export interface Sight {
  readonly scrape: Micros;
  readonly lag: Micros;
  readonly splitPropagation: Micros;
}

/** What is wrong, and what to write instead. */
export interface Undecidable {
  readonly message: string;
  readonly instead: string;
}

/** Prometheus' own advice: a window of four scrapes outlives a missed one. */
const SCRAPES_IN_A_GOOD_WINDOW = 4;

/** Gauges show in one sample; everything that is counted needs two. */
const isGauge = ({ metric }: CheckSpec): boolean => metric === "cpu" || metric === "memory" || metric === "pool" || metric === "flag-service";

/** A window in which no evaluation ever finds the samples that it needs. */
export function blindWindow(spec: CheckSpec, window: Micros, { scrape, lag }: Sight): Undecidable | null {
  const instead = `write window: ${formatDuration(SCRAPES_IN_A_GOOD_WINDOW * scrape + 2 * lag)}`;
  if (window < 2 * lag) return { message: `in a window of ${formatDuration(window)} every sample is out of date: this world's are seen ${formatDuration(lag)} late`, instead };
  if (isGauge(spec) || window > scrape + lag) return null;
  const late = lag > 0 ? ` and a sample is seen ${formatDuration(lag)} later` : "";
  return { message: `a window of ${formatDuration(window)} never holds two samples: this world is scraped every ${formatDuration(scrape)}${late}`, instead };
}

const timeOf = ({ bake, maxHold }: CanaryStep): Micros => bake + maxHold;
const stepText = (index: number, { bake, maxHold }: CanaryStep): string => `step ${index + 1} bakes for ${formatDuration(bake)} and is held for at most ${formatDuration(maxHold)}`;

/** A required gate whose window is never full before its step ends: the step cannot go on, unless thin data may be promoted. */
export function endlessWindow(spec: CheckSpec, window: Micros, steps: readonly CanaryStep[], sight: Sight | null): Undecidable | null {
  if (spec.role !== "gate" || !spec.required || clippedBy(spec.metric) === "platform") return null;
  // A window begins when a shift can be seen.
  const unseen = sight === null ? 0 : sight.scrape + sight.lag + sight.splitPropagation;
  const short = steps.findIndex((step) => step.onInconclusive !== "promote" && timeOf(step) < window + unseen);
  if (short < 0) return null;
  const seen = unseen === 0 ? "" : `, and what a shift did is seen ${formatDuration(unseen)} later`;
  const most = timeOf(steps[short]) - unseen;
  const shorter = most > 0 && (sight === null || blindWindow(spec, most, sight) === null) ? `write a window of at most ${formatDuration(most)}, or a` : "write a";
  return { message: `a window of ${formatDuration(window)} is never full: ${stepText(short, steps[short])}${seen}`, instead: `${shorter} bake of at least ${formatDuration(window + unseen)}` };
}

/** Evaluations so rare that a step may end without one. */
export function rareEvaluations(every: Micros, steps: readonly CanaryStep[]): Undecidable | null {
  const short = steps.findIndex((step) => timeOf(step) < every);
  if (short < 0) return null;
  return { message: `an evaluation every ${formatDuration(every)} may miss a whole step: ${stepText(short, steps[short])}`, instead: `write every: ${formatDuration(Math.min(...steps.map(({ bake }) => bake), 30e6))}` };
}
