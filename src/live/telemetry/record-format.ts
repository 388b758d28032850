// What a game day's telemetry record holds, line by line: targets as they come, every scrape, decisions and events.

import { z } from "zod";
import { assert } from "../../kernel/assert.js";
import {
  DatabaseSchema, FlagServiceSchema, PlatformSchema, ServiceSchema, databaseSchema, flagServiceSchema, platformSchema, serviceSchema,
  type TargetSchema,
} from "../../telemetry/schema.js";

export const RECORD_VERSION = 1;

const micros = z.number().int();
const label = z.string().max(1024);

const schemaDescription = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("service"), service: label, version: label, endpoints: z.array(label).max(1000),
    edgesSeconds: z.array(z.number().positive()).min(1).max(1000), init: z.enum(["lazy", "zero"]),
  }),
  z.strictObject({ kind: z.literal("platform"), service: label, version: label }),
  z.strictObject({ kind: z.literal("database"), database: label }),
  z.strictObject({ kind: z.literal("flag-service") }),
]);

const header = z.strictObject({
  kind: z.literal("header"), record: z.literal(RECORD_VERSION), epochMillis: z.number(), scrape: micros.positive(), lookback: micros.positive(),
  retention: micros.positive(), lanes: z.number().int().min(1).max(64), about: z.unknown(),
});

const target = z.strictObject({
  kind: z.literal("target"), at: micros, target: z.number().int().min(0), id: label,
  labels: z.strictObject({ service: label.optional(), version: label.optional(), replica: label.optional(), database: label.optional() }),
  schema: schemaDescription,
});

const row = z.strictObject({
  kind: z.literal("row"), at: micros, target: z.number().int().min(0), time: micros, visibleAt: micros,
  /** null: the target is gone. */
  up: z.union([z.literal(1), z.literal(0), z.null()]),
  /** Every column of every lane, null where a series was not exposed; left out when every series is stale. */
  values: z.array(z.number().nullable()).optional(),
});

const event = z.strictObject({ kind: z.literal("event"), at: micros, type: z.string().max(200), data: z.unknown() });

export const recordLine = z.discriminatedUnion("kind", [header, target, row, event]);

export type RecordHeader = z.infer<typeof header>;
export type RecordTarget = z.infer<typeof target>;
export type RecordRow = z.infer<typeof row>;
/** A decision, a platform's event: whatever the game day adds; `data` is for its reader to check. */
export type RecordEvent = z.infer<typeof event>;
export type RecordLine = z.infer<typeof recordLine>;
export type SchemaDescription = z.infer<typeof schemaDescription>;

/** A schema as data. */
export function describeSchema(schema: TargetSchema): SchemaDescription {
  const { service = "", version = "", database = "" } = schema.labels;
  if (schema instanceof ServiceSchema) {
    return { kind: "service", service, version, endpoints: [...schema.endpoints], edgesSeconds: [...schema.edgesSeconds], init: schema.init };
  }
  if (schema instanceof PlatformSchema) return { kind: "platform", service, version };
  if (schema instanceof DatabaseSchema) return { kind: "database", database };
  assert(schema instanceof FlagServiceSchema, "a game day's targets are services, databases, the platform and the flag service");
  return { kind: "flag-service" };
}

/** The schema that a description is of. */
export function schemaOf(description: SchemaDescription): TargetSchema {
  switch (description.kind) {
    case "service":
      return serviceSchema(description);
    case "platform":
      return platformSchema(description);
    case "database":
      return databaseSchema(description);
    case "flag-service":
      return flagServiceSchema();
  }
}
