// `shakedown sweep`: plays a scenario over settings of its fields and seeds, keeps every row, and answers questions to them.

import { join, relative } from "node:path";

import type { Fidelity } from "../../world/world.js";
import { counted } from "../../kernel/format.js";
import { parseAxis, variedTwice, type Axis } from "../../lab/sweep/axis.js";
import { designPoints, DESIGNS, type Design, type DesignName, type DesignPoint } from "../../lab/sweep/design.js";
import { StorageError } from "../../lab/storage/storage-error.js";
import { writeFileWhole } from "../../lab/storage/whole-file.js";
import { planSweep, runsOf, type SweepPlan } from "../../lab/sweep/plan.js";
import { sweep, type SweepSummary, type Tally } from "../../lab/sweep/sweep.js";
import { adviseName } from "../../scenario/nearest.js";
import { ExitCode, UsageError } from "../exit.js";
import { fidelityFlag } from "../fidelity.js";
import { interruptible, loadBundles, type Loaded } from "../lab/plan.js";
import { checkRunnerFlags, runnerFor, type RunnerFlags } from "../lab/redis.js";
import { Progress } from "../progress.js";
import { parseSeeds } from "../seeds.js";
import { scenarioFiles } from "../targets.js";
import type { Terminal } from "../terminal.js";

export interface SweepFlags extends RunnerFlags {
  readonly set: readonly string[];
  readonly seeds: string;
  readonly design: string;
  readonly points?: string;
  readonly designSeed?: string;
  readonly healthy?: boolean;
  readonly fidelity?: string;
  readonly out: string;
  readonly allowPath: readonly string[];
}

/** Runs the command; gives its exit code. */
export async function sweepCommand(targets: readonly string[], flags: SweepFlags, terminal: Terminal): Promise<ExitCode> {
  if (targets.length === 0) throw new UsageError("missing required argument: the scenario");
  checkRunnerFlags(flags, { alone: true });
  const fidelity = fidelityFlag(flags.fidelity);
  const loaded = loadBundles(scenarioFiles(targets), { allowPath: flags.allowPath, color: terminal.color, fidelity });
  if (loaded.length > 1) throw new UsageError(`a sweep plays one scenario, and these are ${loaded.length}: name one of them`);
  const plan = planOf(loaded[0], flags, fidelity ?? loaded[0].scenario.fidelity);
  try {
    return await play(plan, flags, terminal);
  } catch (error) {
    if (error instanceof StorageError) throw new UsageError(error.message);
    throw error;
  }
}

function planOf({ bundle }: Loaded, flags: SweepFlags, fidelity: Fidelity): SweepPlan {
  if (flags.set.length === 0) throw new UsageError('nothing to vary: add --set "PATH=VALUES", like --set "triggers.error-rate.above=0.5%..5%/10"');
  const axes = flags.set.map((text): Axis => {
    const axis = parseAxis(text, bundle, { fidelity });
    if (!axis.ok) throw new UsageError(`--set ${axis.message}`);
    if (["seed", "fidelity"].includes(axis.value.path.replace(/^scenario\./, ""))) throw new UsageError(`--set ${axis.value.path}: use --${axis.value.path.replace(/^scenario\./, "")}${axis.value.path.endsWith("seed") ? "s" : ""}`);
    return axis.value;
  });
  const twice = variedTwice(axes, bundle);
  if (twice !== null) throw new UsageError(`--set ${twice.path}: is given twice`);
  const design = designOf(flags);
  const made = designPoints(axes, design);
  if (!made.ok) throw new UsageError(made.message);
  const points: readonly DesignPoint[] = made.points;
  const plan = planSweep({ axes, points, design, scenario: bundle, fidelity, seeds: parseSeeds(flags.seeds), healthy: flags.healthy === true });
  const [refused] = plan.refused;
  if (plan.variants.length === 0 && refused !== undefined) throw new UsageError(`no setting can be played; the first, ${refused.values.join(", ")}: ${refused.why}`);
  return plan;
}

function designOf({ design, points, designSeed = "1" }: SweepFlags): Design {
  const name = DESIGNS.find((known) => known === design) as DesignName | undefined;
  if (name === undefined) throw new UsageError(`--design ${design}: ${adviseName(design, DESIGNS, "designs")}`);
  if (points !== undefined && !/^\d{1,6}$/.test(points)) throw new UsageError(`--points ${points}: write a whole number, e.g. --points 100`);
  if (points !== undefined && name === "grid") throw new UsageError("--points is for the designs random, latin-hypercube and sobol; a grid has the points of its fields");
  if (!/^\d{1,9}$/.test(designSeed)) throw new UsageError(`--design-seed ${designSeed}: write a whole number`);
  return { name, points: points === undefined ? null : Number(points), seed: Number(designSeed) };
}

