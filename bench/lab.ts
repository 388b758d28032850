// How fast the lab plays many classified runs, what a second worker adds, and how soon a command starts.

import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { median } from "simple-statistics";
import { nodeFiles } from "../src/cli/files.js";
import { collectBundle, type Bundle } from "../src/lab/bundle.js";
import { PoolRunner } from "../src/lab/pool-runner.js";
import { jobsOf } from "../src/lab/runner.js";
import type { BenchRow } from "./row.js";

const HERE = dirname(fileURLToPath(import.meta.url));
/** From dist-bench/bench. */
const SCENARIO = join(HERE, "../../bench/two-services.yaml");
const SHORT_SCENARIO = join(HERE, "../../bench/start.yaml");
/** The command as it is installed: `prepare` builds it. */
const COMMAND = join(HERE, "../../dist/cli/main.js");
/** The demands. */
const SEEDS = 10_000;
const MOST_SECONDS = 120;
const LEAST_SPEEDUP = 1.8;
const MOST_HELP_MILLIS = 150;
const MOST_TEST_MILLIS = 500;

/**
 * Played on each thread before anything is timed: twins and laws are worked out once, and V8 goes on optimising for some 1,500 runs, on threads
 * of its own, which would be a second core for one worker and none for two. Of 10,000 seeds that is the first part of the way.
 */
const WARM_UP = 1_500;
/** Played for each figure; a block of one worker, then of two, so that the machine's mood strikes both. */
const BLOCK = 300;
const BLOCKS = 9;
const STARTS = 7;

export async function labBench(): Promise<readonly BenchRow[]> {
  const collected = collectBundle(SCENARIO, nodeFiles({}));
  if (!collected.ok) throw new Error(collected.problems.map(({ message }) => message).join("; "));
  const [one, two] = await Promise.all([PoolRunner.start({ workers: 1 }), PoolRunner.start({ workers: 2 })]);
  await rateOf(one, collected.value, WARM_UP);
  await rateOf(two, collected.value, 2 * WARM_UP);
  const rates: number[] = [];
  const speedups: number[] = [];
  for (let block = 0; block < BLOCKS; block += 1) {
    const alone = await rateOf(one, collected.value, BLOCK);
    const together = await rateOf(two, collected.value, 2 * BLOCK);
    rates.push(together);
    speedups.push(together / alone);
  }
  await Promise.all([one.close(), two.close()]);
  const seconds = SEEDS / median(rates);
  const speedup = median(speedups);
  const node = startMillis(["-e", "0"]);
  const help = startMillis([COMMAND, "--help"]) - node;
  const test = startMillis([COMMAND, "test", SHORT_SCENARIO, "--seeds", "1"]) - node;
  const whole = startMillis([COMMAND, "test", SCENARIO, "--seeds", "1"]) - node;
  return [
    { name: `lab: ${SEEDS} classified seeds on two workers, at the median rate of ${BLOCKS} blocks`, value: seconds, unit: "s", target: `< ${MOST_SECONDS} s`, met: seconds < MOST_SECONDS },
    { name: `lab: two workers against one, median of ${BLOCKS} pairs of blocks`, value: speedup, unit: "times", target: `>= ${LEAST_SPEEDUP}`, met: speedup >= LEAST_SPEEDUP },
    { name: "start: shakedown --help over node", value: help, unit: "ms", target: `< ${MOST_HELP_MILLIS} ms`, met: help < MOST_HELP_MILLIS },
{ name: "start: shakedown test of one scenario, a minute long, over node", value: test, unit: "ms", target: `< ${MOST_TEST_MILLIS} ms`, met: test < MOST_TEST_MILLIS },
    { name: "start: the same of a 90-minute canary, its laws and twins worked out", value: whole, unit: "ms", target: "", met: null },
  ];
}

/** Runs per second of wall time. */
async function rateOf(runner: PoolRunner, bundle: Bundle, runs: number): Promise<number> {
  const started = performance.now();
  const seeds = Array.from({ length: runs }, (_, k) => k + 1);
  await runner.run(jobsOf(bundle, seeds, { fidelity: "cohort" }), (result) => {
    if (!result.ok) throw new Error(result.failure.message);
  });
  return (runs * 1000) / (performance.now() - started);
}

/** The quickest of some starts: what the program needs when nothing else is in the way. */
function startMillis(args: readonly string[]): number {
  let best = Infinity;
  for (let k = 0; k < STARTS; k += 1) {
    const started = performance.now();
    const { status, stderr } = spawnSync(process.execPath, [...args], { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
    best = Math.min(best, performance.now() - started);
    if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}: ${stderr}`);
  }
  return best;
}
