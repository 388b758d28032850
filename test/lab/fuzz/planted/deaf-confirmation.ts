// A planted bug: at full exposure, while the release is being confirmed, breaches are ignored (as in flagger's issue 1801).

import { canaryMachine } from "../../../../src/delivery/canary-machine.js";
import { createCanary, type CreateDelivery } from "../../../../src/delivery/canary.js";

const MOST_STRANDINGS = 3;

const machine = canaryMachine.provide({
  guards: { mayStillTry: ({ context }) => context.strandings < MOST_STRANDINGS && context.weight < 1 },
});

export const deafConfirmation: CreateDelivery = (options) => createCanary({ ...options, machine });
