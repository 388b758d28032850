// The cohort world: counts instead of requests. Time is cut where something changes; laws in between, draws at scrapes.

import { alike } from "../../kernel/alike.js";
import { streamKey } from "../../kernel/draws.js";
import type { Digest } from "../../kernel/digest.js";
import { toSeconds, type Micros, type Ratio } from "../../kernel/units.js";
import { Scraper } from "../../telemetry/scraper.js";
import { SeriesStore } from "../../telemetry/store.js";
import { createLedger, type LedgerBook } from "../ledger.js";
import { findService, lookbackOf, TELEMETRY_RETENTION } from "../model.js";
import { MODEL_VERSION } from "../model-version.js";
import { rateCurve, type RateCurve } from "../traffic.js";
import type { LittlesLaw, VersionStatus, World, WorldEvent, WorldInput } from "../world.js";
import { Accrual } from "./accrual.js";
import { APPROXIMATIONS } from "./approximations.js";
import { autoscaleLater } from "./autoscale-loop.js";
import { Books } from "./books.js";
import { buildDatabase, buildService } from "./building.js";
import { Commands } from "./commands.js";
import { Conditions } from "./conditions.js";
import { CurveCuts } from "./curve-cuts.js";
import { EffectSchedule } from "./effect-schedule.js";
import { Flags } from "./flags.js";
import { Flow } from "./flow.js";
import { Membership } from "./membership.js";
import { buildPools } from "./pool-building.js";
import { topologicalOrder, type VersionState } from "./service-state.js";
import { MOVING_STEP, Stage } from "./stage.js";
import { addDatabaseTarget, addFlagTarget, addPlatformTarget } from "./system-targets.js";
import { Targets } from "./targets.js";

export { cohortRefusals, type Refusal } from "./refusals.js";

/** The agenda's own events are all that happens at its times. */
const nothing = (): void => undefined;

/** A world in which every request has a law and only counts are drawn. */
export function createCohortWorld(input: WorldInput): World {
  return new CohortWorld(input);
}

class CohortWorld implements World {
  readonly fidelity = "cohort";
  readonly modelVersion = MODEL_VERSION;
  readonly approximations = APPROXIMATIONS;
  readonly telemetry: SeriesStore;
  readonly ledger: LedgerBook;
  readonly events: WorldEvent[];
  readonly digest: Digest;
  readonly #stage: Stage;
  readonly #scraper: Scraper;
  readonly #targets: Targets;
  readonly #effects: EffectSchedule;
  readonly #commands: Commands;
  readonly #flow: Flow;
  readonly #accrual: Accrual;
  readonly #curves: readonly RateCurve[];
  readonly #cuts: CurveCuts;
  /** Planned pages per second by traffic stream. */
  readonly #rates: Float64Array;
  #solvedTick = -1;
  #solvedUntil: Micros = -1;

