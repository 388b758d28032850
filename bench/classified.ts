// How many whole, classified runs a core plays per second in `cohort` fidelity: world, engines, judgement and all.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeFiles } from "../src/cli/files.js";
import { loadScenario } from "../src/scenario/load.js";
import { runScenario } from "../src/sim/run.js";
import type { BenchRow } from "./row.js";

/** The demand: classified runs per second per core of a 90-minute two-service canary at 200 rps. */
const TARGET = 60;
const WARM_UP = 60;
const RUNS = 200;
/** From dist-bench/bench. */
const SCENARIO = join(dirname(fileURLToPath(import.meta.url)), "../../bench/two-services.yaml");

/** Runs per second of processor time, after the twins and laws that all seeds share have been worked out. */
export async function classifiedBench(): Promise<readonly BenchRow[]> {
  const loaded = loadScenario(SCENARIO, nodeFiles({}));
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join("; "));
  const scenario = loaded.value;
  for (let seed = 1; seed <= WARM_UP; seed += 1) runScenario(scenario, { seed, detail: "light" });
  const before = process.cpuUsage();
  for (let seed = WARM_UP + 1; seed <= WARM_UP + RUNS; seed += 1) runScenario(scenario, { seed, detail: "light" });
  const { user, system } = process.cpuUsage(before);
  const runs = (RUNS * 1e6) / (user + system);
  return [{ name: "cohort: classified runs, 90-minute canary, 2 services, 200 rps", value: runs, unit: "runs/s", target: `>= ${TARGET}`, met: runs >= TARGET }];
}
