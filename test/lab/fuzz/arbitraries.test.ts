// What the fuzzer draws: every case is one that the loader takes, and every key of the format is among them.

import { describe, expect, it } from "vitest";
import { arbitraryScenario } from "../../../src/lab/fuzz/arbitraries/scenario.js";
import { bundleOf, scenarioOf } from "../../../src/lab/bundle.js";
import { isFields, yamlOf, type Fields, type Value } from "../../../src/lab/fuzz/document.js";
import { valueOfSeed } from "../../../src/lab/fuzz/hand.js";
import { PRESETS, type PresetName } from "../../../src/scenario/presets.js";
import { scenarioJsonSchema } from "../../../src/scenario/json-schema.js";

const DRAWS = 6_000;
const LOADED = 150;
const scenarios = arbitraryScenario();
const drawn = Array.from({ length: DRAWS }, (_, index): Fields => valueOfSeed(scenarios, index + 1));

type Schema = { readonly [key: string]: unknown } & { readonly $ref?: string; readonly properties?: Readonly<Record<string, Schema>>; readonly additionalProperties?: Schema | boolean; readonly items?: Schema | readonly Schema[]; readonly anyOf?: readonly Schema[]; readonly allOf?: readonly Schema[]; readonly oneOf?: readonly Schema[] };

const root = scenarioJsonSchema() as { readonly definitions: Readonly<Record<string, Schema>> };

/** Every path of keys that a scenario may have; names of the user's choosing are `*`. */
function keysOf(schema: Schema, path: string): string[] {
  if (schema.$ref !== undefined) return keysOf(root.definitions[schema.$ref.replace("#/definitions/", "")], path);
  const items = schema.items === undefined ? [] : Array.isArray(schema.items) ? (schema.items as readonly Schema[]) : [schema.items as Schema];
  const named = typeof schema.additionalProperties === "object" ? [schema.additionalProperties] : [];
  return [
    ...Object.entries(schema.properties ?? {}).flatMap(([key, part]) => [`${path}.${key}`, ...keysOf(part, `${path}.${key}`)]),
    ...named.flatMap((part) => keysOf(part, `${path}.*`)),
    ...items.flatMap((part) => keysOf(part, path)),
    ...[...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])].flatMap((part) => keysOf(part, path)),
  ];
}

const schemaKeys = [...new Set(keysOf(root.definitions["scenario"], ""))];
const known = new Set(schemaKeys);

/** The paths of keys that a document has, with `*` where its writer chose the name. */
function pathsIn(value: Value, path: string, found: Set<string>): void {
  if (Array.isArray(value)) value.forEach((item) => pathsIn(item, path, found));
  else if (isFields(value)) {
    for (const [key, part] of Object.entries(value)) {
      const here = known.has(`${path}.${key}`) ? `${path}.${key}` : `${path}.*`;
      found.add(here);
      pathsIn(part, here, found);
    }
  }
}

const reached = new Set<string>();
drawn.forEach((document) => pathsIn(document, "", reached));

/** Keys that are left out on purpose: why, and which. */
const LEFT_OUT: readonly (readonly [why: string, keys: RegExp])[] = [
  ["a case is one file, so that its traffic is a rate", /^\.world\.traffic\.(trace|scale-to|starts)$/],
  ["it says nothing to the simulator", /\.about$/],
  ["a gate says what is healthy, so that the loader refuses `above`, but for conversion, which should be high", /^\.strategy\.gates\.(?!conversion)[a-z0-9-]+\.above$/],
  ["a trigger says what is not healthy, so that the loader refuses `below`, but for conversion", /^\.strategy\.triggers\.(?!conversion)[a-z0-9-]+\.below$/],
  ["conversion should be high, so that the loader refuses the other direction", /^\.strategy\.(gates\.conversion\.(below|times-baseline)|triggers\.conversion\.(above|times-baseline))$/],
  ["a share of requests is held against its weight, so that the loader refuses limits", /^\.strategy\.(gates|triggers)\.throughput\.(below|above|times-baseline)$/],
  ["cohort or request is chosen by who plays the case", /^\.fidelity$/],
];

/** Parameters of a named fault that the loader takes for no target of that fault. */
function isMeaningless(key: string): boolean {
  const match = /^\.script\.fault\.([a-z-]+)\.(.+)$/.exec(key);
  if (match === null || !(match[1] in PRESETS)) return false;
  const [, preset, parameter] = match;
  const target = ON_NO_SERVICE[preset as PresetName] ?? "service";
  if (target === "service") return false;
  const narrows = ["version", "replica", "zone", "when.rps-above", "when.after"].includes(parameter);
  return narrows;
}

/** Faults that never act on a service, so that nothing of a service can be picked out. */
const ON_NO_SERVICE: Readonly<Partial<Record<PresetName, string>>> = {
  "db-pool-exhaustion": "database", "lock-queue": "database", "traffic-surge": "traffic", "telemetry-gap": "telemetry", "telemetry-lag": "telemetry",
  "flag-service-down": "flag-service", "rollback-fails": "platform",
};

describe("arbitrary scenarios", () => {
  it("are taken by the loader, all but those that are too much for cohort", () => {
    const refused = drawn.slice(0, LOADED).flatMap((document) => {
      const text = yamlOf(document);
      const loaded = scenarioOf(bundleOf("case.yaml", [{ path: "case.yaml", text }]), { fidelity: "request" });
      return loaded.ok ? [] : [`${loaded.problems[0].path}: ${loaded.problems[0].message}\n${text}`];
    });
    expect(refused).toEqual([]);
  });

  it("reach every key of the format", () => {
    expect(schemaKeys.length).toBeGreaterThan(500);
    const missed = schemaKeys.filter((key) => !reached.has(key) && !isMeaningless(key) && !LEFT_OUT.some(([, keys]) => keys.test(key)));
    expect(missed).toEqual([]);
  });

  it("leave nothing out that they do reach", () => {
    expect(schemaKeys.filter((key) => reached.has(key) && (isMeaningless(key) || LEFT_OUT.filter(([why]) => !why.startsWith("it says nothing")).some(([, keys]) => keys.test(key))))).toEqual([]);
  });

  it("are the same for the same seed", () => {
    expect(yamlOf(valueOfSeed(scenarios, 77))).toBe(yamlOf(drawn[76]));
  });
});
