// The engines' ports as a record has them: timers, answers and ends of commands come when the record says so.

import type { ActionEvent, ActionId, Platform, PlatformCommand } from "../../delivery/platform.js";
import { EventClass, type TimerId } from "../../kernel/clock.js";
import type { Micros } from "../../kernel/units.js";
import type { ScriptClock } from "../../sim/stage.js";
import type { Answer, Telemetry, TelemetryQuery, WindowSnapshot } from "../../telemetry/query.js";
import type { WorldSpec } from "../../world/spec.js";

/** Time stands where the record is; the n-th timer that the engines set fires where the n-th one of the game day did. */
export class PinnedClock implements ScriptClock {
  #now: Micros = 0;
  #timers = 0;
  readonly #waiting = new Map<TimerId, () => void>();

  now(): Micros {
    return this.#now;
  }

  setTimer(delay: Micros, callback: () => void): TimerId {
    return this.at(this.#now + delay, EventClass.engine, callback);
  }

  at(_at: Micros, _rank: EventClass, callback: () => void): TimerId {
    this.#waiting.set((this.#timers += 1), callback);
    return this.#timers;
  }

  clearTimer(id: TimerId): void {
    this.#waiting.delete(id);
  }

  standAt(now: Micros): void {
    this.#now = now;
  }

  /** Gives false when nobody waits for this timer. */
  fire(timer: number): boolean {
    const callback = this.#waiting.get(timer);
    this.#waiting.delete(timer);
    callback?.();
    return callback !== undefined;
  }
}

interface Question {
  readonly queries: readonly TelemetryQuery[];
  readonly deliver: (snapshot: WindowSnapshot) => void;
}

/** Questions wait until the record answers them. */
export class PinnedTelemetry implements Telemetry {
  #asked = 0;
  readonly #open = new Map<number, Question>();

  ask(queries: readonly TelemetryQuery[], deliver: (snapshot: WindowSnapshot) => void): void {
    this.#open.set((this.#asked += 1), { queries, deliver });
  }

  /** What the n-th question was; undefined when it was not asked. */
  questions(ask: number): readonly TelemetryQuery[] | undefined {
    return this.#open.get(ask)?.queries;
  }

  answer(ask: number, at: Micros, answers: readonly Answer[]): void {
    const question = this.#open.get(ask);
    this.#open.delete(ask);
    question?.deliver({ at, queries: question.queries, answers });
  }
}

/** Which version each service calls stable, followed over the commands that change it. */
export class StableVersions {
  readonly #stable: Map<string, { readonly version: string; readonly replicas: number }>;

  constructor({ services }: WorldSpec) {
    this.#stable = new Map(services.map(({ name, version, replicas }) => [name, { version, replicas }]));
  }

  of(service: string): { readonly version: string; readonly replicas: number } {
    return this.#stable.get(service) ?? { version: "", replicas: 0 };
  }

  /** A command has ended. */
  hear(command: PlatformCommand, { type }: ActionEvent): void {
    if (type !== "action.done") return;
    if (command.kind === "mark-stable") this.#stable.set(command.service, { ...this.of(command.service), version: command.version });
    if (command.kind === "roll-back") this.#stable.set(command.service, { ...this.of(command.service), version: command.to });
  }
}

/** Commands wait until the record says how they ended. */
export class PinnedPlatform implements Platform {
  readonly sent: { readonly id: ActionId; readonly command: PlatformCommand; readonly at: Micros }[] = [];
  readonly #clock: PinnedClock;
  readonly #stable: StableVersions;
  readonly #open: { readonly id: ActionId; readonly command: PlatformCommand; readonly heard: (event: ActionEvent) => void }[] = [];

  constructor(clock: PinnedClock, world: WorldSpec) {
    this.#clock = clock;
    this.#stable = new StableVersions(world);
  }

  stable(service: string): { readonly version: string; readonly replicas: number } {
    return this.#stable.of(service);
  }

  send(id: ActionId, command: PlatformCommand, heard: (event: ActionEvent) => void): void {
    this.sent.push({ id, command, at: this.#clock.now() });
    this.#open.push({ id, command, heard });
  }

  /** Gives false when no such command is under way. */
  end(event: ActionEvent): boolean {
    const place = this.#open.findIndex(({ id }) => id === event.id);
    if (place < 0) return false;
    const [{ command, heard }] = this.#open.splice(place, 1);
    this.#stable.hear(command, event);
    heard(event);
    return true;
  }
}
