// Holds what was claimed about many runs against the runs: pass, fail, or not enough runs and how many more it takes.

import type { OverallClaim, OverallEvent } from "../scenario/compiled.js";
import { clopperPearson, type Interval } from "./statistics/clopper-pearson.js";
import { confidenceSequence, sideOf, type Side } from "./statistics/confidence-sequence.js";
import { moreRunsUntil } from "./statistics/more-runs.js";
import type { RunRelease, RunRow } from "./run-row.js";

/** The chance of a wrong verdict that each claim may take, and what is expected of single runs where a suite stops early. */
export const CLAIM_ALPHA = 0.05;
/** After how many runs a suite that may stop early looks at its claims: in the order of the seeds, whatever ended first. */
export const LOOK_EVERY = 20;

/**
 * `fixed`: the number of runs was chosen before, and there is one look, at the end; Clopper and Pearson's interval.
 * `sequential`: there may have been a look at any number of runs; a confidence sequence.
 */
export type Looking = "fixed" | "sequential";

export interface ClaimResult {
  readonly claim: OverallClaim;
  readonly hits: number;
  readonly runs: number;
  readonly interval: Interval;
  readonly verdict: "pass" | "fail" | "not enough runs";
  /** For `not enough runs`: how many more it takes if the share stays as it is; null when that is more than a million. */
  readonly more: number | null;
}

/** Whether the event came in a run. Never detected is later than any limit. */
export function happens(event: OverallEvent, release: string | null, row: RunRow): boolean {
  if (event.kind === "passed") return row.passed;
  const found = row.releases.find(({ version }) => version === release);
  return found !== undefined && happened(event, found);
}

function happened(event: Exclude<OverallEvent, { kind: "passed" }>, release: RunRelease): boolean {
  switch (event.kind) {
    case "classification":
      return release.classification === event.is;
    case "result":
      return release.result === event.is;
    case "right-action":
      return release.tookRightAction === true;
    case "time-under":
      return (release.times[event.time] ?? Infinity) < event.limit;
    case "cost-under":
      return release.cost.total < event.limit;
  }
}

export type ClaimVerdict = ClaimResult["verdict"];

/** The verdict on a claim after so many runs, and what it rests on. */
export function judgeClaim(claim: OverallClaim, hits: number, runs: number, looking: Looking): ClaimResult {
  const verdict = claimVerdict(claim, hits, runs, looking);
  return { claim, hits, runs, interval: intervalOf(hits, runs, looking), verdict, more: verdict === "not enough runs" ? moreRuns(claim, hits, runs, looking) : null };
}

/** The verdict alone: cheap enough for every look. */
export function claimVerdict({ side, share }: OverallClaim, hits: number, runs: number, looking: Looking): ClaimVerdict {
  const found = looking === "sequential" ? sideOf(share, hits, runs, { alpha: CLAIM_ALPHA }) : fixedSide(share, intervalOf(hits, runs, looking));
  if (found === "open") return "not enough runs";
  return (found === "above") === (side === "at-least") ? "pass" : "fail";
}

const fixedSide = (share: number, { low, high }: Interval): Side => (low >= share ? "above" : high <= share ? "below" : "open");

function intervalOf(hits: number, runs: number, looking: Looking): Interval {
  if (runs === 0) return { low: 0, high: 1 };
  return looking === "fixed" ? clopperPearson(hits, runs, { confidence: 1 - CLAIM_ALPHA }) : confidenceSequence(hits, runs, { alpha: CLAIM_ALPHA });
}

/** How many runs more decide the claim, if the share of hits stays what it was. */
function moreRuns(claim: OverallClaim, hits: number, runs: number, looking: Looking): number | null {
  const share = runs === 0 ? (claim.side === "at-least" ? 1 : 0) : hits / runs;
  return moreRunsUntil(runs, (total) => claimVerdict(claim, Math.round(share * total), total, looking) !== "not enough runs");
}
