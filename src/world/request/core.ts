// What every part of the request world shares: time, queue, rows, replicas, books. The parts find each other here.

import { EventClass } from "../../kernel/clock.js";
import { Digest } from "../../kernel/digest.js";
import { EventQueue } from "../../kernel/event-queue.js";
import type { Micros } from "../../kernel/units.js";
import { Scraper } from "../../telemetry/scraper.js";
import { SeriesStore } from "../../telemetry/store.js";
import { createLedger, type LedgerBook } from "../ledger.js";
import { compileModel, lookbackOf, TELEMETRY_RETENTION, type Model } from "../model.js";
import type { WorldEvent, WorldInput } from "../world.js";
import { Agenda } from "./agenda.js";
import { Balancer } from "./balancer.js";
import { EffectsAtWork } from "./effects-at-work.js";
import { FramePool } from "./frames.js";
import type { Replica } from "./replica.js";
import type { AutoscalerLoop } from "./autoscaler.js";
import type { Calls } from "./calls.js";
import type { Databases } from "./databases.js";
import type { Flags } from "./flags.js";
import type { HealthChecks } from "./health-checks.js";
import type { Lifecycle } from "./lifecycle.js";
import type { Meter } from "./meter.js";
import type { Pages } from "./pages.js";
import type { ReplicaEffects } from "./replica-effects.js";
import type { OwnWork } from "./own-work.js";
import type { Taint } from "./taint.js";
import type { Walk } from "./walk.js";

/** Rare events are kept for the timeline; a crash loop over weeks must not fill the memory. */
export const WORLD_EVENTS_LIMIT = 20_000;

/** What a test may watch: first-hand draws, which no strategy may move. */
export interface RequestProbe {
  arrival(stream: number, number: number, at: Micros, user: number, endpoint: number): void;
  /** `base` names the hop in the call tree; `baseErrorDraw` is NaN where the endpoint has no base errors. */
  hop(stream: number, number: number, base: number, demand: Micros, baseErrorDraw: number): void;
}

export class Core {
  readonly model: Model;
  readonly queue = new EventQueue();
  readonly agenda: Agenda;
  /** time[0] is now: passed in an array, because a double passed to a call may be boxed. */
  readonly time = new Float64Array(1);
  readonly frames = new FramePool();
  /** Every replica that ever was, by id. */
  readonly replicas: Replica[] = [];
  readonly balancers: readonly Balancer[];
  readonly effects: EffectsAtWork;
  readonly store: SeriesStore;
  readonly scraper: Scraper;
  readonly ledger: LedgerBook;
  readonly digest = new Digest();
  readonly events: WorldEvent[] = [];
  probe: RequestProbe | null = null;
  /** Service and database visits so far. */
  hops = 0;

  meter!: Meter;
  taint!: Taint;
  ownWork!: OwnWork;
  calls!: Calls;
  walk!: Walk;
  pages!: Pages;
  databases!: Databases;
  lifecycle!: Lifecycle;
  healthChecks!: HealthChecks;
  replicaEffects!: ReplicaEffects;
  flags!: Flags;
  autoscaler!: AutoscalerLoop;

  constructor(readonly input: WorldInput) {
    this.model = compileModel(input);
    const { model } = this;
    const { telemetry } = model.spec;
    this.agenda = new Agenda(this.queue);
    this.balancers = model.services.map((service) => new Balancer(service));
    this.effects = new EffectsAtWork(model);
    this.store = new SeriesStore({ lanes: model.lanes, retention: TELEMETRY_RETENTION, ...lookbackOf(telemetry), scrape: telemetry.scrape });
    this.scraper = new Scraper(this.store, {
      interval: telemetry.scrape, lag: telemetry.lag, missed: telemetry.missed, seed: input.seed,
    });
    this.ledger = createLedger(model, input.detail);
  }

  get now(): Micros {
    return this.time[0];
  }

  /** Schedules an event of the given kind after `delay` (rounded to whole microseconds). */
  after(delay: Micros, kind: number, subject: number): void {
    this.queue.time[0] = this.time[0] + Math.round(delay);
    this.queue.push(EventClass.world, kind, subject);
  }

  /** Notes a rare event for the timeline. */
  note(kind: WorldEvent["kind"], service: string | null, version: string | null, text: string): void {
    if (this.events.length < WORLD_EVENTS_LIMIT) this.events.push({ at: this.time[0], kind, service, version, text });
  }
}
