// What each scripted effect is on real processes: the act, how far it reaches, how it is undone; or why it can't be done.

import { unreachable } from "../../kernel/assert.js";
import { duration } from "../../kernel/format.js";
import { seconds, type Micros, type Ratio } from "../../kernel/units.js";
import type { Scenario } from "../../scenario/compiled.js";
import { describeKind, describeTarget } from "../../scenario/effect-words.js";
import type { Effect } from "../../world/effect.js";

/** How main makes an effect come true. */
export type Act =
  /** SIGKILL to this many ready replicas. */
  | { readonly do: "kill"; readonly count: number }
  /** SIGSTOP to replicas; those of a zone stay stopped, others are restarted by their liveness probe. */
  | { readonly do: "stop-replicas"; readonly watched: boolean }
  | { readonly do: "stop-flag-service" }
  /** An order to replicas of these services (null: all), which carry the effect out inside themselves. */
  | { readonly do: "order-replicas"; readonly services: readonly string[] | null; readonly burner: Ratio | null }
  | { readonly do: "order-database"; readonly database: string }
  /** The proxy refuses connections from one service to another. */
  | { readonly do: "refuse"; readonly from: string; readonly to: string }
  | { readonly do: "surge"; readonly factor: number }
  /** Metrics pages stay silent; null: of every service. */
  | { readonly do: "silence-metrics"; readonly service: string | null }
  /** Replicas' metrics pages answer this much later; null: of every service, and what else the built-in scraper sees is as late. */
  | { readonly do: "slow-metrics"; readonly service: string | null; readonly delay: Micros }
  /** Samples can be seen later. */
  | { readonly do: "lag"; readonly service: string | null; readonly add: Micros };

/** One scripted effect as it will be done. */
export interface FaultAct {
  readonly effect: Effect;
  readonly act: Act;
  readonly at: Micros;
  readonly lasts: Micros;
  /** For people: `SIGSTOP`, `latency x3`. */
  readonly what: string;
  readonly victim: string;
  readonly blastRadius: string;
  readonly reverts: string;
}

/** A page that takes longer than a scrape may is a failed scrape; it needs some of that time itself. */
const SLOWEST_PAGE: Ratio = 0.8;
/** Of a Prometheus that is told nothing else. */
const SCRAPE_TIMEOUT: Micros = seconds(10);
/** A CPU fault burns at most this much of a core. */
const MAX_BURN: Ratio = 0.5;

export interface FaultPlanning {
  readonly acts: readonly FaultAct[];
  /** What the local target can't do, by name. */
  readonly refusals: readonly string[];
}

/** Plans every scripted effect. Defects need no act: they travel in their version's processes. */
export function planFaults(scenario: Scenario, engines: "built-in" | "prometheus"): FaultPlanning {
  const acts: FaultAct[] = [];
  const refusals: string[] = [];
  for (const effect of scenario.effects) {
    const found = actOf(effect, scenario, engines);
    if (typeof found === "string") refusals.push(`${effect.id}: ${found}`);
    else if (found !== null) acts.push(found);
  }
  refusals.push(...tooLateTogether(acts, scenario));
  if (engines === "prometheus" && scenario.world.telemetry.missed > 0) refusals.push("scrapes missed by chance (telemetry.missed): only the built-in scraper can leave some out");
  for (const { name, autoscale } of scenario.world.services) {
    if (autoscale !== null) refusals.push(`autoscaling of ${name}: the local target keeps the replicas that the strategy asks for, and no more`);
  }
  return { acts: acts.sort((a, b) => a.at - b.at), refusals };
}

const slowestPage = ({ world }: Scenario): Micros => SLOWEST_PAGE * Math.min(world.telemetry.scrape, SCRAPE_TIMEOUT);

/** Slow pages that overlap are as late as all of them: each must find some of the scrape's time left. */
function tooLateTogether(acts: readonly FaultAct[], scenario: Scenario): readonly string[] {
  const slowest = slowestPage(scenario);
  const latest = (at: Micros): Micros => Math.max(...scenario.world.services.map(({ name }) => acts.reduce((sum, { act, at: from, lasts }) =>
    sum + (act.do === "slow-metrics" && (act.service ?? name) === name && from <= at && at < from + lasts ? act.delay : 0), 0)));
  return acts.flatMap(({ act, effect, at }) => (act.do === "slow-metrics" && latest(at) > slowest
    ? [`${effect.id}: together with the lags that are on by then it makes metrics pages slower than a scrape can wait: write at most ${duration(slowest)} in all`] : []));
}

type Described = Pick<FaultAct, "act" | "what" | "victim" | "blastRadius" | "reverts">;

/** The act; null where the platform itself carries it out; text when it can't be done. */
function actOf(effect: Effect, scenario: Scenario, engines: "built-in" | "prometheus"): FaultAct | string | null {
  const { kind } = effect.what;
  if (kind === "startup-failure" && (effect.when.rpsAbove !== null || effect.when.afterWarmLife > 0)) return "whether a start fails can't hang on a rate, or on how long a replica has been ready";
  if (effect.carrier.with !== "script") return defectRefusal(effect);
  const described = describe(effect, scenario, engines);
  if (described === null || typeof described === "string") return described;
  const { from, to } = effect.when;
  const at = Math.max(0, from);
  const lasts = Math.min(to, scenario.duration) - at;
  return lasts > 0 ? { effect, at, lasts, ...described } : null;
}

/** A defect lives in its own version's processes; what lies outside of them no release can bring along here. */
function defectRefusal({ target, what }: Effect): string | null {
  const outside = target.on === "telemetry" || target.on === "flag-service" || target.on === "platform" || target.on === "traffic";
  if (outside) return `a release of the local target can't carry an effect ${describeTarget(target)}`;
  return what.kind === "kill" || what.kind === "pool" || what.kind === "lock" ? `a release of the local target can't carry ${describeKind(what)} ${describeTarget(target)}` : null;
}

