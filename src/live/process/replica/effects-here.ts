// The effects that can touch this replica, sorted by what they act on: its work, its calls, its orders, itself.

import type { Micros } from "../../../kernel/units.js";
import type { CallSpec } from "../../../world/spec.js";
import type { Effect, EffectKind } from "../../../world/effect.js";
import type { ReplicaSetup } from "../protocol.js";
import { EffectState, obeyEffectOrder, type Bearer } from "../shared/effect-state.js";
import type { Caller } from "../shared/identity.js";

const ON_WORK = new Set<EffectKind["kind"]>(["errors", "latency"]);
const ON_LINK = new Set<EffectKind["kind"]>(["errors", "latency", "outage"]);
const ON_REPLICA = new Set<EffectKind["kind"]>(["cpu", "capacity", "memory-growth", "restart-loop", "outage", "cache-cold"]);

/** The callee's name: that of a service or of a database. */
export const calleeOf = (call: CallSpec): string => (call.to.kind === "database" ? call.to.database : call.to.service);

/** The replica's number within its version, at the end of its name. */
export const numberOf = (replica: string): number => Number(/(\d+)$/.exec(replica)?.[1] ?? "0");

export class EffectsHere {
  readonly all: readonly EffectState[];
  readonly onReplica: readonly EffectState[];
  readonly #onWork: ReadonlyMap<string, readonly EffectState[]>;
  readonly #onConversion: ReadonlyMap<string, readonly EffectState[]>;
  readonly #onLink: ReadonlyMap<string, readonly EffectState[]>;
  readonly #rated: ReadonlyMap<string, readonly EffectState[]>;
  /** This replica as a carrier of defects. */
  readonly self: Bearer & { flagOn: boolean };
  /** Run time when it became ready; Infinity before. */
  readyAt: Micros = Infinity;

  constructor(setup: ReplicaSetup) {
    const { service, effects, seed, version } = setup;
    this.self = { service: service.name, version, flagOn: false };
    this.all = effects.map((effect) => new EffectState(effect, seed));
    const here = this.all.filter(({ effect }) => this.#concernsReplica(effect, setup));
    const byEndpoint = (keep: (effect: Effect) => boolean): Map<string, EffectState[]> => new Map(service.endpoints.map(({ name }) =>
      [name, here.filter(({ effect }) => keep(effect) && concernsEndpoint(effect, name))]));
    this.#onWork = byEndpoint(({ what }) => ON_WORK.has(what.kind));
    this.#onConversion = byEndpoint(({ what }) => what.kind === "conversion");
    this.#rated = byEndpoint(({ when }) => when.rpsAbove !== null);
    this.onReplica = here.filter(({ effect }) => ON_REPLICA.has(effect.what.kind) && !this.#isRemote(effect));
    const callees = new Set(service.endpoints.flatMap(({ calls }) => calls.map(calleeOf)));
    this.#onLink = new Map([...callees].map((callee) => [callee, this.all.filter(({ effect: { target, what } }) =>
      target.on === "link" && target.from === service.name && target.to === callee && ON_LINK.has(what.kind))]));
  }

  onWork(endpoint: string): readonly EffectState[] {
    return this.#onWork.get(endpoint) ?? [];
  }

  onConversion(endpoint: string): readonly EffectState[] {
    return this.#onConversion.get(endpoint) ?? [];
  }

  onLink(callee: string): readonly EffectState[] {
    return this.#onLink.get(callee) ?? [];
  }

  /** A request for the endpoint arrived, for effects that look at their rate. */
  countArrival(endpoint: string, now: Micros): void {
    for (const state of this.#rated.get(endpoint) ?? []) state.countArrival(now);
  }

  /** Whether it acts on work that `caller` asked for. */
  actsOnWork(state: EffectState, caller: Caller, user: number, now: Micros): boolean {
    const bearer = this.#isRemote(state.effect) ? caller : this.self;
    return state.armed(now) && this.#isWarm(state, now) && state.carriedBy(bearer) && state.touches(user);
  }

  /** Whether it acts on calls that this replica makes. */
  actsOnCall(state: EffectState, user: number, now: Micros): boolean {
    return state.armed(now) && this.#isWarm(state, now) && state.carriedBy(this.self) && state.touches(user);
  }

  /** Whether it acts on the replica as such. */
  actsOnReplica(state: EffectState, now: Micros): boolean {
    return state.armed(now) && this.#isWarm(state, now) && state.carriedBy(this.self);
  }

  order(order: { readonly id: string; readonly on: boolean; readonly ttl?: Micros }, now: Micros): void {
    obeyEffectOrder(this.all, order, now);
  }

  #isWarm({ effect }: EffectState, now: Micros): boolean {
    return effect.when.afterWarmLife === 0 || now - this.readyAt >= effect.when.afterWarmLife;
  }

  #concernsReplica(effect: Effect, setup: ReplicaSetup): boolean {
    const { target, carrier } = effect;
    if (target.on === "zone") {
      if (target.zone !== setup.zone) return false;
    } else if (target.on === "service") {
      if (target.service !== setup.service.name || (target.version ?? setup.version) !== setup.version) return false;
      if (target.replica !== undefined && target.replica !== numberOf(setup.replica)) return false;
      if (target.zone !== undefined && target.zone !== setup.zone) return false;
    } else {
      return false;
    }
    // A defect lives in its own version's replicas, unless it acts on another service through its calls.
    return carrier.with === "script" || this.#isRemote(effect) || carrier.version === setup.version;
  }

  /** A defect of another service that acts here, on calls that come from its carrier. */
  #isRemote({ target, carrier }: Effect): boolean {
    return carrier.with !== "script" && target.on === "service" && carrier.service !== target.service;
  }
}

const concernsEndpoint = ({ target }: Effect, endpoint: string): boolean =>
  target.on !== "service" || (target.endpoint ?? endpoint) === endpoint;
