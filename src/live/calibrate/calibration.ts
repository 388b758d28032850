// What an unfaulted stretch of a game day says of its world: the figures, each with the sample that it rests on.

import type { Micros, Ratio } from "../../kernel/units.js";

export interface FittedTime {
  readonly p50: Micros;
  readonly p95: Micros;
}

/** An endpoint's own work, so fitted that the simulator's answers take as long as the real ones. */
export interface FittedEndpoint {
  readonly service: string;
  readonly endpoint: string;
  readonly requests: number;
  /** Null: too few requests; the world's own time stands. */
  readonly fitted: FittedTime | null;
  /** Of whole answers, calls included, as the replicas measured them. */
  readonly observed: FittedTime;
  /** The same of the uncalibrated world. */
  readonly before: FittedTime;
}

/** How much longer than its world says something takes, over so many times. */
export interface Excess {
  readonly by: Micros;
  readonly samples: number;
}

/** What real processes add to times that a world has fields for, and add in full however fast a scenario is played. */
export interface Overhead {
  readonly startup: Micros;
  readonly split: Micros;
  /** From a scrape to when its samples can be queried. */
  readonly lag: Micros;
}

export const NO_OVERHEAD: Overhead = { startup: 0, split: 0, lag: 0 };

export interface ScrapeFigures {
  readonly scrapes: number;
  readonly failed: number;
  /** From when a scrape was due until its samples could be queried. */
  readonly lagP50: Micros;
  readonly lagP95: Micros;
  /** How far intervals are from the one that is meant. */
  readonly jitterP95: Micros;
}

export interface Calibration {
  /** From, to: the stretch that service times rest on. */
  readonly from: Micros;
  readonly to: Micros;
  readonly seed: number;
  readonly endpoints: readonly FittedEndpoint[];
  /** From a client to the entry service's replica and back, by the proxy: beyond what the replica measures. */
  readonly hop: Excess;
  /** A real process's boot, beyond the start-up that the world says. */
  readonly startup: Excess | null;
  /** A new split, from the platform's command until the proxy has it, beyond what the world says. */
  readonly split: Excess | null;
  readonly scrape: ScrapeFigures;
  readonly missed: Ratio;
  /** What was measured badly; empty when nothing was. */
  readonly quality: readonly string[];
}
