// Runs a scenario once and judges it: the one way from a Scenario and a seed to an Outcome.

import type { CreateDelivery } from "../delivery/canary.js";
import type { Scenario } from "../scenario/compiled.js";
import { LEDGER_COLUMNS, LedgerColumn } from "../world/ledger.js";
import type { Fidelity } from "../world/world.js";
import { alertsOf, incidentsOf } from "./alarms.js";
import { costOf, impactOf, wakeUps, weightsByName } from "./cost.js";
import { doraOf } from "./dora.js";
import { judgeExpectations } from "./expectations.js";
import { checkInvariants } from "./invariants.js";
import { judge, verdictSentence } from "./judge.js";
import type { ReleaseJournal } from "./journal.js";
import { OUTCOME_SCHEMA_VERSION, type Outcome, type ReleaseOutcome, type ThresholdLine } from "./outcome.js";
import { regretOf } from "./regret.js";
import { seriesOf } from "./series.js";
import type { Simulation } from "./play.js";
import { simulate } from "./simulate.js";
import { releasesOf, type ReleaseItem } from "./stage.js";
import { timelineOf } from "./timeline.js";
import { truthOf, type TruthOfRelease } from "./truth.js";

export interface RunOptions {
  /** The scenario's own when left out. */
  readonly seed?: number;
  readonly fidelity?: Fidelity;
  /** `light` leaves out chart series and regret: for many runs. */
  readonly detail?: "full" | "light";
  /** Who delivers; the canary when left out. */
  readonly createDelivery?: CreateDelivery;
}

/** Simulates, judges and writes up one run. Pure: the same scenario and options give the same bytes. */
export function runScenario(scenario: Scenario, options: RunOptions = {}): Outcome {
  const detail = options.detail ?? "full";
  const simulation = simulate({
    scenario,
    seed: options.seed ?? scenario.seed,
    fidelity: options.fidelity ?? scenario.fidelity,
    noiseFree: false,
    detail: detail === "full" || needsHistograms(scenario) ? "full" : "light",
    seen: detail === "full" || needsSeen(scenario),
    driver: { kind: "strategy" },
    ...(options.createDelivery === undefined ? {} : { createDelivery: options.createDelivery }),
  });
  return outcomeOf(simulation, detail, (...asked) => (detail === "full" ? regretOf(simulation, ...asked) : null));
}

/** What a release cost beyond an oracle's cost; null where no oracle can play the same run. */
type AskRegret = (item: ReleaseItem, truth: TruthOfRelease, cost: ReleaseOutcome["cost"]) => ReleaseOutcome["regret"];

/** Judges a finished run, simulated or live, and writes it up. */
export function outcomeOf(simulation: Simulation, detail: "full" | "light", regret: AskRegret = () => null): Outcome {
  const { scenario } = simulation.input;
  const truths = truthOf(scenario);
  const releases = releasesOf(scenario).map((item) => releaseOutcome(simulation, item, truths[item.index], regret));
  const expectations = judgeExpectations(scenario.expectations, releases, simulation.recorder);
  const invariants = checkInvariants(simulation);
  return assemble(simulation, releases, expectations, invariants, detail);
}

function needsHistograms(scenario: Scenario): boolean {
  return scenario.expectations.some(
    (expectation) => expectation.kind === "rule" && [expectation.claim, expectation.while].some((side) => side !== null && side.series === "p95" && !side.seen),
  );
}

function needsSeen(scenario: Scenario): boolean {
  return scenario.expectations.some(
    (expectation) => expectation.kind === "rule" && [expectation.claim, expectation.while].some((side) => side?.seen === true),
  );
}

function assemble(
  simulation: Simulation,
  releases: readonly ReleaseOutcome[],
  expectations: Outcome["expectations"],
  invariants: Outcome["invariants"],
  detail: "full" | "light",
): Outcome {
  const { input, world, recorder, journals } = simulation;
  const { scenario, seed, fidelity } = input;
  return {
    schemaVersion: OUTCOME_SCHEMA_VERSION,
    modelVersion: world.modelVersion,
    scenario: {
      name: scenario.name,
      about: scenario.about,
      file: scenario.file,
      world: scenario.world.name,
      strategy: scenario.strategy.name,
    },
    seed,
    fidelity,
    approximations: world.approximations,
    duration: scenario.duration,
    digest: digestOf(simulation),
    passed: expectations.every((expectation) => expectation.passed) && invariants.every((invariant) => invariant.held),
    expectations,
    invariants,
    releases,
    decisions: journals.flatMap((journal) => journal.decisions),
    timeline: timelineOf(simulation),
    alerts: alertsOf(simulation),
    incidents: incidentsOf(simulation),
    dora: doraOf(releases, scenario.duration),
    objectives: scenario.objectives.map((objective) => ({
      name: objective.metric,
      limit: "limit" in objective ? objective.limit : objective.limitSeconds,
    })),
    thresholds: thresholdsOf(scenario),
    costWeights: weightsByName(scenario.cost),
    totals: totalsOf(simulation),
    series: detail === "full" ? seriesOf(recorder) : { at: [], versions: [], edge: { rps: [], errorRate: [], p95Seconds: [], harmedPerSecond: [], failedPerSecond: [] } },
    replay: input.replay ?? `shakedown run ${scenario.file} --seed ${seed} --fidelity ${fidelity}`,
  };
}