async function play(plan: SweepPlan, flags: SweepFlags, terminal: Terminal): Promise<ExitCode> {
  const { signal, release } = interruptible();
  const runner = await runnerFor(flags, { runs: { [plan.fidelity]: runsOf(plan) }, results: join(flags.out, "results.ndjson"), signal }, terminal);
  const progress = new Progress(terminal, "sweep", runsOf(plan));
  let summary: SweepSummary;
  try {
    summary = await sweep(plan, runner, { out: flags.out, resume: flags.resume === true, signal, onProgress: (rows, tally) => progress.step(rows, soFar(tally)) });
  } finally {
    progress.clear();
    release();
    await runner.close();
  }
  for (const refused of plan.refused.slice(0, 3)) terminal.warn(`not played: ${refused.values.join(", ")}: ${refused.why}`);
  if (summary.firstLoss !== null) terminal.warn(`${counted(summary.lost, "run")} without a result; the first: ${summary.firstLoss}`);
  if (summary.aborted) {
    terminal.warn(`interrupted: ${counted(summary.rows, "row")} of ${runsOf(plan)} are kept in ${flags.out}; --resume goes on`);
    return ExitCode.interrupted;
  }
  await finish(plan, flags.out, terminal);
  return summary.lost > 0 ? ExitCode.ourFault : ExitCode.ok;
}

function soFar({ harmful, caught, harmless, falseRollbacks }: Tally): string {
  const parts = [...(harmful === 0 ? [] : [`caught ${caught} of ${harmful}`]), ...(harmless === 0 ? [] : [`false rollbacks ${falseRollbacks} of ${harmless}`])];
  return parts.length === 0 ? "nothing scored so far" : parts.join(", ");
}

/** Parquet, findings, report. */
async function finish(plan: SweepPlan, out: string, terminal: Terminal): Promise<void> {
  const [{ SweepRows }, { cellsOf, findingsOf }, { sweepNotes, sweepReport }, { sweepLines }] = await Promise.all([
    import("../../lab/sweep/duckdb.js"), import("../../lab/sweep/findings.js"), import("../../report/lab/sweep-report.js"), import("../../report/lab/sweep-words.js"),
  ]);
  const rows = await SweepRows.open(out);
  try {
    await rows.writeParquet(out);
    const points = await findingsOf(rows);
    const report = await sweepReport(rows.manifest, points, await cellsOf(rows));
    writeFileWhole(join(out, "report.html"), report.html);
    writeFileWhole(join(out, "report.md"), report.markdown);
    for (const { name, svg } of report.pictures) writeFileWhole(join(out, "charts", `${name}.svg`), svg);
    terminal.print([...sweepLines(rows.manifest, points, terminal.width), ...sweepNotes(rows.manifest, points)].join("\n"));
    terminal.print(`${counted(runsOf(plan), "run")} in ${relative(process.cwd(), out) || "."}: report.html, runs.parquet, and part-*.ndjson\nask: shakedown sweep query ${relative(process.cwd(), out) || "."} "select * from runs limit 5"`);
  } finally {
    rows.close();
  }
}

export interface SweepQueryFlags {
  readonly json?: boolean;
}

/** `shakedown sweep query DIR SQL`. */
export async function sweepQueryCommand(folder: string, sql: string, flags: SweepQueryFlags, terminal: Terminal): Promise<ExitCode> {
  const [{ QueryError, SweepRows }, { answerLines }] = await Promise.all([import("../../lab/sweep/duckdb.js"), import("../../report/lab/sweep-words.js")]);
  try {
    const rows = await SweepRows.open(folder);
    try {
      const { columns, rows: found } = await rows.ask(sql);
      if (flags.json === true) for (const row of found) terminal.print(JSON.stringify(Object.fromEntries(columns.map((column, k) => [column, row[k]]))));
      else terminal.print(answerLines(columns, found).join("\n"));
      return ExitCode.ok;
    } finally {
      rows.close();
    }
  } catch (error) {
    if (error instanceof QueryError || error instanceof StorageError) throw new UsageError(error.message);
    throw error;
  }
}
