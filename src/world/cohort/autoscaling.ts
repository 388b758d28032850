// Kubernetes' horizontal autoscaler on CPU: desired = ceil(current x cpu / target), a tenth of tolerance, slow to shrink.

import type { Micros } from "../../kernel/units.js";
import type { AutoscaleSpec } from "../spec.js";

const TOLERANCE = 0.1;

export class Autoscaler {
  /** Recommendations within the stabilisation window: time and replicas. */
  readonly #recent: { readonly at: Micros; readonly replicas: number }[] = [];

  constructor(readonly spec: AutoscaleSpec) {}

  /** How many replicas there should be, given how many there are and their mean CPU. */
  desired(now: Micros, current: number, cpu: number): number {
    const { min, max, targetCpu, downAfter } = this.spec;
    const ratio = cpu / targetCpu;
    const wanted = Math.abs(ratio - 1) <= TOLERANCE ? current : Math.ceil(current * ratio);
    const bounded = Math.min(max, Math.max(min, wanted));
    this.#recent.push({ at: now, replicas: bounded });
    while (this.#recent.length > 0 && this.#recent[0].at <= now - downAfter) this.#recent.shift();
    // Down only to the highest recommendation of the window.
    const highest = this.#recent.reduce((most, one) => Math.max(most, one.replicas), 0);
    return bounded >= current ? bounded : Math.min(current, highest);
  }
}
