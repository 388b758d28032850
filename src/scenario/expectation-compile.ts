// Turns written expectations into what a run is judged by, with the text the user wrote for the report.

import type { Expectation } from "./compiled.js";
import type { Place } from "./findings.js";
import { adviseName } from "./nearest.js";
import { parseRule, type RuleNames } from "./rule.js";
import type { WrittenExpectation } from "./scenario-schema.js";

/** The names that expectations may use. */
export interface ExpectationNames {
  readonly releases: readonly string[];
  readonly rules: RuleNames;
}

const TEMPORAL = ["never", "always", "eventually-within"] as const;
const CLAIMS = ["classification", "truth", "result", "action", "cause", "by", "detected-within", "mitigated-within", "restored-within", "cost-below"] as const;

export function compileExpectation(written: WrittenExpectation, place: Place, names: ExpectationNames): Expectation | null {
  const rules = TEMPORAL.filter((key) => written[key] !== undefined);
  const kinds = [...(written.release === undefined ? [] : ["release"]), ...rules];
  if (kinds.length > 1) {
    place.in(kinds[1]).wrong(`an expectation is of a release or a rule; this has \`${kinds.join("` and `")}\``, "write two expectations", "key");
    return null;
  }
  if (written.release !== undefined) return compileClaim(written, written.release, place, names);
  const claim = CLAIMS.find((key) => written[key] !== undefined);
  if (rules.length === 0) {
    if (claim === undefined) place.wrong("nothing is expected here", "write { release: v2, classification: caught }, or { never: RULE }");
    else place.wrong(`\`release\` is missing beside \`${claim}\``, names.releases.length === 0 ? "the script has no release" : `write release: ${names.releases[0]}`);
    return null;
  }
  if (claim !== undefined) {
    place.in(claim).wrong(`\`${claim}\` is of a release, and this is a rule`, "write two expectations", "key");
    return null;
  }
  return compileRule(written, rules[0], place, names);
}

function compileClaim(written: WrittenExpectation, release: string, place: Place, names: ExpectationNames): Expectation | null {
  if (!names.releases.includes(release)) {
    place.in("release").wrong(`the script has no release \`${release}\``, adviseName(release, names.releases, "releases"));
    return null;
  }
  const claims = CLAIMS.filter((key) => written[key] !== undefined);
  if (claims.length === 0) {
    place.wrong(`nothing is expected of ${release}`, "add classification, result, action, detected-within ...");
    return null;
  }
  const { classification, truth, result, action, cause, by } = written;
  const raw = place.written;
  const said = claims.map((key) => `${key} ${asWritten(raw, key)}`);
  return {
    kind: "release",
    release,
    ...given({ classification, truth, result, action, cause, by }),
    ...given({
      detectedWithin: written["detected-within"],
      mitigatedWithin: written["mitigated-within"],
      restoredWithin: written["restored-within"],
      costBelow: written["cost-below"],
    }),
    text: `${release}: ${said.join(", ")}`,
    source: place.range,
  };
}

/** The value under a key as its writer has it; empty where there is no such text, which is told as a problem of its own. */
function asWritten(raw: unknown, key: string): string {
  const value: unknown = raw !== null && typeof raw === "object" && !Array.isArray(raw) ? (raw as Readonly<Record<string, unknown>>)[key] : undefined;
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

function compileRule(written: WrittenExpectation, temporal: (typeof TEMPORAL)[number], place: Place, names: ExpectationNames): Expectation | null {
  const text = written[temporal] ?? "";
  const parsed = parseRule(text, temporal === "eventually-within", names.rules);
  if (!parsed.ok) {
    place.in(temporal).wrongText(parsed.start, parsed.end, parsed.message, parsed.instead);
    return null;
  }
  return { kind: "rule", temporal, ...parsed.rule, text: `${temporal} ${text}`, source: place.range };
}

/** Only what is written: a claim that is not made has no key. */
function given<V>(claims: Readonly<Record<string, V | undefined>>): Readonly<Record<string, V>> {
  return Object.fromEntries(Object.entries(claims).filter((entry): entry is [string, V] => entry[1] !== undefined));
}
