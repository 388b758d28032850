// What the row of a run says about the release that was put to the test.

import type { Micros, Ratio } from "../../kernel/units.js";
import type { RunRelease, RunRow } from "../run-row.js";
import type { RunResult } from "../runner.js";
import type { TestedRelease } from "./regression.js";

/** The row of a run. A lost run is our fault, and a share without it would be wrong. */
export function rowIn(result: RunResult): RunRow {
  if (!result.ok) throw new Error(`the run ${result.key} gave no result: ${result.failure.message}`);
  return result.row;
}

/** The release that is put to the test; undefined when it was never made. */
export const releaseIn = (row: RunRow, { service, version }: Pick<TestedRelease, "service" | "version">): RunRelease | undefined =>
  row.releases.find((each) => each.service === service && each.version === version);

export const wasTakenBack = (release: Pick<RunRelease, "result"> | undefined): boolean => release?.result === "rolled-back" || release?.result === "flag-off";

/** From the first harm to the decision that took the release back because of what it does; null when there was none. */
export const detectionDelay = (release: Pick<RunRelease, "result" | "cause" | "times"> | undefined): Micros | null =>
  release !== undefined && wasTakenBack(release) && release.cause === "release" ? release.times.detection : null;

/** The time by which this share of all runs was there; never is later than any, and null when so few ever were. */
export function timeReachedBy(times: readonly (Micros | null)[], share: Ratio): Micros | null {
  const sorted = times.map((time) => time ?? Infinity).sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length - 1e-9) - 1)] ?? Infinity;
  return value === Infinity ? null : value;
}
