// A release's last harm: while its traffic lasts, some time before the split takes it away, in both fidelities.

import { describe, expect, it } from "vitest";
import { minutes, seconds, toSeconds, type Micros } from "../../../src/kernel/units.js";
import type { Fidelity } from "../../../src/world/world.js";
import { FIDELITIES, release, staged, worldOf } from "../support/preset-stage.js";

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
/** 36 orders a second, half of them v2's, 3 % of those fail: one in 1.85 s. */
const GAP_SECONDS = 1.85;

/** Seconds from the last harm to the moment when the split that ends it is in force. */
function gaps(fidelity: Fidelity): number[] {
  const scenario = staged({ script: release("errors", "on: shop/order, errors: +3%") });
  return SEEDS.map((seed) => {
    const world = worldOf(fidelity, scenario, seed);
    world.scale("shop", "v2", 4);
    const setTo = (at: Micros, share: number): void => {
      world.advanceTo(at);
      world.setWeights("shop", { v1: 1 - share, v2: share });
    };
    setTo(minutes(1), 0.5);
    // Not a moment at which targets are scraped.
    setTo(seconds(121.3), 0);
    world.advanceTo(minutes(3));
    world.settle();
    return toSeconds(seconds(121.3) + scenario.world.splitPropagation - world.ledger.lastHarmAt[0]);
  });
}

describe("the last harm", () => {
  it.each(FIDELITIES)("comes as long before the split as failures are apart, in %s", (fidelity) => {
    const all = gaps(fidelity);
    // A request that is inside when the split changes may still fail.
    expect(Math.min(...all)).toBeGreaterThan(-0.2);
    const mean = all.reduce((sum, gap) => sum + gap, 0) / all.length;
    expect(Math.abs(mean - GAP_SECONDS)).toBeLessThan((4 * GAP_SECONDS) / Math.sqrt(all.length));
  });
});
