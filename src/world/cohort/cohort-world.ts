// The cohort world: counts instead of requests. Time is cut where something changes; laws in between, draws at scrapes.

import { assert } from "../../kernel/assert.js";
import { EventClass, VirtualClock } from "../../kernel/clock.js";
import { Digest } from "../../kernel/digest.js";
import { streamKey, uniform, type StreamKey } from "../../kernel/draws.js";
import { poissonFrom } from "../../kernel/distributions/poisson.js";
import { MICROS_PER_MILLI, MICROS_PER_SECOND, toSeconds, type Micros, type Ratio } from "../../kernel/units.js";
import { databaseSchema, flagServiceSchema, platformSchema, serviceSchema, type DatabaseSchema, type FlagServiceSchema, type PlatformSchema } from "../../telemetry/schema.js";
import { hashedOffset, Scraper } from "../../telemetry/scraper.js";
import { SeriesStore, type Target } from "../../telemetry/store.js";
import { inWindow, windowOpen, type EffectModel } from "../active-effects.js";
import type { WorldSpec } from "../spec.js";
import { createLedger, type LedgerBook } from "../ledger.js";
import { compileModel, findService, findVersion, TELEMETRY_RETENTION, type Model } from "../model.js";
import { MODEL_VERSION } from "../model-version.js";
import { replicaName } from "../replicas.js";
import { rateCurve, type RateCurve } from "../traffic.js";
import type { VersionStatus, World, WorldEvent, WorldInput } from "../world.js";
import { APPROXIMATIONS } from "./approximations.js";
import { Autoscaler } from "./autoscaling.js";
import { Books } from "./books.js";
import { BreakerState } from "./breaker-state.js";
import { CallLink } from "./call-link.js";
import { Conditions } from "./conditions.js";
import { DatabasePool } from "./database-pool.js";
import { Flags } from "./flags.js";
import { carries, Fleet, type FleetOwner } from "./fleet.js";
import { Flow } from "./flow.js";
import { LawBook } from "./law-book.js";
import { workLaw } from "./own-work.js";
import { Cell, Pool, type PoolKind } from "./pool.js";
import type { Replica } from "./replica.js";
import { ServiceState, topologicalOrder, VersionState } from "./service-state.js";
import { ServiceTarget } from "./service-target.js";
import { userShares } from "./split.js";
import { UserClasses } from "./user-classes.js";

export { cohortRefusals, type Refusal } from "./refusals.js";

/** While queues, warm-ups or failures move, time is cut this fine. */
const MOVING_STEP: Micros = MICROS_PER_SECOND;
/** A replica's last request ends about this many service times after it left the balancer. */
const FINISHING_TIMES = 4;
const WORLD_EVENTS_LIMIT = 20_000;

/** Laws are shared by all runs of one world. */
const books = new WeakMap<WorldSpec, LawBook>();

function bookOf(spec: WorldSpec): LawBook {
  let book = books.get(spec);
  if (book === undefined) books.set(spec, (book = new LawBook()));
  return book;
}

/** A world in which every request has a law and only counts are drawn. */
export function createCohortWorld(input: WorldInput): World {
  return new CohortWorld(input);
}

type ScrapeHook = { readonly target: Target; readonly beforeScrape: (now: Micros) => void };

class CohortWorld implements World, FleetOwner {
  readonly fidelity = "cohort";
  readonly modelVersion = MODEL_VERSION;
  readonly approximations = APPROXIMATIONS;
  readonly model: Model;
  readonly telemetry: SeriesStore;
  readonly ledger: LedgerBook;
  readonly events: WorldEvent[] = [];
  readonly digest = new Digest();
  readonly agenda = new VirtualClock();
  readonly drain: Micros;
  readonly noiseFree: boolean;
  readonly #scraper: Scraper;
  readonly #law: LawBook;
  readonly #classes: UserClasses;
  readonly #services: readonly ServiceState[];
  readonly #versions: readonly VersionState[];
  readonly #databases: readonly DatabasePool[];
  readonly #flow: Flow;
  readonly #accounts: Books;
  readonly #flags: Flags;
  readonly #curves: readonly RateCurve[];
  readonly #rates: Float64Array;
  readonly #targets: ServiceTarget[] = [];
  readonly #hooks = new Map<string, ScrapeHook>();
  readonly #curveCuts: readonly Micros[];
  readonly #databaseKey: StreamKey;
  #nextCurveCut = 0;
  #unsteadyUntil: Micros = 0;
  #solvedTick = -1;
  #solvedUntil: Micros = -1;
  readonly #arrivals: Float64Array;
  readonly #inFlightSeconds: Float64Array;
  readonly #latencySeconds: Float64Array;

