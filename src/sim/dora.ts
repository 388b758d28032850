// The DORA figures of one run, each with its definition and with what keeps it from meaning much.

import { MICROS_PER_HOUR, toSeconds } from "../kernel/units.js";
import type { DoraFigure, ReleaseOutcome } from "./outcome.js";

const HOURS_PER_DAY = 24;

/**
 * Definitions follow DORA's guides (dora.dev, "DORA's software delivery metrics"), applied to the run's releases.
 */
export function doraOf(releases: readonly ReleaseOutcome[], durationMicros: number): readonly DoraFigure[] {
  const deployed = releases.filter((release) => release.result !== "rejected" && release.result !== "invalidated");
  const failed = deployed.filter(
    (release) => release.action !== "none" || (release.truth === "harmful" && release.result === "promoted"),
  );
  const reached = deployed.filter((release) => release.result === "promoted" && release.times.finishedAt !== null);
  const recoveries = failed.map((release) => release.times.recovery).filter((time) => time !== null);
  const small = sampleNote(deployed.length);
  return [
    {
      name: "deployment frequency",
      value: (deployed.length * HOURS_PER_DAY * MICROS_PER_HOUR) / durationMicros,
      unit: "per day",
      sampleSize: deployed.length,
      definition: "Releases that reached production, per day of simulated time.",
      note: `${small} The script sets it.`,
    },
    {
      name: "lead time for changes",
      value: meanOf(reached.map((release) => toSeconds((release.times.finishedAt ?? 0) - release.times.releasedAt))),
      unit: "seconds",
      sampleSize: reached.length,
      definition: "From the start of a release to its mark as stable, mean over promoted releases.",
      note: `${sampleNote(reached.length)} The time from commit to release needs the pipeline, which this run does not simulate.`,
    },
    {
      name: "change failure rate",
      value: deployed.length === 0 ? null : failed.length / deployed.length,
      unit: "ratio",
      sampleSize: deployed.length,
      definition: "Releases that were taken back or degraded service, over releases that reached production.",
      note: small,
    },
    {
      name: "failed deployment recovery time",
      value: meanOf(recoveries.map(toSeconds)),
      unit: "seconds",
      sampleSize: recoveries.length,
      definition: "From the first harmed request of a failed release to service restored, mean.",
      note: sampleNote(recoveries.length),
    },
    {
      name: "rework rate",
      value: deployed.length === 0 ? null : failed.length / deployed.length,
      unit: "ratio",
      sampleSize: deployed.length,
      definition: "Unplanned releases that repair a failed one, over all; each release taken back counts as one to come.",
      note: small,
    },
  ];
}

const meanOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

function sampleNote(size: number): string {
  if (size === 0) return "No such release in this run.";
  return size === 1 ? "One release is a sample of one." : `${size} releases are a small sample.`;
}
