// Kubernetes' horizontal autoscaler on CPU, for both fidelities: desired = ceil(ready x cpu / target), a tenth of tolerance, slow to shrink.

import type { Micros, Ratio } from "../kernel/units.js";
import type { AutoscaleSpec } from "./spec.js";

/** No change while the average is within a tenth of the target (Kubernetes' default). */
const TOLERANCE = 0.1;
/** A version below this weight is a canary, whose size the rollout sets. */
export const AUTOSCALED_FROM_WEIGHT: Ratio = 0.5;

/** One service's autoscaler; its versions are numbered by place. */
export class Autoscaler {
  /** What was wanted within the stabilisation window, oldest first, by place of the version. */
  readonly #wanted = new Map<number, { readonly at: Micros; readonly count: number }[]>();

  constructor(readonly spec: AutoscaleSpec) {}

  /**
   * How many replicas the version at `place` should have: up at once, down only to what was enough all the time. The
   * size that it begins with counts as wanted, as in Kubernetes, so that patience holds from the first round on.
   */
  desired(place: number, now: Micros, current: number, ready: number, cpu: number): number {
    const { targetCpu, downAfter } = this.spec;
    const ratio = cpu / targetCpu;
    const raw = Math.abs(ratio - 1) <= TOLERANCE ? current : Math.ceil(ready * ratio);
    const latest = this.#clamped(raw);
    const wanted = this.#wantedOf(place);
    if (wanted.length === 0) wanted.push({ at: now, count: this.#clamped(current) });
    wanted.push({ at: now, count: latest });
    while (wanted[0].at < now - downAfter) wanted.shift();
    const highest = wanted.reduce((most, { count }) => Math.max(most, count), 0);
    return latest > current ? latest : Math.min(current, highest);
  }

  /**
   * The delivery asked for this size. It counts as wanted: the autoscaler may exceed it, and takes it back no sooner
   * than it would its own, so that replicas asked for ahead of their traffic are there when it comes.
   */
  asked(place: number, now: Micros, count: number): void {
    this.#wantedOf(place).push({ at: now, count: this.#clamped(count) });
  }

  /** The version is a canary just now. */
  forget(place: number): void {
    this.#wanted.delete(place);
  }

  #clamped(count: number): number {
    return Math.min(this.spec.max, Math.max(this.spec.min, count));
  }

  #wantedOf(place: number): { readonly at: Micros; readonly count: number }[] {
    const known = this.#wanted.get(place);
    if (known !== undefined) return known;
    const wanted: { at: Micros; count: number }[] = [];
    this.#wanted.set(place, wanted);
    return wanted;
  }
}
