// The times of a release: harm starts, detected, mitigated, restored (DESIGN.md section 6).

import type { DecisionRule } from "../engines/decision.js";
import type { Micros } from "../kernel/units.js";
import { actingDecision, isActing, type ReleaseJournal } from "./journal.js";
import type { ReleaseTimes } from "./outcome.js";
import type { Simulation } from "./play.js";
import type { ReleaseItem } from "./stage.js";

/** The rules by which a trigger or a gate decides; a person, silence, thin data or a failed action detects nothing. */
const DETECTING: readonly DecisionRule[] = ["trigger", "hard-trigger", "gate"];

/** The times of one release, from its first harmed request to service restored. */
export function timesOf(simulation: Simulation, journal: ReleaseJournal, item: ReleaseItem): ReleaseTimes {
  const { ledger } = simulation.recorder;
  const harmStartsAt = orNull(ledger.firstHarmAt[item.index]);
  const detectedAt = journal.decisions.find((decision) => isActing(decision) && DETECTING.includes(decision.rule))?.at ?? null;
  const mitigatedAt = mitigated(simulation, journal, orNull(ledger.lastHarmAt[item.index]));
  // Service that still hurts is not restored, however stable and whole the platform is.
  const stillHurts = harmStartsAt !== null && mitigatedAt === null;
  const restoredAt = stillHurts ? null : restored(simulation, journal, item, mitigatedAt);
  return {
    releasedAt: journal.releasedAt,
    firstTrafficAt: firstTraffic(journal),
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

const takenBack = ({ result }: ReleaseJournal): boolean => result?.kind === "rolled-back" || result?.kind === "flag-off";

/** When users no longer hurt: the last harmed request, not before the action. Null when the harm outlives the action. */
function mitigated({ input }: Simulation, journal: ReleaseJournal, lastHarmAt: Micros | null): Micros | null {
  const actedAt = actingDecision(journal)?.decision.at;
  if (!takenBack(journal) || journal.result === null || actedAt === undefined || lastHarmAt === null) return null;
  const { drain, clients, telemetry, splitPropagation, flags } = input.scenario.world;
  const left = Math.max(splitPropagation, flags.propagation.max) + Math.max(drain, clients.timeout) + 2 * telemetry.scrape;
  return lastHarmAt > journal.result.at + left ? null : Math.max(lastHarmAt, actedAt);
}

/**
 * When stable served everybody at full capacity again; for a flag, when the watch had shown that it helped. Requests
 * that were already inside may still fail after the last action is done.
 */
function restored({ recorder, input, platform }: Simulation, journal: ReleaseJournal, item: ReleaseItem, mitigatedAt: Micros | null): Micros | null {
  if (!takenBack(journal) || journal.result === null) return null;
  const { at } = journal.result;
  const { service } = item.release;
  const shifted = journal.actions.findLast(({ event }) => event?.type === "action.done")?.command.kind === "set-weight";
  const spec = input.scenario.world.services.find(({ name }) => name === service);
  if (!shifted || spec === undefined || spec.autoscale !== null) return Math.max(at, mitigatedAt ?? 0);
  // Shifted traffic alone brings no replica back.
  const stable = platform.stable(service);
  const place = recorder.tracked.findIndex((tracked) => tracked.service === service && tracked.version === stable.version);
  const after = recorder.rows.filter((row) => row.at >= at);
  const full = after.findIndex((row) => row.versions[place].replicas >= stable.replicas);
  if (full < 0) return null;
  return Math.max(full === 0 ? at : after[full].at, mitigatedAt ?? 0);
}

/** When the balancer first had a share of the traffic for the version. */
function firstTraffic({ actions }: ReleaseJournal): Micros | null {
  const shift = actions.find(({ command, event }) => command.kind === "set-weight" && command.weight > 0 && event?.type === "action.done");
  return shift?.event?.type === "action.done" ? shift.event.effectiveAt : null;
}

const orNull = (at: number): Micros | null => (Number.isNaN(at) ? null : at);

/** Nothing can be noticed, mitigated or restored before there was harm. */
const since = (from: Micros | null, to: Micros | null): Micros | null => (from === null || to === null || to < from ? null : to - from);