  constructor(readonly input: WorldInput) {
    const model = compileModel(input);
    this.model = model;
    const { spec } = model;
    this.drain = spec.drain;
    this.noiseFree = input.noiseFree;
    this.#law = bookOf(input.spec);
    this.#classes = new UserClasses(model, input.noiseFree);
    this.telemetry = new SeriesStore({ lanes: model.lanes, retention: TELEMETRY_RETENTION, scrape: spec.telemetry.scrape });
    this.#scraper = new Scraper(this.telemetry, { interval: spec.telemetry.scrape, lag: spec.telemetry.lag, missed: spec.telemetry.missed, seed: input.seed });
    this.ledger = createLedger(model, input.detail);
    this.#accounts = new Books({
      model, book: this.#law, ledger: this.ledger, digest: this.digest, classes: this.#classes,
      noiseFree: input.noiseFree, full: input.detail === "full", slowAfterSeconds: input.slowAfterSeconds,
    });
    this.#services = model.services.map((service) => this.#service(service.index));
    this.#versions = model.versions.map((version) => this.#services[version.service].versions.find((state) => state.fleet.version === version)!);
    this.#databases = model.databases.map((database) => this.#database(database.index));
    this.#curves = model.traffic.map((traffic) => rateCurve(model, traffic, input.horizon, input.noiseFree));
    this.#rates = new Float64Array(model.traffic.length);
    this.#curveCuts = cutsOf(this.#curves);
    this.#databaseKey = streamKey(input.seed, "cohort/database");
    this.#flags = new Flags(model, this.agenda, input.noiseFree);
    this.#flow = new Flow({
      model, book: this.#law, services: this.#services, order: topologicalOrder(model.services), databases: this.#databases,
      classes: this.#classes, rates: this.#rates,
      noise: input.noiseFree ? null : { tickSeconds: toSeconds(spec.telemetry.scrape), databases: streamKey(input.seed, "cohort/database/waits") },
      conditions: new Conditions(model, this.#law, this.#classes, this.#services, this.#versions),
      settleCell: (pool, cell) => this.#accounts.settleCell(pool, cell),
    });
    this.#arrivals = new Float64Array(model.services.length);
    this.#inFlightSeconds = new Float64Array(model.services.length);
    this.#latencySeconds = new Float64Array(model.services.length);
    this.digest.addText(`cohort ${MODEL_VERSION}`);
    this.#begin();
  }

  // --- set-up ---

  #service(index: number): ServiceState {
    const service = this.model.services[index];
    const cells = service.endpoints.length * this.#classes.count;
    const versions = service.versions.map((at, place) => {
      const calls = service.endpoints.flatMap((endpoint) => endpoint.calls);
      const links = calls.map((call) => Array.from({ length: this.#classes.count }, () => new CallLink(call)));
      const breakers = new Map<number, BreakerState>();
      for (const endpoint of service.endpoints) {
        for (const call of endpoint.calls) if (call.breaker !== null && !breakers.has(call.callee)) breakers.set(call.callee, new BreakerState(call.breaker));
      }
      return new VersionState(new Fleet(service, this.model.versions[at], this), place, cells, this.model.spec.clients.reload.max,
        links, calls[0]?.index ?? 0, breakers);
    });
    return new ServiceState(service, versions, cells, this.model.calls.some((call) => call.service === index));
  }

  #database(index: number): DatabasePool {
    const database = this.model.databases[index];
    const { time, errors } = database.spec;
    const plain = this.#law.named(`database ${index}`, () =>
      workLaw({ time, factor: 1, addSeconds: 0, mask: 0, errors: [{ ratio: errors, bit: 0 }], miss: null }));
    return new DatabasePool(database, this.model.versions.length, this.model.releases, plain);
  }

  #begin(): void {
    for (const service of this.#services) service.versions[0].fleet.settle(service.model.spec.replicas);
    for (const version of this.#versions) this.#addPlatformTarget(version);
    for (const database of this.#databases) this.#addDatabaseTarget(database);
    this.#addFlagTarget();
    for (const effect of this.model.effects) this.#schedule(effect);
    for (const service of this.#services) {
      const { autoscale } = service.model.spec;
      if (autoscale !== null) this.#autoscaleLater(service, new Autoscaler(autoscale), autoscale.interval);
    }
  }

  #schedule(effect: EffectModel): void {
    const start = (): void => {
      this.#touch();
      if (effect.release < 0) this.note("effect-started", null, effect.effect.id);
      for (const version of this.#versions) if (version.fleet.effects.includes(effect)) version.fleet.effectStarted(effect);
      if (effect.effect.what.kind === "kill") this.#killSome(effect, effect.effect.what.count);
      this.#telemetryEffects();
    };
    const end = (): void => {
      this.#touch();
      if (effect.release < 0) this.note("effect-ended", null, effect.effect.id);
      for (const version of this.#versions) if (version.fleet.effects.includes(effect)) version.fleet.effectEnded(effect);
      this.#telemetryEffects();
    };
    if (effect.to <= effect.from) return;
    if (effect.from <= 0) start();
    else if (effect.from <= this.input.horizon) this.agenda.at(effect.from, EventClass.world, start);
    if (effect.to > 0 && effect.to <= this.input.horizon) this.agenda.at(effect.to, EventClass.world, end);
  }

  /** Kills some ready replicas that the effect concerns, chosen by their own draws. */
  #killSome(effect: EffectModel, count: number): void {
    const key = streamKey(this.model.seed, `effect/${effect.effect.id}/lot`);
    const lot = (replica: Replica): number => uniform(key, replica.number, replica.version.index);
    const candidates = this.#versions.flatMap(({ fleet }) => fleet.killable(effect)).sort((a, b) => lot(a) - lot(b));
    for (const replica of candidates.slice(0, count)) {
      const { fleet } = this.#versions[replica.version.index];
      this.note("replica-killed", fleet, `${replica.name} was killed`);
      fleet.kill(replica, effect.bit);
    }
  }

  // --- time ---

  now(): Micros {
    return this.agenda.now();
  }

  advanceTo(at: Micros): void {
    while (this.agenda.now() < at) {
      const next = Math.min(at, this.#nextCut());
      this.#play(next);
      this.agenda.runUntil(next, () => undefined);
      if (this.#scraper.nextAt() <= next) this.#scrape(next);
    }
    this.agenda.runUntil(at, () => undefined);
    if (this.#scraper.nextAt() <= at) this.#scrape(at);
  }

  #nextCut(): Micros {
    const now = this.agenda.now();
    let next = Math.min(this.agenda.nextAt(), this.#scraper.nextAt(), now + this.model.spec.telemetry.scrape);
    while (this.#nextCurveCut < this.#curveCuts.length && this.#curveCuts[this.#nextCurveCut] <= now) this.#nextCurveCut += 1;
    if (this.#nextCurveCut < this.#curveCuts.length) next = Math.min(next, this.#curveCuts[this.#nextCurveCut]);
    if (this.#isMoving(now)) next = Math.min(next, now + MOVING_STEP);
    return Math.max(next, now);
  }

  #isMoving(now: Micros): boolean {
    if (now < this.#unsteadyUntil) return true;
    for (const version of this.#versions) for (const pool of version.pools) if (pool.moving) return true;
    return false;
  }

  /** Something changed: for a while the state is followed in small steps. */
  #touch(): void {
    this.#unsteadyUntil = this.agenda.now() + 4 * MOVING_STEP;
    for (const version of this.#versions) version.stale = true;
  }

  /** Plays the stretch from now to `next`, in which nothing changes but what flows. */
  #play(next: Micros): void {
    const now = this.agenda.now();
    if (next <= now) return;
    if (this.#mustSolve(now)) this.#solve(now, next);
    const expected = this.#curves.reduce((sum, curve) => sum + curve.expected(now, next), 0);
    const seconds = toSeconds(next - now);
    // Within a tick laws stay; the traffic's own course does not.
    const planned = this.#rates.reduce((sum, rate) => sum + rate, 0) * seconds;
    this.#accrue(now, next, seconds, planned > 0 ? (seconds * expected) / planned : seconds);
  }

  /** In quiet stretches the flow is solved once per tick. */
  #mustSolve(now: Micros): boolean {
    if (this.#tickOf(now) !== this.#solvedTick || this.#isMoving(now)) return true;
    for (const version of this.#versions) if (version.stale) return true;
    for (const database of this.#databases) if (now < database.heldUntil) return true;
    return now >= this.#solvedUntil;
  }

  #tickOf(now: Micros): number {
    return Math.floor(now / this.model.spec.telemetry.scrape);
  }

  #solve(now: Micros, next: Micros): void {
    this.#solvedTick = this.#tickOf(now);
    const { scrape } = this.model.spec.telemetry;
    let end = this.#isMoving(now) ? next : (this.#solvedTick + 1) * scrape;
    if (this.#nextCurveCut < this.#curveCuts.length && this.#curveCuts[this.#nextCurveCut] > now) end = Math.min(end, this.#curveCuts[this.#nextCurveCut]);
    this.#solvedUntil = end;
    const seconds = toSeconds(end - now);
    this.#curves.forEach((curve, i) => (this.#rates[i] = curve.expected(now, end) / seconds));
    if (this.#versions.some((version) => version.stale)) {
      this.#databaseEffects();
      for (const version of this.#versions) if (version.stale) this.#rebuild(version);
      for (const database of this.#databases) database.callers = this.#callerSlots(database.model.index);
    }
    this.#flow.solve(now, seconds);
  }

  /** `seconds` pass; what flows amounts to `flowing` seconds of the planned rates. */
  #accrue(now: Micros, next: Micros, seconds: number, flowing: number): void {
    for (const service of this.#services) {
      for (const version of service.versions) {
        this.#accrueVersion(service, version, now, seconds, flowing);
        for (const [callee, breaker] of version.breakers) this.#watch(version, callee, breaker, next, next - now);
      }
    }
    for (const database of this.#databases) database.accrue(now, flowing, this.#givenUp(database.model.index));
  }

  /** Slots from which queries can be under way at the same time. */
  #callerSlots(database: number): number {
    let slots = 0;
    for (const service of this.#services) {
      if (!service.model.endpoints.some(({ calls }) => calls.some((call) => call.database === database))) continue;
      for (const version of service.versions) for (const pool of version.pools) if (pool.kind === "serving") slots += pool.queue.shape.slots * pool.replicas.length;
    }
    return slots;
  }

  /** Queries per second whose callers gave up. */
  #givenUp(database: number): number {
    let givenUp = 0;
    for (const version of this.#versions) {
      for (const links of version.links) for (const link of links) if (link.call.database === database) givenUp += link.rate * link.timedOut;
    }
    return givenUp;
  }

  #accrueVersion(service: ServiceState, version: VersionState, now: Micros, seconds: number, flowing: number): void {
    const { pools } = version;
    const index = service.model.index;
    if (pools.length === 0) {
      for (let at = 0; at < version.arrivals.length; at += 1) version.stranded[at] += version.pages[at] * flowing;
      return;
    }
    for (const pool of pools) {
      if (pool.target !== null) accrueGauges(pool, seconds);
      this.#arrivals[index] += pool.arrivals * flowing;
      if (pool.moving) this.#inFlightSeconds[index] += pool.inSystem * pool.replicas.length * seconds;
      for (const cell of pool.cells) {
        if (cell.rate <= 0) continue;
        if (pool.kind === "serving") {
          const spent = cell.rate * (1 - pool.refused) * cell.answer.meanSeconds * flowing;
          this.#latencySeconds[index] += spent;
          if (!pool.moving) this.#inFlightSeconds[index] += spent;
        }
        if (pool.kind === "silent" || pool.target === null) {
          const at = cell.slot * this.#classes.count + cell.userClass;
          if (pool.kind === "silent") version.unanswered[at] += cell.outside * flowing;
          else version.stranded[at] += cell.outside * flowing;
          continue;
        }
        if (cell.answered === 0 && cell.refused === 0) cell.since = now;
        cell.answered += cell.rate * (1 - pool.refused) * flowing;
        cell.refused += cell.rate * pool.refused * flowing;
        cell.answeredPages += cell.outside * (1 - pool.refused) * flowing;
        cell.refusedPages += cell.outside * pool.refused * flowing;
      }
    }
  }

  #watch(version: VersionState, callee: number, breaker: BreakerState, next: Micros, stretch: Micros): void {
    let [rate, failing] = [0, 0];
    for (const links of version.links) {
      for (const link of links) {
        if (link.call.callee !== callee) continue;
        rate += link.rate;
        failing += link.rate * link.failing;
      }
    }
    const change = breaker.observe(next, stretch, rate, rate > 0 ? failing / rate : 0, this.#blameOf(version, callee));
    if (change === 0) return;
    this.#touch();
    const { fleet } = version;
    this.note(change > 0 ? "breaker-opened" : "breaker-closed", fleet,
      `${fleet.service.spec.name} ${fleet.version.name} ${change > 0 ? "stopped calling" : "calls"} ${this.#calleeName(callee)}${change > 0 ? "" : " again"}`);
    if (change > 0) this.agenda.at(Math.max(next, breaker.openUntil), EventClass.world, () => undefined);
  }

  /** Releases to blame for failures of calls to the callee. */
  #blameOf(version: VersionState, callee: number): number {
    let blame = 0;
    for (const links of version.links) {
      for (const link of links) if (link.call.callee === callee) for (const part of link.law.parts) if (part.fail.total > 0) blame |= part.blame;
    }
    return blame;
  }

  #calleeName(callee: number): string {
    const { services, databases } = this.model;
    return callee < services.length ? services[callee].spec.name : databases[callee - services.length].spec.name;
  }

  // --- scrapes ---

  #scrape(at: Micros): void {
    for (const target of this.#targets) if (target.nextScrape === at) this.#flush(target, at);
    for (const hook of this.#hooks.values()) hook.beforeScrape(at);
    this.#scraper.scrapeDue(at);
    const interval = this.model.spec.telemetry.scrape;
    for (const target of this.#targets) if (target.nextScrape === at) target.nextScrape += interval;
  }

  #flush(target: ServiceTarget, at: Micros): void {
    this.#draw(target, at);
    const version = this.#versions[target.version];
    this.#writeGauges(target, version);
  }

  #draw(target: ServiceTarget, at: Micros): void {
    const version = this.#versions[target.version];
    for (const pool of version.pools) {
      if (pool.target === target) for (const cell of pool.cells) this.#accounts.settleCell(pool, cell);
    }
    this.#accounts.draw(target, version, at);
  }

  settle(): void {
    const now = this.agenda.now();
    for (const target of this.#targets) this.#draw(target, now);
    for (const version of this.#versions) this.#accounts.drawStranded(version, now);
  }

  #writeGauges(target: ServiceTarget, version: VersionState): void {
    const { fleet } = version;
    const { live, schema } = target.target;
    const { limit } = fleet.service.spec.memory;
    let [members, inFlight, queued] = [0, 0, 0];
    for (const pool of version.pools) {
      if (pool.target !== target) continue;
      inFlight += pool.inSystem * pool.replicas.length;
      queued += Math.max(0, pool.inSystem - pool.queue.point(pool.load).busy) * pool.replicas.length;
    }
    const memory = new Float64Array(live.length);
    for (const replica of fleet.replicas) {
      if (replica.target !== target || replica.phase === "gone") continue;
      members += 1;
      for (let lane = 0; lane < live.length; lane += 1) memory[lane] += fleet.memory(replica, lane) / limit;
    }
    for (let lane = 0; lane < live.length; lane += 1) {
      const values = live[lane];
      const cpu = target.gaugedSeconds > 0 ? target.cpuSeconds[lane] / target.gaugedSeconds : fleet.service.spec.cpu.idle;
      values[schema.cpuIndex] = Math.min(1, cpu);
      values[schema.memoryIndex] = members > 0 ? Math.min(1, memory[lane] / members) : 0;
      values[schema.inFlightIndex] = this.noiseFree ? inFlight : Math.round(inFlight);
      values[schema.queueIndex] = this.noiseFree ? queued : Math.round(queued);
    }
    target.cpuSeconds.fill(0);
    target.gaugedSeconds = 0;
  }

  // --- targets ---

  #makeTarget(version: VersionState, id: string, replica: string | null, offset: Micros): ServiceTarget {
    const { fleet } = version;
    const { spec } = this.model;
    const service = fleet.service.spec.name;
    const schema = serviceSchema({
      service, version: fleet.version.name, endpoints: fleet.service.endpoints.map((endpoint) => endpoint.spec.name),
      edgesSeconds: spec.telemetry.bucketEdgesSeconds, init: spec.telemetry.init,
    });
    const labels = { service, version: fleet.version.name, ...(replica === null ? {} : { replica }) };
    const target = this.telemetry.addTarget({ id, labels, schema });
    const now = this.agenda.now();
    const made = new ServiceTarget(target, fleet.version.index, fleet.service.endpoints.length * this.#classes.count,
      this.#accounts.buckets.count, this.model.releases, this.model.seed, now);
    const interval = spec.telemetry.scrape;
    made.nextScrape = offset + Math.max(0, Math.ceil((now - offset) / interval)) * interval;
    this.#scraper.register(target, offset, now);
    this.#targets.push(made);
    return made;
  }

  #mainTarget(version: VersionState): ServiceTarget {
    if (version.main !== null) return version.main;
    const { fleet } = version;
    const { scrape } = this.model.spec.telemetry;
    const id = `${fleet.service.spec.name}-${fleet.version.name}`;
    const count = Math.max(1, fleet.desired);
    let offset = 0;
    for (let i = 0; i < count; i += 1) offset += hashedOffset(this.model.seed, replicaName(fleet.service.spec.name, fleet.version.name, i), scrape) / count;
    version.main = this.#makeTarget(version, this.#freeId(id), null, Math.round(offset / MICROS_PER_MILLI) * MICROS_PER_MILLI);
    return version.main;
  }

  #freeId(id: string): string {
    let name = id;
    for (let n = 2; this.telemetry.targets.some((target) => target.id === name); n += 1) name = `${id}#${n}`;
    return name;
  }

  #leaveTarget(replica: Replica): void {
    const { target } = replica;
    if (target === null) return;
    replica.target = null;
    target.members -= 1;
    if (target.members > 0) return;
    this.#draw(target, this.agenda.now());
    this.#scraper.remove(target.target, this.agenda.now());
    this.#targets.splice(this.#targets.indexOf(target), 1);
    const version = this.#versions[target.version];
    if (version.main === target) version.main = null;
  }

  /** Singles the replica out; what it did so far stays with the target that it shared. */
  #ownTarget(replica: Replica): ServiceTarget {
    const version = this.#versions[replica.version.index];
    this.#book(version);
    this.#leaveTarget(replica);
    const { scrape } = this.model.spec.telemetry;
    const target = this.#makeTarget(version, this.#freeId(replica.name), replica.name, hashedOffset(this.model.seed, replica.name, scrape));
    target.members = 1;
    replica.target = target;
    return target;
  }

  #addPlatformTarget(version: VersionState): void {
    const { fleet } = version;
    const labels = { service: fleet.service.spec.name, version: fleet.version.name };
    const schema: PlatformSchema = platformSchema(labels);
    const id = `platform-${labels.service}-${labels.version}`;
    const target = this.telemetry.addTarget({ id, labels, schema });
    this.#watchTarget(target, () => {
      for (const [lane, values] of target.live.entries()) {
        values[schema.restartsIndex] = fleet.restarts[lane];
        values[schema.startupFailuresIndex] = fleet.startupFailures[lane];
        values[schema.readyIndex] = fleet.count("ready");
        values[schema.desiredIndex] = fleet.desired;
      }
    });
  }

  #addDatabaseTarget(database: DatabasePool): void {
    const name = database.model.spec.name;
    const schema: DatabaseSchema = databaseSchema({ database: name });
    const target = this.telemetry.addTarget({ id: `database-${name}`, labels: { database: name }, schema });
    const index = database.model.index;
    this.#watchTarget(target, (now) => {
      const entity = Math.round(now / MICROS_PER_MILLI);
      const drawn = (expected: Float64Array, what: number, lane: number): number =>
        this.noiseFree ? expected[lane] : poissonFrom(uniform(this.#databaseKey, entity, index * 8 + what), expected[lane]);
      for (const [lane, values] of target.live.entries()) {
        // One uniform for all lanes: what a release does not touch counts the same.
        values[schema.queriesIndex] += drawn(database.queries, 0, lane);
        values[schema.poolTimeoutsIndex] += drawn(database.poolTimeouts, 1, lane);
        values[schema.queryTimeoutsIndex] += drawn(database.queryTimeouts, 2, lane);
        values[schema.poolInUseIndex] = database.inUse[lane];
        values[schema.poolWaitingIndex] = this.noiseFree ? database.waiting : Math.round(database.waiting);
      }
      database.queries.fill(0);
      database.poolTimeouts.fill(0);
      database.queryTimeouts.fill(0);
    });
  }

  #addFlagTarget(): void {
    const schema: FlagServiceSchema = flagServiceSchema();
    const target = this.telemetry.addTarget({ id: "flag-service", labels: {}, schema });
    this.#watchTarget(target, (now) => {
      for (const values of target.live) values[schema.upIndex] = windowOpen(this.model.effects, "flag-service-down", now) ? 0 : 1;
    });
  }

  #watchTarget(target: Target, write: (now: Micros) => void): void {
    const { scrape } = this.model.spec.telemetry;
    const offset = hashedOffset(this.model.seed, target.id, scrape);
    this.#scraper.register(target, offset, 0);
    let next = offset;
    this.#hooks.set(target.id, {
      target,
      beforeScrape: (now) => {
        if (now < next) return;
        write(now);
        next = now + scrape;
      },
    });
  }

  // --- fleets ---

  changing(fleet: Fleet): void {
    this.#versions[fleet.version.index].stale = true;
    this.#unsteadyUntil = this.agenda.now() + 4 * MOVING_STEP;
  }

  note(kind: WorldEvent["kind"], fleet: Fleet | null, text: string): void {
    this.#note(kind, fleet === null ? null : fleet.service.spec.name, fleet === null ? null : fleet.version.name, text);
  }

  #note(kind: WorldEvent["kind"], service: string | null, version: string | null, text: string): void {
    if (this.events.length < WORLD_EVENTS_LIMIT) this.events.push({ at: this.agenda.now(), kind, service, version, text });
  }

  flagIsOn(flag: number): boolean {
    return this.#flags.isOn(flag);
  }

  /** A few service times: what is in work when a replica leaves the balancer. */
  finishing(fleet: Fleet): Micros {
    const pools = this.#versions[fleet.version.index].pools;
    return pools.reduce((most, pool) => Math.max(most, Math.round(FINISHING_TIMES * pool.serviceSeconds * MICROS_PER_SECOND)), 0);
  }

  down(replica: Replica): void {
    const { target } = replica;
    if (target === null) return;
    if (target.members > 1) this.#ownTarget(replica).target.responding = false;
    else {
      this.#draw(target, this.agenda.now());
      target.target.responding = false;
    }
  }

  up(replica: Replica): void {
    const version = this.#versions[replica.version.index];
    const { target } = replica;
    if (target !== null) {
      target.target.responding = true;
      if (replica.starts > 1) target.target.restart();
      return;
    }
    if (replica.starts > 1 || replica.singled) {
      this.#ownTarget(replica);
      return;
    }
    const main = this.#mainTarget(version);
    main.members += 1;
    replica.target = main;
  }

  left(replica: Replica): void {
    this.#book(this.#versions[replica.version.index]);
    this.#leaveTarget(replica);
  }

  singledOut(replica: Replica): void {
    replica.singled = true;
    if (replica.target === null || replica.target.members <= 1 || replica.phase !== "ready" || replica.silent) return;
    this.#ownTarget(replica);
  }

  /** Books what the pools did so far; they are grouped anew before time goes on. */
  #book(version: VersionState): void {
    for (const pool of version.pools) for (const cell of pool.cells) this.#accounts.settleCell(pool, cell);
    version.stale = true;
  }

  #rebuild(version: VersionState): void {
    this.#book(version);
    version.stale = false;
    const old = version.pools;
    const { fleet } = version;
    const groups = new Map<string, Replica[]>();
    for (const replica of fleet.replicas) {
      if (!replica.admitted) continue;
      const kind: PoolKind = replica.phase !== "ready" ? "refusing" : replica.silent ? "silent" : "serving";
      const name = `${kind} ${replica.target?.target.id ?? ""}`;
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [replica]);
      else group.push(replica);
    }
    version.pools = [...groups].map(([name, replicas]) => this.#pool(version, name, replicas, old));
    version.silentMask = version.pools.reduce((mask, pool) => (pool.kind === "silent" ? mask | pool.blame : mask), 0);
    version.lossMask = fleet.lossMask;
    this.#flow.regroup(version);
  }

  #pool(version: VersionState, name: string, replicas: readonly Replica[], old: readonly Pool[]): Pool {
    const { fleet } = version;
    const { spec, endpoints } = fleet.service;
    const kind = name.slice(0, name.indexOf(" ")) as PoolKind;
    const cells: Cell[] = [];
    for (const endpoint of endpoints) {
      for (let k = 0; k < this.#classes.count; k += 1) cells.push(new Cell(endpoint.index, endpoint.slot, k, endpoint.calls.length));
    }
    let slots = spec.slots;
    let capacityMask = 0;
    for (const effect of fleet.effects) {
      const { what } = effect.effect;
      if (what.kind !== "capacity" || !inWindow(effect, this.agenda.now())) continue;
      const concerned = replicas.filter((replica) => fleet.acts(effect, replica)).length;
      if (concerned === 0) continue;
      slots *= 1 - (what.loss * concerned) / replicas.length;
      capacityMask |= effect.bit;
    }
    const choices = spec.balancing === "power-of-two" ? 2 : spec.balancing === "least-request" ? replicas.length : 1;
    const pool = new Pool(name, kind, replicas, kind === "serving" ? replicas[0].target : null, cells, Math.floor(slots + 1e-9), spec.queue, choices,
      spec.balancing === "round-robin", this.model.releases,
      old.find((one) => one.name === name)?.key ?? streamKey(this.model.seed, `cohort/pool/${spec.name}/${fleet.version.name}/${name}`));
    pool.capacityMask = capacityMask;
    if (kind !== "serving") for (const replica of replicas) pool.blame |= replica.downMask;
    const before = old.find((one) => one.name === name) ?? old.find((one) => one.kind === kind);
    if (before !== undefined) {
      pool.inSystem = before.inSystem * Math.min(1, before.replicas.length / replicas.length);
      pool.working = before.working;
      pool.breath.deviation = before.breath.deviation;
      pool.breath.scoreTick = before.breath.scoreTick;
      pool.refused = before.refused;
      pool.cells.forEach((cell, i) => cell.attempts.set(before.cells[i].attempts));
    }
    return pool;
  }

  // --- what the platform does ---

  status(service: string): readonly VersionStatus[] {
    return this.#services[findService(this.model, service)].versions.map(({ fleet, place }) => ({
      version: fleet.version.name,
      desired: fleet.desired,
      starting: fleet.replicas.length - fleet.ready - fleet.count("draining"),
      ready: fleet.ready,
      draining: fleet.count("draining"),
      weight: this.#services[fleet.service.index].weights[place],
    }));
  }

  scale(service: string, version: string, replicas: number): void {
    const index = findVersion(this.model, service, version);
    assert(index >= 0, `version ${service} ${version} exists`);
    const { fleet } = this.#versions[index];
    this.#mark(1, index, replicas);
    fleet.scaleTo(replicas);
  }

  setWeights(service: string, weights: Readonly<Record<string, Ratio>>): void {
    const state = this.#services[findService(this.model, service)];
    const next = state.versions.map(({ fleet }) => weights[fleet.version.name] ?? 0);
    const at = this.agenda.now() + this.model.spec.splitPropagation;
    state.versions.forEach(({ fleet }, place) => this.#mark(2, fleet.version.index, next[place]));
    this.agenda.at(at, EventClass.world, () => {
      this.#touch();
      state.weights = next;
      state.shares = userShares(state.model, next, this.model.spec.users, this.noiseFree);
      const text = state.versions.map(({ fleet }, place) => `${fleet.version.name} ${Math.round(next[place] * 1000) / 10} %`).join(", ");
      this.#note("split-changed", service, null, `${service}: ${text}`);
    });
  }

  setFlag(flag: string, on: boolean): boolean {
    const index = this.model.flags.indexOf(flag);
    assert(index >= 0, `flag ${flag} exists`);
    if (windowOpen(this.model.effects, "flag-service-down", this.agenda.now())) return false;
    this.#mark(3, index, on ? 1 : 0);
    this.#flags.set(index, on, this.#versions.map(({ fleet }) => fleet));
    this.note("flag-changed", null, `flag ${flag} ${on ? "on" : "off"}`);
    return true;
  }

  flagOn(flag: string): boolean {
    const index = this.model.flags.indexOf(flag);
    return index >= 0 && this.#flags.isOn(index);
  }

  inFlight(service: string, version: string): number {
    const index = findVersion(this.model, service, version);
    assert(index >= 0, `version ${service} ${version} exists`);
    const { pools, fleet } = this.#versions[index];
    const serving = pools.reduce((sum, pool) => sum + pool.inSystem * pool.replicas.length, 0);
    return Math.round(serving) + fleet.count("draining");
  }

  littlesLaw(service: string): { readonly inFlightSeconds: number; readonly arrivals: number; readonly latencySeconds: number } {
    const index = findService(this.model, service);
    return { inFlightSeconds: this.#inFlightSeconds[index], arrivals: this.#arrivals[index], latencySeconds: this.#latencySeconds[index] };
  }

  hops(): number {
    return 0;
  }

  #mark(kind: number, subject: number, value: number): void {
    this.digest.add(this.agenda.now());
    this.digest.add(kind * 1000 + subject);
    this.digest.add(value);
  }

  /** What effects do to pools, locks and outages of databases now. */
  #databaseEffects(): void {
    const now = this.agenda.now();
    for (const database of this.#databases) {
      database.taken.fill(0);
      database.takenMask = 0;
      for (const effect of this.model.effects) {
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
    database.hold(this.agenda.now(), until, mask);
    if (database.heldUntil < Infinity) this.agenda.at(database.heldUntil, EventClass.world, () => this.#touch());
  }

  /** A defect acts on a database as long as a ready replica carries it. */
  #carried(effect: EffectModel): boolean {
    return effect.carrierVersion < 0 ||
      this.#versions[effect.carrierVersion].fleet.replicas.some((replica) => replica.phase === "ready" && carries(effect, replica));
  }

  #telemetryEffects(): void {
    const now = this.agenda.now();
    const { effects, services } = this.model;
    const gaps = effects.filter((effect) => effect.kind === "drop-scrapes" && inWindow(effect, now));
    this.#scraper.setGap(null, gaps.some((effect) => effect.service < 0));
    for (const service of services) this.#scraper.setGap(service.spec.name, gaps.some((effect) => effect.service === service.index));
    const lags = effects.filter((effect) => effect.kind === "lag" && inWindow(effect, now));
    const lagOf = (service: number): Micros => lags.reduce((sum, one) =>
      sum + (one.service === service && one.effect.what.kind === "lag" ? one.effect.what.add : 0), 0);
    this.#scraper.setLag(lagOf(-1));
    for (const service of services) this.#scraper.setLag(lagOf(service.index), service.spec.name);
  }

  #autoscaleLater(service: ServiceState, scaler: Autoscaler, interval: Micros): void {
    this.agenda.at(this.agenda.now() + interval, EventClass.world, () => {
      for (const version of service.versions) this.#autoscale(service, version, scaler);
      this.#autoscaleLater(service, scaler, interval);
    });
  }

  /** A version below half the weight is a canary, whose size the rollout sets. */
  #autoscale(service: ServiceState, version: VersionState, scaler: Autoscaler): void {
    const { fleet, pools } = version;
    if (service.weights[version.place] < 0.5) {
      scaler.forget(version.place);
      return;
    }
    const ready = fleet.count("ready");
    if (ready === 0) return;
    let [cpu, counted] = [0, 0];
    for (const pool of pools) {
      if (pool.kind !== "serving") continue;
      cpu += Math.min(1, pool.cpu[0]) * pool.replicas.length;
      counted += pool.replicas.length;
    }
    // Ready replicas that are not admitted yet are idle.
    const mean = (cpu + Math.max(0, ready - counted) * fleet.service.spec.cpu.idle) / Math.max(ready, counted);
    const desired = scaler.desired(version.place, this.agenda.now(), fleet.desired, ready, mean);
    if (desired === fleet.desired) return;
    const { name } = fleet.service.spec;
    this.note("autoscaled", fleet, `${name} ${fleet.version.name} from ${fleet.desired} to ${desired} replicas at ${Math.round(mean * 100)} % CPU`);
    fleet.scaleTo(desired);
  }
}

function accrueGauges(pool: Pool, seconds: number): void {
  const { target } = pool;
  if (target === null) return;
  const weight = pool.replicas.length * seconds;
  for (let lane = 0; lane < target.cpuSeconds.length; lane += 1) target.cpuSeconds[lane] += pool.cpu[lane] * weight;
  target.gaugedSeconds += weight;
}

/** Where a rate has a corner or a jump; pieces shorter than a second are averaged. */
function cutsOf(curves: readonly RateCurve[]): Micros[] {
  const cuts = [...new Set(curves.flatMap((curve) => [...curve.starts]))].sort((a, b) => a - b);
  const kept: Micros[] = [];
  for (const cut of cuts) if (kept.length === 0 || cut - kept[kept.length - 1] >= MICROS_PER_SECOND) kept.push(Math.round(cut));
  return kept;
}
