// What effects do to a replica as such: CPU, slots, memory, silence, crashes, cold caches.

import { MICROS_PER_MINUTE, type Micros } from "../../kernel/units.js";
import type { EffectModel } from "../active-effects.js";
import { slotsLeft } from "../replicas.js";
import type { Core } from "./core.js";
import type { EffectList } from "./effects-at-work.js";
import type { Replica } from "./replica.js";

export class ReplicaEffects {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Works out anew what effects do to the replica as such. */
  refresh(replica: Replica): void {
    const core = this.#core;
    const list = core.effects.onReplica[replica.version.index];
    if (list === null || !replica.serving) return;
    const now = core.now;
    replica.accrueMemory(now);
    replica.cpuAdd = 0;
    replica.cpuAddBy.fill(0);
    replica.growth.fill(0);
    replica.capacityMask = 0;
    replica.outMask = 0;
    let [kept, out, liveness] = [1, false, false];
    for (const effect of list) {
      const acts = core.effects.actsOnReplica(effect, replica, now);
      const began = acts && replica.acting[effect.index] === 0;
      replica.acting[effect.index] = acts ? 1 : 0;
      if (!acts) continue;
      const { what } = effect.effect;
      if (what.kind === "cpu") {
        replica.cpuAdd += what.add;
        replica.cpuAddBy[1 + effect.release] += what.add;
      } else if (what.kind === "capacity") {
        kept *= 1 - what.loss;
        replica.capacityMask |= effect.bit;
      } else if (what.kind === "memory-growth") {
        replica.growth[0] += what.bytesPerMinute / MICROS_PER_MINUTE;
        if (effect.release >= 0) replica.growth[1 + effect.release] += what.bytesPerMinute / MICROS_PER_MINUTE;
      } else if (what.kind === "outage") {
        out = true;
        replica.outMask |= effect.bit;
        // A whole zone that is gone has nobody left to restart containers in it.
        liveness ||= effect.zone < 0;
      } else if (what.kind === "restart-loop" && began) {
        this.#scheduleCrash(replica, effect, what.every);
      } else if (what.kind === "cache-cold" && began && now > replica.readyAt) {
        replica.cacheSince = now;
        replica.cacheMask = effect.bit;
      }
    }
    replica.slots = slotsLeft(replica.service.spec.slots, kept);
    this.#setOut(replica, out, liveness);
    this.#scheduleOutOfMemory(replica);
    core.walk.serveQueue(replica);
  }

  #setOut(replica: Replica, out: boolean, liveness: boolean): void {
    if (replica.target !== null) replica.target.responding = !out;
    replica.out = out;
    if (!liveness) replica.silentSince = NaN;
    if (!liveness || replica.silentSince <= this.#core.now) return;
    const core = this.#core;
    const { interval, failures } = replica.service.spec.liveness;
    const life = replica.life;
    const since = core.now;
    replica.silentSince = since;
    core.agenda.at(since + interval * failures, () => {
      if (replica.life === life && replica.silentSince === since) core.lifecycle.restart(replica, "replica-killed", "did not answer its liveness probe", replica.outMask);
    });
  }

  #scheduleCrash(replica: Replica, effect: EffectModel, every: Micros): void {
    const core = this.#core;
    const life = replica.life;
    core.agenda.at(core.now + every, () => {
      if (replica.life !== life) return;
      if (core.effects.actsOnReplica(effect, replica, core.now)) core.lifecycle.restart(replica, "replica-killed", "crashed", effect.bit);
      else replica.acting[effect.index] = 0;
    });
  }

  /** Growth is steady between refreshes, so the moment when the limit is reached can be told. */
  #scheduleOutOfMemory(replica: Replica): void {
    const core = this.#core;
    const { base, limit } = replica.service.spec.memory;
    if (replica.growth[0] <= 0) return;
    const life = replica.life;
    const left = Math.max(0, limit - base - replica.grown[0]);
    core.agenda.at(core.now + Math.ceil(left / replica.growth[0]), () => {
      if (replica.life !== life) return;
      replica.accrueMemory(core.now);
      // A refresh in between may have changed the growth; then another appointment stands.
      if (base + replica.grown[0] >= limit * (1 - 1e-12)) {
        core.lifecycle.restart(replica, "out-of-memory", "ran out of memory", growers(replica));
      }
    });
  }

  /** Effects that wait for warm life are looked at again when it is reached: on the replica, and on databases that it carries them to. */
  refreshWhenWarm(replica: Replica): void {
    const { onReplica, onDatabase } = this.#core.effects;
    this.#whenWarm(replica, onReplica[replica.version.index], () => this.refresh(replica));
    for (const list of onDatabase) {
      const carried = list?.filter((effect) => effect.carrierVersion === replica.version.index) ?? null;
      this.#whenWarm(replica, carried, () => this.#core.databases.refresh());
    }
  }

  #whenWarm(replica: Replica, list: EffectList, look: () => void): void {
    const { agenda, now } = this.#core;
    const life = replica.life;
    for (const effect of list ?? []) {
      const at = replica.readyAt + effect.afterWarmLife;
      if (effect.afterWarmLife === 0 || at <= now) continue;
      agenda.at(at, () => {
        if (replica.life === life) look();
      });
    }
  }
}

/** Releases that made the replica's memory grow. */
function growers(replica: Replica): number {
  let mask = 0;
  for (let r = 1; r < replica.grown.length; r++) if (replica.grown[r] > 0) mask |= 1 << (r - 1);
  return mask;
}
