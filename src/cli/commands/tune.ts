// `shakedown tune`: finds the thresholds that meet a goal, and writes the recommended strategy with a report of why.

import { join, relative } from "node:path";

import { isOfStrategy, parseAxis, variedTwice, type Axis } from "../../lab/sweep/axis.js";
import { parseGoal, type Goal } from "../../lab/tune/goal.js";
import { isSettled, tune, type TuneInput, type TuneResult } from "../../lab/tune/tune.js";
import { counted } from "../../kernel/format.js";
import { writeAll } from "../artifacts.js";
import { ExitCode, UsageError } from "../exit.js";
import { fidelityFlag } from "../fidelity.js";
import { checkOut, checkRate, interruptible, loadBundles, strategyIn } from "../lab/plan.js";
import { checkRunnerFlags, runnerFor, type RunnerFlags } from "../lab/redis.js";
import { Progress } from "../progress.js";
import { renderProblems } from "../problems.js";
import { parseSeeds } from "../seeds.js";
import { scenarioFiles } from "../targets.js";
import type { Terminal } from "../terminal.js";

export interface TuneFlags extends RunnerFlags {
  readonly goal: string;
  readonly vary: readonly string[];
  readonly strategy?: string;
  readonly rate?: string;
  readonly budget: string;
  readonly candidates: string;
  readonly seeds: string;
  readonly heldOut: string;
  readonly fidelity?: string;
  readonly out: string;
  readonly allowPath: readonly string[];
}

/** Runs the command; gives its exit code. */
export async function tuneCommand(targets: readonly string[], flags: TuneFlags, terminal: Terminal): Promise<ExitCode> {
  checkRunnerFlags(flags, { alone: true });
  const input = inputOf(targets, flags, terminal);
  checkOut(flags.out);
  const { signal, release } = interruptible();
  const runner = await runnerFor(flags, { results: join(flags.out, "results.ndjson"), keeps: input.scenarios, signal }, terminal);
  let progress: { readonly stage: string; readonly shown: Progress } | null = null;
  try {
    const result = await tune(input, runner, {
      signal,
      onProgress: ({ stage, done, of, interim }) => {
        if (progress?.stage !== stage) progress = { stage, shown: new Progress(terminal, stage, of) };
        progress.shown.step(done, interim);
      },
    });
    terminal.status("");
    if (!result.ok) throw new UsageError(renderProblems(result.problems, { color: terminal.color }));
    await write(result.value, flags.out, terminal);
    if (signal.aborted) terminal.warn("interrupted: this is what was finished");
    return exitOf(result.value, signal.aborted);
  } finally {
    release();
    await runner.close();
  }
}

function inputOf(targets: readonly string[], flags: TuneFlags, terminal: Terminal): TuneInput {
  const goal = goalOf(flags.goal);
  const fidelity = fidelityFlag(flags.fidelity);
  const loaded = loadBundles(scenarioFiles(targets), { allowPath: flags.allowPath, color: terminal.color, fidelity });
  const scenarios = loaded.map(({ bundle }) => (flags.strategy === undefined ? bundle : strategyIn(bundle, flags.strategy, fidelity, terminal)));
  if (flags.vary.length === 0) throw new UsageError('nothing to vary: add --vary "PATH=VALUES", like --vary "triggers.error-rate.above=0.5%..5%"');
  const axes = flags.vary.map((text): Axis => {
    const axis = parseAxis(text, scenarios[0], { fidelity });
    if (!axis.ok) throw new UsageError(`--vary ${axis.message}`);
    const { path } = axis.value;
    // What is recommended is a strategy: it could not hold another field, and more replicas or lower prices would always win.
    if (!isOfStrategy(scenarios[0], path)) throw new UsageError(`--vary ${path}: is no field of the strategy, and tune looks for a strategy; write one like triggers.error-rate.above, or play this one with sweep --set`);
    return axis.value;
  });
  const twice = variedTwice(axes, scenarios[0]);
  if (twice !== null) throw new UsageError(`--vary ${twice.path}: is given twice`);
  checkRate(flags.rate);
  return {
    goal, scenarios, axes, rate: flags.rate, fidelity: fidelity ?? "cohort",
    candidates: whole("--candidates", flags.candidates, 10_000),
    seeds: [...parseSeeds(flags.seeds)].sort((a, b) => a - b),
    budget: whole("--budget", flags.budget, 10_000_000),
    heldOutSeeds: whole("--held-out", flags.heldOut, 100_000, 0),
  };
}

function goalOf(text: string): Goal {
  const goal = parseGoal(text);
  if (!goal.ok) throw new UsageError(`--goal: ${goal.message}`);
  return goal.value;
}

function whole(flag: string, text: string, most: number, least = 1): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) throw new UsageError(`${flag} ${text}: write a whole number from ${least} to ${most}`);
  return value;
}

/** The answer first: a disk that is full by now takes no more than the files. */
async function write(result: TuneResult, out: string, terminal: Terminal): Promise<void> {
  const { answerLines, tuneReport, verdict } = await import("../../report/lab/tune-report.js");
  terminal.print([verdict(result), "", ...answerLines(result).map((line) => `  ${line}`), ""].join("\n"));
  const report = await tuneReport(result);
  writeAll([
    { path: join(out, "tune.json"), text: `${JSON.stringify(result, null, 1)}\n` },
    ...(result.strategy === "" ? [] : [{ path: join(out, "recommended.yaml"), text: result.strategy }]),
    { path: join(out, "report.html"), text: report.html },
    { path: join(out, "report.md"), text: report.markdown },
    ...report.pictures.map(({ name, svg }) => ({ path: join(out, "charts", `${name}.svg`), text: svg })),
  ]);
  terminal.print(`${counted(result.runs, "run")}; ${relative(process.cwd(), out) || "."}: ${result.strategy === "" ? "" : "recommended.yaml, "}report.html, report.md, tune.json`);
}

function exitOf(result: TuneResult, interrupted: boolean): ExitCode {
  if (interrupted) return ExitCode.interrupted;
  // As for a claim in `test`: what so many runs cannot tell is not held for true.
  return isSettled(result) ? ExitCode.ok : ExitCode.failed;
}
