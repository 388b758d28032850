// `shakedown test`: plays scenarios over many seeds, says which hold, and ends with an exit code that CI can trust.

import { join, resolve } from "node:path";
import { isWell, type BaselineResult } from "../../lab/against.js";
import type { Baseline, KeyOf } from "../../lab/baseline.js";
import { notReached, suiteOf, testScenario, type ScenarioResult, type SuiteResult, type TestPlan } from "../../lab/suite.js";
import type { Runner } from "../../lab/runner.js";
import { isWorthThreads } from "../../lab/start-runner.js";
import type { Fidelity } from "../../world/world.js";
import { checkWritable, writeEach } from "../artifacts.js";
import { ExitCode, messageOf, UsageError } from "../exit.js";
import { fidelityFlag } from "../fidelity.js";
import { foldersOutside } from "../files.js";
import { interruptible, loadBundles, type Loaded } from "../lab/plan.js";
import { checkRunnerFlags, runnerFor, type RunnerFlags } from "../lab/redis.js";
import { parseReporters, report, type Reporter } from "../lab/reporters.js";
import { SuiteProgress } from "../lab/suite-progress.js";
import { parseSeeds } from "../seeds.js";
import { scenarioFiles } from "../targets.js";
import type { Terminal } from "../terminal.js";

export interface TestFlags extends RunnerFlags {
  readonly seeds?: string;
  readonly stopEarly?: boolean;
  readonly fidelity?: string;
  readonly reporter: readonly string[];
  readonly watch?: boolean;
  readonly out: string;
  readonly against?: string;
  readonly update?: boolean;
  readonly acceptModelChange?: boolean;
  readonly allowPath: readonly string[];
}

/** Seeds when nobody says: a glance, or as many as claims about many runs may take before it is sure. */
const USUAL_SEEDS: Readonly<Record<Fidelity, { readonly glance: number; readonly claims: number }>> = {
  cohort: { glance: 20, claims: 2000 },
  request: { glance: 3, claims: 200 },
};

/** Runs the command; gives its exit code. */
export async function testCommand(targets: readonly string[], flags: TestFlags, terminal: Terminal): Promise<ExitCode> {
  const reporters = parseReporters(flags.reporter);
  checkRunnerFlags(flags, { alone: true });
  if (flags.update === true && flags.against === undefined) throw new UsageError("--update stores a baseline: name its file with --against REF.json");
  if (flags.watch === true && flags.resume === true && flags.redis === undefined) throw new UsageError("--resume and --watch: a watch plays all again when a file changes; leave one of them out");
  if (flags.watch === true) return watch(targets, flags, reporters, terminal);
  const { signal, release } = interruptible();
  try {
    return await testOnce(targets, flags, reporters, terminal, { signal });
  } finally {
    release();
  }
}

interface Pass {
  readonly signal: AbortSignal;
  /** Hears of every file that the pass rests on, before anything can be wrong with it. */
  readonly onRead?: (path: string) => void;
}

/** One pass over all targets: load, play, report, compare. */
async function testOnce(targets: readonly string[], flags: TestFlags, reporters: readonly Reporter[], terminal: Terminal, { signal, onRead = () => undefined }: Pass): Promise<ExitCode> {
  const fidelity = fidelityFlag(flags.fidelity);
  const loaded = loadBundles(scenarioFiles(targets), { allowPath: flags.allowPath, color: terminal.color, fidelity, onRead });
  if (flags.against !== undefined && flags.update !== true) onRead(flags.against);
  const baseline = await baselineFor(flags);
  const plans = loaded.map((each) => planOf(each, flags, fidelity ?? each.scenario.fidelity, baseline));
  if (baseline !== null) (await import("../lab/baseline-file.js")).checkComparable(baseline.path, baseline.stored, plans);
  if (flags.watch !== true) checkFiles(flags, reporters);
  const suite = await play(plans, flags, terminal, signal);
  const against = baseline === null ? null : await compared(suite, baseline);
  const unwritten = [...(await report(suite, reporters, terminal, { against })), ...(await store(suite, flags, terminal))];
  if (unwritten.length > 0) {
    terminal.warn(unwritten.join("\n"));
    return ExitCode.badInput;
  }
  if (suite.interrupted) return ExitCode.interrupted;
  return isWell(suite, against) ? ExitCode.ok : ExitCode.failed;
}

/** What a test is held against, and how its scenarios are named there. */
interface Against {
  readonly path: string;
  readonly stored: Baseline;
  readonly keyOf: KeyOf;
}

async function baselineFor({ against, update, acceptModelChange }: TestFlags): Promise<Against | null> {
  if (against === undefined || update === true) return null;
  const { keysBeside, readBaseline } = await import("../lab/baseline-file.js");
  return { path: against, stored: readBaseline(against, acceptModelChange === true), keyOf: keysBeside(against) };
}

async function compared(suite: SuiteResult, { path, stored, keyOf }: Against): Promise<BaselineResult> {
  const { againstBaseline } = await import("../../lab/baseline.js");
  return { baseline: path, regressions: suite.interrupted ? [] : againstBaseline(suite, stored, keyOf) };
}

