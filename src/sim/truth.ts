// The truth of each release: its noise-free twin at 100 % with nobody acting, against the twin never made.

import type { Micros, Ratio } from "../kernel/units.js";
import { MICROS_PER_MINUTE, minutes } from "../kernel/units.js";
import type { Objective, Scenario } from "../scenario/compiled.js";
import { duration as span, percent } from "../kernel/format.js";
import { LedgerColumn, type LedgerCell } from "../world/ledger.js";
import type { ReleaseTruth, RightAction, TruthEvidence } from "./outcome.js";
import { quantileBetween, sumBetween, type RecordRow } from "./recording.js";
import { releasesOf, type ReleaseItem } from "./stage.js";
import { runTwin, type Twin } from "./twins.js";

/** Truth looks through sliding windows of this width (DESIGN.md section 6). */
export const TRUTH_WINDOW: Micros = minutes(5);
/** A tenth of the objective: less than this beyond it is borderline. */
export const TRUTH_MARGIN: Ratio = 0.1;
/** A release that moves a figure by less than this share of the margin does not move it. */
const NEGLIGIBLE_SHARE_OF_MARGIN: Ratio = 0.1;
/** Windows with fewer expected pages than this say nothing. */
const MIN_EXPECTED_PAGES = 5;

export interface TruthOfRelease {
  readonly truth: ReleaseTruth;
  readonly evidence: readonly TruthEvidence[];
  readonly rightAction: RightAction;
}

const known = new WeakMap<Scenario, readonly TruthOfRelease[]>();

/** The truth of every release of the scenario, in script order; computed once per scenario object. */
export function truthOf(scenario: Scenario): readonly TruthOfRelease[] {
  const before = known.get(scenario);
  if (before !== undefined) return before;
  const truth = computeTruth(scenario);
  known.set(scenario, truth);
  return truth;
}

function computeTruth(scenario: Scenario): readonly TruthOfRelease[] {
  const twins = new Map<string, Twin>();
  const twinOf = (made: readonly number[]): Twin => {
    const key = made.join(" ");
    const known = twins.get(key) ?? runTwin(scenario, { kind: "full", made, forced: null });
    twins.set(key, known);
    return known;
  };
  return releasesOf(scenario).map((item) => truthOfRelease({ scenario, item, others: othersOf(scenario, item), twinOf }));
}

/** The releases that go on while `item` is held: all but the later ones of its own service, which would replace it. */
function othersOf(scenario: Scenario, item: ReleaseItem): readonly number[] {
  return releasesOf(scenario)
    .filter((other) => other.index !== item.index && !(other.index > item.index && other.release.service === item.release.service))
    .map((other) => other.index);
}

/** A release in question, and the twins to hold it against. */
interface Case {
  readonly scenario: Scenario;
  readonly item: ReleaseItem;
  readonly others: readonly number[];
  /** The twin in which just these releases are made. */
  readonly twinOf: (made: readonly number[]) => Twin;
}

function truthOfRelease(asked: Case): TruthOfRelease {
  const { scenario, item, others, twinOf } = asked;
  const withRelease = twinOf(withIndex(others, item.index));
  const without = twinOf(others);
  const evidence = compareTwins(scenario, item, withRelease, without, warmFrom(scenario, item, withRelease));
  const finding = worstFinding(evidence);
  if (finding === "harmful") {
    const truth = isInteraction(asked) ? "interaction" : "harmful";
    return { truth, evidence, rightAction: rightAction(asked, withRelease, without) };
  }
  if (finding === "borderline") return { truth: "borderline", evidence, rightAction: "none" };
  const rollout = rolloutHarm(asked);
  if (rollout.length > 0) return { truth: "strategy-harm", evidence: rollout, rightAction: "none" };
  return { truth: "harmless", evidence, rightAction: "none" };
}

const withIndex = (others: readonly number[], index: number): readonly number[] => [...others, index].sort((a, b) => a - b);

/** Harmful only together with an earlier release: alone, it would be fine. */
function isInteraction({ scenario, item, others, twinOf }: Case): boolean {
  if (!others.some((index) => index < item.index)) return false;
  const alone = twinOf([item.index]);
  const evidence = compareTwins(scenario, item, alone, twinOf([]), warmFrom(scenario, item, alone));
  return worstFinding(evidence) !== "harmful";
}

