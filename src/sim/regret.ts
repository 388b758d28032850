// Regret: what the release cost beyond what an oracle with the same platform would have paid on the same seed.

import type { Micros } from "../kernel/units.js";
import { costOf, impactOf } from "./cost.js";
import type { Cost, ReleaseOutcome } from "./outcome.js";
import { simulate, type Simulation } from "./simulate.js";
import { releasesOf, type ReleaseItem } from "./stage.js";
import type { TruthOfRelease } from "./truth.js";

/**
 * The clairvoyant acts at the first scrape after the first harmed request with the right action; a release that
 * is not harmful it promotes on schedule. It plays the same seed, so the difference is the decisions' alone.
 */
export function regretOf(
  simulation: Simulation,
  item: ReleaseItem,
  truth: TruthOfRelease,
  cost: Cost,
): NonNullable<ReleaseOutcome["regret"]> {
  const { input, recorder } = simulation;
  const { scenario } = input;
  const actsAt = truth.truth === "harmful" ? nextScrape(recorder.ledger.firstHarmAt[item.index], scenario.world.telemetry.scrape) : null;
  const acts = actsAt !== null && actsAt < scenario.duration && truth.rightAction !== "not-restorable" && truth.rightAction !== "none";
  const oracle = simulate({
    ...input,
    detail: "light",
    seen: false,
    driver: acts
      ? { kind: "oracle", release: item.index, actsAt, action: truth.rightAction }
      : { kind: "schedule", made: releasesOf(scenario).map(({ index }) => index) },
  });
  const oracleCost = withRollback(
    costOf(scenario, oracle.journals[item.index], truth.truth, impactOf(oracle, item)),
    acts ? scenario.cost.rollback : 0,
  );
  return { clairvoyant: cost.total - oracleCost.total, oracleCost, oracleActsAt: acts ? actsAt : null };
}

function nextScrape(harmAt: number, scrape: Micros): Micros | null {
  return Number.isNaN(harmAt) ? null : (Math.floor(harmAt / scrape) + 1) * scrape;
}

const withRollback = (cost: Cost, rollback: number): Cost => ({
  ...cost,
  rollbacks: rollback,
  total: cost.total - cost.rollbacks + rollback,
});
