// A scenario as plain data, as a fuzzer makes, changes and shrinks it; and as the compact YAML that people read.

import { parse } from "yaml";

/** What YAML can say, with maps that can be changed. */
export type Value = string | number | boolean | null | Value[] | Fields;
export interface Fields {
  [key: string]: Value;
}

/** Where a value stands in a document. */
export type Path = readonly (string | number)[];

export const isFields = (value: Value | undefined): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);
export const fieldsOf = (value: Value | undefined): Fields => (isFields(value) ? value : {});
export const listOf = (value: Value | undefined): Value[] => (Array.isArray(value) ? value : []);
export const textOf = (value: Value | undefined): string | null => (typeof value === "string" ? value : null);

export const copyOf = <V extends Value>(value: V): V => structuredClone(value);

/** The value at a path; undefined when there is none. */
export function valueAt(value: Value, path: Path): Value | undefined {
  let here: Value | undefined = value;
  for (const part of path) here = Array.isArray(here) ? here[Number(part)] : fieldsOf(here)[part];
  return here;
}

/** A copy with the value at `path` replaced, or taken out when `next` is undefined. */
export function withValue(document: Fields, path: Path, next: Value | undefined): Fields {
  const copy = copyOf(document);
  const parent = valueAt(copy, path.slice(0, -1));
  const last = path[path.length - 1];
  if (Array.isArray(parent)) parent.splice(Number(last), 1, ...(next === undefined ? [] : [next]));
  else if (isFields(parent)) {
    if (next === undefined) delete parent[last];
    else parent[last] = next;
  }
  return copy;
}

/** Every path of a document below its root, parents before their parts. */
export function pathsOf(value: Value, from: Path = []): Path[] {
  if (Array.isArray(value)) return value.flatMap((item, index): Path[] => [[...from, index], ...pathsOf(item, [...from, index])]);
  if (isFields(value)) return Object.keys(value).flatMap((key): Path[] => [[...from, key], ...pathsOf(value[key], [...from, key])]);
  return [];
}

/** A map or list that fits on a line stays on it. */
const LINE_WIDTH = 110;

/** The document as YAML: what fits on a line is one. */
export function yamlOf(document: Fields): string {
  return `${blockOf(document, 0).join("\n")}\n`;
}

function blockOf(value: Fields | Value[], indent: number): string[] {
  const pad = " ".repeat(indent);
  if (Array.isArray(value)) {
    return value.flatMap((item) => {
      const inline = flowOf(item);
      // An item of the script says when on its first line, and what on the next.
      if ((inline.length + indent <= LINE_WIDTH && !isTimed(item)) || !isCollection(item)) return [`${pad}- ${inline}`];
      const [first, ...rest] = blockOf(item, indent + 2);
      return [`${pad}- ${first.trimStart()}`, ...rest];
    });
  }
  return Object.entries(value).flatMap(([key, part]) => {
    const inline = flowOf(part);
    if (!isCollection(part) || (inline.length + indent + key.length <= LINE_WIDTH && !isBlockKey(key, indent))) return [`${pad}${key}: ${inline}`];
    return [`${pad}${key}:`, ...blockOf(part, indent + 2)];
  });
}

const isTimed = (item: Value): boolean => isFields(item) && "at" in item;
const isCollection = (value: Value): value is Fields | Value[] => typeof value === "object" && value !== null && Object.keys(value).length > 0;
/** The script is a list that is read from top to bottom. */
const isBlockKey = (key: string, indent: number): boolean => indent === 0 && (key === "script" || key === "world");

function flowOf(value: Value): string {
  if (Array.isArray(value)) return `[${value.map(flowOf).join(", ")}]`;
  if (isFields(value)) {
    const parts = Object.entries(value).map(([key, part]) => `${key}: ${flowOf(part)}`);
    return parts.length === 0 ? "{}" : `{ ${parts.join(", ")} }`;
  }
  return typeof value === "string" ? scalarOf(value) : JSON.stringify(value);
}

function isPlain(text: string): boolean {
  try {
    return /^[^"'\n]+$/.test(text) && (parse(`{ a: ${text} }`) as Fields).a === text;
  } catch {
    return false;
  }
}

const scalars = new Map<string, string>();

/** Plain where YAML reads the same text back, quoted elsewhere. */
function scalarOf(text: string): string {
  const known = scalars.get(text);
  if (known !== undefined) return known;
  const written = isPlain(text) ? text : JSON.stringify(text);
  if (scalars.size > 10_000) scalars.clear();
  scalars.set(text, written);
  return written;
}
