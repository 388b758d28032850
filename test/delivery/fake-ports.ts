// Scripted ports for delivery tests: a telemetry that says what a test's world looks like, a platform that obeys or fails.

import { VirtualClock } from "../../src/kernel/clock.js";
import { seconds, minutes, MICROS_PER_SECOND, type Micros } from "../../src/kernel/units.js";
import type { Answer, Telemetry, TelemetryQuery, WindowSnapshot } from "../../src/telemetry/query.js";
import type { ActionEvent, ActionId, Platform, PlatformCommand } from "../../src/delivery/platform.js";
import { createCanary, type DeliveryActor, type DeliveryObserver, type DeliveryResult } from "../../src/delivery/canary.js";
import type { ReleaseDeclaration } from "../../src/delivery/release.js";
import type { CanaryStrategy } from "../../src/delivery/strategy.js";
import type { CheckSpec } from "../../src/engines/evidence.js";
import type { Decision } from "../../src/engines/decision.js";

/** How one version looks at a moment; null: nothing is known of it. */
export interface Look {
  /** Requests per second of the whole service; a version gets its weight's share. */
  readonly rps: number;
  readonly errorRate: number;
  /** Error rate on the flag's endpoints, where it differs. */
  readonly featureErrorRate: number;
  /** Share of requests on the flag's endpoints. */
  readonly featureShare: number;
  readonly p95: number;
  readonly conversion: number;
  readonly cpu: number;
  readonly memory: number;
  readonly restartsPerMinute: number;
  readonly startupFailures: number;
}

export const HEALTHY: Look = {
  rps: 100, errorRate: 0.001, featureErrorRate: 0.001, featureShare: 0.5, p95: 0.2, conversion: 0.05,
  cpu: 0.5, memory: 0.5, restartsPerMinute: 0, startupFailures: 0,
};

export interface FakeWorld {
  readonly clock: VirtualClock;
  /** Look of a version now. */
  look: (version: string, at: Micros) => Partial<Look> | null;
  /** Answers that replace the usual ones; undefined leaves them. */
  override: (query: TelemetryQuery, at: Micros) => Answer | undefined;
  /** How a command ends. */
  outcome: (command: PlatformCommand, nth: number) => "done" | "failed" | "timed-out" | "silent";
  weight: number;
  flagOn: boolean;
  /** What stable runs at full capacity. */
  stableReplicas: number;
  readonly commands: { readonly at: Micros; readonly command: PlatformCommand }[];
}

export function fakeWorld(): FakeWorld {
  return {
    clock: new VirtualClock(), look: () => ({}), override: () => undefined, outcome: () => "done",
    weight: 0, flagOn: true, stableReplicas: 8, commands: [],
  };
}

const value = (at: Micros, number: number): Answer => ({ kind: "value", value: number, series: 1, samples: 8, newest: at });
const ABSENT: Answer = { kind: "absent", why: "no series" };

function answer(world: FakeWorld, query: TelemetryQuery, at: Micros): Answer {
  const forced = world.override(query, at);
  if (forced !== undefined) return forced;
  const version = query.where.version ?? "v1";
  const partial = world.look(version, at);
  if (partial === null) return ABSENT;
  const look: Look = { ...HEALTHY, ...partial };
  const share = version === "v1" ? 1 - world.weight : world.weight;
  const onFeature = query.where.endpoints !== undefined;
  const featureRate = partial.featureErrorRate ?? look.errorRate;
  const requests = look.rps * share * (query.window / MICROS_PER_SECOND) * (onFeature ? look.featureShare : 1);
  const errorRate = onFeature ? featureRate : look.featureShare * featureRate + (1 - look.featureShare) * look.errorRate;
  if (query.fn === "quantile") return requests > 0 ? value(at, look.p95) : { kind: "absent", why: "no observations" };
  switch (query.metric) {
    case "http_requests_total":
      if (query.where.code === "5xx") return value(at, requests * errorRate);
      return value(at, query.where.code === "2xx" ? requests * (1 - errorRate) : requests);
    case "http_request_duration_seconds_bucket":
      return value(at, requests * 0.95);
    case "conversions_total":
      return value(at, requests * (1 - errorRate) * look.conversion);
    case "cpu_usage_ratio":
      return value(at, look.cpu);
    case "memory_usage_ratio":
      return value(at, look.memory);
    case "container_restarts_total":
      return value(at, (look.restartsPerMinute * query.window) / minutes(1));
    case "startup_failures_total":
      return value(at, look.startupFailures);
    case "replicas_desired":
    case "flag_service_up":
      return value(at, 1);
    case "db_pool_in_use_ratio":
      return value(at, 0.3);
    default:
      return ABSENT;
  }
}

/** Telemetry that answers after half a second, as a query takes its time. */
export function fakeTelemetry(world: FakeWorld, delay: Micros = seconds(0.5)): Telemetry {
  return {
    ask(queries, deliver) {
      const at = world.clock.now();
      const snapshot: WindowSnapshot = { at, queries, answers: queries.map((query) => answer(world, query, at)) };
      if (delay === 0) deliver(snapshot);
      else world.clock.setTimer(delay, () => deliver(snapshot));
    },
  };
}

