// Reads and writes the baseline that `test --against` compares with.

import { readFileSync, statSync } from "node:fs";
import { baselineSchema, type Baseline } from "../../lab/baseline.js";
import { MODEL_VERSION } from "../../world/model-version.js";
import { messageOf, UsageError } from "../exit.js";

const MAX_BYTES = 256 * 1024 * 1024;

/** The stored baseline. Throws UsageError when it is none, or of another model version that nobody accepted. */
export function readBaseline(file: string, acceptModelChange: boolean): Baseline {
  const size = statSync(file, { throwIfNoEntry: false })?.size;
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
  return parsed.data;
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