function releaseOutcome(
  simulation: Simulation,
  item: ReleaseItem,
  truth: TruthOfRelease,
  regret: AskRegret,
): ReleaseOutcome {
  const journal = simulation.journals[item.index];
  const judgement = judge(simulation, item, truth);
  const impact = impactOf(simulation, item);
  const cost = costOf(simulation.input.scenario, journal, truth.truth, impact);
  return {
    service: item.release.service,
    version: item.release.version,
    lines: item.release.lines,
    flag: item.release.flag?.name ?? null,
    defects: item.defects,
    truth: truth.truth,
    truthEvidence: truth.evidence,
    rightAction: truth.rightAction,
    ...judgement,
    impact,
    cost,
    regret: judgement.result === "invalidated" ? null : regret(item, truth, cost),
    verdict: verdictSentence(item, truth, judgement, impact, journal),
    pages: wakeUps(journal),
    startedAt: journal.states.at(0)?.at ?? null,
    ...statesOf(journal, simulation.input.scenario.duration),
  };
}

/** Time spent per state, and the path taken. A state of another step is another state, so its label, which says the step, tells them apart. */
function statesOf(journal: ReleaseJournal, end: number): Pick<ReleaseOutcome, "states" | "transitions"> {
  const spent = new Map<string, { state: string; label: string; spent: number; entries: number }>();
  journal.states.forEach(({ state, label, at }, index) => {
    // A held release stays held, after the moment that it was called so.
    const until = journal.states[index + 1]?.at ?? (journal.result?.kind === "held" ? end : (journal.result?.at ?? end));
    const known = spent.get(label) ?? { state: stateIn(state, label), label, spent: 0, entries: 0 };
    known.spent += Math.max(0, until - at);
    known.entries += 1;
    spent.set(label, known);
  });
  const transitions = journal.states.slice(1).map(({ state, label, at, why }, index) => ({
    at,
    from: stateIn(journal.states[index].state, journal.states[index].label),
    to: stateIn(state, label),
    why,
  }));
  return { states: [...spent.values()], transitions };
}

/** `step.baking` of `step 2 of 3 (25%), baking` becomes `step.2.baking`; other states keep their name. */
function stateIn(state: string, label: string): string {
  const step = /^step (\d+) of/.exec(label);
  return step === null ? state : state.replace(/^step\./, `step.${step[1]}.`);
}

/** The world's digest, closed over what was decided, the fidelity and the model version. */
function digestOf({ world, journals, input }: Simulation): string {
  const { digest } = world;
  digest.addText(input.fidelity);
  digest.addText(world.modelVersion);
  for (const decision of journals.flatMap((journal) => journal.decisions)) {
    digest.add(decision.at);
    digest.addText(decision.reason);
  }
  return digest.hex();
}

function thresholdsOf(scenario: Scenario): readonly ThresholdLine[] {
  const { gates, triggers } = scenario.strategy;
  return [...gates, ...triggers].flatMap(({ metric, compare, role, endpoint, baseline }): ThresholdLine[] => {
    if ((metric !== "error-rate" && metric !== "p95") || endpoint !== undefined) return [];
    if (compare.kind === "below" || compare.kind === "above" || compare.kind === "at-least") return [{ metric, label: role, value: compare.value }];
    return compare.kind === "times-baseline" && baseline !== "past" ? [{ metric, label: role, value: compare.factor, timesStable: true }] : [];
  });
}

function totalsOf({ recorder }: Simulation): Outcome["totals"] {
  const { cells, ledger } = recorder;
  const sum = (column: number): number =>
    cells.reduce((total, cell, index) => (cell.scope === "edge" ? total + ledger.totals[index * LEDGER_COLUMNS + column] : total), 0);
  return {
    requests: sum(LedgerColumn.requests),
    failed: sum(LedgerColumn.errors),
    slow: sum(LedgerColumn.slow),
    orders: sum(LedgerColumn.conversions),
    orderEuro: sum(LedgerColumn.orderEuro),
  };
}
