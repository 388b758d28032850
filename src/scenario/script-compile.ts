// Turns the written script into releases, faults and answers in order of time, with all their effects.

import type { ReleaseDeclaration } from "../delivery/release.js";
import type { Micros } from "../kernel/units.js";
import type { Effect, EffectCarrier } from "../world/effect.js";
import type { WorldSpec } from "../world/spec.js";
import type { ScriptItem } from "./compiled.js";
import { compileEffect, expandPreset, type EffectOrigin, type MaybeEffect } from "./effect-compile.js";
import type { TargetNames } from "./effect-target.js";
import type { Place } from "./findings.js";
import { adviseName } from "./nearest.js";
import { PRESET_NAMES, PRESETS } from "./presets.js";
import type { WrittenDefect, WrittenFault, WrittenRelease, WrittenScriptItem } from "./scenario-schema.js";
import { formatDuration } from "./units.js";
import { worldNames } from "./world-compile.js";

/** What the world can bear of releases: each is one bit of a request's mask. */
const MOST_RELEASES = 30;

export interface CompiledScript {
  readonly script: readonly ScriptItem[];
  readonly effects: readonly Effect[];
  /** Where each effect is written, by id. */
  readonly places: ReadonlyMap<string, Place>;
}

interface Context {
  readonly world: WorldSpec;
  readonly names: TargetNames;
  readonly duration: Micros;
  readonly effects: Effect[];
  readonly places: Map<string, Place>;
}

interface Timed {
  readonly written: WrittenScriptItem;
  readonly place: Place;
}

/** Compiles the script; `worldPlace` is where the world is written. */
export function compileScript(written: readonly WrittenScriptItem[], place: Place, worldPlace: Place, world: WorldSpec, duration: Micros): CompiledScript {
  const items = written.map((item, index): Timed => ({ written: item, place: place.in(index) }));
  for (const item of items) checkItem(item, duration);
  const ordered = [...items].sort((a, b) => a.written.at - b.written.at);
  const names = scriptNames(ordered, worldPlace, world);
  const context: Context = { world, names, duration, effects: [], places: new Map() };
  checkVersions(ordered, world);
  const script: ScriptItem[] = [];
  let releases = 0;
  for (const { written: item, place: here } of ordered) {
    const source = here.range;
    if (item.release !== undefined) {
      if (releases === MOST_RELEASES) here.wrong(`a script has at most ${MOST_RELEASES} releases`, "write another scenario");
      const compiled = compileRelease(item.release, item.at, releases, here.in("release"), context);
      script.push({ kind: "release", at: item.at, ...compiled, index: releases, source });
      releases += 1;
    } else if (item.fault !== undefined) {
      script.push({ kind: "fault", at: item.at, ...compileFault(item.fault, item.at, here.in("fault"), context), source });
    } else if (item.answer !== undefined) {
      script.push({ kind: "answer", at: item.at, answer: item.answer, source });
    }
  }
  return { script, effects: context.effects, places: context.places };
}

const ITEM_KEYS = ["release", "fault", "answer"] as const;

function checkItem({ written, place }: Timed, duration: Micros): void {
  const keys = ITEM_KEYS.filter((key) => written[key] !== undefined);
  if (keys.length === 0) place.wrong("nothing happens here", "write release, fault or answer beside `at`");
  if (keys.length > 1) place.in(keys[1]).wrong(`one item is one thing; this has \`${keys.join("` and `")}\``, "write two items", "key");
  if (written.at >= duration) place.in("at").wrong(`this comes at ${formatDuration(written.at)}, and the run ends at ${formatDuration(duration)}`, `write an earlier time, or a longer \`for\``);
}

/** The names of the world, with the versions that releases bring. */
function scriptNames(items: readonly Timed[], worldPlace: Place, world: WorldSpec): TargetNames {
  return {
    ...worldNames(worldPlace),
    versions: (service) => [
      ...world.services.filter(({ name }) => name === service).map(({ version }) => version),
      ...items.flatMap(({ written }) => (written.release?.service === service ? [written.release.version] : [])),
    ],
  };
}

function checkVersions(items: readonly Timed[], world: WorldSpec): void {
  const taken = new Set<string>();
  const flags = new Set<string>();
  for (const { written, place } of items) {
    if (written.release === undefined) continue;
    const { service, version, flag } = written.release;
    const stable = world.services.find(({ name }) => name === service);
    const here = place.in("release", "version");
    if (stable?.version === version) here.wrong(`\`${service}\` already runs ${version}`, "give the release a version of its own");
    else if (taken.has(version)) here.wrong(`the version ${version} is released twice`, "give each release a version of its own: expectations name releases by version");
    taken.add(version);
    if (flag === undefined) continue;
    if (flags.has(flag.name)) place.in("release", "flag", "name").wrong(`two releases have the flag \`${flag.name}\`: switched off for one, it is off for both`, "give each release a flag of its own");
    flags.add(flag.name);
  }
}

