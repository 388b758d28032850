// Named faults: each is one or more effects of the grammar with figures filled in. Data, not code of their own.

import type { EffectKindKey } from "./effect-schema.js";

/** An effect as YAML says it: a kind with its figure, and perhaps where. */
export type EffectTemplate = { readonly on?: string } & { readonly [key in EffectKindKey]?: string | number | boolean };

export interface Preset {
  readonly about: string;
  /** Whether `on` must be written; otherwise the template says on what. */
  readonly needsTarget: boolean;
  readonly example: string;
  readonly effects: readonly EffectTemplate[];
}

const on = (about: string, example: string, ...effects: readonly EffectTemplate[]): Preset => ({ about, needsTarget: true, example, effects });
const ready = (about: string, example: string, ...effects: readonly EffectTemplate[]): Preset => ({ about, needsTarget: false, example, effects });

export const PRESETS = {
  errors: on("Requests fail.", "checkout/create-order", { errors: "+5%" }),
  latency: on("Requests are slow.", "checkout/create-order", { latency: "x3" }),
  "memory-leak": on("Memory grows until the replica is killed.", "checkout", { memory: "+20MB/min" }),
  "crash-loop": on("Replicas crash after a minute of life, again and again.", "checkout", { "restart-loop": "60s" }),
  "startup-failure": on("Starting replicas never get ready.", "checkout", { "startup-failure": "100%" }),
  "cpu-stress": on("Something else eats the CPU.", "checkout", { cpu: "+60%" }),
  "slow-database": on("Queries are slow.", "orders-db", { latency: "x4" }),
  "db-pool-exhaustion": on("Most connections of the pool are taken.", "orders-db", { pool: "-90%" }),
  "lock-queue": on("A lock makes every query wait.", "orders-db", { lock: "40s" }),
  "dependency-errors": on("Calls to a dependency fail.", "checkout -> payments", { errors: "+30%" }),
  "dependency-latency": on("Calls to a dependency are slow.", "checkout -> payments", { latency: "+500ms" }),
  partition: on("Two services can't reach each other.", "checkout -> payments", { outage: true }),
  "pod-kill": on("A replica is killed and starts again.", "checkout", { kill: 1 }),
  "zone-outage": ready("Every replica in one zone stops answering.", "zone 0", { on: "zone 0", outage: true }),
  "traffic-surge": ready("Twice the traffic.", "traffic", { on: "traffic", surge: "x2" }),
  "cache-cold": on("Caches lose their content.", "checkout", { cache: "cold" }),
  "telemetry-gap": ready("Scrapes are dropped.", "telemetry", { on: "telemetry", scrapes: "drop" }),
  "telemetry-lag": ready("Samples arrive a minute late.", "telemetry", { on: "telemetry", lag: "+60s" }),
  "conversion-drop": on("Fewer orders without a single error.", "checkout/create-order", { conversion: "-30%" }),
  "flag-service-down": ready("Flag changes are not delivered.", "flag-service", { on: "flag-service", "flag-service": "down" }),
  "rollback-fails": ready("The next rollback command fails.", "platform roll-back", { on: "platform roll-back", "action-fails": 1 }),
  "noisy-neighbour": on("A neighbour on the same machines takes CPU and makes everything slower, whichever version it is.", "checkout", { cpu: "+40%" }, { latency: "x1.5" }),
} as const satisfies Readonly<Record<string, Preset>>;

export type PresetName = keyof typeof PRESETS;
export const PRESET_NAMES = Object.keys(PRESETS) as readonly PresetName[];

/** The kinds that a preset's effects have: their figures may be overridden. */
export function presetKinds(name: PresetName): readonly EffectKindKey[] {
  const templates: readonly EffectTemplate[] = PRESETS[name].effects;
  return templates.flatMap((template) => Object.keys(template).filter((key): key is EffectKindKey => key !== "on"));
}
