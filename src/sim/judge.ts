// Judges one release of a finished run: its result, the classification and the verdict in a sentence.

import { duration as span, money, percent } from "../kernel/format.js";
import type { Decision } from "../engines/decision.js";
import { askedBefore, causeOf } from "./cause.js";
import { actingDecision, isActing, type ReleaseJournal } from "./journal.js";
import type {
  Cause,
  Classification,
  Impact,
  ReleaseOutcome,
  ReleaseResult,
  ReleaseTimes,
  RightAction,
} from "./outcome.js";
import type { Simulation } from "./play.js";
import type { ReleaseItem } from "./stage.js";
import { timesOf } from "./times.js";
import type { TruthOfRelease } from "./truth.js";

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
  const { cause, causeReason } = causeOf(simulation, journal, item);
  const afterFullExposure = actedAfterFullExposure(journal);
  const { classification, unscoredWhy } = classify(truth, result, cause, afterFullExposure);
  const action = actionOf(journal);
  return {
    result,
    by: byWhom(journal, result),
    afterFullExposure,
    cause,
    causeReason,
    classification,
    unscoredWhy,
    action,
    tookRightAction: truth.truth === "unjudged" ? null : rightOrWrong(truth.rightAction, rollbackAfterFlag(journal) !== null && result === "rolled-back" ? [action, "roll-back"] : [action]),
    times: timesOf(simulation, journal, item),
  };
}

/**
 * What became of it. A release that is being taken back when the run ends counts as taken back; one that never got
 * its turn, that is still under way, or that waits for a person, is held.
 */
function resultOf(journal: ReleaseJournal): ReleaseResult {
  if (journal.invalidated) return "invalidated";
  if (journal.result !== null && journal.result.kind !== "held") return journal.result.kind;
  const state = journal.states.at(-1)?.state ?? "";
  if (!state.startsWith("rolling-back.")) return "held";
  const flagIsOff = state === "rolling-back.watching-flag" || state === "rolling-back.judging-flag";
  return flagIsOff ? "flag-off" : "rolled-back";
}

/** Who decided what became of it; the levels that follow a failed action are nobody's new decision. */
function byWhom(journal: ReleaseJournal, result: ReleaseResult): Judgement["by"] {
  if (result === "invalidated" || result === "rejected") return null;
  if (result === "held") return journal.result?.kind === "held" ? journal.result.by : null;
  return settling(journal, result === "promoted" ? isPromoting : isActing)?.by ?? journal.result?.by ?? null;
}

function settling(journal: ReleaseJournal, own: (decision: Decision) => boolean): Decision | undefined {
  const settled = journal.decisions.filter(own);
  return settled.findLast(({ rule }) => rule !== "action-failed") ?? settled.at(-1);
}

const isPromoting = ({ actions }: Decision): boolean => actions.includes("finish") || actions.includes("promote");

