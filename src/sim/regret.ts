// Regret: what the release cost beyond what an oracle with the same platform would have paid on the same seed.

import type { Euro, Micros } from "../kernel/units.js";
import { costOf, impactOf } from "./cost.js";
import type { ReleaseJournal } from "./journal.js";
import type { Cost, ReleaseOutcome } from "./outcome.js";
import { simulate, type SimulatedRun } from "./simulate.js";
import type { ReleaseItem } from "./stage.js";
import type { TruthOfRelease } from "./truth.js";

/**
 * The clairvoyant acts at the first scrape after the first harmed request of its own run, with the right action and
 * the platform's latencies and failures, and falls back as the strategy does where the platform fails again and again;
 * a release that is not harmful it promotes on schedule. Other releases of the run it leaves to the strategy. It plays
 * the same seed, so the difference is the decisions' alone. It may be negative: who acts before anything could show, or lets a harm go that costs less than a rollback,
 * pays less than the clairvoyant: luck, not merit.
 */
export function regretOf(
  { input }: SimulatedRun,
  item: ReleaseItem,
  truth: TruthOfRelease,
  cost: Cost,
): NonNullable<ReleaseOutcome["regret"]> {
  const { scenario } = input;
  const { rightAction } = truth;
  const acts = truth.truth === "harmful" && (rightAction === "disable-flag" || rightAction === "roll-back");
  const oracle = simulate({
    ...input,
    detail: "light",
    seen: false,
    driver: { kind: "oracle", release: item.index, action: acts ? rightAction : null },
  });
  const journal = oracle.journals[item.index];
  const rollback = journal.oracleActedAt !== null && (rightAction === "roll-back" || triedRollback(journal, journal.oracleActedAt)) ? scenario.cost.rollback : 0;
  const oracleCost = withRollback(costOf(scenario, journal, truth.truth, impactOf(oracle, item)), rollback);
  return { clairvoyant: cost.total - oracleCost.total, oracleCost, oracleActsAt: journal.oracleActedAt };
}

/** It may have fallen back to one when the flag could not be switched. */
const triedRollback = ({ actions }: ReleaseJournal, since: Micros): boolean =>
  actions.some(({ at, command }) => at >= since && command.kind === "roll-back");

/** The oracle's own rollback, beside one that its schedule may have needed. */
const withRollback = (cost: Cost, rollback: Euro): Cost => {
  const rollbacks = Math.max(cost.rollbacks, rollback);
  return { ...cost, rollbacks, total: cost.total - cost.rollbacks + rollbacks };
};
