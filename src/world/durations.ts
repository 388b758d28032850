// Service times as samplers: one uniform in, microseconds out, whatever the shape's name.

import { unreachable } from "../kernel/assert.js";
import { exponentialFrom } from "../kernel/distributions/exponential.js";
import { gammaFrom } from "../kernel/distributions/gamma.js";
import { lognormal, LognormalTable } from "../kernel/distributions/lognormal.js";
import type { Micros } from "../kernel/units.js";
import type { DurationSpec } from "./spec.js";

const LOGNORMAL = 0;
const EXPONENTIAL = 1;
const CONSTANT = 2;
const GAMMA = 3;
const UNIFORM = 4;

/** A duration's distribution; one class for every shape, so that the hot call site stays monomorphic. */
export class DurationSampler {
  readonly mean: Micros;
  readonly #kind: number;
  readonly #a: number;
  readonly #b: number;
  readonly #table: LognormalTable | null;

  constructor(readonly spec: DurationSpec) {
    let table: LognormalTable | null = null;
    switch (spec.kind) {
      case "lognormal": {
        const shape = lognormal({ p50: spec.p50, p95: Math.max(spec.p50, spec.p95) });
        table = new LognormalTable(shape);
        [this.#kind, this.#a, this.#b, this.mean] = [LOGNORMAL, 0, 0, shape.mean];
        break;
      }
      case "exponential":
        [this.#kind, this.#a, this.#b, this.mean] = [EXPONENTIAL, spec.mean, 0, spec.mean];
        break;
      case "constant":
        [this.#kind, this.#a, this.#b, this.mean] = [CONSTANT, spec.value, 0, spec.value];
        break;
      case "gamma":
        [this.#kind, this.#a, this.#b, this.mean] = [GAMMA, spec.shape, spec.mean / spec.shape, spec.mean];
        break;
      case "uniform":
        [this.#kind, this.#a, this.#b, this.mean] = [UNIFORM, spec.from, spec.to - spec.from, (spec.from + spec.to) / 2];
        break;
      default:
        unreachable(spec);
    }
    this.#table = table;
  }

  /** The duration at the uniform draw u, increasing in u; not rounded to whole microseconds. */
  from(u: number): Micros {
    switch (this.#kind) {
      case LOGNORMAL:
        return this.#table!.from(u);
      case EXPONENTIAL:
        return exponentialFrom(u, this.#a);
      case CONSTANT:
        return this.#a;
      case GAMMA:
        return gammaFrom(u, this.#a, this.#b);
      default:
        return this.#a + u * this.#b;
    }
  }
}
