// The summary of many seeds: how often it went well, how fast, how often for nothing, and which seed to look at.

import pc from "picocolors";
import type { Ratio } from "../kernel/units.js";
import type { Outcome, ReleaseOutcome } from "../sim/outcome.js";
import { count, counted, duration, money, percent } from "../kernel/format.js";
import { cut, oneLine } from "./text.js";
import { classificationWords, mark, releaseName } from "./words.js";

export interface SeedsSummaryOptions {
  readonly color?: boolean;
  readonly width?: number;
  /** The share of seeds in which every expectation must hold; 1 when the scenario says nothing. */
  readonly expectIn?: Ratio;
  /** How many seeds there should have been, when the work was interrupted. */
  readonly planned?: number;
  /** Where the outcomes were written, if they were. */
  readonly report?: string;
}

/** What the summary reads of an outcome: of many thousand runs no more can be kept. */
export interface SeedOutcome extends Pick<Outcome, "seed" | "fidelity" | "passed" | "replay"> {
  readonly scenario: Pick<Outcome["scenario"], "file" | "name">;
  readonly expectations: readonly Pick<Outcome["expectations"][number], "passed" | "reason">[];
  readonly invariants: readonly Pick<Outcome["invariants"][number], "held" | "reason">[];
  readonly releases: readonly SeedRelease[];
}

type SeedRelease = Pick<ReleaseOutcome, "service" | "version" | "classification" | "unscoredWhy"> & {
  readonly times: Pick<ReleaseOutcome["times"], "detection" | "mitigation" | "recovery">;
  readonly cost: Pick<ReleaseOutcome["cost"], "total">;
};

/** The summary's part of an outcome; what did not hold is kept, and what held is not. */
export function seedOutcome({ seed, fidelity, passed, replay, scenario: { file, name }, expectations, invariants, releases }: Outcome): SeedOutcome {
  return {
    seed, fidelity, passed, replay, scenario: { file, name },
    expectations: expectations.flatMap((each) => (each.passed ? [] : [{ passed: false, reason: each.reason }])),
    invariants: invariants.flatMap((each) => (each.held ? [] : [{ held: false, reason: each.reason }])),
    releases: releases.map(({ service, version, classification, unscoredWhy, times: { detection, mitigation, recovery }, cost: { total } }) =>
      ({ service, version, classification, unscoredWhy, times: { detection, mitigation, recovery }, cost: { total } })),
  };
}

const MOST_FAILURES = 5;
const BAR_WIDTH = 30;
const MOST_STRETCHES = 8;

/** Many outcomes on one screen, one block per scenario. */
export function seedsSummary(outcomes: readonly SeedOutcome[], options: SeedsSummaryOptions = {}): string {
  if (outcomes.length === 0) return "No runs.";
  const scenarios = new Map<string, SeedOutcome[]>();
  for (const outcome of outcomes) {
    const key = `${outcome.scenario.file}\n${outcome.scenario.name}\n${outcome.fidelity}`;
    const known = scenarios.get(key);
    if (known === undefined) scenarios.set(key, [outcome]);
    else known.push(outcome);
  }
  const blocks = [...scenarios.values()].map((group) => scenarioBlock(group, options).join("\n"));
  return [...blocks, ...(options.report === undefined ? [] : [`Outcomes      ${options.report}`])].join("\n\n");
}

/** Whether enough of the seeds passed. */
export function seedsPass(outcomes: readonly Pick<Outcome, "passed">[], expectIn: Ratio): boolean {
  const passed = outcomes.filter((outcome) => outcome.passed).length;
  return passed >= expectIn * outcomes.length - 1e-9;
}

function scenarioBlock(outcomes: readonly SeedOutcome[], options: SeedsSummaryOptions): string[] {
  const colors = pc.createColors(options.color ?? false);
  const width = Math.max(60, options.width ?? 100);
  const expectIn = options.expectIn ?? 1;
  const passed = outcomes.filter((outcome) => outcome.passed).length;
  const enough = seedsPass(outcomes, expectIn);
  const { low, high } = wilson(passed, outcomes.length);
  const verdict = enough ? colors.green(`${mark(true)} enough`) : colors.red(`${mark(false)} too few`);
  const first = outcomes[0];
  const seeds = outcomes.map((outcome) => outcome.seed);
  return [
    `${colors.bold(oneLine(first.scenario.name))}  ${colors.dim(`${counted(outcomes.length, "seed")} (${seedRange(seeds)}) · ${first.fidelity}`)}`,
    `  passed        ${count(passed)} of ${count(outcomes.length)} (${percent(passed / outcomes.length)}), expected in ${percent(expectIn)}: ${verdict}`,
    colors.dim(`                95% interval ${percent(low)} to ${percent(high)}`),
    ...(options.planned !== undefined && options.planned > outcomes.length ? [colors.yellow(`  interrupted   ${count(outcomes.length)} of ${counted(options.planned, "seed")} done`)] : []),
    ...releaseBlocks(outcomes),
    ...failures(outcomes, colors, width),
  ];
}

