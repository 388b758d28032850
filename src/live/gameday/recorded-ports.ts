// Writes into the game day's record what went through the ports of the engines, so that it can be replayed.

import type { ActionEvent, ActionId, Platform, PlatformCommand } from "../../delivery/platform.js";
import { EventClass, type TimerId } from "../../kernel/clock.js";
import type { Micros } from "../../kernel/units.js";
import type { ScriptClock } from "../../sim/stage.js";
import type { Telemetry, TelemetryQuery, WindowSnapshot } from "../../telemetry/query.js";

/** Takes what happened; see live/telemetry/record.ts. */
export interface EventRecord {
  event(type: string, data: unknown): void;
}

/**
 * Time as the engines see it: it stands still while they act, as in simulation, and each turn of theirs (a timer, an
 * answer, the end of a command) is in the record with its time. A replay gives them the same turns at the same times.
 */
export class RecordedClock implements ScriptClock {
  /** Told after each turn. */
  onTurn: () => void = () => undefined;
  readonly #clock: ScriptClock;
  readonly #record: EventRecord;
  #standsAt: Micros | null = null;
  #timers = 0;

  constructor(clock: ScriptClock, record: EventRecord) {
    this.#clock = clock;
    this.#record = record;
  }

  now(): Micros {
    return this.#standsAt ?? this.#clock.now();
  }

  setTimer(delay: Micros, callback: () => void): TimerId {
    return this.at(this.now() + Math.max(0, delay), EventClass.engine, callback);
  }

  at(at: Micros, rank: EventClass, callback: () => void): TimerId {
    const timer = (this.#timers += 1);
    return this.#clock.at(at, rank, () => this.turn("timer", { timer }, callback));
  }

  clearTimer(id: TimerId): void {
    this.#clock.clearTimer(id);
  }

  /** The engines' turn: what they do in `act` happens at one instant. */
  turn(type: string, data: object, act: () => void): void {
    if (this.#standsAt !== null) return act();
    this.#standsAt = this.#clock.now();
    this.#record.event(type, { ...data, now: this.#standsAt });
    try {
      act();
    } finally {
      this.#standsAt = null;
    }
    this.onTurn();
  }
}

/** Telemetry whose questions and answers are recorded, each with the instant it was asked about, when its answer came. */
export class RecordedTelemetry implements Telemetry {
  readonly #telemetry: Telemetry;
  readonly #clock: RecordedClock;
  #asked = 0;

  constructor(telemetry: Telemetry, clock: RecordedClock) {
    this.#telemetry = telemetry;
    this.#clock = clock;
  }

  ask(queries: readonly TelemetryQuery[], deliver: (snapshot: WindowSnapshot) => void): void {
    const ask = (this.#asked += 1);
    this.#telemetry.ask(queries, (snapshot) => this.#clock.turn("answered", { ask, at: snapshot.at, asked: queries, answers: snapshot.answers }, () => deliver(snapshot)));
  }
}

/** A platform whose commands are recorded with how they ended. */
export class RecordedPlatform implements Platform {
  readonly #platform: Platform;
  readonly #record: EventRecord;
  readonly #clock: RecordedClock;

  constructor(platform: Platform, record: EventRecord, clock: RecordedClock) {
    this.#platform = platform;
    this.#record = record;
    this.#clock = clock;
  }

  stable(service: string): { readonly version: string; readonly replicas: number } {
    return this.#platform.stable(service);
  }

  send(id: ActionId, command: PlatformCommand, heard: (event: ActionEvent) => void): void {
    this.#record.event("sent", { id, command, now: this.#clock.now() });
    this.#platform.send(id, command, (event) => this.#clock.turn("heard", { command, event }, () => heard(event)));
  }
}
