// Requests told apart by what can happen to them: users of a limited effect, and calls from a carrier of a remote one.

import { isRemote, touchesUser, type EffectModel } from "../active-effects.js";
import type { Model } from "../model.js";

/** Limited effects and remote carriers together; each doubles the number of cells. */
export const CLASS_BITS_MAX = 4;

/** Up to this many users are counted one by one, as the request world sees them; beyond, shares are the expected ones. */
const USERS_COUNTED_MAX = 400_000;

export class UserClasses {
  readonly count: number;
  /** Share of outside requests in each class. */
  readonly share: Float64Array;
  readonly #limited: readonly EffectModel[];
  readonly #remote: readonly number[];

  constructor(model: Model, noiseFree: boolean) {
    this.#limited = model.effects.filter((effect) => effect.users < 1);
    this.#remote = [...new Set(model.effects.filter(isRemote).map((effect) => effect.carrierVersion))];
    this.count = 1 << (this.#limited.length + this.#remote.length);
    this.share = noiseFree || model.spec.users > USERS_COUNTED_MAX ? this.#expected() : this.#counted(model.spec.users);
  }

  /** Whether a request of the class meets the effect, as far as its user and caller go. */
  meets(userClass: number, effect: EffectModel): boolean {
    const limit = this.#limited.indexOf(effect);
    if (limit >= 0 && (userClass & (1 << limit)) === 0) return false;
    if (!isRemote(effect)) return true;
    return (userClass & (1 << (this.#limited.length + this.#remote.indexOf(effect.carrierVersion)))) !== 0;
  }

  /** Segment of the ledger: 1 for users that some limited effect touches. */
  segment(userClass: number): number {
    return (userClass & ((1 << this.#limited.length) - 1)) === 0 ? 0 : 1;
  }

  /** The class of a call that `version` makes for a request of this class. */
  calledBy(userClass: number, version: number): number {
    const users = userClass & ((1 << this.#limited.length) - 1);
    const remote = this.#remote.indexOf(version);
    return remote < 0 ? users : users | (1 << (this.#limited.length + remote));
  }

  #expected(): Float64Array {
    const share = new Float64Array(this.count);
    for (let users = 0; users < 1 << this.#limited.length; users += 1) {
      share[users] = this.#limited.reduce((product, effect, i) => product * (users & (1 << i) ? effect.users : 1 - effect.users), 1);
    }
    return share;
  }

  #counted(users: number): Float64Array {
    const share = new Float64Array(this.count);
    if (this.#limited.length === 0) share[0] = 1;
    else for (let user = 0; user < users; user += 1) share[this.#classOf(user)] += 1 / users;
    return share;
  }

  #classOf(user: number): number {
    let bits = 0;
    this.#limited.forEach((effect, i) => (bits |= touchesUser(effect, user) ? 1 << i : 0));
    return bits;
  }
}

