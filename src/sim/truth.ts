// The truth of each release: its noise-free twin at 100 % with nobody acting, against the twin never made.

import type { Micros, Ratio } from "../kernel/units.js";
import { MICROS_PER_MINUTE, minutes } from "../kernel/units.js";
import type { Objective, Scenario } from "../scenario/compiled.js";
import { clock as clockText, duration as span, percent } from "../kernel/format.js";
import { LedgerColumn, type LedgerCell } from "../world/ledger.js";
import type { ReleaseTruth, RightAction, TruthEvidence } from "./outcome.js";
import { quantileBetween, sumBetween, type Books } from "./recording.js";
import { releasesOf, type ReleaseItem } from "./stage.js";
import { lastWindowFrom, TRUTH_WINDOW, truthWindow, windowFits } from "./truth-window.js";
import { runTwin, TwinLibrary, twinsOf, type Twin } from "./twins.js";

/** A tenth of the objective: less than this beyond it is borderline. */
export const TRUTH_MARGIN: Ratio = 0.1;
/** A release that moves a figure by less than this share of the margin does not move it. */
const NEGLIGIBLE_SHARE_OF_MARGIN: Ratio = 0.1;
/** Windows with fewer pages than this say nothing: expected values are exact, the mean of a few runs is not. */
const MIN_PAGES = { exact: 0.01, sampled: 5 } as const;

export interface TruthOfRelease {
  readonly truth: ReleaseTruth;
  readonly evidence: readonly TruthEvidence[];
  readonly rightAction: RightAction;
}

const exposures = new WeakMap<TwinLibrary, readonly TruthOfRelease[]>();
const truths = new WeakMap<Scenario, readonly TruthOfRelease[]>();

/**
 * The truth of every release of the scenario, in script order. What full exposure shows is found once per world,
 * script and objectives; only whether the rollout itself harms is asked of each strategy.
 */
export function truthOf(scenario: Scenario): readonly TruthOfRelease[] {
  const known = truths.get(scenario);
  if (known !== undefined) return known;
  // Nothing is promised to users, so that nothing can be broken: no twin has to be played for that.
  if (scenario.objectives.length === 0) return releasesOf(scenario).map(() => ({ truth: "harmless", evidence: [], rightAction: "none" }));
  const exposed = exposureTruth(scenario);
  const truth = releasesOf(scenario).map((item) => withRolloutHarm(scenario, item, exposed[item.index]));
  truths.set(scenario, truth);
  return truth;
}

function exposureTruth(scenario: Scenario): readonly TruthOfRelease[] {
  const twins = twinsOf(scenario);
  const known = exposures.get(twins) ?? releasesOf(scenario).map((item) => truthOfRelease({ scenario, item, twins, plain: new TwinLibrary(withoutDefects(scenario, item), twins.fidelity) }));
  exposures.set(twins, known);
  return known;
}

/** A release in question, and the twins to hold it against. */
interface Case {
  readonly scenario: Scenario;
  readonly item: ReleaseItem;
  readonly twins: TwinLibrary;
  /** Of the same world and script, where the release has no defects. */
  readonly plain: TwinLibrary;
}

/** The scenario in which nothing of the release ever takes effect. */
function withoutDefects(scenario: Scenario, { index }: ReleaseItem): Scenario {
  const { effects, duration } = scenario;
  return { ...scenario, effects: effects.map((effect) => (effect.release === index ? { ...effect, when: { ...effect.when, from: duration, to: duration } } : effect)) };
}

/** The releases that go on while `item` is held: all but the later ones of its own service, which would replace it. */
function othersOf({ scenario, item }: Case): readonly number[] {
  return releasesOf(scenario)
    .filter((other) => other.index !== item.index && !(other.index > item.index && other.release.service === item.release.service))
    .map((other) => other.index);
}

function truthOfRelease(asked: Case): TruthOfRelease {
  const { index } = asked.item;
  const others = othersOf(asked);
  const earlier = others.filter((other) => other < index);
  const amongAll = evidenceBeside(asked, others);
  const alone = others.length === 0 ? amongAll : evidenceBeside(asked, []);
  if (worstFinding(amongAll) !== "harmful") {
    const early = evidenceOfBriefDefects(asked, others);
    if (worstFinding(early) === "harmful") return { truth: "harmful", evidence: early, rightAction: rightAction(asked, others) };
    // What another release broke makes no innocent one borderline.
    return unharmful(alone.length > 0 && worstFinding(alone) === "fine" ? alone : amongAll);
  }
  if (worstFinding(alone) === "harmful") {
    return { truth: "harmful", evidence: amongAll, rightAction: rightAction(asked, others) };
  }
  // Harmful only together with another one. The later of the two is charged.
  const amongEarlier = evidenceBeside(asked, earlier);
  if (worstFinding(amongEarlier) !== "harmful") return unharmful(amongEarlier);
  return { truth: "interaction", evidence: amongEarlier, rightAction: rightAction(asked, earlier) };
}

