// Why a replica died or can't start, and which releases are to blame for it.

import { assert } from "../../kernel/assert.js";
import type { Micros } from "../../kernel/units.js";
import type { Effect } from "../../world/effect.js";
import { concernsReplica, concernsVersion, inWindow, isRemote } from "../../world/active-effects.js";
import type { Model } from "../../world/model.js";
import type { WorldEvent } from "../../world/world.js";
import type { ChildExit } from "./child.js";
import type { ReplicaProcess } from "./replica-process.js";

/** Exit codes of a replica (src/live/process/replica). */
const OUT_OF_MEMORY_CODE = 137;

/** A start of a replica, and when it would get ready. */
export interface Start {
  readonly replica: Pick<ReplicaProcess, "version" | "number" | "zone">;
  readonly draw: number;
  readonly readyAt: Micros;
  readonly flagIsOn: boolean;
}

/** The effect that keeps this start from getting ready; null when it gets ready. */
export function startFailureOf(model: Model, { replica: { version, number, zone }, draw, readyAt, flagIsOn }: Start): ReplicaProcess["startFailure"] {
  for (const effect of model.effects) {
    const { what } = effect.effect;
    if (what.kind !== "startup-failure" || draw >= what.share) continue;
    if (!concernsVersion(effect, version, -1) || isRemote(effect) || !concernsReplica(effect, number, zone)) continue;
    if (effect.carrierFlag >= 0 && !flagIsOn) continue;
    if (inWindow(effect, readyAt)) return { mask: effect.bit, retryAfter: what.retryAfter };
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
