// A planted bug: the platform says that a rollback is done, and has not done it; the bad version goes on answering.

import { createCanary, type CreateDelivery } from "../../../../src/delivery/canary.js";
import type { Platform } from "../../../../src/delivery/platform.js";
import { seconds } from "../../../../src/kernel/units.js";

export const lyingRollback: CreateDelivery = (options) => {
  const { clock, platform } = options.ports;
  const lying: Platform = {
    stable: (service) => platform.stable(service),
    send: (id, command, heard) => {
      if (command.kind !== "roll-back") return platform.send(id, command, heard);
      clock.setTimer(seconds(3), () => heard({ type: "action.done", id, at: clock.now(), effectiveAt: clock.now() }));
    },
  };
  return createCanary({ ...options, ports: { ...options.ports, platform: lying } });
};
