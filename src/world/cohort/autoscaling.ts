// Kubernetes' horizontal autoscaler on CPU: desired = ceil(ready x cpu / target), a tenth of tolerance, slow to shrink.

import type { Micros } from "../../kernel/units.js";
import type { AutoscaleSpec } from "../spec.js";

const TOLERANCE = 0.1;

export class Autoscaler {
  /** What was wanted within the stabilisation window, oldest first, by place of the version. */
  readonly #wanted = new Map<number, { readonly at: Micros; readonly count: number }[]>();

  constructor(readonly spec: AutoscaleSpec) {}

  /** How many replicas the version at `place` should have, up at once, down only to what was enough all the time. */
  desired(place: number, now: Micros, current: number, ready: number, cpu: number): number {
    const { min, max, targetCpu, downAfter } = this.spec;
    const ratio = cpu / targetCpu;
    const raw = Math.abs(ratio - 1) <= TOLERANCE ? current : Math.ceil(ready * ratio);
    const latest = Math.min(max, Math.max(min, raw));
    const wanted = this.#wanted.get(place) ?? [];
    this.#wanted.set(place, wanted);
    wanted.push({ at: now, count: latest });
    while (wanted[0].at < now - downAfter) wanted.shift();
    const highest = wanted.reduce((most, { count }) => Math.max(most, count), 0);
    return latest > current ? latest : Math.min(current, highest);
  }

  /** The version is a canary just now. */
  forget(place: number): void {
    this.#wanted.delete(place);
  }
}
