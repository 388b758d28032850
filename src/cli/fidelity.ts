// Reads `--fidelity`.

import type { Fidelity } from "../world/world.js";
import { UsageError } from "./exit.js";

/** The fidelity that the flag names; null without a flag. Throws UsageError. */
export function fidelityFlag(text: string | undefined): Fidelity | null {
  if (text === undefined) return null;
  if (text === "request" || text === "cohort") return text;
  throw new UsageError(`--fidelity ${text}: write request or cohort`);
}
