#!/usr/bin/env node
// `npm run agreement`: plays every cell at both fidelities over many seeds, one process per core, and says where they agree.

import { execFile, execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { CELLS, cellNamed, refusalsOf, type Cell, type RefusedCell } from "../lab/agreement/cells.js";
import { agrees, compareSamples, type CellComparison } from "../lab/agreement/compare.js";
import { measure, type Sample } from "../lab/agreement/measure.js";
import { agreementMarkdown, agreementTable } from "../lab/agreement/table.js";
import { makeFolder } from "../lab/storage/folder.js";
import { MODEL_VERSION } from "../world/model-version.js";
import type { Fidelity } from "../world/world.js";
import { ExitCode, messageOf, UsageError } from "./exit.js";
import { isCurrent, KeptSamples } from "./kept-samples.js";

/** Some seeds of one cell at one fidelity: what a process plays. */
interface Job {
  readonly cell: string;
  readonly fidelity: Fidelity;
  readonly from: number;
  readonly to: number;
}

/** Seeds per process: a start costs less than a second, and progress moves. */
const SEEDS_PER_JOB = 25;
const MAX_SEEDS = 100_000;
const MAX_PROCESSES = 256;
const MAX_RESULT_BYTES = 64 * 1024 * 1024;
const FIDELITIES: readonly Fidelity[] = ["request", "cohort"];

function cellOf(name: string): Cell {
  const cell = cellNamed(name);
  if (cell === undefined) throw new UsageError(`there is no cell ${name}; the cells are ${CELLS.map((one) => one.name).join(", ")}`);
  return cell;
}

/** Plays one job in this process. */
function play({ cell, fidelity, from, to }: Job): readonly Sample[] {
  const found = cellOf(cell);
  return Array.from({ length: to - from + 1 }, (_, k) => measure(found, fidelity, from + k));
}

function playInProcess(job: Job): Promise<readonly Sample[]> {
  const self = fileURLToPath(import.meta.url);
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [self, "--job", JSON.stringify(job)], { maxBuffer: MAX_RESULT_BYTES }, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout) as readonly Sample[]);
      else reject(new Error(`${job.cell} (${job.fidelity}), seeds ${job.from}..${job.to}: ${stderr.trim() || error.message}`));
    });
  });
}

/** What is still to be played: the first seeds of every cell come before the next ones of any. */
function jobsOf(cells: readonly Cell[], { seeds, fidelities }: Plan, known: Known): readonly Job[] {
  return Array.from({ length: Math.ceil(seeds / SEEDS_PER_JOB) }, (_, k) => ({ from: k * SEEDS_PER_JOB + 1, to: Math.min(seeds, (k + 1) * SEEDS_PER_JOB) })).flatMap(
    ({ from, to }) => cells.flatMap(({ name }) => fidelities.map((fidelity) => ({ cell: name, fidelity, from, to })))
      .filter(({ cell, fidelity }) => Array.from({ length: to - from + 1 }, (_, k) => from + k).some((seed) => !known.of(cell, fidelity).has(seed))),
  );
}

/** Plays all jobs in order on that many processes. */
async function playAll(jobs: readonly Job[], processes: number, finished: (job: Job, samples: readonly Sample[]) => void): Promise<void> {
  const waiting = [...jobs];
  const work = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) finished(job, await playInProcess(job));
  };
  await Promise.all(Array.from({ length: Math.min(processes, jobs.length) }, work));
}

interface Flags {
  readonly seeds: string;
  readonly cells?: string;
  readonly json?: boolean;
  readonly out: string;
  readonly keep?: string;
  readonly only?: string;
  readonly processes: string;
  readonly job?: string;
}

/** What is to be measured, and by how many processes. */
interface Plan {
  readonly seeds: number;
  readonly fidelities: readonly Fidelity[];
  readonly processes: number;
}

async function agreement(flags: Flags): Promise<ExitCode> {
  if (flags.job !== undefined) {
    console.log(JSON.stringify(play(JSON.parse(flags.job) as Job)));
    return ExitCode.ok;
  }
  const seeds = countOf("--seeds", flags.seeds, 2, MAX_SEEDS);
  const plan = { seeds, fidelities: fidelitiesOf(flags), processes: countOf("--processes", flags.processes, 1, MAX_PROCESSES) };
  const cells = flags.cells === undefined ? CELLS : flags.cells.split(",").map((name) => cellOf(name.trim()));
  const refused = cells.map((cell) => ({ cell: cell.name, refusals: refusalsOf(cell) })).filter(({ refusals }) => refusals.length > 0);
  const compared = cells.filter(({ name }) => refused.every(({ cell }) => cell !== name));
  const known = new Known(flags.keep === undefined ? null : new KeptSamples(flags.keep), compared, plan);
  await measureCells(compared, plan, known);
  if (flags.only !== undefined) return ExitCode.ok;
  const comparisons = compared.map((cell) => compareSamples(cell, known.samples(cell.name, "request"), known.samples(cell.name, "cohort")));
  if (flags.json === true) console.log(JSON.stringify({ commit: commit(), modelVersion: MODEL_VERSION, seeds, comparisons, refused }));
  else console.log(agreementTable(comparisons, refused));
  // A part of the table is for the eye only: the report holds all of it.
  if (flags.cells === undefined) writeReport(flags.out, comparisons, refused, seeds);
  return comparisons.every(agrees) ? ExitCode.ok : ExitCode.failed;
}

