// Paths to fields as people write them, and what the files' schema says is there.

import { scenarioJsonSchema } from "../scenario/json-schema.js";
import type { Path } from "../scenario/problem.js";

export type FileKind = "scenario" | "strategy" | "world";

/** A path's parts; null when it is not one. Names with dots stand in brackets: `services["shop.eu"].replicas`. */
export function parsePath(text: string): Path | null {
  const parts: (string | number)[] = [];
  const part = /(?:^|\.)([A-Za-z0-9_-]+)|\[(\d{1,6})\]|\["([^"\]]+)"\]/y;
  while (part.lastIndex < text.length) {
    const found = part.exec(text);
    if (found === null) return null;
    const [, plain, index, quoted] = found;
    if (quoted !== undefined) parts.push(quoted);
    else parts.push(index !== undefined || /^\d{1,6}$/.test(plain) ? Number(index ?? plain) : plain);
  }
  return parts.length === 0 ? null : parts;
}

/** The part of JSON Schema that our own schema uses. */
export interface FieldSchema {
  readonly $ref?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly additionalProperties?: FieldSchema | boolean;
  readonly items?: FieldSchema;
  readonly anyOf?: readonly FieldSchema[];
}

let definitions: Readonly<Record<string, FieldSchema>> | null = null;

function definitionsOf(): Readonly<Record<string, FieldSchema>> {
  // Our own schema: its shape is the one above.
  definitions ??= scenarioJsonSchema()["definitions"] as Readonly<Record<string, FieldSchema>>;
  return definitions;
}

/** The keys that a file of this kind may have at its top. */
export const topKeys = (kind: FileKind): readonly string[] => Object.keys(definitionsOf()[kind].properties ?? {});

/** Every schema that may stand at `path` of a file of this kind; a value that may be one of several has several. */
export function schemasAt(kind: FileKind, path: Path): readonly FieldSchema[] {
  let here = alternatives(definitionsOf()[kind]);
  for (const part of path) here = here.flatMap((schema) => inside(schema, part)).flatMap(alternatives);
  return here;
}

/** What a field that is not written stands for; undefined when there is nothing to write out. */
export function defaultAt(kind: FileKind, path: Path): unknown {
  return schemasAt(kind, path).find((schema) => schema.default !== undefined)?.default;
}

/** A schema without its references, and each of its alternatives. */
function alternatives(schema: FieldSchema): readonly FieldSchema[] {
  const name = schema.$ref?.replace("#/definitions/", "");
  const named = name === undefined ? [] : alternatives(definitionsOf()[name]);
  return [schema, ...named, ...(schema.anyOf ?? []).flatMap(alternatives)];
}

function inside(schema: FieldSchema, part: string | number): readonly FieldSchema[] {
  if (typeof part === "number") return schema.items === undefined ? [] : [schema.items];
  const own = schema.properties?.[part];
  if (own !== undefined) return [own];
  return typeof schema.additionalProperties === "object" ? [schema.additionalProperties] : [];
}
