// Effects as events of the world: their starts and ends, kills, locks and outages of databases, gaps and lags of scrapes.

import { EventClass } from "../../kernel/clock.js";
import { streamKey, uniform } from "../../kernel/draws.js";
import type { Micros } from "../../kernel/units.js";
import type { Scraper } from "../../telemetry/scraper.js";
import { inWindow, type EffectModel } from "../active-effects.js";
import type { DatabasePool } from "./database-pool.js";
import { carries } from "./fleet-owner.js";
import type { Replica } from "./replica.js";
import type { Stage } from "./stage.js";

export class EffectSchedule {
  readonly #stage: Stage;
  readonly #scraper: Scraper;

  constructor(stage: Stage, scraper: Scraper) {
    this.#stage = stage;
    this.#scraper = scraper;
  }

  /** Puts the effect's start and end on the agenda; one that is on from the beginning starts at once. */
  schedule(effect: EffectModel): void {
    const { agenda, horizon } = this.#stage;
    if (effect.to <= effect.from) return;
    if (effect.from <= 0) this.#start(effect);
    else if (effect.from <= horizon) agenda.at(effect.from, EventClass.world, () => this.#start(effect));
    if (effect.to > 0 && effect.to <= horizon) agenda.at(effect.to, EventClass.world, () => this.#end(effect));
  }

  #start(effect: EffectModel): void {
    const stage = this.#stage;
    stage.touch();
    if (effect.release < 0) stage.note("effect-started", null, effect.effect.id);
    for (const version of stage.versions) if (version.fleet.effects.includes(effect)) version.fleet.effectStarted(effect);
    if (effect.effect.what.kind === "kill") this.#killSome(effect, effect.effect.what.count);
    this.#telemetryEffects();
  }

  #end(effect: EffectModel): void {
    const stage = this.#stage;
    stage.touch();
    if (effect.release < 0) stage.note("effect-ended", null, effect.effect.id);
    for (const version of stage.versions) if (version.fleet.effects.includes(effect)) version.fleet.effectEnded(effect);
    this.#telemetryEffects();
  }

  /** Kills some ready replicas that the effect concerns, chosen by their own draws. */
  #killSome(effect: EffectModel, count: number): void {
    const { model, versions } = this.#stage;
    const key = streamKey(model.seed, `effect/${effect.effect.id}/lot`);
    const lot = (replica: Replica): number => uniform(key, replica.number, replica.version.index);
    const candidates = versions.flatMap(({ fleet }) => fleet.killable(effect)).sort((a, b) => lot(a) - lot(b));
    for (const replica of candidates.slice(0, count)) {
      const { fleet } = versions[replica.version.index];
      this.#stage.note("replica-killed", fleet, `${replica.name} was killed`);
      fleet.kill(replica, effect.bit);
    }
  }

  /** What effects do to pools, locks and outages of databases now. */
  onDatabases(): void {
    const now = this.#stage.now();
    for (const database of this.#stage.databases) {
      database.taken.fill(0);
      database.takenMask = 0;
      for (const effect of this.#stage.model.effects) {
        if (effect.database !== database.model.index || !inWindow(effect, now) || !this.#carried(effect)) continue;
        const { what } = effect.effect;
        if (what.kind === "pool") {
          database.taken[0] += what.taken;
          if (effect.release >= 0) database.taken[1 + effect.release] += what.taken;
          database.takenMask |= effect.bit;
        } else if (what.kind === "lock" && !database.locksTaken.has(effect.index)) {
          database.locksTaken.add(effect.index);
          this.#hold(database, now + what.hold, effect.bit);
        } else if (what.kind === "outage" && effect.carrierVersion < 0 && !database.locksTaken.has(effect.index)) {
          database.locksTaken.add(effect.index);
          this.#hold(database, effect.to, effect.bit);
        }
      }
    }
  }

  #hold(database: DatabasePool, until: Micros, mask: number): void {
    const { agenda } = this.#stage;
    database.hold(agenda.now(), until, mask);
    if (database.heldUntil < Infinity) agenda.at(database.heldUntil, EventClass.world, () => this.#stage.touch());
  }

  /** A defect acts on a database as long as a ready replica carries it. */
  #carried(effect: EffectModel): boolean {
    return effect.carrierVersion < 0 ||
      this.#stage.versions[effect.carrierVersion].fleet.replicas.some((replica) => replica.phase === "ready" && carries(effect, replica));
  }

  #telemetryEffects(): void {
    const now = this.#stage.now();
    const { effects, services } = this.#stage.model;
    const gaps = effects.filter((effect) => effect.kind === "drop-scrapes" && inWindow(effect, now));
    this.#scraper.setGap(null, gaps.some((effect) => effect.service < 0));
    for (const service of services) this.#scraper.setGap(service.spec.name, gaps.some((effect) => effect.service === service.index));
    const lags = effects.filter((effect) => effect.kind === "lag" && inWindow(effect, now));
    const lagOf = (service: number): Micros => lags.reduce((sum, one) =>
      sum + (one.service === service && one.effect.what.kind === "lag" ? one.effect.what.add : 0), 0);
    this.#scraper.setLag(lagOf(-1));
    for (const service of services) this.#scraper.setLag(lagOf(service.index), service.spec.name);
  }
}
