// Feature flags as shares: after a switch the replicas follow one by one, which a version sees as a ramp.

import { EventClass, type VirtualClock } from "../../kernel/clock.js";
import type { Micros } from "../../kernel/units.js";

interface FlagState {
  on: boolean;
  /** Share of replicas that see it on, and what it was before the last switch. */
  share: number;
  changes: number;
}

/** A ramp is played in this many steps. */
const RAMP_STEPS = 6;

export class Flags {
  readonly #flags: FlagState[];

  constructor(count: number, readonly propagation: { readonly min: Micros; readonly max: Micros }, readonly agenda: VirtualClock,
    readonly moved: (flag: number, act: () => void) => void) {
    this.#flags = Array.from({ length: count }, () => ({ on: true, share: 1, changes: 0 }));
  }

  isOn(flag: number): boolean {
    return this.#flags[flag].on;
  }

  share(flag: number): number {
    return this.#flags[flag].share;
  }

  /** Switches the flag; replicas see it between the shortest and the longest propagation, evenly. */
  set(flag: number, on: boolean): void {
    const state = this.#flags[flag];
    if (state.on === on) return;
    state.on = on;
    state.changes += 1;
    const { changes } = state;
    const from = state.share;
    const to = on ? 1 : 0;
    const { min, max } = this.propagation;
    for (let step = 1; step <= RAMP_STEPS; step += 1) {
      const delay = min + ((max - min) * (step - 0.5)) / RAMP_STEPS;
      this.agenda.at(this.agenda.now() + Math.round(delay), EventClass.world, () => {
        if (state.changes !== changes) return;
        this.moved(flag, () => {
          state.share = from + ((to - from) * step) / RAMP_STEPS;
        });
      });
    }
  }
}