export function fakePlatform(world: FakeWorld, takes: Micros = seconds(10)): Platform {
  const times = new Map<string, number>();
  return {
    stable: () => ({ version: "v1", replicas: world.stableReplicas }),
    send(id: ActionId, command: PlatformCommand, heard: (event: ActionEvent) => void) {
      world.commands.push({ at: world.clock.now(), command });
      const nth = (times.get(command.kind) ?? 0) + 1;
      times.set(command.kind, nth);
      const outcome = world.outcome(command, nth);
      if (outcome === "silent") return;
      world.clock.setTimer(takes, () => {
        const at = world.clock.now();
        if (outcome === "failed") return heard({ type: "action.failed", id, at, why: "scripted" });
        if (outcome === "timed-out") return heard({ type: "action.timed-out", id, at, after: takes });
        if (command.kind === "set-weight") world.weight = command.weight;
        if (command.kind === "set-flag") world.flagOn = command.on;
        if (command.kind === "roll-back") world.weight = 0;
        heard({ type: "action.done", id, at, effectiveAt: at });
      });
    },
  };
}

export const gate = (metric: CheckSpec["metric"], compare: CheckSpec["compare"], more: Partial<CheckSpec> = {}): CheckSpec => ({
  id: `gate ${metric}`, role: "gate", metric, compare, persistence: { need: 1, of: 1 }, required: true, ...more,
});

export const trigger = (metric: CheckSpec["metric"], compare: CheckSpec["compare"], more: Partial<CheckSpec> = {}): CheckSpec => ({
  id: `trigger ${metric}`, role: "trigger", metric, compare, persistence: { need: 3, of: 5 }, required: false, ...more,
});

export const RELEASE: ReleaseDeclaration = { service: "checkout", version: "v2", lines: 180, flag: null, schema: [] };
export const FLAGGED: ReleaseDeclaration = { ...RELEASE, flag: { name: "new-checkout", endpoints: ["create-order"] } };

export const STRATEGY: CanaryStrategy = {
  kind: "canary", name: "canary",
  steps: [
    { weight: 0.05, bake: minutes(15), maxHold: minutes(15), minRequests: 50, onInconclusive: "hold" },
    { weight: 0.25, bake: minutes(30), maxHold: minutes(30), minRequests: 50, onInconclusive: "hold" },
    { weight: 1, bake: minutes(10), maxHold: minutes(10), minRequests: 50, onInconclusive: "hold" },
  ],
  every: seconds(30), window: minutes(2),
  gates: [gate("error-rate", { kind: "below", value: 0.01 }), gate("p95", { kind: "below", value: 0.5 })],
  triggers: [
    trigger("error-rate", { kind: "above", value: 0.01 }),
    trigger("p95", { kind: "times-baseline", factor: 1.5 }, { baseline: "stable" }),
  ],
  onGateFail: "hold", canaryReplicas: "weight", surge: 0,
  rollback: { prefer: "flag-or-full", stableKeptFor: minutes(10), flagShare: 0.8, flagWatch: seconds(60), attempts: 2 },
  actionTimeout: minutes(5), askTimeout: minutes(15), onNoAnswer: "roll-back",
};

export interface Delivery {
  readonly world: FakeWorld;
  readonly actor: DeliveryActor;
  readonly decisions: Decision[];
  readonly states: { readonly state: string; readonly label: string; readonly at: Micros; readonly why: string }[];
  readonly results: DeliveryResult[];
  readonly pages: { readonly message: string; readonly asks: boolean; readonly at: Micros }[];
  run(until: Micros): void;
  /** The actions of all decisions in order, joined. */
  acts(): string[];
  weights(): number[];
}

/** A delivery over fake ports, started at time zero of its clock. */
export function deliver(change: { world?: FakeWorld; release?: ReleaseDeclaration; strategy?: Partial<CanaryStrategy>; telemetryDelay?: Micros; observer?: Partial<DeliveryObserver> } = {}): Delivery {
  const world = change.world ?? fakeWorld();
  const decisions: Decision[] = [];
  const states: Delivery["states"] = [];
  const results: DeliveryResult[] = [];
  const pages: Delivery["pages"] = [];
  const actor = createCanary({
    release: change.release ?? RELEASE,
    strategy: { ...STRATEGY, ...change.strategy },
    ports: { clock: world.clock, telemetry: fakeTelemetry(world, change.telemetryDelay), platform: fakePlatform(world) },
    timing: { scrape: seconds(15), propagation: seconds(5) },
    observer: {
      decided: (decision) => decisions.push(decision),
      entered: (state, label, at, why) => states.push({ state, label, at, why }),
      action: () => undefined,
      paged: (message, asks, at) => pages.push({ message, asks, at }),
      finished: (result) => results.push(result),
      ...change.observer,
    },
  });
  actor.start();
  return {
    world, actor, decisions, states, results, pages,
    run: (until) => world.clock.runUntil(until, () => undefined),
    acts: () => decisions.map((decision) => decision.actions.join("+")),
    weights: () => world.commands.flatMap(({ command }) => (command.kind === "set-weight" ? [command.weight] : [])),
  };
}