/** What the strategy's own schedule breaks although the release is fine: cold caches, lost capacity. */
function rolloutHarm({ scenario, item, twinOf }: Case): readonly TruthEvidence[] {
  const schedule = runTwin(scenario, { kind: "schedule", made: [item.index] });
  return compareTwins(scenario, item, schedule, twinOf([]), item.at).filter((evidence) => evidence.finding === "harmful");
}

/** When the exposed version has all traffic and its replicas are warm. */
function warmFrom(scenario: Scenario, item: ReleaseItem, twin: Twin): Micros {
  const spec = scenario.world.services.find((service) => service.name === item.release.service);
  const warm = Math.max(spec?.warmUp.for ?? 0, 3 * (spec?.cache?.fill ?? 0));
  const version = twin.tracked.findIndex((tracked) => tracked.release === item.index);
  const exposed = twin.rows.find((row) => row.versions[version].weight === 1);
  return (exposed?.at ?? scenario.duration) + warm;
}

/** The worst window of every objective, endpoint and segment. */
function compareTwins(
  scenario: Scenario,
  item: ReleaseItem,
  withRelease: Twin,
  without: Twin,
  from: Micros,
): readonly TruthEvidence[] {
  const groups = edgeGroups(withRelease.cells);
  return scenario.objectives.flatMap((objective) =>
    groups.flatMap((group) => {
      const worst = worstWindow(objective, group, withRelease, without, from);
      return worst === null ? [] : [explain(objective, group, item, worst)];
    }),
  );
}

/** The edge cells of one endpoint and one segment of users, all versions together. */
interface EdgeGroup {
  readonly endpoint: string;
  readonly segment: LedgerCell["segment"];
  readonly cells: readonly number[];
}

function edgeGroups(cells: readonly LedgerCell[]): readonly EdgeGroup[] {
  const groups = new Map<string, { endpoint: string; segment: LedgerCell["segment"]; cells: number[] }>();
  cells.forEach((cell, index) => {
    if (cell.scope !== "edge") return;
    const endpoint = `${cell.service}/${cell.endpoint}`;
    const key = `${endpoint} ${cell.segment}`;
    const group = groups.get(key) ?? { endpoint, segment: cell.segment, cells: [] };
    group.cells.push(index);
    groups.set(key, group);
  });
  return [...groups.values()];
}

interface WindowFinding {
  readonly from: Micros;
  readonly to: Micros;
  readonly withRelease: number;
  readonly without: number;
  readonly limit: number;
  readonly margin: number;
  readonly finding: "harmful" | "borderline" | "fine";
  /** How far beyond the margin, in margins: the worst window has the largest. */
  readonly excess: number;
}

function worstWindow(
  objective: Objective,
  group: EdgeGroup,
  withRelease: Twin,
  without: Twin,
  from: Micros,
): WindowFinding | null {
  let worst: WindowFinding | null = null;
  const rows = withRelease.rows;
  for (let end = 0, start = 0; end < rows.length; end += 1) {
    while (rows[end].at - rows[start].at > TRUTH_WINDOW) start += 1;
    if (rows[end].at - rows[start].at < TRUTH_WINDOW || rows[start].at < from) continue;
    const a = measure(objective, group.cells, withRelease, rows[start], rows[end]);
    const b = measure(objective, group.cells, without, without.rows[start], without.rows[end]);
    if (a === null || b === null) continue;
    const finding = judgeWindow(objective, a, b, rows[start].at, rows[end].at);
    if (worst === null || finding.excess > worst.excess) worst = finding;
  }
  return worst;
}

