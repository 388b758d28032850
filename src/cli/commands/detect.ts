// `shakedown detect`: how small a regression a strategy still notices, how soon, and how long its first step must bake.

import { join, relative } from "node:path";

import type { Bundle } from "../../lab/bundle.js";
import { bakeRange, searchBake, type BakeInput, type BakeResult } from "../../lab/detect/bake.js";
import { detect, type DetectInput, type DetectResult } from "../../lab/detect/detect.js";
import { parseRegressionSize, type RegressionSize } from "../../lab/detect/regression.js";
import type { Runner } from "../../lab/runner.js";
import { axisOf } from "../../lab/sweep/axis.js";
import { duration, percent } from "../../kernel/format.js";
import type { DetectFindings } from "../../report/lab/detect-words.js";
import type { Micros, Ratio } from "../../kernel/units.js";
import type { LoadResult } from "../../scenario/problem.js";
import { parseDuration, parsePercent } from "../../scenario/units.js";
import { writeAll } from "../artifacts.js";
import { ExitCode, UsageError } from "../exit.js";
import { fidelityFlag } from "../fidelity.js";
import { checkOut, checkRate, interruptible, loadBundles, strategyIn } from "../lab/plan.js";
import { checkRunnerFlags, keptUnlessJson, runnerFor, type RunnerFlags } from "../lab/redis.js";
import { Progress } from "../progress.js";
import { renderProblems } from "../problems.js";
import { parseSeeds } from "../seeds.js";
import { scenarioFiles } from "../targets.js";
import type { Terminal } from "../terminal.js";

export interface DetectFlags extends RunnerFlags {
  readonly sizes: string;
  readonly on?: string;
  readonly within?: string;
  readonly rate?: string;
  readonly bakeFor?: string;
  readonly in: string;
  readonly longest: string;
  readonly strategy?: string;
  readonly seeds: string;
  readonly fidelity?: string;
  readonly out: string;
  readonly json?: boolean;
  readonly allowPath: readonly string[];
}

/** Runs the command; gives its exit code. A figure is no failure, whatever it is. */
export async function detectCommand(target: string, flags: DetectFlags, terminal: Terminal): Promise<ExitCode> {
  checkRunnerFlags(flags, { alone: true });
  const { input, bakeInput } = inputOf(target, flags, terminal);
  // Whatever the search for a bake time refuses is said before the curve is played, which would be lost.
  if (bakeInput !== null) valueOf(bakeRange(bakeInput), terminal);
  if (flags.json !== true) checkOut(flags.out);
  const { signal, release } = interruptible();
  const runner = await runnerFor(flags, { runs: { [input.fidelity]: input.seeds.length * (input.sizes.length + 1) }, results: join(flags.out, "results.ndjson"), ...keptUnlessJson(flags, [input.scenario]), signal }, terminal);
  try {
    const curve = valueOf(await playCurve(input, runner, signal, terminal), terminal);
    const bake = bakeInput === null || signal.aborted ? null : valueOf(await playBake(bakeInput, runner, signal, terminal), terminal);
    await show({ curve, bake }, flags, terminal);
    if (!signal.aborted) return ExitCode.ok;
    terminal.warn("interrupted: this is what was finished");
    return ExitCode.interrupted;
  } finally {
    release();
    await runner.close();
  }
}

async function playCurve(input: DetectInput, runner: Runner, signal: AbortSignal, terminal: Terminal): Promise<LoadResult<DetectResult>> {
  const progress = new Progress(terminal, "detect", input.seeds.length * (input.sizes.length + 1));
  try {
    return await detect(input, runner, {
      signal,
      onProgress: (runs, size, hits, of) => progress.step(runs, `${size}: ${size === "healthy release" ? "rolled back" : "detected"} in ${hits} of ${of}`),
    });
  } finally {
    progress.clear();
  }
}

async function playBake(input: BakeInput, runner: Runner, signal: AbortSignal, terminal: Terminal): Promise<LoadResult<BakeResult>> {
  const progress = new Progress(terminal, "bake time", null);
  try {
    return await searchBake(input, runner, { signal, onProgress: (runs, bake, hits, of) => progress.step(runs, `${duration(bake)}: detected in ${hits} of ${of}`) });
  } finally {
    progress.clear();
  }
}