  constructor(input: WorldInput) {
    const stage = new Stage(input);
    const { model, law, classes } = stage;
    const { spec } = model;
    this.#stage = stage;
    this.events = stage.events;
    this.digest = stage.digest;
    this.telemetry = new SeriesStore({ lanes: model.lanes, retention: TELEMETRY_RETENTION, ...lookbackOf(spec.telemetry), scrape: spec.telemetry.scrape });
    this.#scraper = new Scraper(this.telemetry, { interval: spec.telemetry.scrape, lag: spec.telemetry.lag, missed: spec.telemetry.missed, seed: input.seed });
    this.ledger = createLedger(model, input.detail);
    const accounts = new Books({
      model, book: law, ledger: this.ledger, digest: this.digest, classes,
      noiseFree: input.noiseFree, full: input.detail === "full", slowAfterSeconds: input.slowAfterSeconds,
    });
    const flags = new Flags(model, stage.agenda, input.noiseFree);
    this.#targets = new Targets(stage, accounts, this.telemetry, this.#scraper);
    this.#effects = new EffectSchedule(stage, this.#scraper);
    this.#commands = new Commands(stage, flags);
    const membership = new Membership(stage, this.#targets, flags);
    stage.enter(model.services.map((service) => buildService(stage, service.index, membership)), model.databases.map((database) => buildDatabase(stage, database.index)));
    this.#accrual = new Accrual(stage, (pool, cell) => accounts.settleCell(pool, cell));
    this.#curves = alike(model.traffic.map((traffic) => rateCurve(model, traffic, input.horizon, input.noiseFree)));
    this.#cuts = new CurveCuts(this.#curves);
    this.#rates = new Float64Array(model.traffic.length);
    this.#flow = new Flow({
      model, book: law, services: stage.services, order: topologicalOrder(model.services), databases: stage.databases,
      classes, rates: this.#rates, lateReloads: stage.lateReloads,
      noise: input.noiseFree ? null : { tickSeconds: toSeconds(spec.telemetry.scrape), databases: streamKey(input.seed, "cohort/database/waits") },
      conditions: new Conditions(model, law, classes, stage.services, stage.versions),
      settleCell: (pool, cell) => accounts.settleCell(pool, cell),
    });
    this.digest.addText(`cohort ${MODEL_VERSION}`);
    this.#begin();
  }

  #begin(): void {
    const stage = this.#stage;
    for (const service of stage.services) service.versions[0].fleet.settle(service.model.spec.replicas);
    for (const version of stage.versions) addPlatformTarget(this.telemetry, this.#targets, version);
    for (const database of stage.databases) addDatabaseTarget(stage, this.telemetry, this.#targets, database);
    addFlagTarget(stage, this.telemetry, this.#targets);
    for (const effect of stage.model.effects) this.#effects.schedule(effect);
    for (const service of stage.services) {
      if (service.autoscaler !== null) autoscaleLater(stage, service, service.autoscaler);
    }
  }

  // --- time ---

  now(): Micros {
    return this.#stage.now();
  }

  advanceTo(at: Micros): void {
    const { agenda } = this.#stage;
    while (agenda.now() < at) {
      const next = Math.min(at, this.#nextCut());
      this.#play(next);
      agenda.runUntil(next, nothing);
      if (this.#scraper.nextAt() <= next) this.#targets.scrape(next);
    }
    agenda.runUntil(at, nothing);
    if (this.#scraper.nextAt() <= at) this.#targets.scrape(at);
  }

  settle(): void {
    this.#targets.settle();
  }

  #nextCut(): Micros {
    const stage = this.#stage;
    const now = stage.now();
    let next = Math.min(stage.agenda.nextAt(), this.#scraper.nextAt(), now + stage.model.spec.telemetry.scrape, this.#cuts.after(now));
    if (stage.isMoving(now)) next = Math.min(next, now + MOVING_STEP);
    return Math.max(next, now);
  }

  /** Plays the stretch from now to `next`, in which nothing changes but what flows. */
  #play(next: Micros): void {
    const now = this.#stage.now();
    if (next <= now) return;
    if (this.#mustSolve(now)) this.#solve(now, next);
    let expected = 0;
    let rate = 0;
    for (let i = 0; i < this.#curves.length; i += 1) {
      expected += this.#curves[i].expected(now, next);
      rate += this.#rates[i];
    }
    const seconds = toSeconds(next - now);
    // Within a tick laws stay; the traffic's own course does not.
    const planned = rate * seconds;
    this.#accrual.pass(now, next, seconds, planned > 0 ? (seconds * expected) / planned : seconds);
  }

  /** In quiet stretches the flow is solved once per tick. */
  #mustSolve(now: Micros): boolean {
    const { versions, databases } = this.#stage;
    if (this.#tickOf(now) !== this.#solvedTick || this.#stage.isMoving(now)) return true;
    for (const version of versions) if (version.stale) return true;
    for (const database of databases) if (now < database.heldUntil) return true;
    return now >= this.#solvedUntil;
  }

  #tickOf(now: Micros): number {
    return Math.floor(now / this.#stage.model.spec.telemetry.scrape);
  }

  #solve(now: Micros, next: Micros): void {
    const stage = this.#stage;
    const { scrape } = stage.model.spec.telemetry;
    this.#solvedTick = this.#tickOf(now);
    const end = Math.min(stage.isMoving(now) ? next : (this.#solvedTick + 1) * scrape, this.#cuts.after(now));
    this.#solvedUntil = end;
    const seconds = toSeconds(end - now);
    for (let i = 0; i < this.#curves.length; i += 1) this.#rates[i] = this.#curves[i].expected(now, end) / seconds;
    if (stage.versions.some((version) => version.stale)) {
      this.#effects.onDatabases();
      for (const version of stage.versions) if (version.stale) this.#regroup(version);
      for (const database of stage.databases) database.callers = this.#callerSlots(database.model.index);
    }
    this.#flow.solve(now, seconds);
  }

  #regroup(version: VersionState): void {
    this.#targets.book(version);
    const before = version.pools;
    buildPools(this.#stage, version);
    this.#accrual.handOver(version, before);
    this.#flow.regroup(version);
  }

  /** Slots from which queries can be under way at the same time. */
  #callerSlots(database: number): number {
    let slots = 0;
    for (const service of this.#stage.services) {
      if (!service.model.endpoints.some(({ calls }) => calls.some((call) => call.database === database))) continue;
      for (const version of service.versions) for (const pool of version.pools) if (pool.kind === "serving") slots += pool.queue.shape.slots * pool.replicas.length;
    }
    return slots;
  }

  // --- what the platform asks and tells ---

  status(service: string): readonly VersionStatus[] {
    return this.#commands.status(service);
  }

  scale(service: string, version: string, replicas: number): void {
    this.#commands.scale(service, version, replicas);
  }

  setWeights(service: string, weights: Readonly<Record<string, Ratio>>): void {
    this.#commands.setWeights(service, weights);
  }

  setFlag(flag: string, on: boolean): boolean {
    return this.#commands.setFlag(flag, on);
  }

  flagOn(flag: string): boolean {
    return this.#commands.flagOn(flag);
  }

  inFlight(service: string, version: string): number {
    return this.#commands.inFlight(service, version);
  }

  littlesLaw(service: string): LittlesLaw {
    return this.#accrual.littlesLaw(findService(this.#stage.model, service));
  }

  hops(): number {
    return 0;
  }
}
