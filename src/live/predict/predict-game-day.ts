// Simulates what a game day played, over many seeds on its calibrated world, and compares.

import type { Micros } from "../../kernel/units.js";
import { figuresOf, windowsOf } from "../../lab/predict/figures.js";
import { compare, type PredictedReport } from "../../lab/predict/prediction.js";
import { simulateMany } from "../../lab/predict/simulate-many.js";
import type { Scenario } from "../../scenario/compiled.js";
import type { Simulation } from "../../sim/play.js";
import type { TelemetrySource } from "../gameday/game-day-plan.js";
import type { Quality } from "../gameday/quality.js";
import type { Overhead } from "../calibrate/calibration.js";
import { calibratedAtSpeed } from "./calibrated-at-speed.js";

/** Seeds of a prediction. They are others than the game day's: its own draws must not be among what it is compared with. */
export const PREDICTED_SEEDS = 50;

export interface GameDayToPredict {
  readonly simulation: Simulation;
  /** How far it came: the clock of its world has run on since. */
  readonly lasted: Micros;
  readonly quality: Pick<Quality, "window">;
  /** On the calibrated world, at its written speed. */
  readonly scenario: Scenario;
  readonly worldFile: string;
  readonly hopSeconds: number;
  /** What of the calibrated times real processes add: it does not go by faster. */
  readonly overhead: Overhead;
  readonly speed: number;
  readonly source: TelemetrySource;
  readonly seeds?: number;
}

export function predictGameDay({ simulation, lasted, quality, scenario: written, worldFile, hopSeconds, overhead, speed, source, seeds = PREDICTED_SEEDS }: GameDayToPredict): PredictedReport {
  const scenario = calibratedAtSpeed(written, speed, overhead);
  const { seed, name, duration, strategy: { window: width } } = scenario;
  const end = Math.min(duration, lasted);
  const windows = windowsOf(width, end).map(({ from, to }) => {
    const { comparable, why } = quality.window(from, to);
    return { from, to, comparable, why };
  });
  const options = { windows, counted: windows.map(({ comparable }) => comparable) };
  const runs = simulateMany({
    ...options, scenario, hopSeconds, seeds: Array.from({ length: seeds }, (_, k) => seed + 1 + k),
    // The built-in scraper's store answers at once; a Prometheus takes about what the simulator's does.
    ...(source.kind === "built-in" ? { queryLatency: 0 } : {}),
  });
  return compare({ scenario: name, seed, world: worldFile, hopSeconds, width, duration: end }, { figures: figuresOf(simulation, options), windows }, runs);
}