function compileRelease(written: WrittenRelease, at: Micros, index: number, place: Place, context: Context): { release: ReleaseDeclaration; defects: readonly string[] } {
  const { names } = context;
  const { service, version, flag } = written;
  if (!names.services.includes(service)) place.in("service").wrong(`there is no service \`${service}\``, adviseName(service, names.services, "services"));
  const release: ReleaseDeclaration = {
    service,
    version,
    lines: written.lines,
    flag: flag === undefined ? null : { name: flag.name, endpoints: flag.endpoints.map((endpoint, number) => flagEndpoint(endpoint, service, place.in("flag", "endpoints", number), names)) },
    schema: written.schema.map((change, number) => {
      if (!names.databases.includes(change.database)) place.in("schema", number, "database").wrong(`there is no database \`${change.database}\``, adviseName(change.database, names.databases, "databases"));
      return change;
    }),
  };
  if (flag !== undefined && flag.endpoints.length === 0) place.in("flag", "endpoints").wrong("a flag serves at least one endpoint", "write endpoints: [ENDPOINT]");
  const defects = written.defects.flatMap((defect, number) => compileDefect(defect, release, at, index, place.in("defects", number), context));
  return { release, defects };
}

/** `create-order` or `checkout/create-order`, as the name within the service. */
function flagEndpoint(written: string, service: string, place: Place, names: TargetNames): string {
  const slash = written.indexOf("/");
  const endpoint = slash < 0 ? written : written.slice(slash + 1);
  if (!names.services.includes(service)) return endpoint;
  const own = names.endpoints(service);
  const isOwn = own.includes(endpoint);
  if (slash >= 0 && written.slice(0, slash) !== service) {
    // The other service's endpoint need not be one of this service.
    place.wrong(`a flag of \`${service}\` serves endpoints of \`${service}\``, isOwn ? `write ${service}/${endpoint}` : adviseName(endpoint, own, "endpoints"));
  } else if (!isOwn) place.wrong(`the service \`${service}\` has no endpoint \`${endpoint}\``, adviseName(endpoint, own, "endpoints"));
  return endpoint;
}

function compileDefect(written: WrittenDefect, release: ReleaseDeclaration, at: Micros, index: number, place: Place, context: Context): string[] {
  const { service, version, flag } = release;
  if (written.with === "flag" && flag === null) {
    place.in("with").wrong("the release has no flag", "add flag: { name: NAME, endpoints: [ENDPOINT] }, or write with: version");
    return [];
  }
  // An unknown service is said once, at the release.
  if (written.on === undefined && !context.names.services.includes(service)) return [];
  const carrier: EffectCarrier = written.with === "flag" && flag !== null ? { with: "flag", service, version, flag: flag.name } : { with: "version", service, version };
  const origin: EffectOrigin = { carrier, release: index, label: version, from: at, to: context.duration, defaultOn: service };
  const { with: _carrier, preset, ...effect } = written;
  const parts = preset === undefined ? [effect] : expandPreset(preset, { ...effect, on: effect.on ?? (PRESETS[preset].needsTarget ? service : undefined) }, place);
  return addEffects(parts, place, origin, context);
}

function compileFault(written: WrittenFault, at: Micros, place: Place, context: Context): { until: Micros; text: string; effects: readonly string[] } {
  const presets = PRESET_NAMES.filter((name) => written[name] !== undefined);
  const keys = [...presets, ...(written.effect === undefined ? [] : ["effect"])];
  if (keys.length === 0) place.wrong("the fault is missing", `write one of ${PRESET_NAMES.slice(0, 6).join(", ")} ..., or effect`);
  if (keys.length > 1) place.in(keys[1]).wrong(`a fault is one thing; this has \`${keys.join("` and `")}\``, "write two script items", "key");
  const [preset] = presets;
  const parameters = preset === undefined ? null : (written[preset] ?? null);
  if (written.for !== undefined && parameters?.for !== undefined) place.in("for").wrong("`for` is written twice", "keep one of them", "key");
  const lasts = written.for ?? parameters?.for;
  const until = Math.min(context.duration, lasts === undefined ? context.duration : at + lasts);
  const label = `fault at ${formatDuration(at)}`;
  const origin: EffectOrigin = { carrier: { with: "script" }, release: null, label, from: at, to: until, defaultOn: null };
  if (preset === undefined) {
    const effectPlace = place.in("effect");
    const effects = (written.effect ?? []).flatMap((effect, index) => addEffects([effect], Array.isArray(effectPlace.written) ? effectPlace.in(index) : effectPlace, origin, context));
    return { until, text: faultText(effects, label), effects };
  }
  const { for: _for, ...given } = parameters ?? { users: 1, when: {} };
  const effects = addEffects(expandPreset(preset, given as MaybeEffect, place.in(preset)), place.in(preset), origin, context);
  return { until, text: `${preset}: ${faultText(effects, label)}`, effects };
}

const faultText = (effects: readonly string[], label: string): string => effects.map((id) => id.slice(label.length + 2)).join(", ");

/** Compiles effects, gives equal ids a number, and remembers where they stand. */
function addEffects(parts: readonly MaybeEffect[], place: Place, origin: EffectOrigin, context: Context): string[] {
  return parts.flatMap((part) => {
    const effect = compileEffect(part, place, origin, context.world, context.names);
    if (effect === null) return [];
    let id = effect.id;
    for (let number = 2; context.places.has(id); number += 1) id = `${effect.id} #${number}`;
    context.places.set(id, place);
    context.effects.push({ ...effect, id });
    return [id];
  });
}
