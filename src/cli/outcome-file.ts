// Reads an outcome file back, and says clearly when it is not one.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { OUTCOME_SCHEMA_VERSION, type Outcome } from "../sim/outcome.js";
import { messageOf, UsageError } from "./exit.js";
import { standsAt } from "./path-trouble.js";

const MAX_BYTES = 256 * 1024 * 1024;

/** The parts that every reader relies on; the rest is what the same schema version wrote. */
const OutcomeHead = z.looseObject({
  schemaVersion: z.literal(OUTCOME_SCHEMA_VERSION),
  modelVersion: z.string(),
  scenario: z.looseObject({ name: z.string(), file: z.string() }),
  seed: z.number(),
  fidelity: z.enum(["request", "cohort", "live"]),
  digest: z.string(),
  passed: z.boolean(),
  expectations: z.array(z.looseObject({ text: z.string(), passed: z.boolean(), reason: z.string() })),
  invariants: z.array(z.looseObject({ name: z.string(), held: z.boolean() })),
  releases: z.array(z.looseObject({ version: z.string(), classification: z.string(), times: z.looseObject({}), cost: z.looseObject({ total: z.number() }) })),
  decisions: z.array(z.looseObject({ id: z.number(), at: z.number(), reason: z.string(), checks: z.array(z.looseObject({})) })),
  timeline: z.array(z.looseObject({ at: z.number(), text: z.string() })),
  alerts: z.array(z.looseObject({})),
  incidents: z.array(z.looseObject({})),
  dora: z.array(z.looseObject({ name: z.string() })),
  thresholds: z.array(z.looseObject({})),
  totals: z.looseObject({ requests: z.number() }),
  series: z.looseObject({ at: z.array(z.number()), versions: z.array(z.looseObject({})), edge: z.looseObject({}) }),
});

/** Reads an outcome from a file, or from the `outcome.json` of a folder. Throws UsageError. */
export function readOutcome(path: string): Outcome {
  const file = standsAt(path)?.isDirectory() === true ? join(path, "outcome.json") : path;
  const parsed = OutcomeHead.safeParse(parseJson(file));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue.path.join(".");
    throw new UsageError(`${file}: not an outcome that this version reads (${where === "" ? "" : `${where}: `}${issue.message}); run the scenario again`);
  }
  // The head was checked; an outcome of this schema version is written by this program alone.
  return parsed.data as unknown as Outcome;
}

function parseJson(file: string): unknown {
  const size = standsAt(file)?.size;
  if (size === undefined) throw new UsageError(`${file}: no such file; give the outcome.json that run wrote`);
  if (size > MAX_BYTES) throw new UsageError(`${file}: ${size} bytes is too large for an outcome`);
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new UsageError(`${file}: not JSON (${messageOf(error)})`);
  }
}
