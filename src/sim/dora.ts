// The DORA figures of one run, each with its definition and with what keeps it from meaning much.

import { counted, duration as span } from "../kernel/format.js";
import { MICROS_PER_HOUR, toSeconds, type Micros } from "../kernel/units.js";
import type { DoraFigure, ReleaseOutcome } from "./outcome.js";

const HOURS_PER_DAY = 24;
/** From this many releases on a share or a mean is more than an anecdote. */
const FAIR_SAMPLE = 30;

/**
 * Definitions follow DORA's guide "DORA's software delivery performance metrics" (dora.dev), applied to the run's
 * releases. What a run cannot know it does not make up: the value is null, and the note says why.
 */
export function doraOf(releases: readonly ReleaseOutcome[], durationMicros: Micros): readonly DoraFigure[] {
  const deployed = releases.filter(reachedProduction);
  const failed = deployed.filter(neededIntervention);
  const recoveries = failed.map((release) => release.times.recovery).filter((time) => time !== null);
  return [
    {
      name: "deployment frequency",
      value: (deployed.length * HOURS_PER_DAY * MICROS_PER_HOUR) / durationMicros,
      unit: "per day",
      sampleSize: deployed.length,
      definition: "The number of deployments over a period: here releases that reached production, per day of simulated time.",
      note: `${sampleNote(deployed.length)} The script sets it.`,
    },
    {
      name: "lead time for changes",
      value: null,
      unit: "seconds",
      sampleSize: 0,
      definition: "The time from a change's commit to version control until it runs in production.",
      note: `A run begins with the release, not with the commit. ${rolloutNote(deployed)}`,
    },
    {
      name: "change failure rate",
      value: shareOf(failed.length, deployed.length),
      unit: "ratio",
      sampleSize: deployed.length,
      definition: "The ratio of deployments that need immediate intervention afterwards: here those taken back, in part or whole, and those that harm users and were left in place.",
      note: `${sampleNote(deployed.length)} A false rollback counts: in life nobody can tell.`,
    },
    {
      name: "failed deployment recovery time",
      value: meanOf(recoveries.map(toSeconds)),
      unit: "seconds",
      sampleSize: recoveries.length,
      definition: "The time it takes to recover from a deployment that fails and needs immediate intervention: here from its first harmed request until nobody is hurt any more and service is restored, mean.",
      note: recoveryNote(failed),
    },
    {
      name: "rework rate",
      value: null,
      unit: "ratio",
      sampleSize: 0,
      definition: "The ratio of deployments that are unplanned but happen as a result of an incident in production.",
      note: "The script plans every release of a run; whether a later one repairs an earlier one is not written anywhere.",
    },
  ];
}

/** Rejected before production, invalidated, or still waiting for its turn at the end: then it has met no state. */
const reachedProduction = ({ result, states }: ReleaseOutcome): boolean =>
  result !== "rejected" && result !== "invalidated" && states.length > 0;

const neededIntervention = ({ action, truth, times }: ReleaseOutcome): boolean =>
  action !== "none" || (truth === "harmful" && times.harmStartsAt !== null);

const shareOf = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

const meanOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

function rolloutNote(deployed: readonly ReleaseOutcome[]): string {
  const took = deployed.flatMap(({ result, times }) =>
    result === "promoted" && times.finishedAt !== null ? [times.finishedAt - times.releasedAt] : [],
  );
  const mean = meanOf(took);
  return mean === null ? "No release was promoted." : `From release to stable it took ${span(mean)}${took.length === 1 ? "" : " on average"}.`;
}

/** Those that count, and why the other failed releases have no time. */
function recoveryNote(failed: readonly ReleaseOutcome[]): string {
  const recovered = failed.filter(({ times }) => times.recovery !== null).length;
  const harmless = failed.filter(({ times }) => times.harmStartsAt === null).length;
  const never = failed.length - recovered - harmless;
  const others = [
    ...(harmless === 0 ? [] : [`${counted(harmless, "failed release")} hurt nobody`]),
    ...(never === 0 ? [] : [`${counted(never, "failed release")} ${never === 1 ? "was" : "were"} never restored`]),
  ];
  if (others.length === 0) return sampleNote(recovered);
  return `${recovered === 0 ? "" : `${sampleNote(recovered)} `}${others.join(", ")}.`;
}

function sampleNote(size: number): string {
  if (size === 0) return "No such release in this run.";
  if (size === 1) return "One release is a sample of one.";
  return size < FAIR_SAMPLE ? `${size} releases are a small sample.` : `A sample of ${size} releases.`;
}
