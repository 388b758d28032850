// Finds checks that can never decide: in their window no two samples ever lie, or none that is fresh.

import type { CanaryStrategy } from "../delivery/strategy.js";
import type { CheckSpec } from "../engines/evidence.js";
import { DECISION_MATRIX, troubleOf } from "../engines/rollback/matrix.js";
import type { Micros } from "../kernel/units.js";
import { formatDuration } from "./units.js";

/** How a world is seen: what a strategy by itself does not know. */
export interface Sight {
  readonly scrape: Micros;
  readonly lag: Micros;
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

/** A window in which no evaluation ever finds the samples that it needs; `key` is the one to write another under. */
export function blindWindow(spec: CheckSpec, window: Micros, { scrape, lag }: Sight, key = "window"): Undecidable | null {
  const instead = `write ${key}: ${formatDuration(SCRAPES_IN_A_GOOD_WINDOW * scrape + 2 * lag)}`;
  if (window < 2 * lag) return { message: `in a window of ${formatDuration(window)} every sample is out of date: this world's are seen ${formatDuration(lag)} late`, instead };
  if (isGauge(spec) || window > scrape + lag) return null;
  const late = lag > 0 ? ` and a sample is seen ${formatDuration(lag)} later` : "";
  return { message: `a window of ${formatDuration(window)} never holds two samples: this world is scraped every ${formatDuration(scrape)}${late}`, instead };
}

/** A watch after a flag switch that can never see whether it helped, of all triggers for which a flag may be switched. */
export function blindFlagWatch({ triggers, rollback: { prefer, flagWatch } }: Pick<CanaryStrategy, "triggers" | "rollback">, sight: Sight): Undecidable | null {
  if (prefer === "full") return null;
  const watched = triggers.find((spec) => spec.hard === undefined && DECISION_MATRIX[troubleOf(spec.metric)].flagMayCure);
  return watched === undefined ? null : blindWindow(watched, flagWatch, sight, "flag-watch");
}