function inputOf(target: string, flags: DetectFlags, terminal: Terminal): { readonly input: DetectInput; readonly bakeInput: BakeInput | null } {
  const fidelity = fidelityFlag(flags.fidelity);
  const loaded = loadBundles(scenarioFiles([target]), { allowPath: flags.allowPath, color: terminal.color, fidelity });
  if (loaded.length > 1) throw new UsageError(`detect examines one scenario, and these are ${loaded.length}: name one of them`);
  const own = loaded[0].bundle;
  const scenario: Bundle = flags.strategy === undefined ? own : strategyIn(own, flags.strategy, fidelity, terminal);
  checkRate(flags.rate);
  const common = { scenario, on: flags.on ?? null, rate: flags.rate, fidelity: fidelity ?? "cohort", seeds: [...parseSeeds(flags.seeds)].sort((a, b) => a - b) };
  const input: DetectInput = { ...common, sizes: sizesOf(flags.sizes), within: flags.within === undefined ? null : time("--within", flags.within) };
  const bakeInput = flags.bakeFor === undefined ? null : { ...common, size: sizeOf("--bake-for", flags.bakeFor), share: shareOf("--in", flags.in), longest: time("--longest", flags.longest) };
  return { input, bakeInput };
}

/** `0.5%..10%/8 log`, or a list; from small to large. */
function sizesOf(text: string): readonly RegressionSize[] {
  const axis = axisOf("sizes", text, false);
  if (!axis.ok) throw new UsageError(`--sizes ${text}: ${axis.message}`);
  if (axis.value.levels === null) throw new UsageError(`--sizes ${text}: say how many, as in --sizes "${text.replace(/\s+log$/, "")}/8 log"`);
  const sizes = axis.value.levels.map((level) => sizeOf("--sizes", level.text));
  if (sizes.some(({ kind }) => kind !== sizes[0].kind)) throw new UsageError(`--sizes ${text}: errors (2%) and latency (x1.5) are two questions; ask one`);
  return [...sizes].sort((a, b) => a.number - b.number);
}

function sizeOf(flag: string, text: string): RegressionSize {
  const size = parseRegressionSize(text);
  if (size === null || size.number <= (size.kind === "latency" ? 1 : 0)) throw new UsageError(`${flag} ${text}: no regression; write 2% (more errors) or x1.5 (latency)`);
  return size;
}

function time(flag: string, text: string): Micros {
  const parsed = parseDuration(text);
  if (!parsed.ok) throw new UsageError(`${flag} ${parsed.message}; ${parsed.instead}`);
  if (parsed.value <= 0) throw new UsageError(`${flag} ${text}: write a time above 0`);
  return parsed.value;
}

function shareOf(flag: string, text: string): Ratio {
  const parsed = parsePercent(text);
  if (!parsed.ok) throw new UsageError(`${flag} ${parsed.message}; ${parsed.instead}`);
  if (parsed.value <= 0 || parsed.value > 1) throw new UsageError(`${flag} ${text}: write a share of the runs, like ${percent(0.95)}`);
  return parsed.value;
}

function valueOf<T>(result: LoadResult<T>, terminal: Terminal): T {
  if (!result.ok) throw new UsageError(renderProblems(result.problems, { color: terminal.color }));
  return result.value;
}

async function show(found: DetectFindings, { out, json }: DetectFlags, terminal: Terminal): Promise<void> {
  const text = JSON.stringify(found, null, 1);
  if (json === true) {
    terminal.print(JSON.stringify(found));
    return;
  }
  const [{ detectReport }, { detectLines }] = await Promise.all([import("../../report/lab/detect-report.js"), import("../../report/lab/detect-words.js")]);
  terminal.print(detectLines(found).join("\n"));
  const report = await detectReport(found);
  writeAll([
    { path: join(out, "detect.json"), text: `${text}\n` },
    { path: join(out, "report.html"), text: report.html },
    { path: join(out, "report.md"), text: report.markdown },
    ...report.pictures.map(({ name, svg }) => ({ path: join(out, "charts", `${name}.svg`), text: svg })),
  ]);
  terminal.print(`\n${relative(process.cwd(), out) || "."}: report.html, report.md, detect.json`);
}
