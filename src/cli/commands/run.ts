// `shakedown run`: plays scenarios over their seeds, prints what happened, and leaves outcomes and reports.

import { join, relative } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { Outcome } from "../../sim/outcome.js";
import type { Scenario } from "../../scenario/compiled.js";
import type { Fidelity } from "../../world/world.js";
import { runScenario } from "../../sim/run.js";
import { runCommandWords } from "../../report/lab/replay.js";
import { seedOutcome, seedsPass, seedsSummary, type SeedOutcome } from "../../report/seeds-summary.js";
import { summary } from "../../report/summary.js";
import { slug, writeOutcome, writeReport, writeWhole } from "../artifacts.js";
import { ExitCode, UsageError } from "../exit.js";
import { fidelityFlag } from "../fidelity.js";
import { loadAll } from "../load.js";
import { openReport } from "../open-report.js";
import { Progress } from "../progress.js";
import { parseSeed, parseSeeds } from "../seeds.js";
import { scenarioFiles } from "../targets.js";
import type { Terminal } from "../terminal.js";

export interface RunFlags {
  readonly seed?: string;
  readonly seeds?: string;
  readonly fidelity?: string;
  readonly out: string;
  readonly json?: boolean;
  readonly open?: boolean;
  readonly allowPath: readonly string[];
}

/** Runs the command; gives its exit code. */
export async function runCommand(targets: readonly string[], flags: RunFlags, terminal: Terminal): Promise<ExitCode> {
  const seeds = seedsOf(flags);
  const fidelity = fidelityFlag(flags.fidelity);
  const scenarios = loadAll(scenarioFiles(targets), { allowPath: flags.allowPath, color: terminal.color, fidelity });
  const plan = scenarios.map((scenario) => ({ scenario, seeds: seeds ?? [scenario.seed], fidelity: fidelity ?? scenario.fidelity }));
  const session = new RunSession(flags, terminal, folders(scenarios, flags.out));
  for (const { scenario, seeds: list, fidelity: chosen } of plan) {
    await session.play(scenario, list, chosen);
    if (session.interrupted) break;
  }
  await session.finish();
  if (session.interrupted) return ExitCode.interrupted;
  return session.failed ? ExitCode.failed : ExitCode.ok;
}

function seedsOf(flags: RunFlags): readonly number[] | null {
  if (flags.seed !== undefined && flags.seeds !== undefined) throw new UsageError("--seed and --seeds exclude each other: give one of them");
  if (flags.seed !== undefined) return [parseSeed(flags.seed)];
  return flags.seeds === undefined ? null : parseSeeds(flags.seeds);
}

/** A folder per scenario; scenarios of the same name in one command get a number. */
function folders(scenarios: readonly Scenario[], out: string): ReadonlyMap<Scenario, string> {
  const taken = new Map<string, number>();
  return new Map(
    scenarios.map((scenario) => {
      const name = slug(scenario.name);
      const times = (taken.get(name) ?? 0) + 1;
      taken.set(name, times);
      return [scenario, join(out, times === 1 ? name : `${name}-${times}`)];
    }),
  );
}

/** What one `run` command has done so far; finished runs are on disk before the next one starts. */
class RunSession {
  failed = false;
  interrupted = false;
  readonly #flags: RunFlags;
  readonly #terminal: Terminal;
  readonly #folders: ReadonlyMap<Scenario, string>;
  readonly #reports: string[] = [];
  readonly #onInterrupt = (): void => {
    this.interrupted = true;
  };

  constructor(flags: RunFlags, terminal: Terminal, folders: ReadonlyMap<Scenario, string>) {
    this.#flags = flags;
    this.#terminal = terminal;
    this.#folders = folders;
    process.on("SIGINT", this.#onInterrupt);
  }

  async play(scenario: Scenario, seeds: readonly number[], fidelity: Fidelity): Promise<void> {
    const folder = this.#folders.get(scenario) ?? this.#flags.out;
    if (seeds.length === 1) await this.#playOne(scenario, seeds[0], fidelity, folder);
    else await this.#playMany(scenario, seeds, fidelity, folder);
  }

  /** One run, with the command that plays it again from here: what was allowed must be allowed then too. */
  #run(scenario: Scenario, seed: number, fidelity: Fidelity, detail: "full" | "light"): Outcome {
    return { ...runScenario(scenario, { seed, fidelity, detail }), replay: runCommandWords({ file: scenario.file, seed, fidelity, allowPaths: this.#flags.allowPath }) };
  }

  async #playOne(scenario: Scenario, seed: number, fidelity: Fidelity, folder: string): Promise<void> {
    const outcome = this.#run(scenario, seed, fidelity, "full");
    this.failed ||= !outcome.passed;
    if (this.#flags.json === true) {
      this.#terminal.print(JSON.stringify(outcome));
      // An interrupt and a closed pipe are heard between two runs only.
      await setImmediate();
      return;
    }
    const place = join(folder, String(seed));
    writeOutcome(place, outcome);
    const report = await writeReport(place, outcome);
    this.#reports.push(report);
    const { color, width } = this.#terminal;
    this.#terminal.print(summary(outcome, { color, width, report: relative(process.cwd(), report) }));
    await setImmediate();
  }

  async #playMany(scenario: Scenario, seeds: readonly number[], fidelity: Fidelity, folder: string): Promise<void> {
    const outcomes: SeedOutcome[] = [];
    const progress = new Progress(this.#terminal, scenario.name, seeds.length);
    let firstFailure: number | null = null;
    for (const seed of seeds) {
      const outcome = this.#run(scenario, seed, fidelity, "light");
      if (this.#flags.json === true) this.#terminal.print(JSON.stringify(outcome));
      else writeOutcome(join(folder, String(seed)), outcome);
      firstFailure ??= outcome.passed ? null : seed;
      outcomes.push(seedOutcome(outcome));
      progress.step(outcomes.length);
      await setImmediate();
      if (this.interrupted) break;
    }
    progress.clear();
    this.failed ||= !seedsPass(outcomes, scenario.expectIn);
    if (this.#flags.json === true) return;
    const { color, width } = this.#terminal;
    const { expectIn } = scenario;
    const planned = seeds.length;
    const text = seedsSummary(outcomes, { expectIn, planned, color: false, width: 100 });
    writeWhole(join(folder, "summary.txt"), `${text}\n`);
    this.#terminal.print(seedsSummary(outcomes, { expectIn, planned, color, width, report: relative(process.cwd(), folder) }));
    if (firstFailure !== null) await this.#reportFailure(scenario, firstFailure, fidelity, folder);
  }

  /** The first failing seed once more in full detail, with its report. */
  async #reportFailure(scenario: Scenario, seed: number, fidelity: Fidelity, folder: string): Promise<void> {
    const place = join(folder, String(seed));
    const outcome = this.#run(scenario, seed, fidelity, "full");
    writeOutcome(place, outcome);
    const report = await writeReport(place, outcome);
    this.#reports.push(report);
    this.#terminal.print(`report of the first failure (seed ${seed}): ${relative(process.cwd(), report)}`);
  }

  async finish(): Promise<void> {
    process.off("SIGINT", this.#onInterrupt);
    if (this.interrupted) this.#terminal.warn("interrupted: what was finished is kept");
    const [first] = this.#reports;
    if (this.#flags.open === true && first !== undefined) await openReport(first, this.#terminal);
  }
}
