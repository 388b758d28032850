// A planted bug: a required metric without data is taken for good news, and the release goes on.

import { currentVerdict } from "../../../../src/delivery/canary-context.js";
import { canaryMachine } from "../../../../src/delivery/canary-machine.js";
import { createCanary, type CreateDelivery } from "../../../../src/delivery/canary.js";

const machine = canaryMachine.provide({
  guards: {
    bakeSaysPromote: ({ context }) => {
      const verdict = currentVerdict(context);
      return verdict !== null && (verdict.kind === "pass" || verdict.kind === "missing");
    },
  },
});

export const blindPromotion: CreateDelivery = (options) => createCanary({ ...options, machine });
