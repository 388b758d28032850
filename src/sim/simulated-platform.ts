// The Platform port over a simulated world.

import type { World } from "../world/world.js";
import { ControlPlane, type ControlPlaneInput } from "./control-plane.js";

export { API_LATENCY, POLL_INTERVAL } from "./control-plane.js";

export interface SimulatedPlatformInput extends Omit<ControlPlaneInput, "cluster"> {
  readonly world: World;
}

/** The control plane of a simulated cluster: its flag service answers at once, or not at all. */
export class SimulatedPlatform extends ControlPlane {
  constructor({ world, ...rest }: SimulatedPlatformInput) {
    super({
      ...rest,
      cluster: {
        status: (service) => world.status(service),
        scale: (service, version, replicas) => world.scale(service, version, replicas),
        setWeights: (service, weights) => world.setWeights(service, weights),
        setFlag: (flag, on, heard) => heard(world.setFlag(flag, on)),
      },
    });
  }
}