/** Whatever is written after the runs is tried before them. Throws UsageError. */
function checkFiles({ against, update }: TestFlags, reporters: readonly Reporter[]): void {
  for (const { file } of reporters) if (file !== null) checkWritable(resolve(file));
  if (against !== undefined && update === true) checkWritable(against);
}

/** Gives what could not be written. */
async function store(suite: SuiteResult, { against, update }: TestFlags, terminal: Terminal): Promise<readonly string[]> {
  if (against === undefined || update !== true) return [];
  if (suite.interrupted) {
    terminal.warn(`interrupted: no baseline was stored in ${against}`);
    return [];
  }
  const [{ baselineOf }, { baselineText, keysBeside, notStorable, storedWords }] = await Promise.all([import("../../lab/baseline.js"), import("../lab/baseline-file.js")]);
  const why = notStorable(suite);
  if (why !== null) {
    terminal.warn(`${why}: no baseline was stored in ${against}`);
    return [];
  }
  const unwritten = writeEach([{ path: against, text: baselineText(baselineOf(suite, keysBeside(against))) }]);
  if (unwritten.length === 0) terminal.warn(storedWords(against, suite));
  return unwritten;
}

/** The seeds of a scenario: as asked, else the baseline's, else the usual number, which claims may cut short. */
function planOf({ bundle, scenario }: Loaded, flags: TestFlags, fidelity: Fidelity, baseline: Against | null): TestPlan {
  const allowPaths = foldersOutside(bundle.entry, bundle.files.map(({ path }) => path));
  const plan = (seeds: readonly number[], stopEarly: boolean): TestPlan => ({ bundle, scenario, fidelity, seeds, allowPaths, stopEarly: flags.stopEarly ?? stopEarly });
  if (flags.seeds !== undefined) return plan(parseSeeds(flags.seeds), false);
  const stored = baseline?.stored.scenarios.find((each) => each.file === baseline.keyOf(scenario.file) && each.fidelity === fidelity);
  if (stored !== undefined) return plan(stored.runs.map(({ seed }) => seed), false);
  const hasClaims = (scenario.overall ?? []).length > 0;
  const count = hasClaims ? USUAL_SEEDS[fidelity].claims : USUAL_SEEDS[fidelity].glance;
  // A baseline's seeds must not depend on where a suite could have stopped.
  return plan(Array.from({ length: count }, (_, k) => k + 1), hasClaims && flags.update !== true);
}

async function play(plans: readonly TestPlan[], flags: TestFlags, terminal: Terminal, signal: AbortSignal): Promise<SuiteResult> {
  const runsAt = (fidelity: Fidelity): number => plans.reduce((sum, plan) => sum + (plan.fidelity === fidelity ? plan.seeds.length : 0), 0);
  const runs = { cohort: runsAt("cohort"), request: runsAt("request") };
  // A glance leaves no file behind: it is over before there is much to keep, and what changes meanwhile is then played as it is.
  const keeps = flags.watch !== true && (isWorthThreads(runs) || flags.resume === true) ? { keeps: plans.map(({ bundle }) => bundle) } : {};
  const runner = await runnerFor(flags, { runs, results: join(flags.out, "results.ndjson"), ...keeps, signal }, terminal);
  const progress = new SuiteProgress(terminal, plans.reduce((sum, { seeds }) => sum + seeds.length, 0));
  try {
    return await playAll(plans, runner, progress, signal);
  } finally {
    progress.clear();
    await runner.close();
  }
}

async function playAll(plans: readonly TestPlan[], runner: Runner, progress: SuiteProgress, signal: AbortSignal): Promise<SuiteResult> {
  const results: ScenarioResult[] = [];
  for (const plan of plans) {
    if (signal.aborted) {
      results.push(notReached(plan));
      continue;
    }
    let passedBefore = 0;
    const result = await testScenario(plan, runner, {
      signal,
      onRun: ({ scenario }, _done, passed) => {
        progress.step(scenario.name, passed > passedBefore);
        passedBefore = passed;
      },
    });
    progress.skip(result.planned - result.rows.length - result.lost.length);
    results.push(result);
  }
  return suiteOf(results);
}

/** Tests again whenever a file of the scenarios changes, or one that is missing appears, until Ctrl-C. */
async function watch(targets: readonly string[], flags: TestFlags, reporters: readonly Reporter[], terminal: Terminal): Promise<ExitCode> {
  const { signal, release } = interruptible();
  const { Watcher } = await import("../lab/watcher.js");
  const watcher = new Watcher(targets, signal);
  try {
    checkFiles(flags, reporters);
    while (!signal.aborted) {
      const files = new Set<string>();
      try {
        await testOnce(targets, flags, reporters, terminal, { signal, onRead: (path) => files.add(path) });
      } catch (error) {
        // A file that is being written is often wrong for a moment; the next change may put it right.
        if (!(error instanceof UsageError)) throw error;
        terminal.warn(messageOf(error));
      }
      watcher.add([...files]);
      if (!signal.aborted) terminal.warn("waiting for a change; Ctrl-C ends");
      await watcher.changed();
    }
    return ExitCode.interrupted;
  } finally {
    release();
    await watcher.close();
  }
}
