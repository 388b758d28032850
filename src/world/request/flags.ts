// The flag service: what flags should be, and when each replica gets to see it.

import { streamKey, uniform } from "../../kernel/draws.js";
import { windowOpen, type EffectModel } from "../active-effects.js";
import { flagDraw, replicaStream } from "../replicas.js";
import type { Core } from "./core.js";
import { ReplicaState, type Replica } from "./replica.js";

export class Flags {
  /** Bit per flag: its value at the service. A version's flag is on from its deploy, so all begin on. */
  #on: number;
  readonly #changes: Int32Array;
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
    this.#on = (1 << core.model.flags.length) - 1;
    this.#changes = new Int32Array(core.model.flags.length);
  }

  isOn(flag: number): boolean {
    return (this.#on & (1 << flag)) !== 0;
  }

  /** A replica reads its flag while it starts; older changes that are still on their way are past for it. */
  readAtStart(replica: Replica): void {
    const { flag } = replica.version;
    if (flag < 0) return;
    replica.flags = this.#on & (1 << flag);
    replica.flagChange[flag] = Math.max(replica.flagChange[flag], this.#changes[flag] - 1);
  }

  /** Changes a flag; each replica sees it after its own propagation. False when the flag service is down. */
  set(flag: number, on: boolean): boolean {
    const core = this.#core;
    const { model } = core;
    if (windowOpen(model.effects, "flag-service-down", core.now)) return false;
    const bit = 1 << flag;
    this.#on = on ? this.#on | bit : this.#on & ~bit;
    const change = ++this.#changes[flag];
    core.digest.add(core.now);
    core.digest.add(2 * flag + (on ? 1 : 0));
    core.note("flag-changed", null, null, `flag ${model.flags[flag]} ${on ? "on" : "off"}`);
    const { min, max } = model.spec.flags.propagation;
    for (const version of model.versions) {
      if (version.flag !== flag) continue;
      const key = replicaStream(model.seed, model.services[version.service].spec.name, version.name);
      for (const replica of core.lifecycle.byVersion[version.index]) {
        const delay = min + (max - min) * flagDraw(key, replica.number, change);
        core.agenda.at(core.now + Math.round(delay), () => this.#reach(replica, flag, on, change));
      }
    }
    return true;
  }

  /** The change arrives at a replica, unless a newer one was there first. */
  #reach(replica: Replica, flag: number, on: boolean, change: number): void {
    if (replica.state === ReplicaState.gone || change <= replica.flagChange[flag]) return;
    replica.flagChange[flag] = change;
    // A starting replica will read the flag by itself.
    if (!replica.serving) return;
    replica.flags = on ? replica.flags | (1 << flag) : replica.flags & ~(1 << flag);
    this.#core.replicaEffects.refresh(replica);
    this.#core.databases.refresh();
  }

  /** A replica's lot when an effect picks some of them. */
  lot(effect: EffectModel, replica: Replica): number {
    return uniform(streamKey(this.#core.model.seed, `effect/${effect.effect.id}/lot`), replica.number, replica.version.index);
  }
}
