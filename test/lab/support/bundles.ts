// Bundles and runners for the lab's tests: shipped scenarios, read from disk once, and the built worker.

import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { nodeFiles } from "../../../src/cli/files.js";
import { collectBundle, type Bundle } from "../../../src/lab/bundle.js";
import { PoolRunner, type PoolOptions } from "../../../src/lab/pool-runner.js";
import type { Job, Runner, RunResult } from "../../../src/lab/runner.js";

export const ROOT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/** A shipped scenario, by its path under `scenarios/`. */
export function shipped(name: string): Bundle {
  const loaded = collectBundle(join(ROOT, "scenarios", `${name}.yaml`), nodeFiles());
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join("\n"));
  return loaded.value;
}

/** Worker threads run the built program: threads know no TypeScript. */
export const startPool = (workers: number, options: Pick<PoolOptions, "secondsPerRun" | "scenarios"> = {}): Promise<PoolRunner> =>
  PoolRunner.start({ workers, entry: pathToFileURL(join(ROOT, "dist/lab/worker.js")), ...options });

/** All results of the jobs, in the order of delivery. */
export async function resultsOf(runner: Runner, jobs: Iterable<Job>): Promise<readonly RunResult[]> {
  const results: RunResult[] = [];
  await runner.run(jobs, (result) => void results.push(result));
  return results;
}
