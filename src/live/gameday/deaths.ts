// Why a replica died or can't start, and which releases are to blame for it.

import { assert } from "../../kernel/assert.js";
import type { Micros } from "../../kernel/units.js";
import type { Effect } from "../../world/effect.js";
import type { Model, VersionModel } from "../../world/model.js";
import type { WorldEvent } from "../../world/world.js";
import type { ChildExit } from "./child.js";
import type { ReplicaProcess } from "./replica-process.js";

/** Exit codes of a replica (src/live/process/replica). */
const OUT_OF_MEMORY_CODE = 137;

/** The defect that keeps this start of a version from getting ready; null when it gets ready. */
export function startFailureOf(model: Model, version: VersionModel, draw: number, now: Micros, flagIsOn: boolean): ReplicaProcess["startFailure"] {
  for (const { effect, carrierVersion, carrierFlag, version: target, service, bit } of model.effects) {
    const { what, when } = effect;
    if (what.kind !== "startup-failure" || draw >= what.share) continue;
    if (carrierVersion >= 0 ? carrierVersion !== version.index : (service >= 0 && service !== version.service) || (target >= 0 && target !== version.index)) continue;
    if (carrierFlag >= 0 && !flagIsOn) continue;
    if (now >= when.from && now < when.to) return { mask: bit, retryAfter: what.retryAfter };
  }
  return null;
}

/** How a death stands in the timeline. */
export function deathOf({ code, signal }: ChildExit): [WorldEvent["kind"], string] {
  if (code === OUT_OF_MEMORY_CODE) return ["out-of-memory", "ran out of memory"];
  assert(code !== null || signal !== null, "an exit has a code or a signal");
  return ["replica-killed", signal === null ? "crashed" : "was killed"];
}

/** Releases whose defects make a replica of this version die by itself. */
export function ownDeaths(effects: readonly Effect[], { service, version }: ReplicaProcess): number {
  return effects.reduce((mask, { what, carrier, release }) => {
    const deadly = what.kind === "restart-loop" || what.kind === "memory-growth";
    const own = carrier.with !== "script" && carrier.service === service.spec.name && carrier.version === version.name;
    return deadly && own && release !== null ? mask | (1 << release) : mask;
  }, 0);
}
