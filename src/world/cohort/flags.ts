// The flag service: what flags should be, and when each replica gets to see a change.

import { EventClass, type VirtualClock } from "../../kernel/clock.js";
import type { Micros } from "../../kernel/units.js";
import { flagDraw, replicaStream } from "../replicas.js";
import type { Model } from "../model.js";
import type { Fleet } from "./fleet.js";

export class Flags {
  /** All begin on: a version's flag is on from its deploy. */
  readonly #on: boolean[];
  readonly #changes: number[];

  constructor(readonly model: Model, readonly agenda: VirtualClock, readonly noiseFree: boolean) {
    this.#on = model.flags.map(() => true);
    this.#changes = model.flags.map(() => 0);
  }

  isOn(flag: number): boolean {
    return this.#on[flag];
  }

  /** Changes a flag; every replica sees it after its own propagation, without noise evenly spread. */
  set(flag: number, on: boolean, fleets: readonly Fleet[]): void {
    this.#on[flag] = on;
    const change = (this.#changes[flag] += 1);
    const { min, max } = this.model.spec.flags.propagation;
    for (const fleet of fleets) {
      if (fleet.version.flag !== flag) continue;
      const key = replicaStream(this.model.seed, fleet.service.spec.name, fleet.version.name);
      fleet.replicas.forEach((replica, i) => {
        const u = this.noiseFree ? (i + 0.5) / fleet.replicas.length : flagDraw(key, replica.number, change);
        this.#later(min + (max - min) * u, () => {
          if (this.#changes[flag] === change && replica.phase !== "starting") fleet.flagReached(replica, on);
        });
      });
    }
  }

  #later(delay: Micros, act: () => void): void {
    this.agenda.at(this.agenda.now() + Math.round(delay), EventClass.world, act);
  }
}
