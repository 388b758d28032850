// `shakedown compare A B --on SCENARIOS`: two strategies on the same seeds, with the size and sureness of each difference.

import { readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { compareStrategies, type ComparePlan, type Comparison } from "../../lab/compare.js";
import { fieldOf, withStrategy } from "../../lab/variant.js";
import { comparisonHtml, comparisonMarkdown, comparisonPretty } from "../../report/lab/comparison.js";
import { LIMITS } from "../../scenario/limits.js";
import type { Fidelity } from "../../world/world.js";
import { slug, writeAll } from "../artifacts.js";
import { ExitCode, messageOf, UsageError } from "../exit.js";
import { fidelityFlag } from "../fidelity.js";
import { checkOut, interruptible, loadBundles, type Loaded } from "../lab/plan.js";
import { checkRunnerFlags, keptUnlessJson, runnerFor, type RunnerFlags } from "../lab/redis.js";
import { SuiteProgress } from "../lab/suite-progress.js";
import { renderProblems } from "../problems.js";
import { parseSeeds } from "../seeds.js";
import { scenarioFiles } from "../targets.js";
import type { Terminal } from "../terminal.js";

export interface CompareFlags extends RunnerFlags {
  readonly on: readonly string[];
  readonly seeds: string;
  readonly fidelity?: string;
  readonly out: string;
  readonly json?: boolean;
  readonly allowPath: readonly string[];
}

/** A strategy's file, read once. */
interface StrategyFile {
  readonly path: string;
  readonly text: string;
}

/** Runs the command; gives its exit code. A difference is no failure. */
export async function compareCommand(a: string, b: string, flags: CompareFlags, terminal: Terminal): Promise<ExitCode> {
  checkRunnerFlags(flags, { alone: true });
  if (flags.on.length === 0) throw new UsageError("compare: name the scenarios, as in --on scenarios/");
  const seeds = parseSeeds(flags.seeds);
  if (seeds.length < 2) throw new UsageError(`--seeds ${flags.seeds}: a comparison needs two seeds at least, as in --seeds 1..100`);
  const fidelity = fidelityFlag(flags.fidelity);
  const strategies = [readStrategy(a), readStrategy(b)] as const;
  const loaded = loadBundles(scenarioFiles(flags.on), { allowPath: flags.allowPath, color: terminal.color, fidelity });
  const plans = loaded.map((each) => planOf(each, strategies, fidelity ?? each.scenario.fidelity, terminal));
  const names = namesOf(strategies, plans[0]);
  if (flags.json !== true) checkOut(folderOf(names, flags.out));
  const comparison = await play(names, plans, seeds, flags, terminal);
  if (flags.json === true) terminal.print(JSON.stringify(comparison));
  else show(comparison, flags, terminal);
  if (comparison.interrupted) return ExitCode.interrupted;
  return comparison.scenarios.some(({ lost }) => lost > 0) ? ExitCode.failed : ExitCode.ok;
}

function readStrategy(path: string): StrategyFile {
  try {
    const bytes = readFileSync(path);
    if (bytes.length > LIMITS.fileBytes) throw new UsageError(`${path}: too large for a strategy`);
    return { path, text: bytes.toString("utf8") };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${path}: cannot be read (${messageOf(error)})`);
  }
}

function planOf({ bundle, scenario }: Loaded, [a, b]: readonly [StrategyFile, StrategyFile], fidelity: Fidelity, terminal: Terminal): ComparePlan {
  const put = (strategy: StrategyFile): ComparePlan["a"] => {
    const variant = withStrategy(bundle, strategy, { fidelity });
    if (!variant.ok) throw new UsageError(`${strategy.path} in ${scenario.file}:\n${renderProblems(variant.problems, { color: terminal.color })}`);
    return variant.value;
  };
  return { name: scenario.name, file: scenario.file, fidelity, a: put(a), b: put(b) };
}

/** The strategies' own names; their files' where those are the same. */
function namesOf([a, b]: readonly [StrategyFile, StrategyFile], plan: ComparePlan): { readonly a: string; readonly b: string } {
  const own = (side: ComparePlan["a"], file: StrategyFile): string => {
    const name = fieldOf(side, "strategy.name");
    return typeof name === "string" ? name : basename(file.path).replace(/\.ya?ml$/i, "");
  };
  const names = { a: own(plan.a, a), b: own(plan.b, b) };
  return names.a === names.b ? { a: a.path, b: b.path } : names;
}

async function play(names: { readonly a: string; readonly b: string }, plans: readonly ComparePlan[], seeds: readonly number[], flags: CompareFlags, terminal: Terminal): Promise<Comparison> {
  const runsAt = (fidelity: Fidelity): number => 2 * seeds.length * plans.filter((plan) => plan.fidelity === fidelity).length;
  const { signal, release } = interruptible();
  const kept = keptUnlessJson(flags, plans.flatMap(({ a, b }) => [a, b]));
  const runner = await runnerFor(flags, { runs: { cohort: runsAt("cohort"), request: runsAt("request") }, results: join(folderOf(names, flags.out), "results.ndjson"), ...kept, signal }, terminal);
  const progress = new SuiteProgress(terminal, 2 * seeds.length * plans.length);
  try {
    return await compareStrategies(names, plans, seeds, runner, { signal, onRun: ({ name }, row) => progress.step(name, row?.passed ?? false) });
  } finally {
    progress.clear();
    release();
    await runner.close();
  }
}

const folderOf = ({ a, b }: { readonly a: string; readonly b: string }, out: string): string => join(out, `compare-${slug(a)}-${slug(b)}`);

function show(comparison: Comparison, { out }: CompareFlags, terminal: Terminal): void {
  const folder = folderOf(comparison, out);
  const page = join(folder, "comparison.html");
  // The answer first: a disk that is full by now takes no more than the files.
  terminal.print(comparisonPretty(comparison, { color: terminal.color, width: terminal.width }));
  writeAll([
    { path: page, text: comparisonHtml(comparison) },
    { path: join(folder, "comparison.md"), text: comparisonMarkdown(comparison) },
    { path: join(folder, "comparison.json"), text: `${JSON.stringify(comparison, null, 1)}\n` },
  ]);
  terminal.print(`report: ${relative(process.cwd(), page)}`);
}
