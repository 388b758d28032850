// Writes into the game day's record what went through the ports of the engines, so that it can be replayed.

import type { ActionEvent, ActionId, Platform, PlatformCommand } from "../../delivery/platform.js";
import type { Telemetry, TelemetryQuery, WindowSnapshot } from "../../telemetry/query.js";

/** Takes what happened; see live/telemetry/record.ts. */
export interface EventRecord {
  event(type: string, data: unknown): void;
}

/** Telemetry whose questions are recorded, each with the instant it was asked about, when its answer came. */
export class RecordedTelemetry implements Telemetry {
  readonly #telemetry: Telemetry;
  readonly #record: EventRecord;

  constructor(telemetry: Telemetry, record: EventRecord) {
    this.#telemetry = telemetry;
    this.#record = record;
  }

  ask(queries: readonly TelemetryQuery[], deliver: (snapshot: WindowSnapshot) => void): void {
    this.#telemetry.ask(queries, (snapshot) => {
      this.#record.event("answered", { at: snapshot.at, queries: queries.length, absent: snapshot.answers.filter(({ kind }) => kind === "absent").length });
      deliver(snapshot);
    });
  }
}

/** A platform whose commands are recorded with how they ended. */
export class RecordedPlatform implements Platform {
  readonly #platform: Platform;
  readonly #record: EventRecord;

  constructor(platform: Platform, record: EventRecord) {
    this.#platform = platform;
    this.#record = record;
  }

  stable(service: string): { readonly version: string; readonly replicas: number } {
    return this.#platform.stable(service);
  }

  send(id: ActionId, command: PlatformCommand, heard: (event: ActionEvent) => void): void {
    this.#record.event("sent", { id, command });
    this.#platform.send(id, command, (event) => {
      this.#record.event("heard", { command, event });
      heard(event);
    });
  }
}
