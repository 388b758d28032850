// What the parts of the cohort world share: the model, the clock, the state of its services and the notes about them.

import { alike } from "../../kernel/alike.js";
import { VirtualClock } from "../../kernel/clock.js";
import { Digest } from "../../kernel/digest.js";
import { MICROS_PER_SECOND, type Micros } from "../../kernel/units.js";
import { compileModel, type Model } from "../model.js";
import type { WorldSpec } from "../spec.js";
import type { WorldEvent, WorldInput } from "../world.js";
import type { DatabasePool } from "./database-pool.js";
import type { Fleet } from "./fleet.js";
import { LateReloads } from "./late-reloads.js";
import { LawBook } from "./law-book.js";
import type { ServiceState, VersionState } from "./service-state.js";
import { UserClasses } from "./user-classes.js";

/** While queues, warm-ups or failures move, time is cut this fine. */
export const MOVING_STEP: Micros = MICROS_PER_SECOND;
const WORLD_EVENTS_LIMIT = 20_000;

/** Laws are shared by all runs of one world. */
const books = new WeakMap<WorldSpec, LawBook>();

function bookOf(spec: WorldSpec): LawBook {
  let book = books.get(spec);
  if (book === undefined) books.set(spec, (book = new LawBook()));
  return book;
}

export class Stage {
  readonly model: Model;
  readonly noiseFree: boolean;
  readonly horizon: Micros;
  readonly law: LawBook;
  readonly classes: UserClasses;
  readonly agenda = new VirtualClock();
  readonly digest = new Digest();
  readonly events: WorldEvent[] = [];
  services: readonly ServiceState[] = [];
  /** By the model's index. */
  versions: readonly VersionState[] = [];
  databases: readonly DatabasePool[] = [];
  readonly lateReloads = new LateReloads();
  #unsteadyUntil: Micros = 0;

  constructor(input: WorldInput) {
    this.model = compileModel(input);
    this.noiseFree = input.noiseFree;
    this.horizon = input.horizon;
    this.law = bookOf(input.spec);
    this.classes = new UserClasses(this.model, input.noiseFree);
  }

  /** Comes on once there is somebody to whom fleets can report. */
  enter(services: readonly ServiceState[], databases: readonly DatabasePool[]): void {
    this.services = alike(services);
    this.versions = alike(this.model.versions.map((version) => services[version.service].versions.find((state) => state.fleet.version === version)!));
    this.databases = alike(databases);
  }

  now(): Micros {
    return this.agenda.now();
  }

  versionOf(fleet: Fleet): VersionState {
    return this.versions[fleet.version.index];
  }

  /** Something changed: for a while the state is followed in small steps. */
  touch(): void {
    this.unsteady();
    for (const version of this.versions) version.stale = true;
  }

  unsteady(): void {
    this.#unsteadyUntil = this.agenda.now() + 4 * MOVING_STEP;
  }

  isMoving(now: Micros): boolean {
    if (now < this.#unsteadyUntil || this.lateReloads.pending) return true;
    for (const version of this.versions) for (const pool of version.pools) if (pool.moving) return true;
    return false;
  }

  note(kind: WorldEvent["kind"], fleet: Fleet | null, text: string): void {
    this.noteOf(kind, fleet === null ? null : fleet.service.spec.name, fleet === null ? null : fleet.version.name, text);
  }

  noteOf(kind: WorldEvent["kind"], service: string | null, version: string | null, text: string): void {
    if (this.events.length < WORLD_EVENTS_LIMIT) this.events.push({ at: this.agenda.now(), kind, service, version, text });
  }

  /** Takes a command of the platform into the digest. */
  mark(kind: number, subject: number, value: number): void {
    this.digest.add(this.agenda.now());
    this.digest.add(kind * 1000 + subject);
    this.digest.add(value);
  }
}