/** Whether the release had all traffic when it was first acted on. */
function actedAfterFullExposure(journal: ReleaseJournal): boolean {
  const acting = actingDecision(journal);
  if (acting === null) return false;
  return journal.actions.some(
    ({ command, event }) =>
      command.kind === "set-weight" && command.weight >= 1 && event?.type === "action.done" && event.at <= acting.decision.at,
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

const takesVersionBack = ({ actions }: Decision): boolean => actions.includes("roll-back") || actions.includes("shift-traffic");

/** The decision to take the whole release back after its flag was to be enough; null where it was, or was never tried. */
function rollbackAfterFlag(journal: ReleaseJournal): Decision | null {
  if (actionOf(journal) !== "disable-flag") return null;
  return journal.decisions.slice(actingDecision(journal)?.place).find(takesVersionBack) ?? null;
}

/** Right is what was done in the end, too. Shifting traffic back is the fast half of a rollback and counts as one. */
function rightOrWrong(right: RightAction, taken: readonly ReleaseOutcome["action"][]): boolean | null {
  if (right === "not-restorable") return null;
  return taken.some((action) => right === (action === "shift-traffic" ? "roll-back" : action));
}

function harmWords({ failedRequests, slowRequests, shareOfRequests, lostOrdersEuro }: Impact): string {
  if (failedRequests + slowRequests > 0) return `${percent(shareOfRequests)} of requests were harmed`;
  return lostOrdersEuro > 0 ? `orders worth ${money(lostOrdersEuro)} were lost` : "nobody was harmed";
}

/** Why a release that met no user by the end is undecided: it still waited for an earlier one, or had only just begun. */
function waitedWords({ startedAt }: ReleaseJournal): string {
  return startedAt === null ? ": it never got its turn" : ": it had begun, but had no traffic yet";
}

/** Where somebody who was asked decided, or nobody did: who, and about what; nothing where the engines decided. */
function answerWords(journal: ReleaseJournal, decision: Decision | undefined): string {
  if (decision === undefined || (decision.rule !== "answer" && decision.rule !== "no-answer")) return "";
  const check = askedBefore(journal, decision)?.decision.decidingCheck ?? null;
  if (decision.by === "person") return check === null ? " by a person" : ` by a person, who was asked because of "${check}"`;
  return check === null ? " because nobody answered" : ` because nobody answered who was asked because of "${check}"`;
}

const flagWentOff = ({ actions }: ReleaseJournal): boolean =>
  actions.some(({ command, event }) => command.kind === "set-flag" && event?.type === "action.done");

/** What became of a release whose flag was to be enough, as the sentence goes on. */
function afterFlagWords(journal: ReleaseJournal, result: ReleaseResult): string {
  const next = result === "rolled-back" ? rollbackAfterFlag(journal) : null;
  const first = actingDecision(journal)?.decision;
  if (next === null || first === undefined) return "";
  return `${flagWentOff(journal) ? "" : ", in vain"}, and ${span(next.at - first.at)} later it was rolled back${answerWords(journal, next)}`;
}

/** A flag that could not be switched, so that the whole release was taken back, was not switched off. */
function doneWords(journal: ReleaseJournal, action: ReleaseOutcome["action"]): string {
  if (action === "disable-flag" && !flagWentOff(journal) && rollbackAfterFlag(journal) !== null) return "switching its flag off was tried";
  return { "disable-flag": "its flag was switched off", "roll-back": "it was rolled back", "shift-traffic": "its traffic was taken away", none: "nothing was done" }[action];
}

/** A harmful release that was taken back, but not because of itself: whose luck that was. */
function luckWords(did: string, acting: Decision | undefined): string {
  switch (acting?.rule) {
    case "answer":
    case "no-answer":
      return `; ${did}; nothing shows that the release made the engines ask: luck, not merit.`;
    case "action-failed":
      return `; ${did} because the platform failed, not because of what the release did: luck, not merit.`;
    default:
      return ", but what made the engines act was not the release: luck, not merit.";
  }
}

/** One sentence: what happened, and whether it was right. */
export function verdictSentence(item: ReleaseItem, truth: TruthOfRelease, judgement: Judgement, impact: Impact, journal: ReleaseJournal): string {
  const { version } = item.release;
  const { classification, times, action, result } = judgement;
  const acting = actingDecision(journal)?.decision;
  const did = `${doneWords(journal, action)}${answerWords(journal, acting)}`;
  const then = afterFlagWords(journal, result);
  const promoted = answerWords(journal, settling(journal, isPromoting));
  const after = times.detection === null ? "" : ` ${span(times.detection)} after the first harmed request`;
  const harmed = harmWords(impact);
  switch (classification) {
    case "caught":
      return `${version} was harmful; ${did}${after}, before full exposure${then}; ${harmed}.`;
    case "late":
      return `${version} was harmful and noticed only after full exposure; ${did}${after}${then}; ${harmed}.`;
    case "missed":
      return result === "promoted"
        ? `${version} was harmful and was promoted all the same${promoted}; ${harmed}.`
        : `${version} was harmful${luckWords(`${did}${then}`, acting)}`;
    case "false-rollback":
      return `${version} was harmless, yet ${did}${then}: a false rollback.`;
    case "clean":
      return `${version} was harmless and was promoted${promoted}.`;
    case "undecided":
      return `${version} was ${truth.truth}, and was undecided when the scenario ended${times.firstTrafficAt === null ? waitedWords(journal) : ""}.`;
    case "unscored":
      if (judgement.unscoredWhy === "unjudged") return `${version} is not scored (unjudged): after its exposure the twins have no whole window with enough traffic to compare; a longer \`for\` or more traffic gives one; result: ${result}${result === "held" && times.firstTrafficAt === null ? waitedWords(journal) : ""}.`;
      return `${version} is not scored (${judgement.unscoredWhy ?? truth.truth}); result: ${result}.`;
  }
}