function describe(effect: Effect, scenario: Scenario, engines: "built-in" | "prometheus"): Described | string | null {
  const { what, target } = effect;
  const where = describeTarget(target).replace(/^on /, "");
  switch (what.kind) {
    case "kill":
      return limited(effect) ?? { act: { do: "kill", count: what.count }, what: "kill -9", victim: `${what.count} of ${where}`, blastRadius: "what it works on fails; its callers may retry", reverts: "nothing to undo: the platform starts it again" };
    case "outage":
      return describeOutage(effect, scenario, where);
    case "flag-service-down":
      if (!scenario.script.some((item) => item.kind === "release" && item.release.flag !== null)) return "no release has a flag, so there is no flag service to stop";
      return { act: { do: "stop-flag-service" }, what: "SIGSTOP", victim: "flag service", blastRadius: "no flag can be changed", reverts: "SIGCONT" };
    case "surge":
      if (target.on === "traffic" && target.enters !== undefined && scenario.world.traffic.length > 1) return "the load generator can't raise one stream of traffic alone";
      return { act: { do: "surge", factor: what.factor }, what: `traffic x${what.factor}`, victim: "load generator", blastRadius: "every service gets more requests", reverts: "ends by itself in the load generator" };
    case "drop-scrapes": {
      const service = target.on === "telemetry" ? (target.service ?? null) : null;
      return { act: { do: "silence-metrics", service }, what: "silent metrics pages", victim: service ?? "every service", blastRadius: "engines see nothing new; requests are not touched", reverts: "ends by itself in each replica" };
    }
    case "lag": {
      const service = target.on === "telemetry" ? (target.service ?? null) : null;
      const slowest = slowestPage(scenario);
      if (what.add <= slowest) return { act: { do: "slow-metrics", service, delay: what.add }, what: `metrics pages slow by ${duration(what.add)}`, victim: service ?? "every service", blastRadius: "engines see late; requests are not touched", reverts: "ends by itself in each replica" };
      if (engines === "prometheus") return `Prometheus shows every sample at once; only the built-in scraper can be late by so much: write a lag of at most ${duration(slowest)}, which slow metrics pages make`;
      return { act: { do: "lag", service, add: what.add }, what: describeKind(what), victim: `telemetry of ${service ?? "every service"}`, blastRadius: "engines see late; requests are not touched", reverts: "the scraper hands samples on at once again" };
    }
    case "action-fails":
    case "startup-failure":
      return null;
    case "errors":
    case "latency":
    case "conversion":
    case "capacity":
    case "memory-growth":
    case "cpu":
    case "restart-loop":
    case "cache-cold":
    case "pool":
    case "lock":
      return describeInside(effect, scenario, where);
    default:
      return unreachable(what);
  }
}

function describeOutage(effect: Effect, scenario: Scenario, where: string): Described | string {
  const { target } = effect;
  if (target.on === "zone" || (target.on === "service" && target.endpoint === undefined)) {
    const watched = target.on === "service" && target.zone === undefined;
    return limited(effect) ?? {
      act: { do: "stop-replicas", watched }, what: "SIGSTOP", victim: where,
      blastRadius: watched ? "requests in it wait until they time out; its liveness probe restarts it" : "requests in it wait until they time out; nobody restarts it", reverts: "SIGCONT",
    };
  }
  return describeInside(effect, scenario, where);
}

/** Effects that a process carries out inside itself. */
function describeInside(effect: Effect, scenario: Scenario, where: string): Described | string {
  const { what, target } = effect;
  const by = (victim: string, act: Act, reverts: string, blastRadius: string): Described => ({ act, what: describeKind(what), victim, blastRadius, reverts });
  switch (target.on) {
    case "database":
      return by(target.database, { do: "order-database", database: target.database }, "ends by itself in the database", "every query of every caller");
    case "link":
      // Only a service is behind the proxy, and the proxy refuses all of a caller's calls or none.
      if (what.kind === "errors" && what.ratio >= 1 && limited(effect) === null && scenario.world.services.some(({ name }) => name === target.to)) {
        return { act: { do: "refuse", from: target.from, to: target.to }, what: "connections refused", victim: `${target.from} -> ${target.to}`, blastRadius: `calls of ${target.from} to ${target.to}`, reverts: "ends by itself in the proxy" };
      }
      return by(`${target.from} -> ${target.to}`, { do: "order-replicas", services: [target.from], burner: null }, `ends by itself in each replica of ${target.from}`, `calls of ${target.from} to ${target.to}`);
    case "service":
    case "zone": {
      const burner = what.kind === "cpu" ? Math.min(MAX_BURN, what.add) : null;
      const services = target.on === "service" ? [target.service] : null;
      const beside = burner === null ? "" : `, and a burner of ${Math.round(burner * 100)} % of a core at the lowest priority beside it`;
      return by(where, { do: "order-replicas", services, burner }, `ends by itself in each replica${burner === null ? "" : "; the burner is ended"}`, `requests to ${where}${beside}`);
    }
    default:
      return `the local target can't do ${describeKind(what)} ${describeTarget(target)}`;
  }
}

/** Signals hit a process as a whole: not some of its users, not above a rate, and not later than the others. */
function limited({ users, when }: Effect): string | null {
  if (users < 1) return "a signal to a process can't hit some users only";
  if (when.rpsAbove !== null) return "a signal to a process can't wait for a rate";
  return when.afterWarmLife === 0 ? null : "a signal to a process can't wait until its replica has been ready for a time";
}
