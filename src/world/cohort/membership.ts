// What the world does when a fleet's membership changes: pools are grouped anew and scrape targets follow the replicas.

import type { VirtualClock } from "../../kernel/clock.js";
import { MICROS_PER_SECOND, type Micros } from "../../kernel/units.js";
import type { Model } from "../model.js";
import type { WorldEvent } from "../world.js";
import type { Flags } from "./flags.js";
import type { Fleet } from "./fleet.js";
import type { FleetOwner } from "./fleet-owner.js";
import type { Replica } from "./replica.js";
import type { Stage } from "./stage.js";
import type { Targets } from "./targets.js";

/** A replica's last request ends about this many service times after it left the balancer. */
const FINISHING_TIMES = 4;

export class Membership implements FleetOwner {
  readonly model: Model;
  readonly agenda: VirtualClock;
  readonly drain: Micros;
  readonly noiseFree: boolean;
  readonly #stage: Stage;
  readonly #targets: Targets;
  readonly #flags: Flags;

  constructor(stage: Stage, targets: Targets, flags: Flags) {
    this.#stage = stage;
    this.#targets = targets;
    this.#flags = flags;
    this.model = stage.model;
    this.agenda = stage.agenda;
    this.drain = stage.model.spec.drain;
    this.noiseFree = stage.noiseFree;
  }

  changing(fleet: Fleet): void {
    this.#stage.versionOf(fleet).stale = true;
    this.#stage.unsteady();
  }

  note(kind: WorldEvent["kind"], fleet: Fleet, text: string): void {
    this.#stage.note(kind, fleet, text);
  }

  flagIsOn(flag: number): boolean {
    return this.#flags.isOn(flag);
  }

  /** A few service times: what is in work when a replica leaves the balancer. */
  finishing(fleet: Fleet): Micros {
    const { pools } = this.#stage.versionOf(fleet);
    return pools.reduce((most, pool) => Math.max(most, Math.round(FINISHING_TIMES * pool.serviceSeconds * MICROS_PER_SECOND)), 0);
  }

  down(replica: Replica): void {
    const { target } = replica;
    if (target === null) return;
    if (target.members > 1) this.#targets.single(replica).target.responding = false;
    else {
      this.#targets.draw(target, this.#stage.now());
      target.target.responding = false;
    }
  }

  up(replica: Replica): void {
    const { target } = replica;
    if (target !== null) {
      target.target.responding = true;
      if (replica.starts > 1) target.target.restart();
      return;
    }
    if (replica.starts > 1 || replica.singled) {
      this.#targets.single(replica);
      return;
    }
    this.#targets.join(replica);
  }

  left(replica: Replica): void {
    this.#targets.book(this.#stage.versions[replica.version.index]);
    this.#targets.leave(replica);
  }

  singledOut(replica: Replica): void {
    replica.singled = true;
    if (replica.target === null || replica.target.members <= 1 || replica.phase !== "ready" || replica.silent) return;
    this.#targets.single(replica);
  }
}
