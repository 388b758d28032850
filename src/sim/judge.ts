// Judges one release of a finished run: its result, the cause, the classification and the times.

import { assert } from "../kernel/assert.js";
import type { Micros } from "../kernel/units.js";
import { duration as span, money, percent } from "../kernel/format.js";
import { actingDecision, type ReleaseJournal } from "./journal.js";
import type {
  Cause,
  Classification,
  Impact,
  ReleaseOutcome,
  ReleaseResult,
  ReleaseTimes,
  RightAction,
} from "./outcome.js";
import type { Simulation } from "./simulate.js";
import type { ReleaseItem } from "./stage.js";
import type { TruthOfRelease } from "./truth.js";
import { LEDGER_COLUMNS, LedgerColumn } from "../world/ledger.js";
import { cellsWhere } from "./recording.js";

export interface Judgement {
  readonly result: ReleaseResult;
  readonly by: "engine" | "person" | null;
  readonly afterFullExposure: boolean;
  readonly cause: Cause;
  readonly causeReason: string;
  readonly classification: Classification;
  readonly unscoredWhy: string | null;
  readonly action: ReleaseOutcome["action"];
  readonly tookRightAction: boolean | null;
  readonly times: ReleaseTimes;
}

/** Everything that is judged about a release but its money. */
export function judge(simulation: Simulation, item: ReleaseItem, truth: TruthOfRelease): Judgement {
  const journal = simulation.journals[item.index];
  const result = resultOf(journal);
  const { cause, causeReason } = causeOf(journal, item);
  const afterFullExposure = actedAfterFullExposure(simulation, journal, item);
  const { classification, unscoredWhy } = classify(truth, result, cause, afterFullExposure);
  const action = actionOf(journal);
  return {
    result,
    by: journal.result?.by ?? null,
    afterFullExposure,
    cause,
    causeReason,
    classification,
    unscoredWhy,
    action,
    tookRightAction: rightOrWrong(truth.rightAction, action),
    times: timesOf(simulation, journal, item),
  };
}

function resultOf(journal: ReleaseJournal): ReleaseResult {
  if (journal.invalidated || journal.startedAt === null) return "invalidated";
  return journal.result?.kind ?? "held";
}

/** The release when the deciding check passes without the requests that carry its effects; luck otherwise. */
function causeOf(journal: ReleaseJournal, item: ReleaseItem): { cause: Cause; causeReason: string } {
  const acting = actingDecision(journal);
  if (acting === null) return { cause: null, causeReason: "Nobody acted on the release." };
  const { decision, place } = acting;
  const passes = journal.passesWithoutRelease[place];
  if (passes === null) {
    return {
      cause: "luck",
      causeReason: `No check decided (${decision.rule}), so the release's own requests cannot have.`,
    };
  }
  const check = decision.decidingCheck ?? "the deciding check";
  return passes
    ? { cause: "release", causeReason: `Without the requests that ${item.release.version}'s own defects touched, "${check}" passes.` }
    : { cause: "luck", causeReason: `"${check}" fails even without the requests that ${item.release.version}'s own defects touched.` };
}

function actedAfterFullExposure(simulation: Simulation, journal: ReleaseJournal, item: ReleaseItem): boolean {
  const acting = actingDecision(journal);
  if (acting === null) return false;
  const version = simulation.recorder.tracked.findIndex((tracked) => tracked.release === item.index);
  return simulation.recorder.rows.some(
    (row) => row.at <= acting.decision.at && row.versions[version].weight === 1,
  );
}

/** DESIGN.md section 6, "Classification". */
export function classify(
  truth: Pick<TruthOfRelease, "truth">,
  result: ReleaseResult,
  cause: Cause,
  afterFullExposure: boolean,
): { classification: Classification; unscoredWhy: string | null } {
  const unscored = (why: string): { classification: Classification; unscoredWhy: string } => ({
    classification: "unscored",
    unscoredWhy: why,
  });
  const scored = (classification: Classification): { classification: Classification; unscoredWhy: null } => ({
    classification,
    unscoredWhy: null,
  });
  if (result === "rejected" || result === "invalidated") return unscored(result);
  if (truth.truth !== "harmful" && truth.truth !== "harmless") return unscored(truth.truth);
  if (result === "held") return scored("undecided");
  const acted = result === "rolled-back" || result === "flag-off";
  if (truth.truth === "harmless") return scored(acted ? "false-rollback" : "clean");
  if (!acted || cause !== "release") return scored("missed");
  return scored(afterFullExposure ? "late" : "caught");
}

