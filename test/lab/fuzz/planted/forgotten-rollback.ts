// A planted bug: a rollback that fails is neither tried again nor told to anybody; the delivery just stops.

import { createCanary, type CreateDelivery } from "../../../../src/delivery/canary.js";
import type { Platform } from "../../../../src/delivery/platform.js";

export const forgottenRollback: CreateDelivery = (options) => {
  const { ports, observer } = options;
  let forgotten = false;
  const unlessForgotten = <Heard extends readonly unknown[]>(tell: (...heard: Heard) => void) => (...heard: Heard): void => {
    if (!forgotten) tell(...heard);
  };
  const platform: Platform = {
    stable: (service) => ports.platform.stable(service),
    send: (id, command, heard) => {
      if (forgotten) return;
      ports.platform.send(id, command, (event) => {
        if (command.kind !== "roll-back" || event.type !== "action.failed") return heard(event);
        observer.action("roll back", command, event, event.at);
        forgotten = true;
      });
    },
  };
  return createCanary({
    ...options,
    ports: { ...ports, platform },
    observer: {
      decided: unlessForgotten(observer.decided), entered: unlessForgotten(observer.entered), action: unlessForgotten(observer.action),
      paged: unlessForgotten(observer.paged), finished: unlessForgotten(observer.finished),
    },
  });
};
