// A run keeps what it scrapes: a scrape interval that is far too short for its run or for a window is said before it is played.

import { longestWindow } from "../delivery/reach.js";
import { duration } from "../kernel/format.js";
import type { Micros } from "../kernel/units.js";
import type { Scenario } from "./compiled.js";
import type { Place } from "./findings.js";
import { LIMITS } from "./limits.js";

/** Says at `place`, the scenario's, which of its times holds more scrapes than can be played or kept. */
export function reportSamples({ duration: lasts, world, strategy }: Scenario, place: Place): void {
  const { scrape } = world.telemetry;
  const scrapes = lasts / scrape;
  if (scrapes > LIMITS.scrapes) place.in("for").wrong(`${duration(lasts)} hold ${thousands(scrapes)} scrapes at ${duration(scrape)} each; at most ${thousands(LIMITS.scrapes)} are played`, remedy("the run", lasts, LIMITS.scrapes));
  const window = longestWindow(strategy);
  const samples = window / scrape;
  if (samples > LIMITS.samples) place.in("strategy").wrong(`its longest window, ${duration(window)}, holds ${thousands(samples)} samples at a scrape every ${duration(scrape)}; at most ${thousands(LIMITS.samples)} are kept`, remedy("the window", window, LIMITS.samples));
}

function remedy(what: string, time: Micros, most: number): string {
  return `make ${what} shorter, or write telemetry: { scrape: ${Math.ceil(time / most / 1_000_000)}s } in the world`;
}

const thousands = (count: number): string => Math.round(count).toString().replace(/\B(?=(\d{3})+$)/g, ",");
