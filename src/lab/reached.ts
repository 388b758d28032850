// What a run reached and how long it took: its good releases promoted, its bad ones detected and mitigated, or not by the end.

import type { Micros } from "../kernel/units.js";
import { detectionDelay } from "./detect/reading.js";
import type { RunRelease, RunRow } from "./run-row.js";

export type TimeName = "lead time" | "detection" | "mitigation";

/** The slowest of the run's releases that the question is about counts; null when one of them had not reached it by the end. */
export interface Reached {
  readonly after: Micros | null;
}

/** What costs when it is late: it does no harm of its own, and nobody called it off. */
const isGood = ({ truth, result }: RunRelease): boolean => (truth === "harmless" || truth === "strategy-harm") && result !== "invalidated";
const isBad = ({ truth }: RunRelease): boolean => truth === "harmful";

const untilPromotion = ({ result, times: { releasedAt, finishedAt } }: RunRelease): Micros | null => (result !== "promoted" || finishedAt === null ? null : finishedAt - releasedAt);

const READINGS: Readonly<Record<TimeName, readonly [asked: (release: RunRelease) => boolean, until: (release: RunRelease) => Micros | null]>> = {
  "lead time": [isGood, untilPromotion],
  detection: [isBad, detectionDelay],
  mitigation: [isBad, ({ times }) => times.mitigation],
};

/** Null where the run has no release that the question is about. */
export function reachedIn({ releases }: Pick<RunRow, "releases">, time: TimeName): Reached | null {
  const [isAsked, until] = READINGS[time];
  const found = releases.filter(isAsked).map(until);
  if (found.length === 0) return null;
  return { after: found.reduce<Micros | null>((slowest, each) => (slowest === null || each === null ? null : Math.max(slowest, each)), 0) };
}

/** The lead time of the run's slowest good release, which counts up to the end when it was not promoted; null without one. */
export function leadTimeToTheEnd({ releases, duration }: Pick<RunRow, "releases" | "duration">): Micros | null {
  const times = releases.filter(isGood).map((release) => untilPromotion(release) ?? duration - release.times.releasedAt);
  return times.length === 0 ? null : Math.max(...times);
}
