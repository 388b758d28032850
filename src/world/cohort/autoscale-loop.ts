// Asks a service's autoscaler again and again, and scales the fleets as it says.

import { EventClass } from "../../kernel/clock.js";
import { AUTOSCALED_FROM_WEIGHT, type Autoscaler } from "../autoscaling.js";
import type { ServiceState, VersionState } from "./service-state.js";
import type { Stage } from "./stage.js";

/** From now on, every interval of the autoscaler. */
export function autoscaleLater(stage: Stage, service: ServiceState, scaler: Autoscaler): void {
  stage.agenda.at(stage.now() + scaler.spec.interval, EventClass.world, () => {
    for (const version of service.versions) autoscale(stage, service, version, scaler);
    autoscaleLater(stage, service, scaler);
  });
}

function autoscale(stage: Stage, service: ServiceState, version: VersionState, scaler: Autoscaler): void {
  const { fleet, pools } = version;
  if (service.weights[version.place] < AUTOSCALED_FROM_WEIGHT) {
    scaler.forget(version.place);
    return;
  }
  const ready = fleet.count("ready");
  if (ready === 0) return;
  let [cpu, counted] = [0, 0];
  for (const pool of pools) {
    if (pool.kind !== "serving") continue;
    cpu += Math.min(1, pool.cpu[0]) * pool.replicas.length;
    counted += pool.replicas.length;
  }
  // Ready replicas that are not admitted yet are idle.
  const mean = (cpu + Math.max(0, ready - counted) * fleet.service.spec.cpu.idle) / Math.max(ready, counted);
  const desired = scaler.desired(version.place, stage.now(), fleet.desired, ready, mean);
  if (desired === fleet.desired) return;
  const { name } = fleet.service.spec;
  stage.note("autoscaled", fleet, `${name} ${fleet.version.name} from ${fleet.desired} to ${desired} replicas at ${Math.round(mean * 100)} % CPU`);
  fleet.scaleTo(desired);
}
