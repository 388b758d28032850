// `--speed N`: the same scenario on shorter steps, so that a game day of an hour fits into minutes.

import type { CheckSpec } from "../../engines/evidence.js";
import type { CanaryStrategy } from "../../delivery/strategy.js";
import { MICROS_PER_SECOND, millis, seconds, type Micros } from "../../kernel/units.js";
import type { Expectation, Scenario, ScriptItem } from "../../scenario/compiled.js";
import { LOOKBACK } from "../../telemetry/store.js";
import type { Effect, EffectKind } from "../../world/effect.js";
import type { DurationSpec, ServiceSpec, TrafficSpec, WorldSpec } from "../../world/spec.js";
import { shapePoints } from "../../world/traffic.js";

/** Metrics pages are not asked for more often than this. */
const SHORTEST_SCRAPE: Micros = millis(500);
/** Real processes start and real health checks pass no faster, so a platform's action is waited for at least this long. */
const SHORTEST_ACTION_TIMEOUT: Micros = seconds(15);

/** Why the scenario can't go that fast; null when it can. */
export function speedRefusal({ world }: Scenario, speed: number): string | null {
  if (!(speed >= 1)) return `a speed of ${speed} is none: write a number from 1 on`;
  const fastest = Math.floor(world.telemetry.scrape / SHORTEST_SCRAPE);
  if (speed <= fastest) return null;
  if (fastest < 1) return `a game day asks for metrics every ${millisOf(SHORTEST_SCRAPE)} ms at most, and this world wants them every ${millisOf(world.telemetry.scrape)} ms: write telemetry: { scrape: ${millisOf(SHORTEST_SCRAPE)}ms } in it, or longer`;
  return `at speed ${speed} metrics would be scraped every ${millisOf(world.telemetry.scrape / speed)} ms: with a scrape interval of ${world.telemetry.scrape / MICROS_PER_SECOND} s the speed goes up to ${fastest}`;
}

const millisOf = (micros: Micros): number => Math.round(micros / 1_000);

/**
 * Divides what the delivery and its script wait for (steps, windows, scrapes, probes, propagation, lookback, start-up,
 * warm-up, times of script and faults, time limits of people), so that everything happens in the same order and measure.
 * What a request meets stays as it is: service times, call and client timeouts, breakers, backoff, reloads, drain, and all rates and counts.
 */
export function atSpeed(scenario: Scenario, speed: number): Scenario {
  if (speed === 1) return scenario;
  const faster = new Faster(speed);
  return {
    ...scenario,
    duration: faster.time(scenario.duration),
    world: faster.world(scenario.world, scenario.duration),
    strategy: faster.strategy(scenario.strategy),
    script: scenario.script.map((item) => faster.script(item)),
    effects: scenario.effects.map((effect) => faster.effect(effect)),
    person: { ...scenario.person, answersAfter: faster.orNull(scenario.person.answersAfter) },
    expectations: scenario.expectations.map((expectation) => faster.expectation(expectation)),
  };
}

class Faster {
  readonly #speed: number;

  constructor(speed: number) {
    this.#speed = speed;
  }

