// Real processes as the world that records and judges look at: books, status, events and telemetry, all as of now.

import { Digest } from "../../kernel/digest.js";
import type { Micros } from "../../kernel/units.js";
import type { ScriptClock, PlayedWorld } from "../../sim/stage.js";
import type { SeriesStore } from "../../telemetry/store.js";
import type { Ledger } from "../../world/ledger.js";
import { MODEL_VERSION } from "../../world/model-version.js";
import type { VersionStatus, WorldEvent } from "../../world/world.js";
import type { EventLog } from "./event-log.js";
import type { LiveBooks } from "./live-books.js";
import type { Supervisor } from "./supervisor.js";

/** What a live outcome can't know, or knows only about. */
const APPROXIMATIONS: readonly string[] = [
  "Whether a release is harmful is told by the simulator's twins of the script: life can't be played again without the release",
  "Service times are waited, not computed: a replica's CPU and memory gauges follow the world's rule, not the machine's load",
  "Circuit breakers and retry budgets are each replica's own; the simulator has one of each per version and callee, so that its breakers open sooner",
  "Books are half a second old at most; a process that is killed takes that much of its own with it",
  "The digest is of this one game day: no other one repeats it",
];

export interface LiveWorldParts {
  readonly clock: ScriptClock;
  readonly telemetry: SeriesStore;
  readonly books: LiveBooks;
  readonly events: EventLog;
  readonly supervisor: Supervisor;
}

export class LiveWorld implements PlayedWorld {
  readonly modelVersion = MODEL_VERSION;
  readonly approximations = APPROXIMATIONS;
  readonly digest = new Digest();
  readonly #parts: LiveWorldParts;

  constructor(parts: LiveWorldParts) {
    this.#parts = parts;
    this.digest.addText("live");
  }

  get telemetry(): SeriesStore {
    return this.#parts.telemetry;
  }

  get ledger(): Ledger {
    return this.#parts.books.ledger;
  }

  get events(): readonly WorldEvent[] {
    return this.#parts.events.events;
  }

  now(): Micros {
    return this.#parts.clock.now();
  }

  /** Reports come by themselves; the digest closes over what they said. */
  settle(): void {
    for (const total of this.ledger.totals) this.digest.add(total);
    for (const { at, text } of this.events) {
      this.digest.add(at);
      this.digest.addText(text);
    }
  }

  status(service: string): readonly VersionStatus[] {
    return this.#parts.supervisor.status(service);
  }

  inFlight(service: string, version: string): number {
    return this.#parts.books.inFlight(service, version);
  }

  littlesLaw(service: string): ReturnType<LiveBooks["littlesLaw"]> {
    return this.#parts.books.littlesLaw(service);
  }
}
