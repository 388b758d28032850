// The driver of the truth's twins: each release goes to 100 % at once, and nobody acts but a forced hand.

import { EventClass } from "../kernel/clock.js";
import { minutes, type Micros } from "../kernel/units.js";
import type { Scenario } from "../scenario/compiled.js";
import type { Driver } from "./driver.js";
import { POLL_INTERVAL } from "./simulated-platform.js";
import { releasesOf, type ReleaseItem, type SimulatedStage } from "./stage.js";
import { lastWindowFrom } from "./truth-window.js";

/**
 * A release whose replicas never are all ready gets the traffic all the same after this long (Kubernetes' default
 * progress deadline): held at 100 % with nobody acting is what the twin asks, not whether it starts.
 */
const EXPOSED_ANYWAY_AFTER: Micros = minutes(10);

/** In a short run sooner, so that truth still has a window to look through; a quarter of the run is given in any case. */
const exposedAnywayAt = (scenario: Scenario, { at }: ReleaseItem): Micros =>
  at + Math.min(EXPOSED_ANYWAY_AFTER, Math.max(scenario.duration / 4, lastWindowFrom(scenario) - at));

type FullDriver = Driver & { readonly kind: "full" };

/**
 * Schedules every release in `made`: full replicas beside stable's, all traffic as soon as they are ready.
 * Stable keeps its replicas, so that what the twin shows is the release and not the manner of its rollout.
 */
export function runFullExposure(stage: SimulatedStage, driver: FullDriver): void {
  const made = releasesOf(stage.input.scenario).filter(({ index }) => driver.made.includes(index));
  for (const item of made) stage.clock.at(item.at, EventClass.script, () => expose(stage, made, item, driver));
  const { forced } = driver;
  if (forced !== null) {
    stage.clock.at(forced.at, EventClass.script, () => force(stage, forced.release, forced.action));
  }
}

function expose(stage: SimulatedStage, made: readonly ReleaseItem[], item: ReleaseItem, { forced }: FullDriver): void {
  const { world, platform, clock, journals, input } = stage;
  const { service, version } = item.release;
  const { replicas } = platform.stable(service);
  const next = made.find((other) => other.index > item.index && other.release.service === service);
  const anyway = exposedAnywayAt(input.scenario, item);
  world.scale(service, version, replicas);
  journals[item.index].startedAt = clock.now();
  const look = (): void => {
    const now = clock.now();
    const taken = forced?.release === item.index && forced.action === "roll-back" && forced.at <= now;
    const replaced = next !== undefined && next.at <= now;
    if (taken || replaced) return;
    const ready = world.status(service).find((status) => status.version === version)?.ready ?? 0;
    if (ready >= replicas || now >= anyway) world.setWeights(service, { [version]: 1 });
    else clock.setTimer(POLL_INTERVAL, look);
  };
  look();
}

function force({ world, platform, clock, input }: SimulatedStage, release: number, action: "disable-flag" | "roll-back"): void {
  const { service, version, flag } = releasesOf(input.scenario)[release].release;
  if (action === "disable-flag") {
    if (flag !== null) world.setFlag(flag.name, false);
    return;
  }
  world.setWeights(service, { [platform.stable(service).version]: 1 });
  clock.setTimer(input.scenario.world.splitPropagation, () => world.scale(service, version, 0));
}
