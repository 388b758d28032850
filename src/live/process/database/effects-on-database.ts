// The effects that can touch this database: on its queries by who asks, on its pool, and its locks.

import type { Micros } from "../../../kernel/units.js";
import type { Order, DatabaseSetup } from "../protocol.js";
import { EffectState, obeyEffectOrder } from "../shared/effect-state.js";
import type { Caller } from "../shared/identity.js";

/** A defect on pool or locks acts while its carrier is about: it asked something within this time. */
const CARRIER_SEEN: Micros = 5_000_000;

export class EffectsOnDatabase {
  readonly all: readonly EffectState[];
  readonly onQuery: readonly EffectState[];
  readonly #onPool: readonly EffectState[];
  readonly #lastCarried = new Map<EffectState, Micros>();
  /** A lock is taken once, and held until then in run time. */
  readonly #locks = new Map<EffectState, Micros>();
  /** Ordered by main: it acts whoever asks. */
  readonly #ordered = new Map<EffectState, Micros>();
  /** Connections that effects took, in all and by release [1 + r]. */
  taken = 0;
  takenMask = 0;
  readonly takenBy: Float64Array;
  /** Run time until which queries wait for a lock. */
  lockedUntil: Micros = 0;
  lockMask = 0;

  constructor(setup: DatabaseSetup) {
    this.takenBy = new Float64Array(1 + setup.releases);
    this.all = setup.effects
      .filter(({ target }) => target.on === "database" && target.database === setup.database.name)
      .map((effect) => new EffectState(effect, setup.seed));
    this.#onPool = this.all.filter(({ effect: { what } }) => what.kind === "pool" || what.kind === "lock");
    this.onQuery = this.all.filter((state) => !this.#onPool.includes(state));
  }

  /** A query came: its caller counts for rates, and shows that a defect's carrier is about. */
  countArrival(caller: Caller, now: Micros): void {
    for (const state of this.all) {
      state.countArrival(now);
      if (this.#onPool.includes(state) && state.effect.carrier.with !== "script" && state.carriedBy(caller)) {
        const first = !this.#lastCarried.has(state);
        this.#lastCarried.set(state, now);
        if (first) this.refresh(now);
      }
    }
  }

  actsOnQuery(state: EffectState, caller: Caller, user: number, now: Micros): boolean {
    return state.armed(now) && state.carriedBy(caller) && state.touches(user);
  }

  order(order: Extract<Order, { readonly type: "effect" }>, now: Micros): void {
    obeyEffectOrder(this.all, order, now);
    for (const state of this.all) {
      if (state.effect.id !== order.id) continue;
      this.#ordered.set(state, order.on ? now + order.ttl : 0);
      // Ordered anew it is taken anew; called off it is released at once.
      const held = this.#locks.get(state);
      if (order.on) this.#locks.delete(state);
      else if (held !== undefined) this.#locks.set(state, Math.min(held, now));
    }
    this.refresh(now);
  }

  /** Works out anew what effects do to pool and locks. */
  refresh(now: Micros): void {
    this.taken = 0;
    this.takenMask = 0;
    this.takenBy.fill(0);
    for (const state of this.#onPool) {
      if (!state.armed(now) || !this.#isAbout(state, now)) continue;
      const { what, release } = state.effect;
      if (what.kind === "pool") {
        this.taken += what.taken;
        this.takenMask |= state.bit;
        if (release !== null) this.takenBy[1 + release] += what.taken;
      } else if (what.kind === "lock" && !this.#locks.has(state)) {
        this.#locks.set(state, now + what.hold);
      }
    }
    this.#lookAtLocks(now);
  }

  /** The longest that is held counts; the end of one is not the end of the others. */
  #lookAtLocks(now: Micros): void {
    this.lockedUntil = 0;
    this.lockMask = 0;
    for (const [{ bit }, until] of this.#locks) {
      if (until <= now) continue;
      this.lockedUntil = Math.max(this.lockedUntil, until);
      this.lockMask |= bit;
    }
  }

  #isAbout(state: EffectState, now: Micros): boolean {
    if (state.effect.carrier.with === "script") return true;
    return now < (this.#ordered.get(state) ?? 0) || now - (this.#lastCarried.get(state) ?? -Infinity) < CARRIER_SEEN;
  }
}
