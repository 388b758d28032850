// One effect inside a child: whether it is on just now, by its window, an order with its time to live, and its rate.

import { streamKey, uniform, type StreamKey } from "../../../kernel/draws.js";
import { MICROS_PER_SECOND, type Micros, type Rps } from "../../../kernel/units.js";
import type { Effect } from "../../../world/effect.js";
import type { Caller } from "./identity.js";

/** Effects with a rate condition look at the last ten seconds, as the simulator's do. */
const RATE_SECONDS = 10;

/** Who may carry a defect: a version, with its flag on or off. */
export type Bearer = Pick<Caller, "service" | "version" | "flagOn">;

/** Arrivals of the last ten whole seconds. */
class RecentRate {
  readonly #counts = new Int32Array(RATE_SECONDS);
  #second = 0;
  #since: Micros | null = null;
  #rate: Rps = 0;

  count(now: Micros): void {
    this.#advance(now);
    this.#counts[this.#second % RATE_SECONDS] += 1;
  }

  rate(now: Micros): Rps {
    this.#advance(now);
    return this.#rate;
  }

  /** At the first look into a new second the rate is worked out anew. */
  #advance(now: Micros): void {
    const second = Math.floor(now / MICROS_PER_SECOND);
    if (this.#since === null) {
      this.#since = now;
      this.#second = second;
      return;
    }
    if (second <= this.#second) return;
    const lived = Math.max(1, Math.min(RATE_SECONDS, Math.round((now - this.#since) / MICROS_PER_SECOND)));
    for (let s = Math.max(this.#second + 1, second - RATE_SECONDS + 1); s < second; s++) this.#counts[s % RATE_SECONDS] = 0;
    // The slot of the second that begins is ten seconds old.
    this.#rate = this.#counts.reduce((sum, count) => sum + count, 0) / lived;
    this.#counts[second % RATE_SECONDS] = 0;
    this.#second = second;
  }
}

export class EffectState {
  /** Its bit in a mask of releases; 0 for a fault. */
  readonly bit: number;
  /** Draws of its errors: entity the arrival, index the hop. */
  readonly errorKey: StreamKey;
  readonly #userKey: StreamKey;
  readonly #rate: RecentRate | null;
  /** An order of main holds until then; without one, it ended before all run time, which begins below zero. */
  #orderedUntil: Micros = -Infinity;

  constructor(readonly effect: Effect, seed: number) {
    this.bit = effect.release === null ? 0 : 1 << effect.release;
    this.errorKey = streamKey(seed, `effect/${effect.id}/errors`);
    this.#userKey = streamKey(seed, `effect/${effect.id}/users`);
    this.#rate = effect.when.rpsAbove === null ? null : new RecentRate();
  }

  /** Main's order; it ends by itself after `ttl`, told or not. */
  order(now: Micros, ttl: Micros): void {
    this.#orderedUntil = now + ttl;
  }

  revoke(): void {
    this.#orderedUntil = -Infinity;
  }

  countArrival(now: Micros): void {
    this.#rate?.count(now);
  }

  /** On at this time, whoever carries it; a scripted effect needs an order, a carried one its window. */
  armed(now: Micros): boolean {
    const { when, carrier } = this.effect;
    const open = now < this.#orderedUntil || (carrier.with !== "script" && now >= when.from && now < when.to);
    return open && (this.#rate === null || this.#rate.rate(now) > when.rpsAbove!);
  }

  touches(user: number): boolean {
    return this.effect.users >= 1 || uniform(this.#userKey, user, 0) < this.effect.users;
  }

  /** Whether `bearer` carries it; the script's effects need nobody. */
  carriedBy(bearer: Bearer | null): boolean {
    const { carrier } = this.effect;
    if (carrier.with === "script") return true;
    if (bearer === null || bearer.service !== carrier.service || bearer.version !== carrier.version) return false;
    return carrier.with === "version" || bearer.flagOn;
  }
}

/** Begins and ends scripted effects of a child as main orders. */
export function obeyEffectOrder(
  states: readonly EffectState[], order: { readonly id: string; readonly on: boolean; readonly ttl?: Micros }, now: Micros,
): void {
  for (const state of states) {
    if (state.effect.id !== order.id) continue;
    if (order.on) state.order(now, order.ttl ?? 0);
    else state.revoke();
  }
}
