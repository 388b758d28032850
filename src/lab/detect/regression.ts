// Test scenarios made from a user's own: the release with a defect of a given size, without any, or at another rate.

import { parse, stringify } from "yaml";

import { formatDuration, parseDuration } from "../../scenario/units.js";
import type { LoadResult, Problem } from "../../scenario/problem.js";
import type { Fidelity } from "../../world/world.js";
import { readScenario, textIn, type Bundle } from "../bundle.js";
import { fieldOf, variantOf, withField, type FieldChange } from "../variant.js";
import { minutes, type Micros } from "../../kernel/units.js";

/** A regression as people say it: `2%` more errors, or `x1.5` slower. */
export interface RegressionSize {
  readonly kind: "errors" | "latency";
  /** As it stands in a defect: `+2%`, `x1.5`. */
  readonly written: string;
  /** A ratio of errors, or a factor of latency. */
  readonly number: number;
}

/** Reads `2%`, `+2%` or `x1.5`; null when it is neither. */
export function parseRegressionSize(text: string): RegressionSize | null {
  const compact = text.trim();
  const errors = /^\+?\s*(\d+(?:\.\d+)?|\.\d+)\s*%$/.exec(compact);
  if (errors !== null && Number(errors[1]) <= 100) return { kind: "errors", written: `+${Number(errors[1])}%`, number: Number((Number(errors[1]) / 100).toPrecision(12)) };
  const latency = /^[x×]\s*(\d+(?:\.\d+)?)$|^(\d+(?:\.\d+)?)\s*[x×]$/.exec(compact);
  const factor = Number(latency?.[1] ?? latency?.[2]);
  return latency !== null && factor >= 1 && factor <= 1000 ? { kind: "latency", written: `x${factor}`, number: factor } : null;
}

/** How the size reads in a sentence. */
export const regressionWords = ({ kind, written }: RegressionSize): string => (kind === "errors" ? `${written.slice(1)} more errors` : `${written} latency`);

/** Where in the script the release is that is put to the test. */
export interface TestedRelease {
  readonly item: number;
  readonly service: string;
  readonly version: string;
  readonly at: Micros;
}

/** The scenario's first release; a problem when its script makes none. */
export function testedRelease(bundle: Bundle): LoadResult<TestedRelease> {
  const loaded = readScenario(bundle);
  if (!loaded.ok) return loaded;
  const first = loaded.value.script.find(({ kind }) => kind === "release");
  if (first?.kind !== "release") return { ok: false, problems: [noRelease(bundle)] };
  const { service, version } = first.release;
  const item = writtenPlace(bundle, service, version);
  return item < 0 ? { ok: false, problems: [noRelease(bundle)] } : { ok: true, value: { item, service, version, at: first.at } };
}

/** The compiled script is sorted by time; the written one stands as it stands. */
function writtenPlace(bundle: Bundle, service: string, version: string): number {
  const written = fieldOf(bundle, "scenario.script");
  if (!Array.isArray(written)) return -1;
  return written.findIndex((item: { readonly release?: { readonly service?: unknown; readonly version?: unknown } }) => item.release?.service === service && item.release.version === version);
}

export interface TestOptions {
  readonly fidelity: Fidelity;
  /** Constant traffic at this rate, e.g. `50rps`; the world's own when left out. */
  readonly rate?: string | undefined;
  /** How long the run lasts; the scenario's own time when left out. */
  readonly duration?: Micros | undefined;
}

/**
 * The scenario with this regression as its release's only defect, on the whole service or one endpoint; a null size is
 * a release that is well. What the scenario expects is left out: the test has its own question.
 */
export function withRegression(bundle: Bundle, tested: TestedRelease, size: RegressionSize | null, on: string | null, options: TestOptions): LoadResult<Bundle> {
  const defects = size === null ? [] : [{ with: "version", on: on ?? tested.service, [size.kind]: size.written }];
  return variantOf(
    bundle,
    [
      { path: `scenario.script.${tested.item}.release.defects`, value: flow(defects) },
      { path: "scenario.expect", value: "[]" },
      ...(fieldOf(bundle, "scenario.expect-overall") === undefined ? [] : [{ path: "scenario.expect-overall", value: "[]" }]),
      ...rateChanges(bundle, options.rate),
      ...(options.duration === undefined ? [] : [{ path: "scenario.for", value: formatDuration(options.duration) }]),
    ],
    { fidelity: options.fidelity },
  );
}

/** How long the test of a release must last for a schedule of this length, with some holding; undefined when the scenario's own time is enough. */
export function lengthFor({ at }: TestedRelease, schedule: Micros, own: Micros): Micros | undefined {
  const needed = at + minutes(15) + Math.round(1.1 * schedule);
  const whole = Math.ceil(needed / minutes(1)) * minutes(1);
  return whole > own ? whole : undefined;
}

/** Without what the script does at this time and later: a test that ends then does not ask for it. */
export function scriptUntil(bundle: Bundle, end: Micros): LoadResult<Bundle> {
  const { script } = parse(textIn(bundle, bundle.entry) ?? "") as { readonly script?: unknown };
  if (!Array.isArray(script)) return { ok: true, value: bundle };
  const kept = script.filter((item: { readonly at?: unknown }) => {
    const at = parseDuration(String(item.at));
    return !at.ok || at.value < end;
  });
  return kept.length === script.length ? { ok: true, value: bundle } : withField(bundle, { path: "scenario.script", value: flow(kept) });
}

/** Constant traffic instead of what the world has; where it enters stays. */
export function rateChanges(bundle: Bundle, rate: string | undefined): readonly FieldChange[] {
  if (rate === undefined) return [];
  const traffic = fieldOf(bundle, "world.traffic");
  const enters: unknown = typeof traffic === "object" && traffic !== null && "enters" in traffic ? traffic.enters : undefined;
  return [{ path: "world.traffic", value: flow({ ...(enters === undefined ? {} : { enters }), rate }) }];
}

/** A value on one line, as the variants read it. */
export const flow = (value: unknown): string => stringify(value, { collectionStyle: "flow", lineWidth: 0 }).trim();

/** The scenario has no release to test, as a problem. */
const noRelease = (bundle: Bundle): Problem => ({
  file: bundle.entry,
  line: 1,
  column: 1,
  path: "script",
  message: "the script makes no release, so there is nothing to detect",
  instead: "add one: script: [{ at: 10m, release: { service: NAME, version: v2 } }]",
  frame: "",
});
