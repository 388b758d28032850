// What one run says about a strategy, and what many runs of a candidate add up to.

import type { Euro, Micros, Ratio } from "../../kernel/units.js";
import { MICROS_PER_HOUR } from "../../kernel/units.js";
import { detectionDelay, releaseIn, timeReachedBy, wasTakenBack } from "../detect/reading.js";
import type { RunRow } from "../run-row.js";
import type { Goal } from "./goal.js";

/** One run of a test case. */
export interface Observation {
  /** Bad: acted on in time because of the release. Good: left alone. */
  readonly well: boolean;
  /** Bad: from the first harm to the decision; good: from release to everybody; null when never. */
  readonly time: Micros | null;
  readonly cost: Euro;
}

/** A release that is bad, or good, in one scenario. */
export interface CaseKind {
  readonly kind: "bad" | "good";
  readonly service: string;
  readonly version: string;
  /** Price of an hour in which a good release is not with its users. */
  readonly delayPerHour: Euro;
}

/** Reads a run's row; a row that is not there (the run was lost) counts as the worst. */
export function observe(row: RunRow, { kind, service, version, delayPerHour }: CaseKind, goal: Goal): Observation {
  const release = releaseIn(row, { service, version });
  if (release === undefined) return { well: false, time: null, cost: row.cost };
  const { result, times, cost } = release;
  if (kind === "bad") {
    const because = detectionDelay(release);
    return { well: because !== null && because <= goal.detect.within, time: because, cost: cost.total };
  }
  const promoted = result === "promoted" ? times.finishedAt : null;
  const reached = promoted === null ? null : promoted - times.releasedAt;
  // The outcome counts delay beyond a strategy's own schedule; a slow schedule must not come for free here.
  const waited = reached ?? row.duration - times.releasedAt;
  return { well: !wasTakenBack(release), time: reached, cost: cost.total - cost.delay + (waited / MICROS_PER_HOUR) * delayPerHour };
}

/** Runs of one candidate in one case, in the order of the seeds. */
export interface CaseScore {
  readonly name: string;
  readonly kind: "bad" | "good";
  readonly runs: number;
  /** Bad: detected in time; good: left alone. */
  readonly well: number;
  readonly wellShare: Ratio;
  /** Of all runs: never is later than any; null when so few ever did. */
  readonly timeP50: Micros | null;
  readonly timeP90: Micros | null;
  readonly meanCost: Euro;
  /** Good releases with everybody within the goal's time. */
  readonly inTime: number;
}

export function caseScore(name: string, kind: "bad" | "good", seen: readonly Observation[], goal: Goal): CaseScore {
  const times = seen.map(({ time }) => time);
  const well = seen.filter((each) => each.well).length;
  const within = goal.promote?.within ?? Infinity;
  return {
    name, kind, runs: seen.length, well,
    wellShare: seen.length === 0 ? 0 : well / seen.length,
    timeP50: timeReachedBy(times, 0.5), timeP90: timeReachedBy(times, 0.9),
    meanCost: seen.length === 0 ? 0 : seen.reduce((sum, { cost }) => sum + cost, 0) / seen.length,
    inTime: seen.filter(({ time }) => time !== null && time <= within).length,
  };
}

/** A candidate over all cases. */
export interface Score {
  readonly cases: readonly CaseScore[];
  /** In the worst scenario. */
  readonly detected: Ratio;
  readonly falseRollbacks: Ratio;
  /** Of an average release: bad ones weighed as often as they are. */
  readonly cost: Euro;
  readonly detectionP90: Micros | null;
  readonly promotionP50: Micros | null;
  /** How far the observed shares miss the goal; 0 when they meet it. */
  readonly violation: number;
}

export function scoreOf(cases: readonly CaseScore[], goal: Goal): Score {
  const bad = cases.filter(({ kind }) => kind === "bad");
  const good = cases.filter(({ kind }) => kind === "good");
  const detected = Math.min(1, ...bad.map(({ wellShare }) => wellShare));
  const falseRollbacks = Math.max(0, ...good.map(({ wellShare }) => 1 - wellShare));
  const cost = goal.badShare * meanOf(bad.map(({ meanCost }) => meanCost)) + (1 - goal.badShare) * meanOf(good.map(({ meanCost }) => meanCost));
  const slow = goal.promote === null ? 0 : Math.max(0, ...good.map(({ inTime, runs }) => (goal.promote?.share ?? 0) - inTime / Math.max(1, runs)));
  const dear = goal.costBelow === null ? 0 : Math.max(0, (cost - goal.costBelow) / Math.max(1, goal.costBelow));
  return {
    cases, detected, falseRollbacks, cost,
    detectionP90: latest(bad.map(({ timeP90 }) => timeP90)),
    promotionP50: latest(good.map(({ timeP50 }) => timeP50)),
    violation: Math.max(0, goal.detect.share - detected) + Math.max(0, falseRollbacks - goal.falseRollbacks) + slow + dear,
  };
}

/** The figure that the goal wants small. */
export function objectiveOf(score: Score, goal: Goal): number {
  switch (goal.objective) {
    case "least cost": return score.cost;
    case "fastest detection": return score.detectionP90 ?? Infinity;
    case "fewest false rollbacks": return score.falseRollbacks;
    case "fastest promotion": return score.promotionP50 ?? Infinity;
  }
}

const meanOf = (values: readonly number[]): number => (values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length);
const latest = (times: readonly (Micros | null)[]): Micros | null => (times.includes(null) ? null : Math.max(...times.map((time) => time ?? 0)));
