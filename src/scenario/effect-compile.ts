// Turns written defects and faults into effects: resolves what they act on, expands presets, fixes their times.

import { MICROS_PER_SECOND, type Micros } from "../kernel/units.js";
import type { Effect, EffectCarrier, EffectKind, EffectTarget, EffectWhen } from "../world/effect.js";
import type { WorldSpec } from "../world/spec.js";
import { EFFECT_KIND_KEYS, effectSchema, type EffectKindKey, type WrittenEffect } from "./effect-schema.js";
import { describeEffect } from "./effect-words.js";
import type { Place } from "./findings.js";
import { adviseName } from "./nearest.js";
import { PRESETS, type EffectTemplate, type PresetName } from "./presets.js";
import { parseTarget, type TargetNames } from "./effect-target.js";
import { formatDuration } from "./units.js";

export type MaybeEffect = Partial<WrittenEffect> & { readonly users: number; readonly when: WrittenEffect["when"] };

/** What carries the effects of one script item, and when that item happens. */
export interface EffectOrigin {
  readonly carrier: EffectCarrier;
  readonly release: number | null;
  /** e.g. `v2`, or `fault at 40m`. */
  readonly label: string;
  readonly from: Micros;
  readonly to: Micros;
  /** What a defect that names nothing acts on. */
  readonly defaultOn: string | null;
}

/** Targets that a kind of effect can act on. */
export const ACTS_ON: Readonly<Record<EffectKindKey, readonly EffectTarget["on"][]>> = {
  errors: ["service", "database", "link"],
  latency: ["service", "database", "link"],
  memory: ["service"],
  cpu: ["service", "zone"],
  conversion: ["service"],
  capacity: ["service", "zone"],
  pool: ["database"],
  lock: ["database"],
  "restart-loop": ["service"],
  "startup-failure": ["service"],
  kill: ["service", "zone"],
  outage: ["service", "zone", "database", "link"],
  cache: ["service"],
  surge: ["traffic"],
  scrapes: ["telemetry"],
  lag: ["telemetry"],
  "flag-service": ["flag-service"],
  "action-fails": ["platform"],
};

/** Kinds that can be narrowed to one endpoint: the others concern the replica as a whole. */
export const PER_ENDPOINT: ReadonlySet<EffectKindKey> = new Set(["errors", "latency", "conversion"]);
/** Kinds that can touch a share of the users. */
export const PER_USER: ReadonlySet<EffectKindKey> = new Set(["errors", "latency", "conversion"]);

const TARGET_WORDS: Readonly<Record<EffectTarget["on"], string>> = {
  service: "a service",
  zone: "a zone",
  database: "a database",
  link: "a link (a -> b)",
  telemetry: "telemetry",
  "flag-service": "flag-service",
  platform: "platform",
  traffic: "traffic",
};

/** Compiles one written effect; null when something about it is wrong (and said). */
export function compileEffect(written: MaybeEffect, place: Place, origin: EffectOrigin, world: WorldSpec, names: TargetNames): Effect | null {
  const keys = EFFECT_KIND_KEYS.filter((key) => written[key] !== undefined && written[key] !== false);
  if (keys.length === 0) {
    place.wrong("the effect has no kind", `write one of ${EFFECT_KIND_KEYS.slice(0, 6).join(", ")} ..., like errors: +2%`, "key");
    return null;
  }
  if (keys.length > 1) {
    place.in(keys[1]).wrong(`an effect has one kind; this has \`${keys.join("` and `")}\``, "write two effects", "key");
    return null;
  }
  const [key] = keys;
  const target = compileTarget(written, key, place, origin, names);
  if (target === null) return null;
  const what = compileKind(key, written, target, world);
  const when = compileWhen(written, place.in("when"), origin);
  if (PER_USER.has(key) === false && written.users < 1) {
    place.in("users").wrong(`\`${key}\` touches everybody`, "leave `users` out: it goes with errors, latency and conversion");
    return null;
  }
  if (written["retry-after"] !== undefined && key !== "startup-failure") place.in("retry-after").wrong("`retry-after` goes with startup-failure", "leave it out", "key");
  if (written["fails-after"] !== undefined && key !== "action-fails") place.in("fails-after").wrong("`fails-after` goes with action-fails", "leave it out", "key");
  return { id: `${origin.label}: ${describeEffect(what, target)}`, target, what, users: written.users, when, carrier: origin.carrier, release: origin.release };
}

