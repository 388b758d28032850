// What a pool's requests find: warmth, CPU, cache and effects, turned into the law of each endpoint's own work.

import { alike } from "../../kernel/alike.js";
import { exactExp, normalCdf } from "../../kernel/exact.js";
import { toSeconds, type Micros } from "../../kernel/units.js";
import { concernsReplica, concernsVersion, inWindow, isRemote, type EffectModel } from "../active-effects.js";
import type { Model } from "../model.js";
import { carries } from "./fleet-owner.js";
import type { LawBook } from "./law-book.js";
import type { Law } from "./law.js";
import { workLaw, workName, type ErrorSource, type WorkConditions } from "./own-work.js";
import type { Acting, Cell, Pool } from "./pool.js";
import type { ServiceState, VersionState } from "./service-state.js";
import type { UserClasses } from "./user-classes.js";
import { cacheLife, warmUp } from "./warmth.js";

const FACTOR_STEPS = 64;
const MISS_STEPS = 256;
const ACTIVITY_STEPS = 64;
const RATE_WINDOW_SECONDS = 10;
const NO_EFFECTS: readonly EffectModel[] = alike([]);
const NOTHING_ACTS: readonly Acting[] = [];

export class Conditions {
  now: Micros = 0;
  readonly #book: LawBook;
  readonly #classes: UserClasses;
  readonly #services: readonly ServiceState[];
  readonly #versions: readonly VersionState[];
  /** Effects on work by version and endpoint slot, and on the CPU by version. */
  readonly #onWork: readonly (readonly (readonly EffectModel[])[])[];
  readonly #onCpu: readonly (readonly EffectModel[])[];

