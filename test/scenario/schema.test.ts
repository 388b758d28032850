// The committed JSON Schema is the one the code makes; and the template is a scenario that loads.

import { readFileSync } from "node:fs";

import { expect, it } from "vitest";

import { scenarioJsonSchema } from "../../src/scenario/json-schema.js";
import { scenarioTemplate } from "../../src/scenario/template.js";
import { loaded } from "./fixtures.js";

const committed = readFileSync(new URL("../../scenarios.schema.json", import.meta.url), "utf8");

it("is not stale: `npm run schema` would write the committed file", () => {
  expect(committed === `${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`, "scenarios.schema.json is stale: run `npm run schema` and commit it").toBe(true);
});

interface Node {
  readonly description?: string;
  readonly additionalProperties?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly [key: string]: unknown;
}

function nodes(value: unknown): Node[] {
  if (Array.isArray(value)) return value.flatMap(nodes);
  if (value === null || typeof value !== "object") return [];
  return [value as Node, ...Object.values(value).flatMap(nodes)];
}

it("refuses unknown keys everywhere, and describes every field for the editor", () => {
  const { definitions } = scenarioJsonSchema() as { definitions: Record<string, Node> };
  const maps = nodes(definitions).filter((node) => node.type === "object" && typeof node.properties === "object");
  expect(maps.length).toBeGreaterThan(30);
  expect(maps.filter((map) => map.additionalProperties !== false)).toEqual([]);
  const described = (node: Node): boolean => node.description !== undefined || typeof node.$ref === "string" || [node.allOf, node.anyOf].some((inner) => Array.isArray(inner) && (inner as Node[]).some(described));
  const bare = maps.flatMap((map) => Object.entries(map.properties ?? {}).filter(([, field]) => !described(field)).map(([key]) => key));
  expect(bare).toEqual([]);
});

it("gives new users a scenario that loads, whatever its name", () => {
  for (const name of ["demo", "with \"quotes\": and # signs", "42"]) {
    const scenario = loaded({ "/p/basics/slow.yaml": scenarioTemplate({ name, schema: "../scenarios.schema.json" }) });
    expect(scenario.name).toBe(name);
    expect(scenario.expectations).toHaveLength(2);
  }
});
