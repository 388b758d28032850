// From the command line to what a fuzz keeps: a scenario's world and strategy under paths that its cases can name.

import { dirname, join, relative, resolve } from "node:path";
import { parse } from "yaml";

import { readScenario, textIn, resolveInBundle, type Bundle, type BundleFile } from "../../lab/bundle.js";
import { caseOf, type CaseFrame, type WrittenRule } from "../../lab/fuzz/cases.js";
import { copyOf, fieldsOf, isFields, listOf, type Fields, type Value } from "../../lab/fuzz/document.js";
import { secondsOf } from "../../lab/fuzz/figure.js";
import { namesOf } from "../../lab/fuzz/names.js";
import { scheduleOf } from "../../delivery/strategy.js";
import { loadStrategy } from "../../scenario/load.js";
import { parseRule } from "../../scenario/rule.js";
import { MICROS_PER_SECOND } from "../../kernel/units.js";
import { UsageError } from "../exit.js";
import { nodeFiles } from "../files.js";
import { renderProblems } from "../problems.js";

/** What is written into a case by the fuzzer itself; the rest of a scenario is kept. */
const NOT_KEPT: readonly string[] = ["shakedown", "kind", "name", "about", "seed", "for", "fidelity", "world", "strategy", "script", "expect", "expect-in", "expect-overall", "game-day"];

export interface FrameFlags {
  readonly strategy?: string;
  readonly rule: readonly string[];
  readonly varyWorld?: boolean;
  readonly out: string;
  readonly allowPath: readonly string[];
}

/** The path of a file as a case in `out` would name it; names always have slashes. */
const fromOut = (out: string, path: string): string => relative(resolve(out), resolve(path)).split("\\").join("/");

/** The frame of a fuzz; throws UsageError when its parts are not well. */
export function frameOf(bundle: Bundle | null, flags: FrameFlags, color: boolean): CaseFrame {
  const rules = flags.rule.map(ruleOf);
  const entry = join(flags.out, "case.yaml");
  const strategy = flags.strategy === undefined ? null : strategyFile(flags.strategy, flags, color);
  if (bundle === null) {
    if (flags.varyWorld === true) throw new UsageError("--vary-world is of a scenario's world: name the scenario");
    return { entry, rules, scenario: strategy === null ? {} : { strategy: strategy.name, strategySeconds: strategy.seconds }, files: strategy === null ? [] : [strategy.file] };
  }
  const loaded = readScenario(bundle);
  if (!loaded.ok) throw new UsageError(renderProblems(loaded.problems, { color }));
  const written = fieldsOf(parse(textIn(bundle, bundle.entry) ?? "") as Value);
  const files = bundle.files.filter(({ path }) => path !== bundle.entry).map(({ path, text }) => ({ path: join(flags.out, fromOut(flags.out, path)), text }));
  const rebased = (name: string): string => fromOut(flags.out, resolveInBundle(bundle.entry, name));
  const kept = Object.fromEntries(Object.entries(written).filter(([key]) => !NOT_KEPT.includes(key)));
  const frame: CaseFrame = {
    entry, files: strategy === null ? files : [...files.filter(({ path }) => path !== strategy.file.path), strategy.file],
    rules: [...rules, ...listOf(written.expect).flatMap(writtenRule)],
    scenario: {
      kept, strategy: strategy?.name ?? (typeof written.strategy === "string" ? rebased(written.strategy) : written.strategy),
      strategySeconds: strategy?.seconds ?? scheduleOf(loaded.value.strategy) / MICROS_PER_SECOND,
      ...(flags.varyWorld === true ? {} : { world: worldOf(bundle, written, rebased) }),
    },
  };
  const probe = caseOf({ ...written, ...frame.scenario.kept, world: frame.scenario.world?.written ?? rebasedWorld(written.world, rebased), strategy: frame.scenario.strategy ?? null }, frame);
  if (!probe.ok) throw new UsageError(renderProblems(probe.problems, { color }));
  return frame;
}

function worldOf(bundle: Bundle, written: Fields, rebased: (name: string) => string): NonNullable<CaseFrame["scenario"]["world"]> {
  const lasts = secondsOf(written.for) ?? 0;
  if (typeof written.world !== "string") return { written: rebasedWorld(written.world, rebased), names: namesOf(fieldsOf(written.world), lasts) };
  const world = parse(textIn(bundle, resolveInBundle(bundle.entry, written.world)) ?? "") as Value;
  return { written: rebased(written.world), names: namesOf(fieldsOf(world), lasts) };
}

/** An inline world's traces are named from where the case will be. */
function rebasedWorld(world: Value, rebased: (name: string) => string): Value {
  if (typeof world === "string") return rebased(world);
  const copy = copyOf(fieldsOf(world));
  for (const entry of Array.isArray(copy.traffic) ? copy.traffic : [copy.traffic]) {
    if (isFields(entry) && typeof entry.trace === "string") entry.trace = rebased(entry.trace);
  }
  return copy;
}

function strategyFile(path: string, { out, allowPath }: FrameFlags, color: boolean): { readonly name: string; readonly file: BundleFile; readonly seconds: number } {
  const access = nodeFiles({ allowPaths: allowPath });
  const loaded = loadStrategy(path, access, null);
  if (!loaded.ok) throw new UsageError(renderProblems(loaded.problems, { color }));
  const read = access.read(path, null);
  if ("error" in read) throw new UsageError(`${path}: ${read.error}`);
  const name = fromOut(out, path);
  const seconds = scheduleOf(loaded.value) / MICROS_PER_SECOND;
  return { name, seconds, file: { path: join(dirname(join(out, "case.yaml")), name), text: read.text } };
}

const TEMPORAL = ["never", "always", "eventually-within"] as const;

/** `never: weight(v2) > 25%`; its names are looked for in each case. */
function ruleOf(text: string): WrittenRule {
  const match = /^\s*(never|always|eventually-within)\b\s*:?\s*(.+)$/.exec(text);
  const temporal = TEMPORAL.find((word) => word === match?.[1]);
  if (match === null || temporal === undefined) throw new UsageError(`--rule "${text}": write it like "never: weight(v2) > 25% while error-rate(v2) > 5%"`);
  const subjects = new Map([...match[2].matchAll(/\(\s*([^()\s]+)\s*\)/g)].map(([, name]) => [name, { service: name, version: null }]));
  const parsed = parseRule(match[2], temporal === "eventually-within", { subjects, shared: new Map() });
  if (!parsed.ok) throw new UsageError(`--rule "${text}": ${parsed.message}; ${parsed.instead}`);
  return { temporal, text: match[2].trim() };
}

function writtenRule(expectation: Value): readonly WrittenRule[] {
  const fields = fieldsOf(expectation);
  return TEMPORAL.flatMap((temporal) => (typeof fields[temporal] === "string" ? [{ temporal, text: fields[temporal] }] : []));
}
