// The preset that engines meet at the platform: a rollback that fails once, and goes on hurting until the next try works.

import { describe, expect, it } from "vitest";
import { minutes, seconds } from "../../../src/kernel/units.js";
import { simulate } from "../../../src/sim/simulate.js";
import type { Fidelity } from "../../../src/world/world.js";
import { expectNear, FIDELITIES, release, Seen, SHOP, staged } from "../support/preset-stage.js";

const V2 = { ...SHOP, version: "v2" } as const;
const STRATEGY = "{ steps: [{ weight: 50%, bake: 4m }, { weight: 100%, bake: 4m }], window: 30s, every: 15s, gates: {}, triggers: { error-rate: { above: 5%, for: 1 of 1 } } }";

/** A canary with 30 % errors under the real engines: what telemetry shows, and how its rollback commands ended. */
function canary(fidelity: Fidelity, more: string) {
  const scenario = staged({ strategy: STRATEGY, script: `${release("errors", "on: shop/order, errors: +30%")}\n${more}`, until: minutes(5) });
  const { world, journals } = simulate({ scenario, seed: 1, fidelity, noiseFree: false, detail: "light", seen: false, driver: { kind: "strategy" } });
  const [{ actions, result }] = journals;
  const rollbacks = actions.filter(({ command }) => command.kind === "roll-back");
  return { seen: new Seen(world), asked: rollbacks.filter(({ event }) => event === null), ended: rollbacks.flatMap(({ event }) => event ?? []), result };
}

describe.each(FIDELITIES)("rollback-fails, in %s", (fidelity) => {
  const plain = canary(fidelity, "");
  const failing = canary(fidelity, "  - { at: 0s, fault: { rollback-fails: { fails-after: 30s } } }");

  it("fails the next rollback command, and the one after it works", () => {
    expect(plain.ended.map(({ type }) => type)).toEqual(["action.done"]);
    expect(failing.ended.map(({ type }) => type)).toEqual(["action.failed", "action.done"]);
    expect(failing.ended[0].at - failing.asked[0].at).toBe(seconds(30));
    expect([plain.result?.kind, failing.result?.kind]).toEqual(["rolled-back", "rolled-back"]);
  });

  it("keeps users on the bad version for as long as it takes", () => {
    const { at } = plain.asked[0];
    expect(failing.asked[0].at).toBe(at);
    const served = ({ seen }: typeof plain): number => seen.requests(V2, { from: at - seconds(15), to: minutes(5) });
    // 30 rps of v2 for 30 s more.
    expectNear(served(failing) - served(plain), 30 * 30, 250);
  });
});
