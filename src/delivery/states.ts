// The canary's states as a list with labels: what the report draws and the outcome names.

import { percent } from "../kernel/format.js";
import type { CanaryStep } from "./strategy.js";

export interface StateDescription {
  /** The statechart's state, dots between parent and child. */
  readonly state: string;
  readonly label: string;
  /** Whether users may see the release in it, so that a fired trigger acts. */
  readonly exposed: boolean;
  /** Where it ends: no way leads out. */
  readonly final: boolean;
}

const state = (name: string, label: string, exposed: boolean, final = false): StateDescription => ({ state: name, label, exposed, final });

/** In the order in which a release that goes well, and then one that does not, meets them. */
export const CANARY_STATES: readonly StateDescription[] = [
  state("deploying", "deploying", true),
  state("step.scaling", "scaling the canary", true),
  state("step.shifting", "shifting traffic", true),
  state("step.baking", "baking", true),
  state("step.watching", "watching at full exposure", true),
  state("step.holding", "holding", true),
  state("asking", "asking a person", true),
  state("held", "held", true),
  state("marking-stable", "marking stable", true),
  state("rolling-back.disabling-flag", "switching the flag off", true),
  state("rolling-back.watching-flag", "watching without the flag", true),
  state("rolling-back.judging-flag", "judging without the flag", true),
  state("rolling-back.restoring", "rolling back", true),
  state("rolling-back.shifting-traffic", "shifting traffic to stable", true),
  state("stranded", "waiting for a person: every action failed", true),
  state("promoted", "promoted", false, true),
  state("flag-off", "dark: the flag is off", false, true),
  state("rolled-back", "rolled back", false, true),
];

/** A transition of the statechart in words, for the picture. */
export interface TransitionDescription {
  readonly from: string;
  readonly to: string;
  readonly on: string;
}

/** The ways between states; `exposed` stands for every state in which a fired trigger acts. */
export const CANARY_TRANSITIONS: readonly TransitionDescription[] = [
  { from: "deploying", to: "step.shifting", on: "replicas are ready" },
  { from: "deploying", to: "rolling-back.restoring", on: "every attempt failed" },
  { from: "step.scaling", to: "step.shifting", on: "replicas are ready" },
  { from: "step.scaling", to: "rolling-back.restoring", on: "every attempt failed" },
  { from: "step.shifting", to: "step.baking", on: "the split is set" },
  { from: "step.shifting", to: "step.watching", on: "the last split is set" },
  { from: "step.shifting", to: "rolling-back.restoring", on: "every attempt failed" },
  { from: "step.baking", to: "step.scaling", on: "bake over, every gate passes" },
  { from: "step.baking", to: "step.shifting", on: "bake over, every gate passes, replicas enough" },
  { from: "step.baking", to: "step.holding", on: "bake over, a gate fails or data is thin" },
  { from: "step.baking", to: "asking", on: "bake over, data is thin, policy ask" },
  { from: "step.baking", to: "rolling-back.restoring", on: "a gate fails, policy roll-back" },
  { from: "step.watching", to: "marking-stable", on: "watch over, every gate passes" },
  { from: "step.watching", to: "step.holding", on: "watch over, a gate fails or data is thin" },
  { from: "step.watching", to: "asking", on: "watch over, data is thin, policy ask" },
  { from: "step.watching", to: "rolling-back.restoring", on: "a gate fails, policy roll-back" },
  { from: "step.holding", to: "step.scaling", on: "every gate passes" },
  { from: "step.holding", to: "step.shifting", on: "every gate passes, replicas enough" },
  { from: "step.holding", to: "marking-stable", on: "every gate passes at the last step" },
  { from: "step.holding", to: "asking", on: "longest hold over, data still thin" },
  { from: "step.holding", to: "rolling-back.restoring", on: "longest hold over, a gate still fails" },
  { from: "asking", to: "step.scaling", on: "answer: promote" },
  { from: "asking", to: "step.shifting", on: "answer: promote, replicas enough" },
  { from: "asking", to: "marking-stable", on: "answer: promote at the last step" },
  { from: "asking", to: "held", on: "answer: hold" },
  { from: "asking", to: "rolling-back.restoring", on: "answer: roll-back, or no answer" },
  { from: "held", to: "step.scaling", on: "answer: promote" },
  { from: "held", to: "step.shifting", on: "answer: promote, replicas enough" },
  { from: "held", to: "marking-stable", on: "answer: promote at the last step" },
  { from: "held", to: "rolling-back.restoring", on: "answer: roll-back" },
  { from: "marking-stable", to: "promoted", on: "the version is stable" },
  { from: "marking-stable", to: "held", on: "every attempt failed" },
  { from: "exposed", to: "rolling-back.disabling-flag", on: "a trigger fires, the flag is enough" },
  { from: "exposed", to: "rolling-back.restoring", on: "a trigger fires" },
  { from: "rolling-back.disabling-flag", to: "rolling-back.watching-flag", on: "the flag is off" },
  { from: "rolling-back.disabling-flag", to: "rolling-back.restoring", on: "the flag cannot be switched, or a hard trigger fires" },
  { from: "rolling-back.watching-flag", to: "rolling-back.judging-flag", on: "watch over" },
  { from: "rolling-back.watching-flag", to: "rolling-back.restoring", on: "a hard trigger fires" },
  { from: "rolling-back.judging-flag", to: "flag-off", on: "better" },
  { from: "rolling-back.judging-flag", to: "rolling-back.restoring", on: "not better" },
  { from: "rolling-back.restoring", to: "rolled-back", on: "stable is restored" },
  { from: "rolling-back.restoring", to: "rolling-back.shifting-traffic", on: "every attempt failed" },
  { from: "rolling-back.shifting-traffic", to: "rolled-back", on: "traffic is on stable" },
  { from: "rolling-back.shifting-traffic", to: "stranded", on: "every attempt failed" },
  { from: "stranded", to: "rolling-back.restoring", on: "answer: roll-back, or no answer" },
  { from: "stranded", to: "held", on: "answer: hold" },
];

const LABELS = new Map(CANARY_STATES.map((description) => [description.state, description.label]));

/** `step 2 of 3, baking at 25%`, `rolling back`, ... */
export function stateLabel(name: string, step: number, steps: readonly CanaryStep[]): string {
  const label = LABELS.get(name) ?? name;
  if (!name.startsWith("step.")) return label;
  return `step ${step + 1} of ${steps.length} (${percent(steps[step].weight)}), ${label}`;
}
