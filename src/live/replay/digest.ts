// A short name of what a scenario says, so that a replay notices when its files have changed.

import { createHash } from "node:crypto";
import type { Scenario } from "../../scenario/compiled.js";

/** 16 hexadecimal digits of everything that the engines and processes go by; where the files lie does not count. */
export function scenarioDigest({ world, strategy, script, effects, person, duration, seed }: Scenario): string {
  const played = script.map((item) => ({ ...item, source: null }));
  const text = JSON.stringify({ world, strategy, script: played, effects, person, duration, seed }, (_, value: unknown) => (value === Infinity ? "Infinity" : value));
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