function actionOf(journal: ReleaseJournal): ReleaseOutcome["action"] {
  const first = actingDecision(journal)?.decision.actions.find(
    (action) => action === "disable-flag" || action === "roll-back" || action === "shift-traffic",
  );
  return first === "disable-flag" || first === "roll-back" || first === "shift-traffic" ? first : "none";
}

/** Shifting traffic back is the fast half of a rollback and counts as one. */
function rightOrWrong(right: RightAction, action: ReleaseOutcome["action"]): boolean | null {
  if (right === "not-restorable") return null;
  return right === (action === "shift-traffic" ? "roll-back" : action);
}

function timesOf(simulation: Simulation, journal: ReleaseJournal, item: ReleaseItem): ReleaseTimes {
  const { ledger, rows, tracked } = simulation.recorder;
  const version = tracked.findIndex((candidate) => candidate.release === item.index);
  const harmStartsAt = orNull(ledger.firstHarmAt[item.index]);
  const lastHarmAt = orNull(ledger.lastHarmAt[item.index]);
  const acting = actingDecision(journal);
  const detectedAt = acting?.decision.at ?? null;
  const acted = journal.result?.kind === "rolled-back" || journal.result?.kind === "flag-off";
  const mitigatedAt = acted && lastHarmAt !== null && detectedAt !== null ? Math.max(lastHarmAt, detectedAt) : null;
  // Requests that were already inside may still fail after the last action is done.
  const restoredAt = acted && journal.result !== null ? Math.max(journal.result.at, mitigatedAt ?? 0) : null;
  return {
    releasedAt: journal.releasedAt,
    firstTrafficAt: firstTraffic(simulation, item) ?? rows.find((row) => row.versions[version].weight > 0)?.at ?? null,
    harmStartsAt,
    detectedAt,
    mitigatedAt,
    restoredAt,
    finishedAt: journal.result?.at ?? null,
    detection: since(harmStartsAt, detectedAt),
    mitigation: since(harmStartsAt, mitigatedAt),
    recovery: since(harmStartsAt, restoredAt),
  };
}

/** End of the first record interval in which the version answered a request. */
function firstTraffic({ recorder }: Simulation, item: ReleaseItem): Micros | null {
  const { service, version } = item.release;
  const cells = cellsWhere(recorder.cells, (cell) => cell.scope === "service" && cell.service === service && cell.version === version);
  assert(cells.length > 0, "the ledger follows every scripted version");
  const row = recorder.rows.find(({ totals }) =>
    cells.some((cell) => totals[cell * LEDGER_COLUMNS + LedgerColumn.requests] > 0),
  );
  return row?.at ?? null;
}

const orNull = (at: number): Micros | null => (Number.isNaN(at) ? null : at);

const since = (from: Micros | null, to: Micros | null): Micros | null => (from === null || to === null ? null : to - from);

function harmWords({ failedRequests, slowRequests, shareOfRequests, lostOrdersEuro }: Impact): string {
  if (failedRequests + slowRequests > 0) return `${percent(shareOfRequests)} of requests were harmed`;
  return lostOrdersEuro > 0 ? `orders worth ${money(lostOrdersEuro)} were lost` : "nobody was harmed";
}

/** One sentence: what happened, and whether it was right. */
export function verdictSentence(item: ReleaseItem, truth: TruthOfRelease, judgement: Judgement, impact: Impact): string {
  const { version } = item.release;
  const { classification, times, action, result } = judgement;
  const did = { "disable-flag": "its flag was switched off", "roll-back": "it was rolled back", "shift-traffic": "its traffic was taken away", none: "nothing was done" }[action];
  const after = times.detection === null ? "" : ` ${span(times.detection)} after the first harmed request`;
  const harmed = harmWords(impact);
  switch (classification) {
    case "caught":
      return `${version} was harmful; ${did}${after}, before full exposure; ${harmed}.`;
    case "late":
      return `${version} was harmful and noticed only after full exposure; ${did}${after}; ${harmed}.`;
    case "missed":
      return result === "promoted"
        ? `${version} was harmful and was promoted all the same; ${harmed}.`
        : `${version} was harmful, but what made the engines act was not the release: luck, not merit.`;
    case "false-rollback":
      return `${version} was harmless, yet ${did}: a false rollback.`;
    case "clean":
      return `${version} was harmless and was promoted.`;
    case "undecided":
      return `${version} was ${truth.truth}, and was still held when the scenario ended.`;
    case "unscored":
      return `${version} is not scored (${judgement.unscoredWhy ?? truth.truth}); result: ${result}.`;
  }
}