  constructor(model: Model, book: LawBook, classes: UserClasses, services: readonly ServiceState[], versions: readonly VersionState[]) {
    this.#book = book;
    this.#classes = classes;
    this.#services = services;
    this.#versions = versions;
    const onWork = model.effects.filter(({ kind }) => kind === "errors" || kind === "latency" || kind === "conversion");
    this.#onWork = alike(model.versions.map((version) => alike(model.services[version.service].endpoints.map((endpoint) => {
      const found = onWork.filter((effect) => concernsVersion(effect, version, endpoint.index));
      return found.length === 0 ? NO_EFFECTS : alike(found);
    }))));
    this.#onCpu = alike(versions.map((version) => alike(version.fleet.effects.filter((effect) => effect.kind === "cpu"))));
  }

  /** Brings the pool's own-work laws up to date. */
  apply(version: VersionState, pool: Pool): void {
    const { fleet } = version;
    const { spec } = fleet.service;
    let warm = 0;
    let coldMask = 0;
    for (const replica of pool.replicas) {
      const slower = warmUp(replica, this.now);
      warm += slower;
      if (slower > 1) coldMask |= replica.coldMask;
    }
    const cpuMask = this.#cpu(version, pool);
    // A request that begins counts as work itself.
    const slow = Math.max(1, pool.cpu[0] + spec.cpu.busy / spec.slots);
    const factor = stepped(warm / pool.replicas.length) * stepped(slow);
    let missing = 0;
    let cacheMask = 0;
    if (spec.cache !== null) {
      const { hit, fill } = spec.cache;
      for (const replica of pool.replicas) {
        missing += (1 - hit * (1 - exactExp(-cacheLife(replica, this.now) / toSeconds(fill)))) / pool.replicas.length;
        cacheMask |= replica.cacheMask;
      }
    }
    const miss = Math.round(missing * MISS_STEPS) / MISS_STEPS;
    const factorMask = (slow > 1 ? cpuMask : 0) | coldMask;
    const same = pool.factor === factor && pool.factorMask === factorMask && pool.miss === miss && pool.cacheMask === cacheMask;
    pool.factor = factor;
    pool.factorMask = factorMask;
    pool.miss = miss;
    pool.cacheMask = cacheMask;
    const effects = this.#onWork[version.fleet.version.index];
    for (const cell of pool.cells) {
      if (same && effects[cell.slot].length === 0) continue;
      this.#ownWork(version, pool, cell, factor, factorMask, miss, cacheMask);
    }
  }

  #ownWork(version: VersionState, pool: Pool, cell: Cell, factor: number, factorMask: number, miss: number, cacheMask: number): void {
    const at = cell.slot * this.#classes.count + cell.userClass;
    const effects = this.#onWork[version.fleet.version.index][cell.slot];
    let acting = NOTHING_ACTS;
    let kept = 1;
    let keptByFaults = 1;
    let keptMask = 0;
    for (const effect of effects) {
      if (!inWindow(effect, this.now) || !this.#classes.meets(cell.userClass, effect)) continue;
      const share = this.activity(version, pool, effect);
      if (share <= 0) continue;
      if (effect.effect.what.kind === "conversion") {
        kept *= 1 - effect.effect.what.drop * share;
        if (effect.bit === 0) keptByFaults *= 1 - effect.effect.what.drop * share;
        keptMask |= effect.bit;
      } else acting = [...acting, { effect, share }];
    }
    version.conversionKept[at] = kept;
    version.conversionKeptByFaults[at] = keptByFaults;
    version.conversionMask[at] = keptMask;
    if (cell.factor === factor && cell.factorMask === factorMask && cell.miss === miss && cell.cacheMask === cacheMask && sameActing(cell.acting, acting)) return;
    cell.factor = factor;
    cell.factorMask = factorMask;
    cell.miss = miss;
    cell.cacheMask = cacheMask;
    cell.acting = acting;
    cell.own = this.#workOf(version, cell);
  }

  #workOf(version: VersionState, { slot, factor, factorMask, miss, cacheMask, acting }: Cell): Law {
    const { spec, endpoints } = version.fleet.service;
    const endpoint = endpoints[slot];
    const on = acting.filter(({ share }) => share >= 1).map(({ effect }) => effect);
    const partly = acting.filter(({ share }) => share < 1);
    return this.#gated(on, partly, (effects) => {
      let product = factor;
      let add = 0;
      let mask = factorMask;
      const errors: ErrorSource[] = [{ ratio: endpoint.spec.errors, bit: 0 }];
      for (const { effect, bit } of effects) {
        const { what } = effect;
        if (what.kind === "latency") {
          product *= what.factor;
          add += toSeconds(what.add);
          mask |= bit;
        } else if (what.kind === "errors") errors.push({ ratio: what.ratio, bit });
      }
      const conditions: WorkConditions = {
        time: endpoint.spec.time, factor: product, addSeconds: add, mask, errors,
        miss: spec.cache === null ? null : { time: spec.cache.miss, share: miss, regular: 1 - spec.cache.hit, mask: cacheMask },
      };
      return this.#book.named(workName(endpoint.index, conditions), () => workLaw(conditions));
    });
  }

  /** Effects that act on a part of the requests: those that hang on the same flag and rate act together. */
  #gated(on: readonly EffectModel[], partly: readonly Acting[], lawWith: (effects: readonly EffectModel[]) => Law): Law {
    if (partly.length === 0) return lawWith(on);
    const [{ effect: first, share }] = partly;
    const together = partly.filter(({ effect, share: other }) => other === share && effect.carrierFlag === first.carrierFlag && effect.rpsAbove === first.rpsAbove);
    const rest = partly.filter((one) => !together.includes(one));
    const without = this.#gated(on, rest, lawWith);
    const withThem = this.#gated([...on, ...together.map(({ effect }) => effect)], rest, lawWith);
    return this.#book.blend(without, withThem, share);
  }

  /** Share of the pool's requests that the effect acts on, user and endpoint left aside, in steps. */
  activity(version: VersionState, pool: Pool, effect: EffectModel): number {
    const remote = isRemote(effect);
    let replicas = 0;
    for (const replica of pool.replicas) {
      if (!concernsReplica(effect, replica.number, replica.zone)) continue;
      if (effect.afterWarmLife > 0 && this.now - replica.readyAt < effect.afterWarmLife) continue;
      if (remote || carries(effect, replica)) replicas += 1;
    }
    let share = replicas / pool.replicas.length;
    if (remote) share *= this.flagShare(effect);
    if (share > 0 && effect.rpsAbove >= 0) share *= this.#rateChance(version, effect);
    return Math.round(share * ACTIVITY_STEPS) / ACTIVITY_STEPS;
  }

  /** Share of the carrier's replicas that see the effect's flag on; 1 without a flag. */
  flagShare(effect: EffectModel): number {
    return effect.carrierFlag < 0 ? 1 : this.#versions[effect.carrierVersion].fleet.flagShare;
  }

  /** The chance that the count of the last ten seconds, per ready replica, is above the effect's threshold. */
  #rateChance(version: VersionState, effect: EffectModel): number {
    const count = this.#classes.count;
    const { service } = version.fleet;
    let rate = 0;
    let ready = 0;
    for (const other of this.#services[service.index].versions) {
      const index = other.fleet.version.index;
      if (effect.version >= 0 && effect.version !== index) continue;
      if (effect.carrierVersion >= 0 && effect.carrierService === service.index && effect.carrierVersion !== index) continue;
      ready += other.fleet.count("ready");
      for (const endpoint of service.endpoints) {
        if (!concernsVersion(effect, other.fleet.version, endpoint.index)) continue;
        for (let k = 0; k < count; k += 1) rate += other.arrivals[endpoint.slot * count + k];
      }
    }
    const limit = effect.rpsAbove * Math.max(1, ready);
    const spread = Math.sqrt(Math.max(rate, 1e-9) / RATE_WINDOW_SECONDS);
    return normalCdf((rate - limit) / spread);
  }

  /** CPU demand of the pool by lane; returns the releases that add to it. */
  #cpu(version: VersionState, pool: Pool): number {
    const { idle, busy } = version.fleet.service.spec.cpu;
    let mask = 0;
    for (let lane = 0; lane < pool.cpu.length; lane += 1) {
      pool.cpu[lane] = idle + busy * (lane === 0 ? pool.working : pool.workingWithout(lane - 1));
    }
    for (const effect of this.#onCpu[version.fleet.version.index]) {
      const { what } = effect.effect;
      if (what.kind !== "cpu" || !inWindow(effect, this.now)) continue;
      const add = what.add * this.activity(version, pool, effect);
      if (add > 0) mask |= effect.bit;
      for (let lane = 0; lane < pool.cpu.length; lane += 1) if (lane === 0 || effect.release !== lane - 1) pool.cpu[lane] += add;
    }
    return mask;
  }
}

const sameActing = (before: readonly Acting[], now: readonly Acting[]): boolean =>
  before.length === now.length && before.every(({ effect, share }, i) => effect === now[i].effect && share === now[i].share);

const stepped = (factor: number): number => Math.round(factor * FACTOR_STEPS) / FACTOR_STEPS;