/** Where no window could be compared nothing is known, and nothing is claimed. */
const unharmful = (evidence: readonly TruthEvidence[]): TruthOfRelease => ({
  truth: evidence.length === 0 ? "unjudged" : worstFinding(evidence) === "borderline" ? "borderline" : "harmless",
  evidence,
  rightAction: "none",
});

const withIndex = (others: readonly number[], index: number): readonly number[] => [...others, index].sort((a, b) => a - b);

/** The twin with the release against the one without, both with these other releases made. */
function evidenceBeside(asked: Case, others: readonly number[]): readonly TruthEvidence[] {
  const { scenario, item, twins } = asked;
  const { from, without, beside } = baseline(asked, others);
  return compareTwins(scenario, item, twins.made(withIndex(others, item.index)), without, from, { beside });
}

/**
 * Defects that are over before its replicas are warm are in no window that is looked at. The release as it is, against itself without
 * its defects, as cold: only they differ.
 */
function evidenceOfBriefDefects({ scenario, item, twins, plain }: Case, others: readonly number[]): readonly TruthEvidence[] {
  const made = withIndex(others, item.index);
  const { warm } = exposure(scenario, item, twins.made(made));
  const isBrief = scenario.effects.some(({ release, when }) => release === item.index && when.to < warm + truthWindow(scenario));
  return isBrief ? compareTwins(scenario, item, twins.made(made), plain.made(made), item.at, { beside: "without its defects" }) : [];
}

/**
 * From when on the release is looked at, and against what. Where the run ends before its replicas would be warm, the last windows
 * have to do; a cold replica is nobody's defect, so that the release without its defects, as cold, stands in for none.
 */
function baseline({ scenario, item, twins, plain }: Case, others: readonly number[]): { readonly from: Micros; readonly without: Twin; readonly beside: string } {
  const made = withIndex(others, item.index);
  const { exposed, warm } = exposure(scenario, item, twins.made(made));
  if (windowFits(scenario, warm)) return { from: warm, without: twins.made(others), beside: "without it" };
  return { from: Math.max(exposed, lastWindowFrom(scenario)), without: plain.made(made), beside: "without its defects" };
}

/** What the strategy's own schedule breaks, whatever is wrong with the release: cold caches, lost capacity. */
function withRolloutHarm(scenario: Scenario, item: ReleaseItem, exposed: TruthOfRelease): TruthOfRelease {
  if (exposed.truth !== "harmless") return exposed;
  const twins = twinsOf(scenario);
  const schedule = runTwin(withoutDefects(scenario, item), { kind: "schedule", made: [item.index] }, twins.fidelity);
  const rollout = compareTwins(scenario, item, schedule, twins.made([]), item.at, { manner: "as the strategy rolls it out" }).filter(({ finding }) => finding === "harmful");
  return rollout.length === 0 ? exposed : { truth: "strategy-harm", evidence: rollout, rightAction: "none" };
}

/** When the exposed version has all traffic, and when its replicas are warm then; Infinity when it never has all traffic. */
function exposure(scenario: Scenario, item: ReleaseItem, { exposedAt }: Twin): { readonly exposed: Micros; readonly warm: Micros } {
  const spec = scenario.world.services.find((service) => service.name === item.release.service);
  const warm = Math.max(spec?.warmUp.for ?? 0, 3 * (spec?.cache?.fill ?? 0));
  const exposed = exposedAt[item.index] ?? Infinity;
  return { exposed, warm: exposed + warm };
}

