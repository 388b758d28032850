// The platform commands a canary sends, made from what its statechart remembers, and how they read.

import { percent } from "../kernel/format.js";
import { counted } from "../engines/wording.js";
import { unreachable } from "../kernel/assert.js";
import { replicasFor } from "./capacity.js";
import type { CanaryContext } from "./canary-context.js";
import type { PlatformCommand } from "./platform.js";

export type CommandName = "deploy" | "scale" | "shift" | "mark-stable" | "disable-flag" | "roll-back" | "shift-back";

/**
 * Replicas that the present step needs. An autoscaler may have grown stable since the delivery started; beside a canary
 * with much of the traffic it has shrunk it, which says nothing of the whole.
 */
export function replicasOfStep({ strategy, stable, step, driver }: CanaryContext): number {
  const replicas = Math.max(stable.replicas, driver.stableReplicas());
  return replicasFor(strategy.steps[step].weight, replicas, strategy.canaryReplicas, strategy.surge);
}

/** Makes the command of that name. */
export function commandOf(name: CommandName, context: CanaryContext): PlatformCommand {
  const { service, version, flag } = context.release;
  switch (name) {
    case "deploy":
      return { kind: "deploy", service, version, replicas: replicasOfStep(context) };
    case "scale":
      return { kind: "scale", service, version, replicas: replicasOfStep(context) };
    case "shift":
      return { kind: "set-weight", service, version, weight: context.strategy.steps[context.step].weight };
    case "mark-stable":
      return { kind: "mark-stable", service, version };
    case "disable-flag":
      return { kind: "set-flag", flag: flag?.name ?? "", on: false };
    case "roll-back":
      return { kind: "roll-back", service, version, to: context.stable.version };
    case "shift-back":
      return { kind: "set-weight", service, version, weight: 0 };
    default:
      return unreachable(name);
  }
}

/** `deploy checkout v2 with 1 replica`, `set checkout v2 to 25%`, ... */
export function commandText(command: PlatformCommand): string {
  switch (command.kind) {
    case "deploy":
      return `deploy ${command.service} ${command.version} with ${counted(command.replicas, "replica")}`;
    case "scale":
      return `scale ${command.service} ${command.version} to ${counted(command.replicas, "replica")}`;
    case "set-weight":
      return command.weight === 0
        ? `shift all traffic of ${command.service} away from ${command.version}`
        : `set ${command.service} ${command.version} to ${percent(command.weight)} of the traffic`;
    case "set-flag":
      return `switch flag ${command.flag} ${command.on ? "on" : "off"}`;
    case "roll-back":
      return `roll ${command.service} back from ${command.version} to ${command.to}`;
    case "mark-stable":
      return `mark ${command.service} ${command.version} as stable`;
    case "page":
      return `page: ${command.message}`;
    default:
      return unreachable(command);
  }
}
