// What happens to the processes of a game day, as the world's events of the timeline.

import type { Clock } from "../../kernel/clock.js";
import type { WorldEvent } from "../../world/world.js";

export class EventLog {
  readonly events: WorldEvent[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(kind: WorldEvent["kind"], service: string | null, version: string | null, text: string): void {
    this.events.push({ at: Math.max(0, this.#clock.now()), kind, service, version, text });
  }
}