/** Counts of classifications, and the spread of times and cost, per release of the script. */
function releaseBlocks(outcomes: readonly SeedOutcome[]): string[] {
  const releases = outcomes[0].releases;
  return releases.flatMap((release, index) => {
    const all = outcomes.flatMap((outcome) => outcome.releases.slice(index, index + 1));
    const counts = new Map<string, number>();
    for (const each of all) counts.set(classificationWords(each), (counts.get(classificationWords(each)) ?? 0) + 1);
    const nameWidth = Math.max(14, ...[...counts.keys()].map((name) => name.length + 1));
    const bars = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([name, number]) =>
      `  ${name.padEnd(nameWidth)}${String(number).padStart(5)}  ${"█".repeat(Math.max(1, Math.round((number / all.length) * BAR_WIDTH)))} ${percent(number / all.length)}`);
    const known = (values: readonly (number | null)[]): number[] => values.filter((value): value is number => value !== null);
    const falseRollbacks = counts.get("false-rollback") ?? 0;
    return [
      ...(releases.length > 1 ? [`  ${releaseName(release)}`] : []),
      ...bars,
      ...spread("detected in", known(all.map((each) => each.times.detection)), duration),
      ...spread("mitigated in", known(all.map((each) => each.times.mitigation)), duration),
      ...spread("restored in", known(all.map((each) => each.times.recovery)), duration),
      ...spread("cost", known(all.map((each) => each.cost.total)), money),
      `  false rollbacks  ${count(falseRollbacks)} of ${count(all.length)} (${percent(falseRollbacks / all.length)})`,
    ];
  });
}

function spread(name: string, values: readonly number[], format: (value: number) => string): string[] {
  if (values.length === 0) return [];
  const sorted = values.slice().sort((a, b) => a - b);
  if (format(sorted[0]) === format(sorted[sorted.length - 1])) return [`  ${name.padEnd(14)}always ${format(sorted[0])}  (${counted(values.length, "run")})`];
  const at = (share: number): string => format(quantile(sorted, share));
  return [`  ${name.padEnd(14)}median ${at(0.5)} · 90% ${at(0.9)} · 95% ${at(0.95)} · most ${at(1)}  (${counted(values.length, "run")})`];
}

function failures(outcomes: readonly SeedOutcome[], colors: ReturnType<typeof pc.createColors>, width: number): string[] {
  const failed = outcomes.filter((outcome) => !outcome.passed);
  if (failed.length === 0) return [];
  const lines = failed.slice(0, MOST_FAILURES).map((outcome) => {
    const why = outcome.expectations.find((each) => !each.passed)?.reason ?? outcome.invariants.find((each) => !each.held)?.reason ?? "";
    return `  ${colors.red(mark(false))} seed ${String(outcome.seed).padEnd(6)} ${cut(oneLine(why), width - 16)}`;
  });
  const more = failed.length - lines.length;
  return [...lines, ...(more > 0 ? [colors.dim(`  … and ${counted(more, "more seed")}: ${cut(failed.slice(MOST_FAILURES).map((each) => each.seed).join(", "), width - 30)}`)] : []), `  replay        ${failed[0].replay}`];
}

/** The smallest value that at least `share` of the sorted values do not exceed (nearest rank). */
export function quantile(sorted: readonly number[], share: Ratio): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length - 1e-9) - 1))];
}

/** Wilson's 95 % interval for a share. */
export function wilson(hits: number, total: number): { readonly low: Ratio; readonly high: Ratio } {
  const z = 1.959963984540054;
  const share = hits / total;
  const centre = (share + (z * z) / (2 * total)) / (1 + (z * z) / total);
  const half = (z / (1 + (z * z) / total)) * Math.sqrt((share * (1 - share)) / total + (z * z) / (4 * total * total));
  return { low: hits === 0 ? 0 : Math.max(0, centre - half), high: hits === total ? 1 : Math.min(1, centre + half) };
}

/** The seeds as `--seeds` takes them, each unbroken stretch as a range: a range over a gap would name seeds that nobody played. */
function seedRange(seeds: readonly number[]): string {
  const stretches: { readonly from: number; to: number }[] = [];
  for (const seed of seeds.slice().sort((a, b) => a - b)) {
    const last = stretches.at(-1);
    if (last !== undefined && seed <= last.to + 1) last.to = seed;
    else stretches.push({ from: seed, to: seed });
  }
  const words = stretches.map(({ from, to }) => (from === to ? `${from}` : `${from}..${to}`));
  return words.length <= MOST_STRETCHES ? words.join(", ") : `${words.slice(0, MOST_STRETCHES - 1).join(", ")} … ${seeds.reduce((a, b) => Math.max(a, b))}`;
}
