// A calibrated scenario at a game day's speed: what was written goes by faster, what real processes add to it does not.

import type { Micros } from "../../kernel/units.js";
import type { Scenario } from "../../scenario/compiled.js";
import type { DurationSpec, WorldSpec } from "../../world/spec.js";
import type { Overhead } from "../calibrate/calibration.js";
import { atSpeed } from "../gameday/speed.js";

/** The overhead is taken out, the rest is divided, and the overhead is added again. */
export function calibratedAtSpeed(calibrated: Scenario, speed: number, overhead: Overhead): Scenario {
  if (speed === 1) return calibrated;
  const faster = atSpeed({ ...calibrated, world: shifted(calibrated.world, overhead, -1) }, speed);
  return { ...faster, world: shifted(faster.world, overhead, 1) };
}

function shifted(world: WorldSpec, { startup, split, lag }: Overhead, sign: 1 | -1): WorldSpec {
  return {
    ...world,
    services: world.services.map((service) => ({ ...service, startup: later(service.startup, sign * startup) })),
    telemetry: { ...world.telemetry, lag: notBefore(world.telemetry.lag + sign * lag) },
    splitPropagation: notBefore(world.splitPropagation + sign * split),
  };
}

const notBefore = (time: Micros): Micros => Math.max(0, time);

function later(spec: DurationSpec, by: Micros): DurationSpec {
  switch (spec.kind) {
    case "lognormal":
      return { ...spec, p50: notBefore(spec.p50 + by), p95: notBefore(spec.p95 + by) };
    case "exponential":
    case "gamma":
      return { ...spec, mean: notBefore(spec.mean + by) };
    case "constant":
      return { ...spec, value: notBefore(spec.value + by) };
    case "uniform":
      return { ...spec, from: notBefore(spec.from + by), to: notBefore(spec.to + by) };
  }
}
