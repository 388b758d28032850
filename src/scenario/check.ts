// Runs a zod schema over a file's data and turns what it finds into problems with a place in the file.

import type { z } from "zod";

import { describe } from "./fields.js";
import { LIMITS } from "./limits.js";
import { adviseName } from "./nearest.js";
import type { Path, Problem } from "./problem.js";
import type { Data, Source } from "./source.js";

export interface Checked<T> {
  /** Null when too much is wrong to go on; else the data with the wrong parts left out. */
  readonly value: T | null;
  readonly problems: readonly Problem[];
  /** Where something was wrong: later checks stay silent about these parts. */
  readonly wrong: readonly Path[];
}

interface Fault {
  readonly path: Path;
  /** An unknown key, or a value that is missing: its own key is not in the data. */
  readonly spot: "key" | "value";
  readonly message: string;
  readonly instead: string | null;
}

/** How often the data is cleaned of wrong parts before giving up on further checks. */
const REPAIRS = 6;

/**
 * Parses the data of `source`. With faults, they are reported, replaced by what was advised or cut out of the data,
 * and the rest is parsed again, so that one slip in a unit does not hide a dangling name elsewhere.
 */
export function checkShape<T>(schema: z.ZodType<T>, source: Source): Checked<T> {
  let data = source.data;
  const problems: Problem[] = [];
  const wrong: Path[] = [];
  for (let round = 0; round <= REPAIRS; round += 1) {
    const parsed = schema.safeParse(data);
    if (parsed.success) return { value: parsed.data, problems, wrong };
    const faults = parsed.error.issues.flatMap((issue) => faultsOf(issue, [], data)).slice(0, LIMITS.problems);
    for (const fault of faults) {
      // What a repair itself left missing is not the user's fault.
      const ours = wrong.some((path) => isWithin(path, fault.path) || isWithin(fault.path, path));
      if (round === 0 || !ours) problems.push(source.problem(fault.path, fault.spot, fault.message, fault.instead));
      wrong.push(fault.path);
    }
    const repaired = faults.reduce<Data>((rest, fault) => repair(rest, fault, round), data);
    if (repaired === data) break;
    data = repaired;
  }
  return { value: null, problems, wrong };
}

/** Whether `path` lies at or inside `container`. */
export const isWithin = (path: Path, container: Path): boolean =>
  container.length <= path.length && container.every((part, index) => part === path[index]);

type Issue = z.core.$ZodIssue;

function faultsOf(issue: Issue, prefix: Path, data: Data): Fault[] {
  const path = [...prefix, ...(issue.path as Path)];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({
        path: [...path, key],
        spot: "key",
        message: `unknown key \`${key.slice(0, LIMITS.nameLength)}\`${inWhat(path)}`,
        instead: adviseName(key, issue.message.split("\n"), "known keys"),
      }));
    case "invalid_union": {
      if (issue.message.includes("\n")) return [faultOf(issue, path, data)];
      return bestBranch(issue.errors).flatMap((inner) => faultsOf(inner, path, data));
    }
    case "invalid_key":
      return issue.issues.slice(0, 1).map((inner) => ({ ...faultOf(inner, path, data, false), spot: "key" }));
    default:
      return [faultOf(issue, path, data)];
  }
}

const inWhat = (path: Path): string => {
  const names = path.filter((part) => typeof part === "string");
  return names.length === 0 ? "" : ` in \`${names[names.length - 1]}\``;
};

function faultOf(issue: Issue, path: Path, data: Data, maybeMissing = true): Fault {
  const [message, instead] = issue.message.split("\n");
  const last = path[path.length - 1];
  const subject = typeof last === "number" ? "this item" : `\`${last ?? "the file"}\``;
  const value = at(data, path);
  const advised = instead === undefined ? null : instead;
  if (maybeMissing && value === undefined) return { path, spot: "key", message: `${subject} is missing`, instead: advised };
  const text = instead === undefined ? `should not be ${describe(value)}` : message;
  return { path, spot: "value", message: `${subject}: ${text}`, instead: advised };
}

/** The branch of a union that the writer most likely meant: the one whose faults lie deepest. */
function bestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] {
  const rank = (issues: readonly Issue[]): number => Math.min(...issues.map((issue) => (issue.code === "invalid_type" && issue.path.length === 0 ? -1 : issue.path.length)));
  const rootOnly = (issues: readonly Issue[]): boolean => issues.some((issue) => issue.path.length === 0 && (issue.code === "invalid_type" || issue.code === "invalid_value"));
  let best = branches[0];
  for (const branch of branches.slice(1)) {
    const better = rootOnly(best) === rootOnly(branch) ? rank(branch) > rank(best) : rootOnly(best);
    if (better) best = branch;
  }
  return best;
}

/** The value at a path; undefined when there is none. */
export function at(data: Data | undefined, path: Path): Data | undefined {
  let value: Data | undefined = data;
  for (const part of path) {
    if (value === null || typeof value !== "object" || !Object.hasOwn(value, part)) return undefined;
    value = (value as Readonly<Record<string | number, Data>>)[part];
  }
  return value;
}

/** The data as if the advice had been taken; where there is none, or it did not help, without the faulty part. */
function repair(data: Data, fault: Fault, round: number): Data {
  const advised = round === 0 ? advisedValue(fault.instead) : null;
  const unknownKey = fault.spot === "key" && at(data, fault.path) !== undefined;
  if (advised === null || unknownKey || at(data, fault.path.slice(0, -1)) === undefined) return without(data, cutAt(data, fault.path));
  return withValue(data, fault.path, advised);
}

/** The value of `write 20m, not 20` and of `write it like 2h`. */
const advisedValue = (instead: string | null): string | null => /^write (?:it like )?([^\s`]+)(?:, not \S+)?$/.exec(instead ?? "")?.[1] ?? null;

function withValue(data: Data, path: Path, value: Data): Data {
  const [first, ...rest] = path;
  if (path.length === 0) return value;
  if (data === null || typeof data !== "object") return data;
  if (Array.isArray(data)) return (data as readonly Data[]).map((item, index) => (index === first ? withValue(item, rest, value) : item));
  const copy = Object.assign(Object.create(null), data) as Record<string, Data>;
  copy[String(first)] = withValue(copy[String(first)] ?? null, rest, value);
  return copy;
}

/** Where to cut to be rid of a fault: the value itself, or, when it is missing, what needs it. */
function cutAt(data: Data, path: Path): Path {
  let cut = path;
  while (cut.length > 0 && at(data, cut) === undefined) cut = cut.slice(0, -1);
  // An item leaves no hole: the other items would move to other lines.
  return typeof cut[cut.length - 1] === "number" ? cut.slice(0, -1) : cut;
}

function without(data: Data, path: Path): Data {
  if (path.length === 0 || data === null || typeof data !== "object") return data;
  const [first, ...rest] = path;
  if (Array.isArray(data)) {
    const items = data as readonly Data[];
    return items.map((item, index) => (index === first && rest.length > 0 ? without(item, rest) : item));
  }
  const map = data as Readonly<Record<string, Data>>;
  const copy = Object.create(null) as Record<string, Data>;
  for (const key of Object.keys(map)) {
    if (key !== first) copy[key] = map[key];
    else if (rest.length > 0) copy[key] = without(map[key], rest);
  }
  return copy;
}
