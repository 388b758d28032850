// Plays a scenario over many seeds in request fidelity, and keeps of each run the figures that a prediction is about.

import type { Micros } from "../../kernel/units.js";
import type { Scenario } from "../../scenario/compiled.js";
import { simulate } from "../../sim/simulate.js";
import { figuresOf, type FiguresOptions, type RunFigures } from "./figures.js";

export interface ManySeeds extends FiguresOptions {
  readonly scenario: Scenario;
  readonly seeds: readonly number[];
  /** How long telemetry takes to answer there; the simulator's usual time when left out. */
  readonly queryLatency?: Micros;
}

export function simulateMany({ scenario, seeds, queryLatency, ...options }: ManySeeds): readonly RunFigures[] {
  return seeds.map((seed) => figuresOf(simulate({
    scenario, seed, fidelity: "request", noiseFree: false, detail: "full", seen: false, driver: { kind: "strategy" }, ...(queryLatency === undefined ? {} : { queryLatency }),
  }), options));
}
