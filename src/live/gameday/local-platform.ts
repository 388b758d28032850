// The Platform port over processes of this machine.

import { ControlPlane, type ControlPlaneInput } from "../../sim/control-plane.js";
import type { Supervisor } from "./supervisor.js";

export interface LocalPlatformInput extends Omit<ControlPlaneInput, "cluster"> {
  readonly supervisor: Supervisor;
}

/**
 * The same control plane that simulated clusters have, at its pace, over a supervisor: starts, drains, splits and flag
 * changes take the time that real processes take for them.
 */
export class LocalPlatform extends ControlPlane {
  constructor({ supervisor, ...rest }: LocalPlatformInput) {
    super({ ...rest, cluster: supervisor });
  }
}
