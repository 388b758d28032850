#!/usr/bin/env node
// `npm run hold`: plays the shipped scenarios over their fixed seeds, one process per core, and says which ones hold.

import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { FULL_PLAN, holds, holdScenario, holdTable, QUICK_PLAN, type HoldResult } from "../lab/hold.js";
import { runScenario } from "../sim/run.js";
import type { Fidelity } from "../world/world.js";
import { ExitCode, UsageError } from "./exit.js";
import { loadAll } from "./load.js";
import { scenarioFiles } from "./targets.js";

/** One scenario at one fidelity: what a process plays. */
interface Job {
  readonly file: string;
  readonly fidelity: Fidelity;
  readonly seeds: number;
}

/** Bytes of a result that a process may print; one of 100 seeds is a few kilobytes. */
const MAX_RESULT_BYTES = 64 * 1024 * 1024;

/** Plays one job in this process; the run's full detail costs time that no expectation needs. */
function play({ file, fidelity, seeds }: Job): HoldResult {
  const [scenario] = loadAll([file], { allowPath: [], color: false });
  return holdScenario(scenario, fidelity, seeds, (each, options) => runScenario(each, { ...options, detail: "light" }));
}

function playInProcess(job: Job): Promise<HoldResult> {
  const { file, fidelity, seeds } = job;
  const self = fileURLToPath(import.meta.url);
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [self, file, "--job", fidelity, "--seeds", String(seeds)], { maxBuffer: MAX_RESULT_BYTES }, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout) as HoldResult);
      else reject(new Error(`${file} (${fidelity}): ${stderr.trim() || error.message}`));
    });
  });
}

/** Plays all jobs, the longest kind first, on as many processes as there are cores. */
async function playAll(jobs: readonly Job[], progress: (done: number) => void): Promise<readonly HoldResult[]> {
  const waiting = [...jobs].sort((a, b) => (a.fidelity === b.fidelity ? 0 : a.fidelity === "request" ? -1 : 1));
  const results: HoldResult[] = [];
  const work = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      results.push(await playInProcess(job));
      progress(results.length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), jobs.length) }, work));
  return results;
}

interface Flags {
  readonly quick?: boolean;
  readonly fidelity?: string;
  readonly job?: string;
  readonly seeds?: string;
}

/** The fidelity of that name; throws UsageError. */
function fidelityOf(name: string): Fidelity {
  if (name !== "cohort" && name !== "request") throw new UsageError(`${name} is no fidelity: write cohort or request`);
  return name;
}

async function hold(targets: readonly string[], flags: Flags): Promise<ExitCode> {
  if (flags.job !== undefined) {
    console.log(JSON.stringify(play({ file: targets[0], fidelity: fidelityOf(flags.job), seeds: Number(flags.seeds) })));
    return ExitCode.ok;
  }
  const plan = flags.quick === true ? QUICK_PLAN : FULL_PLAN;
  const fidelities: readonly Fidelity[] = flags.fidelity === undefined ? ["cohort", "request"] : [fidelityOf(flags.fidelity)];
  const jobs = scenarioFiles(targets).flatMap((file) => fidelities.map((fidelity) => ({ file, fidelity, seeds: plan[fidelity] })));
  const started = Date.now();
  const results = await playAll(jobs, (done) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${jobs.length}`);
  });
  if (process.stderr.isTTY) process.stderr.write("\r");
  console.log(holdTable(results));
  console.log(`${results.reduce((sum, { seeds }) => sum + seeds, 0)} runs in ${((Date.now() - started) / 1000).toFixed(0)} s`);
  return results.every(holds) ? ExitCode.ok : ExitCode.failed;
}

const command = new Command("hold")
  .description("play the shipped scenarios over fixed seeds: 1..100 in cohort and 1..5 in request")
  .argument("[targets...]", "scenario files, folders or globs", ["scenarios"])
  .option("--quick", "seeds 1..10 in cohort and 1 in request")
  .option("--fidelity <name>", "only cohort, or only request")
  .option("--job <fidelity>", "play one file here and print the result as JSON (what each process does)")
  .option("--seeds <n>", "with --job: how many seeds")
  .action(async (targets: readonly string[], flags: Flags) => {
    try {
      process.exitCode = await hold(targets, flags);
    } catch (error) {
      console.error(error instanceof Error ? error.message : String(error));
      process.exitCode = error instanceof UsageError ? ExitCode.badInput : ExitCode.ourFault;
    }
  });
await command.parseAsync();
