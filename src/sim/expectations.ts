// Holds a run against what its scenario expects, with the reason for every tick and every cross.

import type { Micros } from "../kernel/units.js";
import { duration as span, money } from "../kernel/format.js";
import type { Expectation } from "../scenario/compiled.js";
import type { ExpectationOutcome, ReleaseOutcome } from "./outcome.js";
import type { Recorder } from "./recording.js";
import { judgeRule } from "./rules.js";

type ReleaseExpectation = Expectation & { readonly kind: "release" };

/** Judges every expectation of the scenario. */
export function judgeExpectations(
  expectations: readonly Expectation[],
  releases: readonly ReleaseOutcome[],
  recorder: Recorder,
): readonly ExpectationOutcome[] {
  return expectations.map((expectation) => {
    const { text, source } = expectation;
    const { passed, reason } =
      expectation.kind === "rule" ? judgeRule(expectation, recorder) : judgeRelease(expectation, releases);
    return { text, file: source.file, line: source.line, passed, reason };
  });
}

/** A claim about a release: whether it holds, and both sides in words. */
interface Claim {
  readonly holds: boolean;
  readonly words: string;
}

function judgeRelease(
  expectation: ReleaseExpectation,
  releases: readonly ReleaseOutcome[],
): { passed: boolean; reason: string } {
  const release = releases.find((candidate) => candidate.version === expectation.release);
  if (release === undefined) return { passed: false, reason: `no release ${expectation.release} was made` };
  const claims = [
    equal("classification", expectation.classification, release.classification),
    equal("truth", expectation.truth, release.truth),
    equal("result", expectation.result, release.result),
    equal("action", expectation.action, release.action),
    equal("cause", expectation.cause, release.cause ?? "none"),
    equal("by", expectation.by, release.by ?? "nobody"),
    within("detected", expectation.detectedWithin, release.times.detection),
    within("mitigated", expectation.mitigatedWithin, release.times.mitigation),
    within("restored", expectation.restoredWithin, release.times.recovery),
    cheaper(expectation.costBelow, release.cost.total),
  ].filter((claim): claim is Claim => claim !== null);
  const failed = claims.filter((claim) => !claim.holds);
  const shown = failed.length > 0 ? failed : claims;
  return { passed: failed.length === 0, reason: shown.map((claim) => claim.words).join("; ") };
}

function equal(name: string, expected: string | undefined, found: string): Claim | null {
  if (expected === undefined) return null;
  return expected === found
    ? { holds: true, words: `${name} is ${found}` }
    : { holds: false, words: `${name} is ${found}, not ${expected}` };
}

function within(name: string, limit: Micros | undefined, found: Micros | null): Claim | null {
  if (limit === undefined) return null;
  if (found === null) return { holds: false, words: `never ${name}, where ${span(limit)} were allowed` };
  return found <= limit
    ? { holds: true, words: `${name} after ${span(found)} (limit ${span(limit)})` }
    : { holds: false, words: `${name} after ${span(found)}, later than ${span(limit)}` };
}

function cheaper(limit: number | undefined, found: number): Claim | null {
  if (limit === undefined) return null;
  return found < limit
    ? { holds: true, words: `cost ${money(found)} (limit ${money(limit)})` }
    : { holds: false, words: `cost ${money(found)}, not below ${money(limit)}` };
}
