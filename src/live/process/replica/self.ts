// What effects currently do to the replica as such: CPU, slots, memory, silence, a cold cache.

import { MICROS_PER_MINUTE, type Micros } from "../../../kernel/units.js";
import { slotsLeft } from "../../../world/replicas.js";
import type { ReplicaSetup } from "../protocol.js";
import type { EffectState } from "../shared/effect-state.js";
import type { EffectsHere } from "./effects-here.js";
import { Ballast } from "./ballast.js";

/** Long before the game day: such replicas are warm and their caches full. */
const LONG_AGO: Micros = -1e12;

/** How the replica dies of an effect. */
export type Death = "crashed" | "out-of-memory";

export class Self {
  readyAt: Micros = Infinity;
  cacheSince: Micros = Infinity;
  cacheMask = 0;
  cpuAdd = 0;
  cpuMask = 0;
  slots: number;
  capacityMask = 0;
  /** It answers nothing. */
  silent = false;
  /** Memory grown so far, in all [0] and by release [1 + r]; CPU demand added, likewise. */
  readonly grown: Float64Array;
  readonly cpuAddBy: Float64Array;
  readonly #growth: Float64Array;
  readonly #acting = new Set<EffectState>();
  readonly #crashAt = new Map<EffectState, Micros>();
  readonly #ballast = new Ballast();
  #grownAt: Micros = 0;

  constructor(readonly setup: ReplicaSetup, readonly effects: EffectsHere, readonly die: (death: Death, blame: number) => void) {
    this.slots = setup.service.slots;
    this.grown = new Float64Array(1 + setup.releases);
    this.cpuAddBy = new Float64Array(1 + setup.releases);
    this.#growth = new Float64Array(1 + setup.releases);
  }

  becomeReady(now: Micros): void {
    this.readyAt = this.setup.warm === true ? LONG_AGO : now;
    this.cacheSince = this.readyAt;
    this.effects.readyAt = this.readyAt;
    this.#grownAt = now;
    this.refresh(now);
  }

  /** Works out anew what effects do here; often enough that nothing else has to know when they begin and end. */
  refresh(now: Micros): void {
    if (this.readyAt === Infinity) return;
    this.#accrueMemory(now);
    this.cpuAdd = 0;
    this.cpuMask = 0;
    this.cpuAddBy.fill(0);
    this.capacityMask = 0;
    this.#growth.fill(0);
    this.silent = false;
    let kept = 1;
    for (const state of this.effects.onReplica) {
      const acts = this.effects.actsOnReplica(state, now);
      const began = acts && !this.#acting.has(state);
      if (!acts) {
        this.#acting.delete(state);
        this.#crashAt.delete(state);
        continue;
      }
      this.#acting.add(state);
      kept *= this.#suffer(state, began, now);
    }
    this.slots = slotsLeft(this.setup.service.slots, kept);
  }

  /** Applies one effect that acts; returns the share of slots that it leaves. */
  #suffer(state: EffectState, began: boolean, now: Micros): number {
    const { what, release } = state.effect;
    switch (what.kind) {
      case "cpu":
        this.cpuAdd += what.add;
        this.cpuMask |= state.bit;
        if (release !== null) this.cpuAddBy[1 + release] += what.add;
        return 1;
      case "capacity":
        this.capacityMask |= state.bit;
        return 1 - what.loss;
      case "memory-growth":
        this.#growth[0] += what.bytesPerMinute / MICROS_PER_MINUTE;
        if (release !== null) this.#growth[1 + release] += what.bytesPerMinute / MICROS_PER_MINUTE;
        return 1;
      case "outage":
        this.silent = true;
        return 1;
      case "restart-loop":
        if (began) this.#crashAt.set(state, now + what.every);
        else if (now >= (this.#crashAt.get(state) ?? Infinity)) this.die("crashed", state.bit);
        return 1;
      case "cache-cold":
        if (began && now > this.readyAt) {
          this.cacheSince = now;
          this.cacheMask = state.bit;
        }
        return 1;
      default:
        return 1;
    }
  }

  /** Releases whose effects make memory grow. */
  get #growthMask(): number {
    return this.#growth.reduce((mask, growth, lane) => (lane > 0 && growth > 0 ? mask | (1 << (lane - 1)) : mask), 0);
  }

  /** Growth is steady between refreshes; real memory follows as far as it is allowed to. */
  #accrueMemory(now: Micros): void {
    const elapsed = now - this.#grownAt;
    this.#grownAt = now;
    for (let i = 0; i < this.grown.length; i++) this.grown[i] += this.#growth[i] * elapsed;
    this.#ballast.growTo(this.grown[0]);
    const { base, limit } = this.setup.service.memory;
    if (this.grown[0] > 0 && base + this.grown[0] >= limit) this.die("out-of-memory", this.#growthMask);
  }
}
