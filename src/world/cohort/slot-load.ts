// How busy a service's slots are expected to be, read off the input before anything runs.

import { toSeconds, type Micros, type Ratio } from "../../kernel/units.js";
import { concernsVersion, inWindow, type EffectModel } from "../active-effects.js";
import { compileModel, type CallModel, type EndpointModel, type Model, type ServiceModel } from "../model.js";
import { slotsLeft } from "../replicas.js";
import { rateCurve, type RateCurve } from "../traffic.js";
import type { WorldInput } from "../world.js";
import { callersFirst, ratesDown } from "./endpoint-rates.js";
import { boundaries, pagesInto } from "./pool-load.js";

/** A stretch in which a service is asked for more than its slots can do. */
export interface FullStretch {
  readonly service: string;
  readonly from: Micros;
  readonly to: Micros;
  /** Work that arrives over what the slots can do, at the worst moment. */
  readonly busiest: Ratio;
  /** Whether calls that are tried again bring that about. */
  readonly byRetries: boolean;
}

/**
 * The worst stretch of each service whose slots are asked for more than `limit` of their time. Calls that are expected to
 * time out are tried again as often as they may. Waits, reloads, breakers and what a release's own defects do are left out, and an
 * autoscaler counts as if it had finished.
 */
export function fullServices(input: WorldInput, limit: Ratio): FullStretch[] {
  const model = compileModel(input);
  const curves = model.traffic.map((traffic) => rateCurve(model, traffic, input.horizon, true));
  const order = callersFirst(model);
  const times = boundaries(model, curves, input.horizon);
  const open = new Map<number, FullStretch>();
  const worst = new Map<number, FullStretch>();
  for (let i = 0; i + 1 < times.length; i += 1) {
    const [from, to] = [times[i], times[i + 1]];
    const loads = [new SlotLoads(model, order, curves, from, from), new SlotLoads(model, order, curves, Math.max(from, to - 1), from)];
    for (const service of model.services) {
      const busy = Math.max(...loads.map((load) => load.of(service)));
      if (busy <= limit) {
        open.delete(service.index);
        continue;
      }
      const before = open.get(service.index);
      const stretch = {
        service: service.spec.name, from: before?.from ?? from, to, busiest: Math.max(busy, before?.busiest ?? 0),
        byRetries: loads.some((load) => load.of(service) > limit && load.withoutRetries(service) <= limit),
      };
      open.set(service.index, stretch);
      if (stretch.busiest >= (worst.get(service.index)?.busiest ?? 0)) worst.set(service.index, stretch);
    }
  }
  return [...worst.values()];
}

/** Rates at one moment, and how long answers take under the effects that act then. */
class SlotLoads {
  readonly #model: Model;
  readonly #active: readonly EffectModel[];
  readonly #rates: Float64Array;
  readonly #firstTries: Float64Array;
  /** How long a slot is held, by endpoint; NaN until it is asked for: many ways may lead to an endpoint. */
  readonly #held: Float64Array;

  constructor(model: Model, order: readonly EndpointModel[], curves: readonly RateCurve[], at: Micros, effectsAt: Micros) {
    this.#model = model;
    this.#active = model.effects.filter((effect) => effect.carrierVersion < 0 && effect.users >= 1 && inWindow(effect, effectsAt));
    this.#held = new Float64Array(model.endpoints.length).fill(NaN);
    const pages = pagesInto(model, curves, at);
    const entering = ({ service, spec }: EndpointModel): number => pages[service] * spec.share;
    this.#rates = ratesDown(order, entering, (call) => call.share * this.#tries(call));
    this.#firstTries = ratesDown(order, entering, (call) => call.share);
  }

  of(service: ServiceModel): Ratio {
    return this.#busy(service, this.#rates);
  }

  withoutRetries(service: ServiceModel): Ratio {
    return this.#busy(service, this.#firstTries);
  }

  #busy(service: ServiceModel, rates: Float64Array): Ratio {
    const { spec } = service;
    let work = 0;
    for (const endpoint of service.endpoints) work += rates[endpoint.index] * this.#holdSeconds(endpoint);
    let kept = 1;
    for (const { effect, service: on, endpoint, replica, zone } of this.#active) {
      if (effect.what.kind === "capacity" && on === service.index && endpoint < 0 && replica < 0 && zone < 0) kept *= 1 - effect.what.loss;
    }
    return work / (Math.max(spec.replicas, spec.autoscale?.max ?? 0) * slotsLeft(spec.slots, kept));
  }

  /** Own work and calls: how long a slot is held. */
  #holdSeconds(endpoint: EndpointModel): number {
    const held = this.#held[endpoint.index];
    return Number.isNaN(held) ? (this.#held[endpoint.index] = this.#workOut(endpoint)) : held;
  }

  #workOut(endpoint: EndpointModel): number {
    let [factor, add] = [1, 0];
    for (const effect of this.#active) {
      const { what } = effect.effect;
      if (what.kind !== "latency" || !this.#concerns(effect, endpoint)) continue;
      factor *= what.factor;
      add += toSeconds(what.add);
    }
    let hold = toSeconds(endpoint.time.mean) * factor + add;
    for (const call of endpoint.calls) hold += call.share * this.#tries(call) * Math.min(this.#answerSeconds(call), toSeconds(call.timeout));
    return hold;
  }

  #concerns(effect: EffectModel, endpoint: EndpointModel): boolean {
    const { services, versions } = this.#model;
    return effect.replica < 0 && effect.zone < 0 && effect.version < 0 &&
      concernsVersion(effect, versions[services[endpoint.service].versions[0]], endpoint.index);
  }

  #answerSeconds(call: CallModel): number {
    const { databases, endpoints } = this.#model;
    return call.database >= 0 ? toSeconds(databases[call.database].time.mean) : this.#holdSeconds(endpoints[call.endpoint]);
  }

  /** Tries of a call: one, or all that it has when it times out as a rule. */
  #tries({ endpoint, timeout, retries }: CallModel): number {
    if (endpoint < 0 || this.#holdSeconds(this.#model.endpoints[endpoint]) <= toSeconds(timeout)) return 1;
    return 1 + Math.min(retries.max, retries.budget);
  }
}