function compileTarget(written: MaybeEffect, key: EffectKindKey, place: Place, origin: EffectOrigin, names: TargetNames): EffectTarget | null {
  const only = ACTS_ON[key].length === 1 ? ACTS_ON[key][0] : null;
  const needsNoName = only === "telemetry" || only === "flag-service" || only === "platform" || only === "traffic";
  const on = written.on ?? (written.zone !== undefined && origin.defaultOn === null ? `zone ${written.zone}` : null) ?? (needsNoName ? only : null) ?? origin.defaultOn;
  if (on === null) {
    place.wrong(`\`on\` is missing: what does \`${key}\` act on?`, `write on: ${ACTS_ON[key].map((kind) => TARGET_WORDS[kind]).join(", or ")}`, "key");
    return null;
  }
  const parsed = parseTarget(on, names);
  if (!parsed.ok) {
    place.in("on").wrong(parsed.message, parsed.instead);
    return null;
  }
  const target = narrowed(parsed.target, written, place, names);
  if (target === null) return null;
  if (!ACTS_ON[key].includes(target.on)) {
    place.in(written.on === undefined ? key : "on").wrong(`\`${key}\` can't act on ${TARGET_WORDS[target.on]}`, `write on: ${ACTS_ON[key].map((kind) => TARGET_WORDS[kind]).join(", or ")}`);
    return null;
  }
  if (target.on === "service" && target.endpoint !== undefined && !PER_ENDPOINT.has(key)) {
    place.in(written.on === undefined ? key : "on").wrong(`\`${key}\` concerns the whole replica, not one endpoint`, `write on: ${target.service}`);
    return null;
  }
  return target;
}

/** Adds version, replica and zone to a service's target. */
function narrowed(target: EffectTarget, written: MaybeEffect, place: Place, names: TargetNames): EffectTarget | null {
  const { version, replica, zone } = written;
  if (target.on === "service") {
    const versions = names.versions(target.service);
    if (version !== undefined && !versions.includes(version)) {
      place.in("version").wrong(`\`${target.service}\` never runs a version \`${version}\``, adviseName(version, versions, "versions"));
      return null;
    }
    return { ...target, ...(version === undefined ? {} : { version }), ...(replica === undefined ? {} : { replica }), ...(zone === undefined ? {} : { zone }) };
  }
  for (const key of ["version", "replica", "zone"] as const) {
    if (written[key] === undefined || (key === "zone" && target.on === "zone" && target.zone === zone)) continue;
    // `zone` overrides the zone that a preset names.
    if (key === "zone" && target.on === "zone" && zone !== undefined) return { on: "zone", zone };
    place.in(key).wrong(`\`${key}\` narrows a service, and this acts on ${TARGET_WORDS[target.on]}`, "leave it out", "key");
    return null;
  }
  return target;
}

const DEFAULT_RETRY_AFTER = 30 * MICROS_PER_SECOND;
const DEFAULT_FAILS_AFTER = 5 * MICROS_PER_SECOND;

