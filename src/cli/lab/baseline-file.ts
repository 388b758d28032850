// Reads and writes the baseline that `test --against` compares with.

import { readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { counted } from "../../kernel/format.js";
import { baselineSchema, isComparable, type Baseline, type KeyOf } from "../../lab/baseline.js";
import type { SuiteResult, TestPlan } from "../../lab/suite.js";
import { MODEL_VERSION } from "../../world/model-version.js";
import { messageOf, UsageError } from "../exit.js";
import { realNearest } from "../files.js";
import { standsAt } from "../path-trouble.js";

const MAX_BYTES = 256 * 1024 * 1024;
/** Scenarios that a complaint names. */
const MOST_NAMED = 5;

/** The stored baseline. Throws UsageError when it is none, or of another model version that nobody accepted. */
export function readBaseline(file: string, acceptModelChange: boolean): Baseline {
  const size = standsAt(file)?.size;
  if (size === undefined) throw new UsageError(`${file}: there is no baseline yet; store one with --against ${file} --update`);
  if (size > MAX_BYTES) throw new UsageError(`${file}: ${size} bytes is too large for a baseline`);
  const parsed = baselineSchema.safeParse(parseJson(file));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new UsageError(`${file}: not a baseline that this version reads (${issue.path.join(".")}: ${issue.message}); store a new one with --update`);
  }
  const { modelVersion } = parsed.data;
  if (modelVersion !== MODEL_VERSION && !acceptModelChange) {
    throw new UsageError(`${file}: the baseline was played with model version ${modelVersion}, and this is model version ${MODEL_VERSION}: a change of the simulator would look like a change of your strategy. Store a new one with --update, or compare all the same with --accept-model-change`);
  }
  // A scenario without a run is nothing to compare with: all of them were lost when it was stored.
  return { ...parsed.data, scenarios: parsed.data.scenarios.filter(({ runs }) => runs.length > 0) };
}

/** Why no baseline can be made of what was played: a scenario of which every run was lost would never be compared again. Null when one can. */
export function notStorable({ scenarios }: SuiteResult): string | null {
  const lost = scenarios.filter(({ rows }) => rows.length === 0).map(({ name }) => name);
  return lost.length === 0 ? null : `no run of ${lost.slice(0, MOST_NAMED).join(", ")}${lost.length > MOST_NAMED ? ` and ${lost.length - MOST_NAMED} more` : ""} came to its end`;
}

/** What is said of a stored baseline: runs that were lost do not stand in it. */
export function storedWords(file: string, { scenarios }: SuiteResult): string {
  const lost = scenarios.reduce((sum, each) => sum + each.lost.length, 0);
  return `stored the baseline ${file}${lost === 0 ? "" : `, without ${counted(lost, "run")} that did not come to an end`}`;
}

/** How a baseline in this file names scenarios: by their paths from its own folder, wherever a command is typed and however. */
export function keysBeside(file: string): KeyOf {
  const folder = realNearest(dirname(resolve(file)));
  return (scenario) => relative(folder, realNearest(resolve(scenario))).split("\\").join("/");
}

/** Throws UsageError when none of these runs stands in the baseline: a comparison of nothing must not pass. */
export function checkComparable(file: string, baseline: Baseline, plans: readonly TestPlan[]): void {
  const keyOf = keysBeside(file);
  const named = plans.map(({ scenario, fidelity, seeds }) => ({ key: keyOf(scenario.file), fidelity, seeds }));
  if (isComparable(baseline, named)) return;
  const words = (all: readonly { readonly fidelity: string }[], keys: readonly string[]): string =>
    `${keys.slice(0, MOST_NAMED).map((key, index) => `${key} at ${all[index].fidelity}`).join(", ")}${keys.length > MOST_NAMED ? `, and ${keys.length - MOST_NAMED} more` : ""}`;
  const known = baseline.scenarios;
  const kept = known.length === 0 ? "nothing" : words(known, known.map((stored) => stored.file));
  const shared = named.some(({ key, fidelity }) => known.some((stored) => stored.file === key && stored.fidelity === fidelity));
  throw new UsageError(`${file}: nothing can be compared: ${shared ? "none of the seeds of --seeds stand in it" : `it holds ${kept} (paths from its folder), and this would test ${words(named, named.map(({ key }) => key))}`}; test what it holds, or store a new one with --update`);
}

/** A run per line: a change of the baseline is readable in a diff. */
export function baselineText(baseline: Baseline): string {
  const { scenarios, ...head } = baseline;
  const blocks = scenarios.map(({ runs, ...scenario }) => `  ${JSON.stringify(scenario).slice(0, -1)},"runs":[\n${runs.map((run) => `   ${JSON.stringify(run)}`).join(",\n")}\n  ]}`);
  return `${JSON.stringify(head).slice(0, -1)},"scenarios":[\n${blocks.join(",\n")}\n]}\n`;
}

function parseJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new UsageError(`${file}: not JSON (${messageOf(error)})`);
  }
}
