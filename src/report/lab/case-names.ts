// The file names of a fuzz's failing cases: readable, one for each way to fail, none twice.

import { createHash } from "node:crypto";
import type { Finding } from "../../lab/fuzz/findings.js";

const LONGEST_NAME = 80;
const DIGITS = 6;

export type CaseNames = (finding: Pick<Finding, "id">) => string;

/** Names for one fuzz. Words alone can be shared (`weight > 5%`, `weight >= 5%`): who comes second gets digits of its id besides. */
export function caseNames(): CaseNames {
  const ids = new Map<string, string>();
  return ({ id }) => {
    const name = [wordsOf(id), `${wordsOf(id)}-${digest(id).slice(0, DIGITS)}`].find((each) => (ids.get(each) ?? id) === id) ?? digest(id);
    ids.set(name, id);
    return `${name}.yaml`;
  };
}

const wordsOf = (id: string): string => id.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, LONGEST_NAME);

const digest = (id: string): string => createHash("sha256").update(id).digest("hex");
