// What a fleet tells the world about its replicas, and which of them carry an effect.

import type { VirtualClock } from "../../kernel/clock.js";
import type { Micros } from "../../kernel/units.js";
import type { EffectModel } from "../active-effects.js";
import type { Model } from "../model.js";
import type { WorldEvent } from "../world.js";
import type { Fleet } from "./fleet.js";
import type { Replica } from "./replica.js";

/** What a fleet tells the world. */
export interface FleetOwner {
  readonly model: Model;
  readonly agenda: VirtualClock;
  readonly drain: Micros;
  readonly noiseFree: boolean;
  /** Called before membership changes, so that what accrued so far is booked under the old state. */
  changing(fleet: Fleet): void;
  note(kind: WorldEvent["kind"], fleet: Fleet, text: string): void;
  flagIsOn(flag: number): boolean;
  /** How long a replica of the fleet needs to finish what it has. */
  finishing(fleet: Fleet): Micros;
  /** The replica's process is gone and another will come, or it is up, or it left: its scrape target follows. */
  down(replica: Replica): void;
  up(replica: Replica): void;
  left(replica: Replica): void;
  singledOut(replica: Replica): void;
}

/** Whether the replica carries the effect: its own version's, with the flag on where one is needed; or the script's. */
export const carries = (effect: EffectModel, replica: Replica): boolean =>
  effect.carrierVersion < 0 || (effect.carrierVersion === replica.version.index && (effect.carrierFlag < 0 || replica.flagOn));
