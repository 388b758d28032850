// What a run reached: transitions of the statechart, rules and actions of decisions, effects, events; and all that there is to reach.

import { CANARY_STATES, CANARY_TRANSITIONS } from "../../delivery/states.js";
import type { DecidedAction, DecisionRule } from "../../engines/decision.js";
import type { Scenario } from "../../scenario/compiled.js";
import type { Outcome } from "../../sim/outcome.js";
import type { Effect } from "../../world/effect.js";
import type { WorldEvent } from "../../world/world.js";

/** Kinds of features, as they are counted and shown. */
export const FEATURE_KINDS = ["transition", "rule", "action", "effect", "carrier", "event", "invariant"] as const;
export type FeatureKind = (typeof FEATURE_KINDS)[number];

// Each list is complete by its type: a new rule, action, effect or event does not compile until it is listed here.
const RULES = { schedule: 0, gate: 0, trigger: 0, "hard-trigger": 0, "thin-data": 0, "missing-data": 0, "flag-watch": 0, "action-failed": 0, answer: 0, "no-answer": 0 } satisfies Record<DecisionRule, 0>;
const ACTIONS = { promote: 0, finish: 0, hold: 0, "disable-flag": 0, "shift-traffic": 0, "roll-back": 0, "stay-dark": 0, "try-again": 0, page: 0, ask: 0 } satisfies Record<DecidedAction, 0>;
const EFFECTS = {
  errors: 0, latency: 0, "memory-growth": 0, cpu: 0, conversion: 0, capacity: 0, pool: 0, lock: 0, "restart-loop": 0, "startup-failure": 0, kill: 0, outage: 0,
  "cache-cold": 0, surge: 0, "drop-scrapes": 0, lag: 0, "flag-service-down": 0, "action-fails": 0,
} satisfies Record<Effect["what"]["kind"], 0>;
const CARRIERS = { version: 0, flag: 0, script: 0 } satisfies Record<Effect["carrier"]["with"], 0>;
const EVENTS = {
  "replica-started": 0, "replica-ready": 0, "replica-stopped": 0, "replica-killed": 0, "out-of-memory": 0, "startup-failed": 0, autoscaled: 0, "breaker-opened": 0, "breaker-closed": 0,
  "effect-started": 0, "effect-ended": 0, "flag-changed": 0, "split-changed": 0,
  // That telemetry itself was lost is noted on real processes only.
} satisfies Record<Exclude<WorldEvent["kind"], "telemetry-lost" | "telemetry-back">, 0>;

/** Invariants that can have nothing to check: both ways are worth reaching. */
const INVARIANTS = [
  "weights sum to 100%", "no request reaches a version taken back", "no promotion while a required metric lacks data", "a failed action leads to a next one or a page",
  "a fired trigger is acted on at once", "every decision has evidence", "Little's law",
] as const;
const NEVER_IDLE: readonly string[] = ["weights sum to 100%"];

const feature = (kind: FeatureKind, what: string): string => `${kind}: ${what}`;
const transition = (from: string, to: string): string => feature("transition", `${from} -> ${to}`);

/** Everything that is known to be there: what was not reached of it is named. */
export const KNOWN_FEATURES: readonly string[] = [
  ...CANARY_TRANSITIONS.map(({ from, to }) => transition(from, to)),
  ...Object.keys(RULES).map((rule) => feature("rule", rule)),
  ...Object.keys(ACTIONS).map((action) => feature("action", action)),
  ...Object.keys(EFFECTS).map((effect) => feature("effect", effect)),
  ...Object.keys(CARRIERS).map((carrier) => feature("carrier", carrier)),
  ...Object.keys(EVENTS).map((event) => feature("event", event)),
  ...INVARIANTS.flatMap((name) => [feature("invariant", name), ...(NEVER_IDLE.includes(name) ? [] : [feature("invariant", `${name} (nothing to check)`)])]),
];

const LISTED = new Set(KNOWN_FEATURES);
const EXPOSED = new Set(CANARY_STATES.filter(({ state, exposed }) => exposed && !state.startsWith("rolling-back.") && state !== "stranded").map(({ state }) => state));

/** `step.2.baking` is `step.baking`: which step it was does not make another transition. */
const stateName = (state: string): string => state.replace(/^step\.\d+\./, "step.");

/**
 * The features of one run. Besides those that are listed there are finer ones, in which a fuzzer sees that a case
 * is of a new sort: which state a trigger fired in, which rule did what, how releases ended.
 */
export function featuresOf(outcome: Outcome, scenario: Scenario): readonly string[] {
  const features = new Set<string>();
  for (const release of outcome.releases) {
    const fired = new Set(outcome.decisions.flatMap(({ rule, at, release: of }) => (of === release.version && (rule === "trigger" || rule === "hard-trigger") ? [at] : [])));
    for (const { at, from, to } of release.transitions) transitionFeatures(stateName(from), stateName(to), fired.has(at)).forEach((each) => features.add(each));
    features.add(`end: ${release.result} ${release.by ?? "nobody"} ${release.classification} ${release.action}${release.afterFullExposure ? " late" : ""}`);
    features.add(`truth: ${release.truth}, right: ${release.rightAction}, cause: ${release.cause ?? "none"}`);
  }
  for (const { rule, actions } of outcome.decisions) {
    features.add(feature("rule", rule));
    actions.forEach((action) => features.add(feature("action", action)));
    features.add(`decision: ${rule} ${actions.join("+")}`);
  }
  for (const { event } of outcome.timeline) if (event !== undefined) features.add(feature("event", event));
  for (const { name, checked, held } of outcome.invariants) features.add(feature("invariant", `${name}${!held ? " (broken)" : checked > 0 ? "" : " (nothing to check)"}`));
  for (const effect of scenario.effects) {
    if (!wasMade(effect, outcome)) continue;
    features.add(feature("effect", effect.what.kind));
    features.add(feature("carrier", effect.carrier.with));
    features.add(`effect: ${effect.what.kind} on ${effect.target.on} with ${effect.carrier.with}`);
  }
  return [...features].sort();
}

/** The listed transition. A trigger that fired is listed once for all states that it may fire in; which one it was is told apart besides. */
function transitionFeatures(from: string, to: string, fired: boolean): readonly string[] {
  const fromAny = transition("exposed", to);
  if (fired && EXPOSED.has(from) && LISTED.has(fromAny)) return [fromAny, `fired in: ${from} -> ${to}`];
  const exact = transition(from, to);
  return LISTED.has(exact) ? [exact] : [`unlisted: ${from} -> ${to}`];
}

/** Whether the effect had its time: a fault when its window opened, a defect when its release met traffic. */
function wasMade({ release, when }: Effect, { releases, duration }: Outcome): boolean {
  if (when.from >= duration || when.to <= when.from) return false;
  return release === null || (releases[release]?.times.firstTrafficAt ?? null) !== null;
}

/** How much of what is known was reached, by kind, and what never was. */
export interface Reach {
  readonly kind: FeatureKind;
  readonly reached: number;
  readonly known: number;
  readonly never: readonly string[];
}

export function reachOf(reached: ReadonlySet<string> | ReadonlyMap<string, number>): readonly Reach[] {
  return FEATURE_KINDS.map((kind) => {
    const known = KNOWN_FEATURES.filter((each) => each.startsWith(`${kind}: `));
    const never = known.filter((each) => !reached.has(each));
    return { kind, reached: known.length - never.length, known: known.length, never: never.map((each) => each.slice(kind.length + 2)) };
  });
}
