// Arbitrary effects: any kind, on anything that it can act on, for some users, in some window; and every named fault.

import { ACTS_ON, PER_ENDPOINT, PER_USER } from "../../../scenario/effect-compile.js";
import { EFFECT_KIND_KEYS, type EffectKindKey } from "../../../scenario/effect-schema.js";
import { presetKinds, PRESET_NAMES, PRESETS, type PresetName } from "../../../scenario/presets.js";
import type { EffectTarget } from "../../../world/effect.js";
import type { Fields, Value } from "../document.js";
import type { Hand } from "../hand.js";
import type { Names, ServiceNames } from "../names.js";
import { duration, factor, millis, percent } from "./figures.js";

type On = EffectTarget["on"];

/** What effects of one script item may name. */
export interface EffectScope {
  readonly names: Names;
  /** Versions that the service ever runs. */
  readonly versions: (service: string) => readonly string[];
  /** The service that a defect acts on when it names nothing; null for faults. */
  readonly own: ServiceNames | null;
}

const COMMANDS = ["deploy", "scale", "set-weight", "set-flag", "roll-back", "mark-stable"] as const;

/** The figure of a kind. */
export function figureOf(hand: Hand, kind: EffectKindKey): Value {
  switch (kind) {
    case "errors":
      return `+${hand.draw(percent(1, 100))}`;
    case "latency":
      return hand.pick([() => hand.draw(factor(1, 8)), () => `+${hand.draw(millis(10, 3000))}`, () => `${hand.draw(factor(1, 3))} +${hand.draw(millis(10, 500))}`])();
    case "memory":
      return `+${hand.count(1, 300)}MB/min`;
    case "cpu":
      return `+${hand.draw(percent(5, 100))}`;
    case "conversion":
    case "capacity":
      return `-${hand.draw(percent(5, 90))}`;
    case "pool":
      return hand.chance(0.5) ? `-${hand.count(1, 20)}` : `-${hand.draw(percent(10, 90))}`;
    case "lock":
      return hand.draw(duration(1, 60));
    case "restart-loop":
      return hand.draw(duration(15, 300));
    case "startup-failure":
      return hand.draw(percent(10, 100));
    case "kill":
      return hand.count(1, 3);
    case "outage":
      return true;
    case "cache":
      return "cold";
    case "surge":
      return hand.draw(factor(1, 4));
    case "scrapes":
      return "drop";
    case "lag":
      return `+${hand.draw(duration(1, 180))}`;
    case "flag-service":
      return "down";
    case "action-fails":
      return hand.weighted([[4, 1], [3, 2], [2, 4], [2, 20]]);
  }
}

/** What each of these kinds can act on, of what the world has; what would touch nothing is refused by the loader. */
function targetsOf(kinds: readonly EffectKindKey[], scope: EffectScope): On[] {
  const common = ACTS_ON[kinds[0]].filter((on) => kinds.every((kind) => ACTS_ON[kind].includes(on)));
  return common.filter((on) => {
    if (on === "service") return servicesFor(kinds, scope).length > 0;
    if (on === "database") return databasesFor(kinds, scope).length > 0;
    if (on === "link") return callersIn(scope).length > 0;
    return on !== "zone" || scope.own === null;
  });
}

const servicesFor = (kinds: readonly EffectKindKey[], { names }: EffectScope): readonly ServiceNames[] =>
  names.services.filter(({ hasCache, converting }) => (hasCache || !kinds.includes("cache")) && (converting.length > 0 || !kinds.includes("conversion")));

/** Databases that somebody asks; a defect of queries needs queries of its own service. */
function databasesFor(kinds: readonly EffectKindKey[], { names, own }: EffectScope): readonly string[] {
  const ofOwn = own !== null && (kinds.includes("errors") || kinds.includes("latency"));
  return ofOwn ? own.databases : names.databases.filter((database) => names.services.some(({ databases }) => databases.includes(database)));
}

/** Services that call something: a defect is in its own service's calls alone. */
const callersIn = ({ names, own }: EffectScope): readonly ServiceNames[] => (own === null ? names.services : [own]).filter(({ callees }) => callees.length > 0);

/** A service, mostly the one that the defect is in. */
function serviceOf(hand: Hand, kinds: readonly EffectKindKey[], scope: EffectScope): ServiceNames {
  const { own } = scope;
  const services = servicesFor(kinds, scope);
  return own !== null && services.includes(own) && hand.chance(0.85) ? own : hand.pick(services);
}

