// Service times as samplers: one uniform in, microseconds out, whatever the shape's name.

import { unreachable } from "../kernel/assert.js";
import { exponentialFrom } from "../kernel/distributions/exponential.js";
import { GammaTable } from "../kernel/distributions/gamma.js";
import { lognormal, LognormalTable } from "../kernel/distributions/lognormal.js";
import type { QuantileTable } from "../kernel/distributions/quantile-table.js";
import type { Micros } from "../kernel/units.js";
import type { DurationSpec } from "./spec.js";

const TABLE = 0;
const EXPONENTIAL = 1;
const CONSTANT = 2;
const UNIFORM = 3;

/** Samplers are pure and their tables cost time to fill, so every run of one scenario shares them. */
const known = new WeakMap<DurationSpec, DurationSampler>();

/** The sampler of a duration, made once per spec object. */
export function durationSampler(spec: DurationSpec): DurationSampler {
  const before = known.get(spec);
  if (before !== undefined) return before;
  const sampler = new DurationSampler(spec);
  known.set(spec, sampler);
  return sampler;
}

/** A duration's distribution; one class for every shape, so that the hot call site stays monomorphic. */
export class DurationSampler {
  readonly mean: Micros;
  readonly #kind: number;
  readonly #a: number;
  readonly #b: number;
  readonly #table: QuantileTable | null;

  constructor(readonly spec: DurationSpec) {
    let table: QuantileTable | null = null;
    switch (spec.kind) {
      case "lognormal": {
        const shape = lognormal({ p50: spec.p50, p95: Math.max(spec.p50, spec.p95) });
        table = new LognormalTable(shape);
        [this.#kind, this.#a, this.#b, this.mean] = [TABLE, 0, 0, shape.mean];
        break;
      }
      case "exponential":
        [this.#kind, this.#a, this.#b, this.mean] = [EXPONENTIAL, spec.mean, 0, spec.mean];
        break;
      case "constant":
        [this.#kind, this.#a, this.#b, this.mean] = [CONSTANT, spec.value, 0, spec.value];
        break;
      case "gamma":
        table = new GammaTable(spec.shape, spec.mean / spec.shape);
        [this.#kind, this.#a, this.#b, this.mean] = [TABLE, 0, 0, spec.mean];
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
      case TABLE:
        return this.#table!.from(u);
      case EXPONENTIAL:
        return exponentialFrom(u, this.#a);
      case CONSTANT:
        return this.#a;
      default:
        return this.#a + u * this.#b;
    }
  }
}