/** The objective's figure in one window: a ratio, seconds, or conversions per page. */
function measure(
  objective: Objective,
  cells: readonly number[],
  twin: Twin,
  from: RecordRow,
  to: RecordRow,
): number | null {
  const pages = sumBetween(from, to, cells, LedgerColumn.requests);
  if (pages < MIN_EXPECTED_PAGES) return null;
  switch (objective.metric) {
    case "error-rate":
      return sumBetween(from, to, cells, LedgerColumn.errors) / pages;
    case "conversion": {
      const conversions = sumBetween(from, to, cells, LedgerColumn.conversions);
      return conversions === 0 ? null : conversions / pages;
    }
    case "p50":
      return quantileBetween(from, to, cells, twin.edgesSeconds, 0.5);
    case "p95":
      return quantileBetween(from, to, cells, twin.edgesSeconds, 0.95);
    case "p99":
      return quantileBetween(from, to, cells, twin.edgesSeconds, 0.99);
  }
}

/**
 * One window's finding. Figures are turned so that more is worse: a conversion becomes its relative drop
 * against the other twin, which then stands at zero.
 */
function judgeWindow(objective: Objective, a: number, b: number, from: Micros, to: Micros): WindowFinding {
  const limit = objective.metric === "error-rate" ? objective.limit : objective.metric === "conversion" ? -objective.limit : objective.limitSeconds;
  const margin = limit * TRUTH_MARGIN;
  const withRelease = objective.metric === "conversion" ? 1 - a / b : a;
  const without = objective.metric === "conversion" ? 0 : b;
  const breaks = withRelease > limit + margin && without <= limit + margin;
  const worsens = without > limit && withRelease > without + margin;
  const moved = withRelease - without > margin * NEGLIGIBLE_SHARE_OF_MARGIN;
  const near = withRelease > limit - margin && moved;
  const finding = (breaks && moved) || worsens ? "harmful" : near ? "borderline" : "fine";
  const rank = finding === "harmful" ? 1e6 : finding === "borderline" ? 1e3 : 0;
  const excess = rank + (withRelease - Math.max(without, limit)) / margin;
  return { from, to, withRelease, without, limit, margin, finding, excess };
}

function worstFinding(evidence: readonly TruthEvidence[]): "harmful" | "borderline" | "fine" {
  if (evidence.some((item) => item.finding === "harmful")) return "harmful";
  return evidence.some((item) => item.finding === "borderline") ? "borderline" : "fine";
}

function explain(objective: Objective, group: EdgeGroup, item: ReleaseItem, worst: WindowFinding): TruthEvidence {
  const show = (value: number): string =>
    objective.metric === "error-rate" || objective.metric === "conversion" ? percent(value) : span(value * 1e6);
  const name = { "error-rate": "error rate", conversion: "drop of conversion", p50: "p50", p95: "p95", p99: "p99" }[objective.metric];
  const minute = Math.round(worst.from / MICROS_PER_MINUTE);
  const whom = group.segment === "all" ? "" : group.segment === "targeted" ? " for the users it touches" : " for the other users";
  const reason =
    `With ${item.release.version} at 100 %, the ${name} of ${group.endpoint}${whom} is ${show(worst.withRelease)} ` +
    `in its worst 5 minutes (from minute ${minute}), against ${show(worst.without)} without it and an objective of ${show(worst.limit)}.`;
  return {
    objective: objective.metric,
    endpoint: group.endpoint,
    segment: group.segment,
    limit: worst.limit,
    margin: worst.margin,
    withRelease: worst.withRelease,
    without: worst.without,
    windowFrom: worst.from,
    windowTo: worst.to,
    finding: worst.finding,
    reason,
  };
}

/** The cheapest action whose forced twin, acting when harm starts, restores the objectives. */
function rightAction({ scenario, item, others }: Case, withRelease: Twin, without: Twin): RightAction {
  const harmAt = withRelease.firstHarmAt[item.index];
  const at = Number.isNaN(harmAt) ? item.at : harmAt;
  const made = withIndex(others, item.index);
  const settled = at + scenario.world.flags.propagation.max + scenario.world.splitPropagation + minutes(1);
  const restores = (action: "disable-flag" | "roll-back"): boolean => {
    const forced = runTwin(scenario, { kind: "full", made, forced: { release: item.index, at, action } });
    return worstFinding(compareTwins(scenario, item, forced, without, settled)) !== "harmful";
  };
  if (item.release.flag !== null && restores("disable-flag")) return "disable-flag";
  return restores("roll-back") ? "roll-back" : "not-restorable";
}