function countOf(option: string, text: string, least: number, most: number): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < least || count > most) throw new UsageError(`${option} ${text}: write how many, from ${least} to ${most}`);
  return count;
}

function fidelitiesOf({ only, keep }: Flags): readonly Fidelity[] {
  if (only === undefined) return FIDELITIES;
  if (keep === undefined) throw new UsageError(`--only ${only} compares nothing: say with --keep where its measurements are kept`);
  const found = FIDELITIES.filter((fidelity) => fidelity === only);
  if (found.length === 0) throw new UsageError(`--only ${only}: write ${FIDELITIES.join(" or ")}`);
  return found;
}

/** The samples known so far by cell and fidelity: kept ones that the present model still makes, then what is played. */
class Known {
  readonly #keep: KeptSamples | null;
  readonly #bySeed = new Map<string, Map<number, Sample>>();
  readonly #seeds: number;

  constructor(keep: KeptSamples | null, cells: readonly Cell[], { fidelities, seeds }: Plan) {
    this.#keep = keep;
    this.#seeds = seeds;
    for (const cell of cells) for (const fidelity of fidelities) this.#bySeed.set(`${cell.name}, ${fidelity}`, this.#kept(cell, fidelity));
  }

  #kept(cell: Cell, fidelity: Fidelity): Map<number, Sample> {
    const kept = this.#keep?.read(cell.name, fidelity) ?? new Map<number, Sample>();
    if (kept.size === 0 || isCurrent(kept, (seed) => measure(cell, fidelity, seed))) return kept;
    this.#keep?.drop(cell.name, fidelity);
    return new Map<number, Sample>();
  }

  of(cell: string, fidelity: Fidelity): Map<number, Sample> {
    return this.#bySeed.get(`${cell}, ${fidelity}`) ?? new Map<number, Sample>();
  }

  add({ cell, fidelity }: Job, samples: readonly Sample[]): void {
    const known = this.of(cell, fidelity);
    for (const sample of samples) known.set(sample.seed, sample);
    this.#keep?.add(cell, fidelity, samples);
  }

  /** Seeds 1 to the last asked for, in order. */
  samples(cell: string, fidelity: Fidelity): readonly Sample[] {
    return [...this.of(cell, fidelity).values()].filter(({ seed }) => seed <= this.#seeds).sort((a, b) => a.seed - b.seed);
  }
}

async function measureCells(cells: readonly Cell[], plan: Plan, known: Known): Promise<void> {
  const jobs = jobsOf(cells, plan, known);
  const started = performance.now();
  let done = 0;
  await playAll(jobs, plan.processes, (job, played) => {
    known.add(job, played);
    done += 1;
    showProgress(done, jobs.length, (performance.now() - started) / 1000);
  });
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
}

function showProgress(done: number, of: number, seconds: number): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(`\r\x1b[K${done} of ${of} parts, about ${Math.ceil((seconds * (of - done)) / done / 60)} min left`);
}

function writeReport(path: string, comparisons: readonly CellComparison[], refused: readonly RefusedCell[], seeds: number): void {
  makeFolder(dirname(path));
  writeFileSync(path, agreementMarkdown(comparisons, { commit: commit(), modelVersion: MODEL_VERSION, seeds, command: `npm run agreement -- --seeds ${seeds}` }, refused));
  console.error(`wrote ${path}`);
}

/** The commit that was measured; `-dirty` when the sources differ from it. */
function commit(): string {
  try {
    const git = (...args: readonly string[]): string => execFileSync("git", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    return git("rev-parse", "--short=12", "HEAD") + (git("status", "--porcelain", "--", "src") === "" ? "" : "-dirty");
  } catch {
    return "unknown";
  }
}

const command = new Command("agreement")
  .description("compare the two fidelities cell by cell: error rate, latency, variation, rollbacks, delays")
  .option("--seeds <n>", "seeds 1..n of every cell at each fidelity", "500")
  .option("--cells <names>", "only these, separated by commas; writes no report")
  .option("--json", "print every figure as JSON")
  .option("--out <file>", "where the report goes", "reports/agreement.md")
  .option("--keep <folder>", "keep measurements there, and read back those that the present model still makes")
  .option("--only <fidelity>", "measure and keep one fidelity, compare nothing")
  .option("--processes <n>", "at once", String(availableParallelism()))
  .option("--job <json>", "play a part here and print its samples as JSON (what each process does)")
  .action(async (flags: Flags) => {
    try {
      process.exitCode = await agreement(flags);
    } catch (error) {
      console.error(messageOf(error));
      process.exitCode = error instanceof UsageError ? ExitCode.badInput : ExitCode.ourFault;
    }
  });
await command.parseAsync();
