// The law of an endpoint's own work under the conditions that a replica finds: warmth, CPU, cache, effects.

import type { DurationSpec } from "../spec.js";
import { convolve, scaleMass, type Mass } from "./grid.js";
import { LawBuilder, type Law } from "./law.js";
import { durationMass } from "./service-time.js";

export interface ErrorSource {
  readonly ratio: number;
  /** Bit of the release that brings it, 0 for the base rate or a fault. */
  readonly bit: number;
}

/** Everything that own work depends on; numbers that change continuously come in steps. */
export interface WorkConditions {
  readonly time: DurationSpec;
  /** Product of warm-up, CPU and latency factors, and what latency effects add. */
  readonly factor: number;
  readonly addSeconds: number;
  /** Releases that changed the time. */
  readonly mask: number;
  readonly errors: readonly ErrorSource[];
  /** Misses: how many, how many a full cache has, and who emptied it. */
  readonly miss: { readonly time: DurationSpec; readonly share: number; readonly regular: number; readonly mask: number } | null;
}

/** Errors come after the work, the base draw first; later sources only see what the earlier ones let through. */
export function workLaw(conditions: WorkConditions): Law {
  const plain = durationMass(conditions.time, conditions.factor, conditions.addSeconds);
  const builder = new LawBuilder();
  const { miss } = conditions;
  if (miss === null || miss.share <= 0) {
    addOutcomes(builder, plain, conditions.mask, conditions.errors);
  } else {
    const missed = convolve(plain, durationMass(miss.time, 1, 0));
    addOutcomes(builder, scaleMass(plain, 1 - miss.share), conditions.mask, conditions.errors);
    const regular = Math.min(miss.share, miss.regular);
    addOutcomes(builder, scaleMass(missed, regular), conditions.mask, conditions.errors);
    addOutcomes(builder, scaleMass(missed, miss.share - regular), conditions.mask | miss.mask, conditions.errors);
  }
  return builder.build();
}

function addOutcomes(builder: LawBuilder, time: Mass, mask: number, errors: readonly ErrorSource[]): void {
  let through = 1;
  for (const source of errors) {
    builder.fail(mask, source.bit, time, through * source.ratio);
    through *= 1 - source.ratio;
  }
  builder.ok(mask, time, through);
}

/** A name that says everything the law depends on. */
export function workName(endpoint: number, conditions: WorkConditions): string {
  const { factor, addSeconds, mask, errors, miss } = conditions;
  const failures = errors.map((source) => `${source.ratio}:${source.bit}`).join(",");
  const cold = miss === null ? "" : `${miss.share}:${miss.mask}`;
  return `work ${endpoint} ${factor} ${addSeconds} ${mask} ${failures} ${cold}`;
}
