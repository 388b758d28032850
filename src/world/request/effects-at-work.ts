// Which effects are on, and which of them act on a given piece of work: looked up by index on the hot path.

import { streamKey, type StreamKey } from "../../kernel/draws.js";
import { MICROS_PER_SECOND, type Micros } from "../../kernel/units.js";
import {
  concernsLink, concernsQuery, concernsReplica, concernsVersion, isRemote, touchesUser, type EffectModel,
} from "../active-effects.js";
import type { Model } from "../model.js";
import type { Replica } from "./replica.js";

/** Effects with a rate condition look at the last ten seconds. */
const RATE_SECONDS = 10;

const ON_WORK = new Set<EffectModel["kind"]>(["errors", "latency"]);
const ON_LINK = new Set<EffectModel["kind"]>(["errors", "latency", "outage"]);
const ON_REPLICA = new Set<EffectModel["kind"]>([
  "cpu", "capacity", "memory-growth", "restart-loop", "outage", "cache-cold", "startup-failure",
]);
const ON_DATABASE = new Set<EffectModel["kind"]>(["pool", "lock"]);

/** Effects that may concern one kind of work; null when there are none, which is what the hot path asks first. */
export type EffectList = readonly EffectModel[] | null;

export class EffectsAtWork {
  /** By effect: in its window, and its rate condition met. */
  readonly armed: Uint8Array;
  readonly #open: Uint8Array;
  readonly #rateMet: Uint8Array;
  /** Draws of effects' errors: entity the arrival, index the hop. */
  readonly errorKeys: readonly StreamKey[];
  /** By version x endpoints + endpoint. */
  readonly onWork: readonly EffectList[];
  readonly onConversion: readonly EffectList[];
  /** By version x callees + callee. */
  readonly onLink: readonly EffectList[];
  /** By database x versions + the caller's version. */
  readonly onQuery: readonly EffectList[];
  /** By version: on its replicas as such. */
  readonly onReplica: readonly EffectList[];
  /** By database: on its pool and locks. */
  readonly onDatabase: readonly EffectList[];
  /** Effects whose rate the work counts for, with the same indices as onWork, onLink, onQuery. */
  readonly ratedWork: readonly EffectList[];
  readonly ratedLink: readonly EffectList[];
  readonly ratedQuery: readonly EffectList[];
  /** Effects with a rate condition. */
  readonly rated: readonly EffectModel[];
  readonly callees: number;
  readonly #remote: Uint8Array;
  readonly #counts: Int32Array;

  constructor(readonly model: Model) {
    const { effects, versions, endpoints, databases, services } = model;
    const count = effects.length;
    this.callees = services.length + databases.length;
    this.armed = new Uint8Array(count);
    this.#open = new Uint8Array(count);
    this.#rateMet = Uint8Array.from(effects, (effect) => (effect.rpsAbove < 0 ? 1 : 0));
    this.errorKeys = effects.map((effect) => streamKey(model.seed, `effect/${effect.effect.id}/errors`));
    this.rated = effects.filter((effect) => effect.rpsAbove >= 0);
    this.#remote = Uint8Array.from(effects, (effect) => (isRemote(effect) ? 1 : 0));
    this.#counts = new Int32Array(count * RATE_SECONDS);
    const pick = (keep: (effect: EffectModel) => boolean): EffectList => {
      const kept = effects.filter(keep);
      return kept.length === 0 ? null : kept;
    };
    const perWork = (wanted: (effect: EffectModel) => boolean): EffectList[] =>
      versions.flatMap((version) => endpoints.map((endpoint) =>
        endpoint.service === version.service
          ? pick((effect) => wanted(effect) && concernsVersion(effect, version, endpoint.index)) : null));
    const perLink = (wanted: (effect: EffectModel) => boolean): EffectList[] =>
      versions.flatMap((version) => Array.from({ length: this.callees }, (_, callee) =>
        pick((effect) => wanted(effect) && concernsLink(effect, version, callee))));
    const perQuery = (wanted: (effect: EffectModel) => boolean): EffectList[] =>
      databases.flatMap((database) => versions.map((version) =>
        pick((effect) => wanted(effect) && concernsQuery(effect, version, database.index))));
    const isRated = (effect: EffectModel): boolean => effect.rpsAbove >= 0;
    this.onWork = perWork((effect) => ON_WORK.has(effect.kind));
    this.onConversion = perWork((effect) => effect.kind === "conversion");
    this.onLink = perLink((effect) => ON_LINK.has(effect.kind));
    this.onQuery = perQuery((effect) => ON_LINK.has(effect.kind));
    this.onReplica = versions.map((version) =>
      pick((effect) => ON_REPLICA.has(effect.kind) && concernsVersion(effect, version, -1) && !isRemote(effect)));
    this.onDatabase = databases.map((database) =>
      pick((effect) => ON_DATABASE.has(effect.kind) && effect.database === database.index));
    this.ratedWork = perWork(isRated);
    this.ratedLink = perLink(isRated);
    this.ratedQuery = perQuery(isRated);
  }

