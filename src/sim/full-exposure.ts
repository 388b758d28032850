// The driver of the truth's twins: each release goes to 100 % at once, and nobody acts but a forced hand.

import { EventClass } from "../kernel/clock.js";
import type { Driver } from "./driver.js";
import { POLL_INTERVAL } from "./simulated-platform.js";
import { releasesOf, type ReleaseItem, type Stage } from "./stage.js";

/**
 * Schedules every release in `made`: full replicas beside stable's, all traffic as soon as they are ready.
 * Stable keeps its replicas, so that what the twin shows is the release and not the manner of its rollout.
 */
export function runFullExposure(stage: Stage, driver: Driver & { kind: "full" }): void {
  for (const item of releasesOf(stage.input.scenario)) {
    if (driver.made.includes(item.index)) {
      stage.clock.at(item.at, EventClass.script, () => expose(stage, item, driver));
    }
  }
  const { forced } = driver;
  if (forced !== null) {
    stage.clock.at(forced.at, EventClass.script, () => force(stage, forced.release, forced.action));
  }
}

function expose(stage: Stage, item: ReleaseItem, driver: Driver & { kind: "full" }): void {
  const { world, platform, clock, journals } = stage;
  const { service, version } = item.release;
  const replicas = platform.stable(service).replicas;
  world.scale(service, version, replicas);
  journals[item.index].startedAt = clock.now();
  const look = (): void => {
    const taken = driver.forced?.release === item.index && driver.forced.action === "roll-back" && driver.forced.at <= clock.now();
    if (taken) return;
    const ready = world.status(service).find((status) => status.version === version)?.ready ?? 0;
    if (ready >= replicas) world.setWeights(service, { [version]: 1 });
    else clock.setTimer(POLL_INTERVAL, look);
  };
  look();
}

function force({ world, platform, input }: Stage, release: number, action: "disable-flag" | "roll-back"): void {
  const { service, flag } = releasesOf(input.scenario)[release].release;
  if (action === "disable-flag") {
    if (flag !== null) world.setFlag(flag.name, false);
  } else {
    world.setWeights(service, { [platform.stable(service).version]: 1 });
  }
}