  time(time: Micros): Micros {
    return time === Infinity ? time : Math.round(time / this.#speed);
  }

  orNull(time: Micros | null): Micros | null {
    return time === null ? null : this.time(time);
  }

  world(world: WorldSpec, duration: Micros): WorldSpec {
    const { telemetry, flags } = world;
    return {
      ...world,
      services: world.services.map((service) => this.#service(service)),
      traffic: world.traffic.map((traffic) => this.#traffic(traffic, duration)),
      telemetry: { ...telemetry, scrape: this.time(telemetry.scrape), lag: this.time(telemetry.lag), lookback: this.time(telemetry.lookback ?? LOOKBACK) },
      flags: { propagation: { min: this.time(flags.propagation.min), max: this.time(flags.propagation.max) } },
      splitPropagation: this.time(world.splitPropagation),
    };
  }

  #service(service: ServiceSpec): ServiceSpec {
    const { healthCheck, liveness, warmUp, autoscale, cache } = service;
    return {
      ...service,
      healthCheck: { ...healthCheck, interval: this.time(healthCheck.interval) },
      liveness: { ...liveness, interval: this.time(liveness.interval) },
      startup: this.#duration(service.startup),
      warmUp: { ...warmUp, for: this.time(warmUp.for) },
      autoscale: autoscale === null ? null : { ...autoscale, interval: this.time(autoscale.interval), downAfter: this.time(autoscale.downAfter) },
      cache: cache === null ? null : { ...cache, fill: this.time(cache.fill) },
    };
  }

  #duration(spec: DurationSpec): DurationSpec {
    switch (spec.kind) {
      case "lognormal":
        return { ...spec, p50: this.time(spec.p50), p95: this.time(spec.p95) };
      case "exponential":
        return { ...spec, mean: this.time(spec.mean) };
      case "constant":
        return { ...spec, value: this.time(spec.value) };
      case "gamma":
        return { ...spec, mean: this.time(spec.mean) };
      case "uniform":
        return { ...spec, from: this.time(spec.from), to: this.time(spec.to) };
    }
  }

  /** The rate stays; how it moves over the day goes by faster. */
  #traffic(traffic: TrafficSpec, duration: Micros): TrafficSpec {
    const { shape, bursts, spread } = traffic;
    const points = shapePoints(shape, duration);
    return {
      ...traffic,
      shape: shape.kind === "constant" ? shape : { kind: "trace", times: points.times.map((at) => this.time(at)), relative: points.values },
      bursts: bursts === null ? null : { ...bursts, every: this.time(bursts.every), lasts: this.time(bursts.lasts) },
      spread: spread.kind === "gamma" ? { ...spread, slot: this.time(spread.slot) } : spread,
    };
  }

  strategy(strategy: CanaryStrategy): CanaryStrategy {
    const { rollback } = strategy;
    return {
      ...strategy,
      steps: strategy.steps.map((step) => ({ ...step, bake: this.time(step.bake), maxHold: this.time(step.maxHold) })),
      every: this.time(strategy.every),
      window: this.time(strategy.window),
      gates: strategy.gates.map((check) => this.#check(check)),
      triggers: strategy.triggers.map((check) => this.#check(check)),
      rollback: { ...rollback, stableKeptFor: this.time(rollback.stableKeptFor), flagWatch: this.time(rollback.flagWatch) },
      actionTimeout: Math.max(Math.min(strategy.actionTimeout, SHORTEST_ACTION_TIMEOUT), this.time(strategy.actionTimeout)),
      askTimeout: this.time(strategy.askTimeout),
    };
  }

  #check(check: CheckSpec): CheckSpec {
    return check.window === undefined ? check : { ...check, window: this.time(check.window) };
  }

  script(item: ScriptItem): ScriptItem {
    return item.kind === "fault" ? { ...item, at: this.time(item.at), until: this.time(item.until) } : { ...item, at: this.time(item.at) };
  }

  effect(effect: Effect): Effect {
    const { when } = effect;
    return {
      ...effect,
      what: this.#kind(effect.what),
      when: { ...when, from: this.time(when.from), to: this.time(when.to), afterWarmLife: this.time(when.afterWarmLife) },
    };
  }

  /** A fault's own times shrink; what it does to a request does not. */
  #kind(what: EffectKind): EffectKind {
    switch (what.kind) {
      case "memory-growth":
        // It is to be as big after a tenth of the time.
        return { ...what, bytesPerMinute: what.bytesPerMinute * this.#speed };
      case "lock":
        return { ...what, hold: this.time(what.hold) };
      case "restart-loop":
        return { ...what, every: this.time(what.every) };
      case "startup-failure":
        return { ...what, retryAfter: this.time(what.retryAfter) };
      case "lag":
        return { ...what, add: this.time(what.add) };
      case "action-fails":
        return { ...what, after: this.time(what.after) };
      case "errors":
      case "latency":
      case "cpu":
      case "conversion":
      case "capacity":
      case "pool":
      case "kill":
      case "outage":
      case "cache-cold":
      case "surge":
      case "drop-scrapes":
      case "flag-service-down":
        return what;
    }
  }

  expectation(expectation: Expectation): Expectation {
    if (expectation.kind === "rule") return { ...expectation, within: this.orNull(expectation.within) };
    const { detectedWithin, mitigatedWithin, restoredWithin } = expectation;
    return {
      ...expectation,
      ...(detectedWithin === undefined ? {} : { detectedWithin: this.time(detectedWithin) }),
      ...(mitigatedWithin === undefined ? {} : { mitigatedWithin: this.time(mitigatedWithin) }),
      ...(restoredWithin === undefined ? {} : { restoredWithin: this.time(restoredWithin) }),
    };
  }
}