function compileKind(key: EffectKindKey, written: MaybeEffect, target: EffectTarget, world: WorldSpec): EffectKind {
  switch (key) {
    case "errors":
      return { kind: "errors", ratio: written.errors ?? 0 };
    case "latency":
      return { kind: "latency", factor: written.latency?.factor ?? 1, add: written.latency?.add ?? 0 };
    case "memory":
      return { kind: "memory-growth", bytesPerMinute: written.memory ?? 0 };
    case "cpu":
      return { kind: "cpu", add: written.cpu ?? 0 };
    case "conversion":
      return { kind: "conversion", drop: written.conversion ?? 0 };
    case "capacity":
      // A replica without any slot answers nobody: to lose all capacity is an outage, for whoever plays or judges it.
      return (written.capacity ?? 0) >= 1 ? { kind: "outage" } : { kind: "capacity", loss: written.capacity ?? 0 };
    case "pool":
      return { kind: "pool", taken: connectionsTaken(written, target, world) };
    case "lock":
      return { kind: "lock", hold: written.lock ?? 0 };
    case "restart-loop":
      return { kind: "restart-loop", every: written["restart-loop"] ?? 0 };
    case "startup-failure":
      return { kind: "startup-failure", share: written["startup-failure"] ?? 1, retryAfter: written["retry-after"] ?? DEFAULT_RETRY_AFTER };
    case "kill":
      return { kind: "kill", count: written.kill ?? 1 };
    case "outage":
      return { kind: "outage" };
    case "cache":
      return { kind: "cache-cold" };
    case "surge":
      return { kind: "surge", factor: written.surge ?? 1 };
    case "scrapes":
      return { kind: "drop-scrapes" };
    case "lag":
      return { kind: "lag", add: written.lag ?? 0 };
    case "flag-service":
      return { kind: "flag-service-down" };
    case "action-fails":
      return { kind: "action-fails", times: written["action-fails"] ?? 1, after: written["fails-after"] ?? DEFAULT_FAILS_AFTER };
  }
}

function connectionsTaken(written: MaybeEffect, target: EffectTarget, world: WorldSpec): number {
  const { pool } = written;
  if (pool === undefined) return 0;
  if ("taken" in pool) return pool.taken;
  const database = target.on === "database" ? world.databases.find(({ name }) => name === target.database) : undefined;
  return Math.floor(pool.share * (database?.pool ?? 0));
}

function compileWhen(written: MaybeEffect, place: Place, origin: EffectOrigin): EffectWhen {
  const { from, to, after } = written.when;
  if (from !== undefined && to !== undefined && to <= from) place.in("to").wrong("the window ends before it starts", "write a `to` after the `from`");
  else if (from !== undefined && origin.from < origin.to && origin.from + from >= origin.to) {
    const whose = origin.release === null ? "the fault" : "the run";
    place.in("from").wrong(`this begins ${formatDuration(from)} after its item at ${formatDuration(origin.from)}, and ${whose} ends at ${formatDuration(origin.to)}`, "write an earlier `from`, or a longer `for`");
  }
  return {
    from: origin.from + (from ?? 0),
    to: to === undefined ? origin.to : Math.min(origin.to, origin.from + to),
    rpsAbove: written.when["rps-above"] ?? null,
    afterWarmLife: after ?? 0,
  };
}

/** A preset's effects with the written parameters laid over them. */
export function expandPreset(preset: PresetName, written: MaybeEffect, place: Place): MaybeEffect[] {
  const { effects, needsTarget, example } = PRESETS[preset];
  const templates: readonly EffectTemplate[] = effects;
  if (needsTarget && written.on === undefined) {
    place.wrong(`\`on\` is missing: what does \`${preset}\` act on?`, `write on: ${example}`, "key");
    return [];
  }
  return templates.map((template) => {
    const filled = effectSchema.parse(template);
    const given = Object.fromEntries(Object.entries(written).filter(([key, value]) => value !== undefined && isParameterOf(key, template)));
    // A zone that is written replaces the template's.
    const target = written.zone !== undefined && written.on === undefined && template.on?.startsWith("zone") === true ? { on: `zone ${written.zone}` } : {};
    return { ...filled, ...given, ...target } as MaybeEffect;
  });
}

/** Kinds go only to the template that has them; the rest (on, users, when ...) to all. */
const isParameterOf = (key: string, template: EffectTemplate): boolean => !(EFFECT_KIND_KEYS as readonly string[]).includes(key) || key in template;