/** `on` and what narrows it, for a target of this sort. */
function target(hand: Hand, on: On, kinds: readonly EffectKindKey[], scope: EffectScope): Fields {
  const { names, own } = scope;
  switch (on) {
    case "service": {
      const service = serviceOf(hand, kinds, scope);
      const endpoints = kinds.includes("conversion") ? service.converting : service.endpoints;
      const endpoint = kinds.every((kind) => PER_ENDPOINT.has(kind)) && hand.chance(0.35) ? `/${hand.pick(endpoints)}` : "";
      const implied = own === service && endpoint === "" && hand.chance(0.5);
      return {
        ...(implied ? {} : { on: `${service.name}${endpoint}` }),
        ...(hand.chance(own === null ? 0.25 : 0.04) ? { version: hand.pick(scope.versions(service.name)) } : {}),
        ...(hand.chance(0.08) ? { replica: hand.count(0, Math.max(0, service.replicas - 1)) } : {}),
        ...(hand.chance(0.08) ? { zone: hand.count(0, service.zones - 1) } : {}),
      };
    }
    case "zone": {
      const zone = hand.count(0, Math.max(...names.services.map(({ zones }) => zones)) - 1);
      return hand.chance(0.5) ? { zone } : { on: `zone ${zone}` };
    }
    case "database":
      return { on: hand.pick(databasesFor(kinds, scope)) };
    case "link": {
      const caller = hand.pick(callersIn(scope));
      return { on: `${caller.name} -> ${hand.pick(caller.callees)}` };
    }
    case "telemetry":
      return hand.pick<Fields>([{}, { on: "telemetry" }, { on: `telemetry ${hand.pick(names.services).name}` }]);
    case "traffic":
      return hand.pick<Fields>([{}, { on: "traffic" }, { on: `traffic ${hand.pick(names.entered)}` }]);
    case "flag-service":
      return hand.pick<Fields>([{}, { on: "flag-service" }]);
    case "platform":
      return hand.pick<Fields>([{}, { on: "platform" }, { on: `platform ${hand.pick(COMMANDS)}` }, { on: "platform roll-back" }]);
  }
}

/** Conditions; those that hang on a replica only where the target has replicas. */
function when(hand: Hand, on: On): Fields {
  const written: Fields = {};
  const hasReplicas = on === "service" || on === "zone";
  if (hasReplicas && hand.chance(0.15)) written["rps-above"] = hand.chance(0.5) ? hand.count(0, 40) : `${hand.count(1, 40)}rps`;
  if (hasReplicas && hand.chance(0.15)) written.after = hand.draw(duration(1, 600));
  const from = hand.count(0, 300);
  if (hand.chance(0.2)) written.from = `${from}s`;
  if (hand.chance(0.2)) written.to = `${from + hand.count(1, 600)}s`;
  return written;
}

/** What every effect of these kinds may say besides. */
function common(hand: Hand, on: On, kinds: readonly EffectKindKey[]): Fields {
  const condition = hand.chance(0.35) ? when(hand, on) : {};
  return {
    ...(hand.chance(0.12) ? { users: kinds.every((kind) => PER_USER.has(kind)) && on === "service" ? hand.draw(percent(1, 100)) : "100%" } : {}),
    ...(kinds.includes("startup-failure") && hand.chance(0.5) ? { "retry-after": hand.draw(duration(5, 120)) } : {}),
    ...(kinds.includes("action-fails") && hand.chance(0.5) ? { "fails-after": hand.draw(duration(0, 60)) } : {}),
    ...(Object.keys(condition).length > 0 ? { when: condition } : {}),
  };
}

/** How often each kind is taken: what delivery has to live with comes first. */
const KIND_WEIGHT: Readonly<Partial<Record<EffectKindKey, number>>> = { errors: 12, latency: 8, "action-fails": 6, scrapes: 4, "startup-failure": 4, "restart-loop": 3, outage: 3 };
/** A team's defect is in its code; what happens to the platform is a fault. */
const FAULT_ONLY: readonly EffectKindKey[] = ["surge", "scrapes", "lag", "flag-service", "action-fails", "kill"];

