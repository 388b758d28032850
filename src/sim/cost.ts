// What a release cost, in money and by part.

import { MICROS_PER_HOUR, seconds, type Micros, type Ratio } from "../kernel/units.js";
import type { CostWeights, Scenario } from "../scenario/compiled.js";
import { LEDGER_COLUMNS, LedgerColumn } from "../world/ledger.js";
import type { ReleaseJournal } from "./journal.js";
import type { Cost, Impact, ReleaseTruth } from "./outcome.js";
import type { Simulation } from "./play.js";
import { releasesOf, type ReleaseItem } from "./stage.js";

/** Client pages that the release harmed. With several releases, the run's harm is shared by their harmed requests. */
export function impactOf(simulation: Simulation, item: ReleaseItem): Impact {
  const { recorder, journals } = simulation;
  const { ledger } = recorder;
  let pages = 0;
  let failed = 0;
  let slow = 0;
  let lost = 0;
  ledger.cells.forEach((cell, index) => {
    if (cell.scope !== "edge") return;
    const row = index * LEDGER_COLUMNS;
    pages += ledger.totals[row + LedgerColumn.requests];
    failed += ledger.totals[row + LedgerColumn.harmedErrors];
    slow += ledger.totals[row + LedgerColumn.harmedSlow];
    lost += ledger.totals[row + LedgerColumn.lostOrderEuro];
  });
  const before = pagesBefore(simulation, journals[item.index].releasedAt);
  const share = shareOfHarm(simulation, item);
  const harmed = (failed + slow) * share;
  return {
    failedRequests: failed * share,
    slowRequests: slow * share,
    lostOrdersEuro: lost * share,
    shareOfRequests: pages > before ? harmed / (pages - before) : 0,
  };
}

function shareOfHarm({ recorder, input }: Simulation, item: ReleaseItem): Ratio {
  const { harmedBy } = recorder.ledger;
  const all = releasesOf(input.scenario).reduce((sum, { index }) => sum + harmedBy[index], 0);
  return all === 0 ? 0 : harmedBy[item.index] / all;
}

function pagesBefore({ recorder }: Simulation, at: Micros): number {
  const row = recorder.rows.findLast((candidate) => candidate.at <= at);
  if (row === undefined) return 0;
  let pages = 0;
  recorder.cells.forEach((cell, index) => {
    if (cell.scope === "edge") pages += row.totals[index * LEDGER_COLUMNS + LedgerColumn.requests];
  });
  return pages;
}

/**
 * The cost of a release under the scenario's weights. Only a good release can be late: one that harms by itself or
 * might has nothing to deliver. A flag that is switched off costs what its users miss, not a rollback.
 */
export function costOf(
  scenario: Scenario,
  journal: ReleaseJournal,
  truth: ReleaseTruth,
  impact: Impact,
): Cost {
  const { cost: weights } = scenario;
  const good = truth === "harmless" || truth === "strategy-harm";
  const delayed = good && !journal.invalidated ? delayOf(scenario, journal) : 0;
  return total({
    failedRequests: impact.failedRequests * weights.failedRequest,
    slowRequests: impact.slowRequests * weights.slowRequest,
    lostOrders: impact.lostOrdersEuro * weights.lostOrder,
    delay: (delayed / MICROS_PER_HOUR) * weights.delayPerHour,
    rollbacks: rollbacksOf(journal) * weights.rollback,
    pages: wakeUps(journal) * weights.page,
  });
}

function total(parts: Omit<Cost, "total">): Cost {
  const { failedRequests, slowRequests, lostOrders, delay, rollbacks, pages } = parts;
  return { ...parts, total: failedRequests + slowRequests + lostOrders + delay + rollbacks + pages };
}

/** How much later than on schedule a release reached its users; to the end of the run when it never did. */
function delayOf(scenario: Scenario, journal: ReleaseJournal): Micros {
  const schedule = scenario.strategy.steps.reduce((sum, step) => sum + step.bake, 0);
  const due = (journal.startedAt ?? journal.releasedAt) + schedule;
  const done = journal.result?.kind === "promoted" ? journal.result.at : scenario.duration;
  return Math.max(0, done - due);
}

/** A page and an alert that one evaluation leads to come in one call. */
const ONE_CALL: Micros = seconds(1);

/** How often a person was woken: by a page, or by an alert so bad that it goes to the pager. */
export function wakeUps({ pages, alarms }: Pick<ReleaseJournal, "pages" | "alarms">): number {
  const alerts = alarms.raised.flatMap(({ alert, heardAt }) => (alert.channel === "pager" ? [heardAt] : []));
  const calls = [...pages.map(({ at }) => at), ...alerts].sort((a, b) => a - b);
  return calls.filter((at, place) => place === 0 || at - calls[place - 1] >= ONE_CALL).length;
}

/** However many attempts it took, it is one rollback. */
const rollbacksOf = ({ decisions }: ReleaseJournal): number =>
  decisions.some(({ actions }) => actions.includes("roll-back") || actions.includes("shift-traffic")) ? 1 : 0;

/** The weights by name, for the outcome. */
export function weightsByName(weights: CostWeights): Readonly<Record<string, number>> {
  return { ...weights };
}