  /** The window opens or closes; returns whether the effect changed. */
  setOpen(effect: EffectModel, open: boolean): boolean {
    this.#open[effect.index] = open ? 1 : 0;
    return this.#rearm(effect.index);
  }

  /** Counts one arrival for every effect in the list that looks at its rate. */
  countArrival(rated: readonly EffectModel[], now: Micros): void {
    const slot = Math.floor(now / MICROS_PER_SECOND) % RATE_SECONDS;
    for (let i = 0; i < rated.length; i++) this.#counts[rated[i].index * RATE_SECONDS + slot] += 1;
  }

  /** At a full second: whether the rate per ready replica is above the effect's; returns whether that changed it. */
  updateRate(effect: EffectModel, now: Micros, readyReplicas: number): boolean {
    const second = Math.round(now / MICROS_PER_SECOND);
    const first = effect.index * RATE_SECONDS;
    let sum = 0;
    for (let i = 0; i < RATE_SECONDS; i++) sum += this.#counts[first + i];
    // The slot of the second that begins now is ten seconds old.
    this.#counts[first + (second % RATE_SECONDS)] = 0;
    const rate = sum / Math.max(1, Math.min(RATE_SECONDS, second)) / Math.max(1, readyReplicas);
    this.#rateMet[effect.index] = rate > effect.rpsAbove ? 1 : 0;
    return this.#rearm(effect.index);
  }

  /** Whether an armed effect acts on work of `replica` that `caller` asked for (null: a client), for this user. */
  actsOnWork(effect: EffectModel, replica: Replica, caller: Replica | null, user: number, now: Micros): boolean {
    if (this.armed[effect.index] === 0) return false;
    return this.#matches(effect, replica, this.#remote[effect.index] === 1 ? caller : replica, now) && touchesUser(effect, user);
  }

  /** Whether it acts on calls and queries that `caller` makes for this user. */
  actsOnCall(effect: EffectModel, caller: Replica, user: number, now: Micros): boolean {
    if (this.armed[effect.index] === 0) return false;
    return this.#matches(effect, caller, caller, now) && touchesUser(effect, user);
  }

  /** Whether it acts on the replica as such. */
  actsOnReplica(effect: EffectModel, replica: Replica, now: Micros): boolean {
    return this.armed[effect.index] === 1 && this.#matches(effect, replica, replica, now);
  }

  #matches(effect: EffectModel, replica: Replica, carrier: Replica | null, now: Micros): boolean {
    if (!concernsReplica(effect, replica.number, replica.zone)) return false;
    if (effect.afterWarmLife > 0 && now - replica.readyAt < effect.afterWarmLife) return false;
    if (effect.carrierVersion < 0) return true;
    if (carrier === null || carrier.version.index !== effect.carrierVersion) return false;
    return effect.carrierFlag < 0 || (carrier.flags & (1 << effect.carrierFlag)) !== 0;
  }

  #rearm(index: number): boolean {
    const armed = this.#open[index] & this.#rateMet[index];
    if (armed === this.armed[index]) return false;
    this.armed[index] = armed;
    return true;
  }
}
