// From the command line to what the lab plays: bundles, seeds, fidelities, workers.

import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import type { FileAccess } from "../../scenario/access.js";
import type { Scenario } from "../../scenario/compiled.js";
import { collectBundle, scenarioOf, type Bundle } from "../../lab/bundle.js";
import type { Fidelity } from "../../world/world.js";
import { withStrategy } from "../../lab/variant.js";
import { parseRate } from "../../scenario/units.js";
import { checkWritable } from "../artifacts.js";
import { messageOf, UsageError } from "../exit.js";
import { nodeFiles } from "../files.js";
import { renderProblems } from "../problems.js";
import type { Terminal } from "../terminal.js";

export interface Loaded {
  readonly bundle: Bundle;
  readonly scenario: Scenario;
}

export interface LoadOptions {
  readonly allowPath: readonly string[];
  readonly color: boolean;
  readonly fidelity: Fidelity | null;
  /** Hears of every file that is looked for, whether it is there and well or not. */
  readonly onRead?: (path: string) => void;
}

/** Loads every scenario as a bundle; throws one UsageError with all problems of all files. */
export function loadBundles(files: readonly string[], options: LoadOptions): readonly Loaded[] {
  const disk = nodeFiles({ allowPaths: options.allowPath });
  const access: FileAccess = {
    ...disk,
    read: (path, root) => {
      options.onRead?.(path);
      return disk.read(path, root);
    },
  };
  const loaded: Loaded[] = [];
  const problems: string[] = [];
  for (const file of files) {
    const bundle = collectBundle(file, access, { fidelity: options.fidelity });
    const scenario = bundle.ok ? scenarioOf(bundle.value, { fidelity: options.fidelity }) : bundle;
    if (bundle.ok && scenario.ok) loaded.push({ bundle: bundle.value, scenario: scenario.value });
    else if (!scenario.ok) problems.push(renderProblems(scenario.problems, { color: options.color }));
  }
  if (problems.length > 0) throw new UsageError(problems.join("\n\n"));
  return loaded;
}

const MOST_WORKERS = 256;

/** `--workers N`: all cores when left out. Throws UsageError. */
export function parseWorkers(text: string | undefined): number {
  if (text === undefined) return availableParallelism();
  const workers = Number(text);
  if (!/^\d+$/.test(text) || workers < 1 || workers > MOST_WORKERS) throw new UsageError(`--workers ${text}: write a whole number from 1 to ${MOST_WORKERS}`);
  return workers;
}

/** The scenario with the strategy of this file instead of its own. Throws UsageError. */
export function strategyIn(bundle: Bundle, path: string, fidelity: Fidelity | null, { color }: Pick<Terminal, "color">): Bundle {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`--strategy ${path}: cannot be read (${messageOf(error)})`);
  }
  const swapped = withStrategy(bundle, { path: basename(path), text }, { fidelity });
  if (!swapped.ok) throw new UsageError(renderProblems(swapped.problems, { color }));
  return swapped.value;
}

/** Throws UsageError when `--rate` is none. */
export function checkRate(text: string | undefined): void {
  if (text === undefined) return;
  const rate = parseRate(text);
  if (!rate.ok) throw new UsageError(`--rate ${rate.message}; ${rate.instead}`);
}

/** Throws UsageError where nothing can be written: said before the runs, not after them. */
export const checkOut = (folder: string): void => checkWritable(join(folder, ".shakedown"));

/** Aborts on Ctrl-C; a second one ends the process as it would without us. */
export function interruptible(): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const onInterrupt = (): void => {
    process.off("SIGINT", onInterrupt);
    controller.abort();
  };
  process.on("SIGINT", onInterrupt);
  return { signal: controller.signal, release: () => void process.off("SIGINT", onInterrupt) };
}
