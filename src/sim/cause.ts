// The cause of a decision: the deciding check asked once more, without the requests that carry the release's effects.

import type { DecisionBasis } from "../delivery/observer.js";
import type { Decision, DecisionRule } from "../engines/decision.js";
import type { Micros } from "../kernel/units.js";
import type { SeriesStore } from "../telemetry/store.js";
import type { EffectKind } from "../world/effect.js";
import type { WorldEvent } from "../world/world.js";
import { actingDecision, type ReleaseJournal } from "./journal.js";
import type { Cause } from "./outcome.js";
import type { Simulation } from "./play.js";
import type { ReleaseItem } from "./stage.js";

/**
 * Whether the deciding check finds no fault in telemetry's lane for "without release `release`": then the release
 * is the cause. Null when no check decided. Absent data is no fault: nothing is left that could break a limit.
 */
export function passesWithoutRelease(store: SeriesStore, release: number, basis: DecisionBasis): boolean | null {
  const { at, queries } = basis;
  if (at === null) return null;
  // A release without a defect has no lane of its own: nothing it did could be left out.
  const lane = 1 + release < store.lanes ? 1 + release : 0;
  const answers = queries.map((query) => store.query(query, at, lane));
  return basis.passesOn({ at, queries, answers });
}

/** The release when the deciding check passes without the requests that carry its effects; luck otherwise. */
export function causeOf(simulation: Simulation, journal: ReleaseJournal, item: ReleaseItem): { cause: Cause; causeReason: string } {
  const acting = actingDecision(journal);
  if (acting === null) return { cause: null, causeReason: "Nobody acted on the release." };
  const { version } = item.release;
  if (ANSWERING.includes(acting.decision.rule)) return causeOfAnswer(journal, acting, version);
  const { decision, place } = acting;
  const passes = journal.passesWithoutRelease[place];
  if (passes === null) {
    if (decision.rule === "action-failed" && startsFailedBefore(simulation, item, decision.at)) {
      return { cause: "release", causeReason: `No check decided: ${version} could not be deployed, because its own defects kept its replicas from starting.` };
    }
    return { cause: "luck", causeReason: `No check decided (${decision.rule}), so the release's own requests cannot have.` };
  }
  const check = decision.decidingCheck ?? "the deciding check";
  if (!passes && lostItsShare(simulation, item, decision)) {
    return { cause: "release", causeReason: `"${check}" saw too few requests: ${version}'s own defects took its replicas down, and who finds no replica is in no telemetry.` };
  }
  return passes
    ? { cause: "release", causeReason: `Without the requests that ${version}'s own defects touched, "${check}" passes.` }
    : { cause: "luck", causeReason: `"${check}" ${failsOrNot(decision)} even without the requests that ${version}'s own defects touched.` };
}

interface Placed {
  readonly decision: Decision;
  /** Its place in the journal. */
  readonly place: number;
}

/** Rules by which somebody who was asked decides, or their silence: no check does, but one made the engines ask. */
const ANSWERING: readonly DecisionRule[] = ["answer", "no-answer"];

/** The decision to ask that an answer answers; null for every other decision, and where nobody was asked. */
export function askedBefore(journal: ReleaseJournal, answer: Decision): Placed | null {
  const before = journal.decisions.slice(0, ANSWERING.includes(answer.rule) ? journal.decisions.indexOf(answer) : 0);
  const place = before.findLastIndex(({ actions }) => actions.includes("ask"));
  return place < 0 ? null : { decision: before[place], place };
}

/** An answer has the cause of the question: what made the engines ask. */
function causeOfAnswer(journal: ReleaseJournal, { decision }: Placed, version: string): { cause: Cause; causeReason: string } {
  const who = decision.by === "person" ? "A person decided" : "Nobody answered";
  const asked = askedBefore(journal, decision);
  const check = asked?.decision.decidingCheck ?? null;
  if (asked === null || check === null) return { cause: "luck", causeReason: `${who}, and no check had made the engines ask, so the release's own requests cannot have.` };
  const because = `${who}; the engines had asked because of "${check}"`;
  const passes = journal.passesWithoutRelease[asked.place];
  if (passes === null) return { cause: "luck", causeReason: `${because}, which was not looked at without the release's own requests.` };
  return passes
    ? { cause: "release", causeReason: `${because}, which passes without the requests that ${version}'s own defects touched.` }
    : { cause: "luck", causeReason: `${because}, which ${failsOrNot(asked.decision)} even without the requests that ${version}'s own defects touched.` };
}

const failsOrNot = ({ rule }: Decision): string => (UNDECIDED.includes(rule) ? "decides nothing" : "fails");

/** Here the deciding check broke no limit: it could not say. */
const UNDECIDED: readonly DecisionRule[] = ["thin-data", "missing-data"];

/** Defects that keep replicas from getting ready, or from staying so; what they did is seen in the world's events. */
const STARTING_DEFECTS: readonly EffectKind["kind"][] = ["startup-failure", "restart-loop", "memory-growth"];
const STARTING_EVENTS: readonly WorldEvent["kind"][] = ["startup-failed", "replica-killed"];

/**
 * Whether the deciding check missed requests that the release's own defects kept from its replicas. A lane leaves out what came and was
 * touched; it cannot bring back what never came.
 */
function lostItsShare(simulation: Simulation, item: ReleaseItem, { checks, decidingCheck }: Decision): boolean {
  const check = checks.find((one) => one.check === decidingCheck);
  if (check === undefined || check.metric !== "throughput" || check.observed === null || check.baseline === null || check.observed >= check.baseline) return false;
  const { from, to } = check.window;
  // Who was down when the window began went down some time before.
  return startsFailedBefore(simulation, item, to, from - (to - from));
}

/** Whether the release's own defects kept its replicas down at some time up to `at`, and after `since`. */
function startsFailedBefore({ input, world }: Simulation, { index, release }: ReleaseItem, at: Micros, since: Micros = 0): boolean {
  const own = input.scenario.effects.filter((effect) => effect.release === index && effect.when.to > since);
  // A replica that answers nothing fails its probes from the start: it never gets ready, and nothing happens that could be seen.
  if (own.some(({ what, target, when }) => what.kind === "outage" && when.from <= at && target.on === "service" && target.service === release.service)) return true;
  const defective = own.some(({ what }) => STARTING_DEFECTS.includes(what.kind));
  return defective && world.events.some((event) => event.at <= at && event.at >= since && event.version === release.version && event.service === release.service && STARTING_EVENTS.includes(event.kind));
}
