// What a release cost, in money and by part.

import { MICROS_PER_HOUR, seconds, type Micros } from "../kernel/units.js";
import type { CostWeights, Scenario } from "../scenario/compiled.js";
import { HARM_COLUMNS, HarmColumn, LEDGER_COLUMNS, LedgerColumn, type LedgerCell } from "../world/ledger.js";
import type { ReleaseJournal } from "./journal.js";
import type { Cost, Impact, ReleaseTruth } from "./outcome.js";
import type { Simulation } from "./play.js";
import type { Recorder } from "./recording.js";
import type { ReleaseItem } from "./stage.js";

/** Client pages that the release harmed, whatever other releases did. */
export function impactOf({ recorder, journals }: Simulation, item: ReleaseItem): Impact {
  const { harmBy } = recorder.ledger;
  const row = item.index * HARM_COLUMNS;
  const [failed, slow] = [harmBy[row + HarmColumn.failed], harmBy[row + HarmColumn.slow]];
  const pages = pagesIn(recorder.cells, recorder.ledger.totals) - pagesBefore(recorder, journals[item.index].releasedAt);
  return {
    failedRequests: failed,
    slowRequests: slow,
    lostOrdersEuro: harmBy[row + HarmColumn.lostOrderEuro],
    shareOfRequests: pages > 0 ? (failed + slow) / pages : 0,
  };
}

function pagesBefore({ rows, cells }: Recorder, at: Micros): number {
  const row = rows.findLast((candidate) => candidate.at <= at);
  return row === undefined ? 0 : pagesIn(cells, row.totals);
}

const pagesIn = (cells: readonly LedgerCell[], totals: Float64Array): number =>
  cells.reduce((sum, { scope }, index) => (scope === "edge" ? sum + totals[index * LEDGER_COLUMNS + LedgerColumn.requests] : sum), 0);

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