/** An effect in full. */
export function effect(hand: Hand, scope: EffectScope): Fields {
  const kinds = EFFECT_KIND_KEYS.filter((kind) => targetsOf([kind], scope).length > 0 && (scope.own === null || !FAULT_ONLY.includes(kind) || hand.chance(0.15)));
  const kind = hand.weighted(kinds.map((each) => [KIND_WEIGHT[each] ?? 2, each] as const));
  const on = hand.pick(targetsOf([kind], scope));
  // A zone of everything is named by itself; within a service it narrows.
  return { ...target(hand, on, [kind], scope), [kind]: figureOf(hand, kind), ...common(hand, on, [kind]) };
}

/** The presets that can be used in this world. */
const presetsIn = (scope: EffectScope): readonly PresetName[] => PRESET_NAMES.filter((name) => targetsOf(presetKinds(name), scope).length > 0);
const PRESET_WEIGHT: Readonly<Partial<Record<PresetName, number>>> = { "rollback-fails": 5, "telemetry-gap": 5, errors: 4, "dependency-errors": 3, "startup-failure": 3, "flag-service-down": 3 };

const pickPreset = (hand: Hand, scope: EffectScope): PresetName => hand.weighted(presetsIn(scope).map((name) => [PRESET_WEIGHT[name] ?? 2, name] as const));

/** A preset's parameters: where, how much, for whom, when. */
function parameters(hand: Hand, preset: PresetName, scope: EffectScope): Fields {
  const kinds = presetKinds(preset);
  const ready = !PRESETS[preset].needsTarget;
  // A preset that says where it acts is mostly left there.
  const on = hand.pick(targetsOf(kinds, scope));
  const where = ready && hand.chance(0.5) ? null : target(hand, on, kinds, scope);
  if (where !== null && where.on === undefined && on === "service" && scope.own !== null) where.on = scope.own.name;
  if (where !== null && where.on === undefined && typeof where.zone === "number" && !ready) {
    where.on = `zone ${where.zone}`;
    delete where.zone;
  }
  const figures = Object.fromEntries(hand.some(kinds, 0.5).map((kind) => [kind, figureOf(hand, kind)]));
  return { ...where, ...figures, ...common(hand, where === null ? ownTarget(preset) : on, kinds) };
}

/** What a preset that names its target acts on. */
const ownTarget = (preset: PresetName): On => ACTS_ON[presetKinds(preset)[0]].at(preset === "zone-outage" ? 1 : 0) ?? "service";

/** A fault: a preset, or one or two effects in full; it ends, or lasts. */
export function fault(hand: Hand, names: Names, versions: EffectScope["versions"]): Fields {
  const scope: EffectScope = { names, versions, own: null };
  const lasts = hand.chance(0.7) ? hand.draw(duration(10, Math.max(20, names.lasts))) : null;
  if (hand.chance(0.3)) {
    const effects = Array.from({ length: hand.weighted([[4, 1], [1, 2]]) }, () => effect(hand, scope));
    return { ...(lasts === null ? {} : { for: lasts }), effect: effects.length === 1 && hand.chance(0.8) ? effects[0] : effects };
  }
  const preset = pickPreset(hand, scope);
  const given = parameters(hand, preset, scope);
  const bare = Object.keys(given).length === 0;
  if (lasts === null) return { [preset]: bare && hand.chance(0.5) ? null : given };
  return hand.chance(0.8) ? { [preset]: { for: lasts, ...given } } : { for: lasts, [preset]: given };
}

/** Share of defects that are plain: some requests fail or are slow. */
const PLAIN = 0.4;

/** What is wrong with a release of `own`; `flagged` are its flag's endpoints, none without a flag. */
export function defect(hand: Hand, names: Names, versions: EffectScope["versions"], own: ServiceNames, flagged: readonly string[]): Fields {
  const scope: EffectScope = { names, versions, own };
  const hasFlag = flagged.length > 0;
  if (hand.chance(PLAIN)) {
    const figure: Fields = hand.chance(0.7) ? { errors: figureOf(hand, "errors") } : { latency: figureOf(hand, "latency") };
    return hasFlag && hand.chance(0.8) ? { with: "flag", on: `${own.name}/${hand.pick(flagged)}`, ...figure } : { on: own.name, ...figure };
  }
  const carried: Fields = hasFlag && hand.chance(0.6) ? { with: "flag" } : hand.chance(0.3) ? { with: "version" } : {};
  if (hand.chance(0.75)) return { ...carried, ...effect(hand, scope) };
  const preset = pickPreset(hand, scope);
  return { ...carried, preset, ...parameters(hand, preset, scope), ...(hand.chance(0.1) ? { users: "100%" } : {}) };
}

