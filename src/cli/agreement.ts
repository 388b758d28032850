#!/usr/bin/env node
// `npm run agreement`: plays every cell at both fidelities over many seeds, one process per core, and says where they agree.

import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { CELLS, cellNamed, refusalsOf, type Cell, type RefusedCell } from "../lab/agreement/cells.js";
import { agrees, compareSamples, type CellComparison } from "../lab/agreement/compare.js";
import { measure, type Sample } from "../lab/agreement/measure.js";
import { agreementMarkdown, agreementTable } from "../lab/agreement/table.js";
import { MODEL_VERSION } from "../world/model-version.js";
import type { Fidelity } from "../world/world.js";
import { ExitCode, messageOf, UsageError } from "./exit.js";

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

function jobsOf(cells: readonly Cell[], seeds: number): readonly Job[] {
  return cells.flatMap(({ name }) =>
    FIDELITIES.flatMap((fidelity) =>
      Array.from({ length: Math.ceil(seeds / SEEDS_PER_JOB) }, (_, k) => ({
        cell: name, fidelity, from: k * SEEDS_PER_JOB + 1, to: Math.min(seeds, (k + 1) * SEEDS_PER_JOB),
      })),
    ),
  );
}

/** Plays all jobs in order on as many processes as there are cores. */
async function playAll(jobs: readonly Job[], finished: (job: Job, samples: readonly Sample[]) => void): Promise<void> {
  const waiting = [...jobs];
  const work = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) finished(job, await playInProcess(job));
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), jobs.length) }, work));
}

interface Flags {
  readonly seeds: string;
  readonly cells?: string;
  readonly json?: boolean;
  readonly out: string;
  readonly job?: string;
}

async function agreement(flags: Flags): Promise<ExitCode> {
  if (flags.job !== undefined) {
    console.log(JSON.stringify(play(JSON.parse(flags.job) as Job)));
    return ExitCode.ok;
  }
  const seeds = seedsOf(flags.seeds);
  const cells = flags.cells === undefined ? CELLS : flags.cells.split(",").map((name) => cellOf(name.trim()));
  const refused = cells.map((cell) => ({ cell: cell.name, refusals: refusalsOf(cell) })).filter(({ refusals }) => refusals.length > 0);
  const comparisons = await compareCells(cells.filter(({ name }) => refused.every(({ cell }) => cell !== name)), seeds);
  if (flags.json === true) console.log(JSON.stringify({ commit: commit(), modelVersion: MODEL_VERSION, seeds, comparisons, refused }));
  else console.log(agreementTable(comparisons, refused));
  // A part of the table is for the eye only: the report holds all of it.
  if (flags.cells === undefined) writeReport(flags.out, comparisons, refused, seeds);
  return comparisons.every(agrees) ? ExitCode.ok : ExitCode.failed;
}

function seedsOf(text: string): number {
  const seeds = Number(text);
  if (!/^\d+$/.test(text) || seeds < 2 || seeds > MAX_SEEDS) throw new UsageError(`--seeds ${text}: write how many, from 2 to ${MAX_SEEDS}`);
  return seeds;
}

async function compareCells(cells: readonly Cell[], seeds: number): Promise<readonly CellComparison[]> {
  const samples = new Map<string, Sample[]>();
  const of = (cell: string, fidelity: Fidelity): Sample[] => {
    const key = `${cell}, ${fidelity}`;
    const known = samples.get(key) ?? [];
    samples.set(key, known);
    return known;
  };
  const jobs = jobsOf(cells, seeds);
  const started = performance.now();
  let done = 0;
  await playAll(jobs, (job, played) => {
    of(job.cell, job.fidelity).push(...played);
    done += 1;
    showProgress(done, jobs.length, (performance.now() - started) / 1000);
  });
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  return cells.map((cell) => compareSamples(cell, bySeed(of(cell.name, "request")), bySeed(of(cell.name, "cohort"))));
}

const bySeed = (samples: readonly Sample[]): readonly Sample[] => [...samples].sort((a, b) => a.seed - b.seed);

function showProgress(done: number, of: number, seconds: number): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(`\r\x1b[K${done} of ${of} parts, about ${Math.ceil((seconds * (of - done)) / done / 60)} min left`);
}

function writeReport(path: string, comparisons: readonly CellComparison[], refused: readonly RefusedCell[], seeds: number): void {
  mkdirSync(dirname(path), { recursive: true });
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
