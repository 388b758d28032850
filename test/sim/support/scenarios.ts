// Loads scenarios for tests: shipped ones by path, or text written in a test against the shipped small world.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeFiles } from "../../../src/cli/files.js";
import type { FileAccess } from "../../../src/scenario/access.js";
import type { Scenario } from "../../../src/scenario/compiled.js";
import { loadScenario } from "../../../src/scenario/load.js";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../..");

/** A shipped scenario, e.g. `basics/error-spike`. */
export function shipped(name: string): Scenario {
  return load(join(ROOT, "scenarios", `${name}.yaml`), nodeFiles({}));
}

/** A scenario from its text, as if it lay in scenarios/basics. */
export function written(text: string): Scenario {
  const path = join(ROOT, "scenarios/basics/written-in-a-test.yaml");
  const files = nodeFiles({});
  return load(path, { ...files, read: (asked, from) => (asked === path ? { text, bytes: text.length } : files.read(asked, from)) });
}

function load(path: string, access: FileAccess): Scenario {
  const loaded = loadScenario(path, access);
  if (!loaded.ok) throw new Error(loaded.problems.map((problem) => `${problem.file}:${problem.line}: ${problem.message}`).join("\n"));
  return loaded.value;
}