/** The worst window of every objective, endpoint and segment. */
function compareTwins(
  scenario: Scenario,
  item: ReleaseItem,
  withRelease: Twin,
  without: Twin,
  from: Micros,
  { manner = "at 100%", beside = "without it" } = {},
): readonly TruthEvidence[] {
  const groups = edgeGroups(withRelease.cells);
  return scenario.objectives.flatMap((objective) =>
    groups.flatMap((group) => {
      const worst = worstWindow(objective, group, withRelease, without, { from, width: truthWindow(scenario) });
      return worst === null ? [] : [explain(objective, group, { played: `${item.release.version} ${manner}`, beside }, worst)];
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
  { from, width }: { readonly from: Micros; readonly width: Micros },
): WindowFinding | null {
  let worst: WindowFinding | null = null;
  const { rows } = withRelease;
  for (let end = 0, start = 0; end < rows.length; end += 1) {
    // The narrowest stretch of rows that is not narrower than the window: rows need not divide it.
    while (start + 1 < end && rows[end].at - rows[start + 1].at >= width) start += 1;
    if (rows[end].at - rows[start].at < width || rows[start].at < from) continue;
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
  from: Books,
  to: Books,
): number | null {
  const pages = sumBetween(from, to, cells, LedgerColumn.requests);
  if (pages < (twin.exact ? MIN_PAGES.exact : MIN_PAGES.sampled)) return null;
  switch (objective.metric) {
    case "error-rate":
      return sumBetween(from, to, cells, LedgerColumn.errors) / pages;
    case "conversion":
      return sumBetween(from, to, cells, LedgerColumn.conversions) / pages;
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
 * against the other twin, which then stands at zero. Harmful: beyond limit and margin where the other twin keeps
 * the limit, or a broken one worse by more than the margin. Borderline: moved, and within a margin of the limit
 * or beyond it.
 */
export function judgeWindow(objective: Objective, a: number, b: number, from: Micros, to: Micros): WindowFinding {
  const limit = objective.metric === "error-rate" ? objective.limit : objective.metric === "conversion" ? -objective.limit : objective.limitSeconds;
  const margin = limit * TRUTH_MARGIN;
  const withRelease = objective.metric === "conversion" ? relativeDrop(a, b) : a;
  const without = objective.metric === "conversion" ? 0 : b;
  const breaks = without <= limit && withRelease > limit + margin;
  const worsens = without > limit && withRelease > without + margin;
  const moved = withRelease - without > margin * NEGLIGIBLE_SHARE_OF_MARGIN;
  const near = withRelease > limit - margin && moved;
  const finding = breaks || worsens ? "harmful" : near ? "borderline" : "fine";
  const rank = finding === "harmful" ? 1e6 : finding === "borderline" ? 1e3 : 0;
  const excess = rank + (withRelease - Math.max(without, limit)) / Math.max(margin, Number.MIN_VALUE);
  return { from, to, withRelease, without, limit, margin, finding, excess };
}

/** An endpoint on which nobody ever orders has no orders to lose. */
const relativeDrop = (a: number, b: number): number => (b > 0 ? 1 - a / b : 0);

function worstFinding(evidence: readonly TruthEvidence[]): "harmful" | "borderline" | "fine" {
  if (evidence.some((item) => item.finding === "harmful")) return "harmful";
  return evidence.some((item) => item.finding === "borderline") ? "borderline" : "fine";
}

function explain(objective: Objective, group: EdgeGroup, { played, beside }: { readonly played: string; readonly beside: string }, worst: WindowFinding): TruthEvidence {
  const show = (value: number): string =>
    objective.metric === "error-rate" || objective.metric === "conversion" ? percent(value) : span(value * 1e6);
  const name = { "error-rate": "error rate", conversion: "drop of conversion", p50: "p50", p95: "p95", p99: "p99" }[objective.metric];
  const width = worst.to - worst.from;
  const stretch = width === TRUTH_WINDOW ? `5 minutes (from minute ${Math.round(worst.from / MICROS_PER_MINUTE)})` : `${span(width)} (from ${clockText(worst.from)})`;
  const whom = group.segment === "all" ? "" : group.segment === "targeted" ? " for the users it touches" : " for the other users";
  const reason =
    `With ${played}, the ${name} of ${group.endpoint}${whom} is ${show(worst.withRelease)} ` +
    `in its worst ${stretch}, against ${show(worst.without)} ${beside} and an objective of ${show(worst.limit)}.`;
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

/** The cheapest action whose forced twin, acting when harm starts, restores the objectives: a flag costs less than a rollback. */
function rightAction(asked: Case, others: readonly number[]): RightAction {
  const { scenario, item, twins } = asked;
  const made = withIndex(others, item.index);
  const { without } = baseline(asked, others);
  const at = twins.made(made).firstHarmAt[item.index] ?? item.at;
  const { flags, splitPropagation, drain, clients } = scenario.world;
  const width = truthWindow(scenario);
  // From here on nobody is inside who met the release before the action; then a while for queues to empty.
  const quiet = at + Math.max(flags.propagation.max, splitPropagation) + Math.max(drain, clients.timeout) + Math.min(width, minutes(1));
  const settled = Math.min(quiet, lastWindowFrom(scenario));
  const restores = (action: "disable-flag" | "roll-back"): boolean => {
    const forced = twins.made(made, { release: item.index, at, action });
    return worstFinding(compareTwins(scenario, item, forced, without, settled)) !== "harmful";
  };
  if (item.release.flag !== null && restores("disable-flag")) return "disable-flag";
  return restores("roll-back") ? "roll-back" : "not-restorable";
}
