// Plays shipped scenarios over fixed seeds and says whether their expectations hold often enough to be taught.

import { assert } from "../kernel/assert.js";
import type { Scenario } from "../scenario/compiled.js";
import type { Outcome } from "../sim/outcome.js";
import type { Fidelity } from "../world/world.js";

/** The share of seeds in which a shipped scenario's expectations must hold. */
export const HOLD_SHARE = 0.95;

/** Which seeds each fidelity plays: 1..n. */
export type HoldPlan = Readonly<Record<Fidelity, number>>;

export const FULL_PLAN: HoldPlan = { cohort: 100, request: 5 };
/** What CI has time for. */
export const QUICK_PLAN: HoldPlan = { cohort: 10, request: 1 };

/** How one scenario did at one fidelity. */
export interface HoldResult {
  readonly scenario: string;
  readonly fidelity: Fidelity;
  readonly seeds: number;
  readonly passed: number;
  readonly needed: number;
  /** `caught`, `clean` ... and how often, most frequent first; several releases are joined with `+`. */
  readonly classifications: readonly { readonly name: string; readonly count: number }[];
  /** What failed, by seed. */
  readonly failures: readonly { readonly seed: number; readonly reasons: readonly string[] }[];
}

/** Plays one run; `runScenario` in earnest, anything in a test. */
export type PlayRun = (scenario: Scenario, options: { readonly seed: number; readonly fidelity: Fidelity }) => Outcome;

/** Plays seeds 1..n of one scenario at one fidelity. A fidelity that the scenario refuses is not played at all. */
export function holdScenario(scenario: Scenario, fidelity: Fidelity, seeds: number, play: PlayRun): HoldResult {
  assert(seeds >= 1, "a scenario is held over at least one seed");
  const outcomes = Array.from({ length: seeds }, (_, index) => play(scenario, { seed: index + 1, fidelity }));
  const failures = outcomes
    .map((outcome) => ({ seed: outcome.seed, reasons: failureReasons(outcome) }))
    .filter(({ reasons }) => reasons.length > 0);
  return {
    scenario: scenario.name,
    fidelity,
    seeds,
    passed: seeds - failures.length,
    needed: neededOf(seeds),
    classifications: tally(outcomes.map(classificationOf)),
    failures,
  };
}

/** How many of so many seeds must pass: 95 of 100, and every one of 10 or of 5. */
export const neededOf = (seeds: number): number => Math.ceil(seeds * HOLD_SHARE);

export const holds = (result: HoldResult): boolean => result.passed >= result.needed;

/** Failed expectations and broken invariants, in the outcome's own words. */
function failureReasons(outcome: Outcome): readonly string[] {
  const expectations = outcome.expectations.filter(({ passed }) => !passed).map(({ text, reason }) => `${text}: ${reason}`);
  const invariants = outcome.invariants.filter(({ held }) => !held).map(({ name, reason }) => `invariant ${name}: ${reason}`);
  const reasons = [...expectations, ...invariants];
  return reasons.length > 0 || outcome.passed ? reasons : ["the outcome says that it failed, without a reason"];
}

const classificationOf = (outcome: Outcome): string =>
  outcome.releases.map(({ classification, unscoredWhy }) => unscoredWhy ?? classification).join("+") || "no release";

function tally(names: readonly string[]): { name: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
}

/** A table of all results, one line each, with the first failure of each line that does not hold. */
export function holdTable(results: readonly HoldResult[]): string {
  const width = Math.max(8, ...results.map(({ scenario }) => scenario.length));
  const lines = [...results]
    .sort((a, b) => (a.scenario === b.scenario ? (a.fidelity < b.fidelity ? -1 : 1) : a.scenario < b.scenario ? -1 : 1))
    .flatMap((result) => [tableLine(result, width), ...firstFailure(result)]);
  const below = results.filter((result) => !holds(result)).length;
  const verdict = below === 0 ? "every scenario holds" : `${below} of ${results.length} lines are below`;
  return [...lines, "", verdict].join("\n");
}

function tableLine(result: HoldResult, width: number): string {
  const counts = result.classifications.map(({ name, count }) => `${name} ${count}`).join(", ");
  const mark = holds(result) ? "✓" : "✗";
  const passes = `${result.passed}/${result.seeds}`;
  return `${mark} ${result.scenario.padEnd(width)}  ${result.fidelity.padEnd(7)}  ${passes.padStart(7)}  ${counts}`;
}

function firstFailure(result: HoldResult): readonly string[] {
  const [failure] = result.failures;
  if (holds(result) || failure === undefined) return [];
  return failure.reasons.slice(0, 3).map((reason) => `    seed ${failure.seed}: ${reason}`);
}
