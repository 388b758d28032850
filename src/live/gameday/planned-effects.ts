// What a plan says of effects that need no act of main: faults of the platform itself, and defects inside their versions.

import { clock, duration, percent, perSecond } from "../../kernel/format.js";
import type { Scenario } from "../../scenario/compiled.js";
import { describeEffect, describeKind, describeTarget } from "../../scenario/effect-words.js";
import type { Effect } from "../../world/effect.js";
import type { PlannedFault } from "../safety/plan.js";

/** Faults that main's own control plane carries out, at their speed; no process is touched for them. */
export function platformFaults({ effects, duration: end }: Scenario): readonly PlannedFault[] {
  return effects.flatMap((effect): PlannedFault[] => {
    const words = effect.carrier.with === "script" ? platformWords(effect) : null;
    const at = Math.max(0, effect.when.from);
    const lasts = Math.min(effect.when.to, end) - at;
    return words === null || lasts <= 0 ? [] : [{ ...words, at, lasts }];
  });
}

function platformWords({ what, target }: Effect): Omit<PlannedFault, "at" | "lasts"> | null {
  if (what.kind === "action-fails") {
    const command = target.on === "platform" && target.command !== undefined ? `\`${target.command}\`` : "any kind";
    return {
      what: `${describeKind(what)}, ${duration(what.after)} after it was asked for`, victim: "the platform",
      blastRadius: `the next ${what.times === 1 ? "action" : `${what.times} actions`} of ${command} that the delivery asks for; no process is touched`,
      reverts: "nothing to undo: later actions work",
    };
  }
  if (what.kind === "startup-failure") {
    return {
      what: describeKind(what), victim: describeTarget(target).replace(/^(on|in) /, ""),
      blastRadius: `that share of the replicas that start there never gets ready, and tries again after ${duration(what.retryAfter)}`,
      reverts: "ends by itself: the next try gets ready",
    };
  }
  return null;
}

/** Each defect of a release as it is played: at its speed, and with its window. */
export function plannedDefects({ effects, script, duration: end }: Scenario): readonly string[] {
  return effects.filter(({ carrier }) => carrier.with !== "script").map((effect) => {
    const { carrier, what, target, when, users, release } = effect;
    const brought = script.find((item) => item.kind === "release" && item.index === release);
    const from = Math.max(when.from, brought?.at ?? 0);
    const version = carrier.with === "script" ? "" : `${carrier.version}: `;
    return [
      `${clock(from)} ${when.to < end ? `for ${duration(when.to - from)}` : "until its version is gone"}: ${version}${describeEffect(what, target)}`,
      ...(carrier.with === "flag" ? [`where the flag ${carrier.flag} is on`] : []),
      ...(users < 1 ? [`for ${percent(users)} of the users`] : []),
      ...(when.rpsAbove === null ? [] : [`above ${perSecond(when.rpsAbove)} per replica`]),
      ...(when.afterWarmLife === 0 ? [] : [`in replicas that have been ready for ${duration(when.afterWarmLife)}`]),
    ].join(", ");
  });
}
