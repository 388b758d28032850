// Loads scenarios for a command, and ends it with every problem shown when one cannot be used.

import type { Scenario } from "../scenario/compiled.js";
import { loadScenario, type Refusal } from "../scenario/load.js";
import { refusalsOf } from "../lab/refusals.js";
import type { Fidelity } from "../world/world.js";
import { UsageError } from "./exit.js";
import { nodeFiles } from "./files.js";
import { renderProblems } from "./problems.js";

export interface LoadOptions {
  readonly allowPath: readonly string[];
  readonly color: boolean;
  /** The fidelity that the command will use; the scenario's own when left out. */
  readonly fidelity?: Fidelity | null;
}

/** Loads every file; throws one UsageError with all problems of all files. */
export function loadAll(files: readonly string[], options: LoadOptions): readonly Scenario[] {
  const access = nodeFiles({ allowPaths: options.allowPath });
  const refuse = (scenario: Scenario): readonly Refusal[] => ((options.fidelity ?? scenario.fidelity) === "cohort" ? refusalsOf(scenario) : []);
  const scenarios: Scenario[] = [];
  const problems: string[] = [];
  for (const file of files) {
    const loaded = loadScenario(file, access, { refuse });
    if (loaded.ok) scenarios.push(loaded.value);
    else problems.push(renderProblems(loaded.problems, { color: options.color }));
  }
  if (problems.length > 0) throw new UsageError(problems.join("\n\n"));
  return scenarios;
}
