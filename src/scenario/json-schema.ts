// The JSON Schema that editors complete and check scenario files with: made from the zod schemas, one for all kinds.

import { z } from "zod";

import { scenarioSchema } from "./scenario-schema.js";
import { strategyFileSchema } from "./strategy-schema.js";
import { worldFileSchema } from "./world-schema.js";

type Json = Record<string, unknown>;

const KINDS = { scenario: scenarioSchema, world: worldFileSchema, strategy: strategyFileSchema } as const;

/** One schema for scenarios, worlds and strategies, told apart by `kind` (draft 7, which every YAML editor knows). */
export function scenarioJsonSchema(): Json {
  const definitions: Json = {};
  for (const [kind, schema] of Object.entries(KINDS)) {
    const { $schema: _draft, definitions: parts = {}, ...body } = z.toJSONSchema(schema, { io: "input", target: "draft-7" }) as Json;
    Object.assign(definitions, parts, { [kind]: body });
  }
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "shakedown",
    description: "A scenario, a world or a strategy of shakedown.",
    type: "object",
    required: ["shakedown", "kind"],
    properties: { kind: { enum: Object.keys(KINDS), description: "What the file is." } },
    allOf: Object.keys(KINDS).map((kind) => ({
      if: { properties: { kind: { const: kind } }, required: ["kind"] },
      then: { $ref: `#/definitions/${kind}` },
    })),
    definitions,
  };
}
