// A delivery strategy as data: the steps, figures and policies that its author chose.

import type { CheckSpec } from "../engines/evidence.js";
import type { Micros, Ratio } from "../kernel/units.js";

export interface CanaryStep {
  readonly weight: Ratio;
  readonly bake: Micros;
  /** Longest hold after the bake while a gate fails or data is thin; default one bake. */
  readonly maxHold: Micros;
  readonly minRequests: number;
  readonly onInconclusive: "hold" | "ask" | "roll-back" | "promote";
}

export interface CanaryStrategy {
  readonly kind: "canary";
  readonly name: string;
  readonly steps: readonly CanaryStep[];
  /** Time between evaluations. */
  readonly every: Micros;
  readonly window: Micros;
  readonly gates: readonly CheckSpec[];
  readonly triggers: readonly CheckSpec[];
  /** `hold`: hold the step, roll back after bake plus max-hold. `roll-back`: at once (the seed preset). */
  readonly onGateFail: "hold" | "roll-back";
  readonly canaryReplicas: "weight" | number;
  /** Canary replicas on top of what the weight asks for. */
  readonly surge: number;
  readonly rollback: {
    readonly prefer: "flag-or-full" | "full";
    /** How long stable keeps its replicas after full exposure; 0: scaled down with the weight. */
    readonly stableKeptFor: Micros;
    /** Share of the excess that must come from the flag's endpoints (0.8). */
    readonly flagShare: Ratio;
    /** Watch after a flag switch (60 s). */
    readonly flagWatch: Micros;
    /** Tries of one platform action before the next level (2). */
    readonly attempts: number;
  };
  /** Longest wait for a platform action by kind of command. */
  readonly actionTimeout: Micros;
  readonly askTimeout: Micros;
  readonly onNoAnswer: "hold" | "roll-back" | "promote";
}

export type Strategy = CanaryStrategy;

/** How long it takes from the first step to the last one's end, as it plans. */
export const scheduleOf = ({ steps }: Pick<CanaryStrategy, "steps">): Micros => steps.reduce((sum, { bake }) => sum + bake, 0);
