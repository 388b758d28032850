// One effect inside a child: a scripted one is on by main's order alone, whatever the time.

import { describe, expect, it } from "vitest";
import { seconds } from "../../../src/kernel/units.js";
import { EffectState } from "../../../src/live/process/shared/effect-state.js";
import type { Effect } from "../../../src/world/effect.js";

const OUTAGE: Effect = {
  id: "outage", target: { on: "service", service: "shop", replica: 0 }, what: { kind: "outage" }, users: 1,
  when: { from: seconds(4), to: seconds(10), rpsAbove: null, afterWarmLife: 0 }, carrier: { with: "script" }, release: null,
};
const DEFECT: Effect = { ...OUTAGE, carrier: { with: "version", service: "shop", version: "v2" }, release: 0 };

describe("a scripted effect", () => {
  it("is off before run time 0, while processes start, and in its own window when nobody ordered it", () => {
    const state = new EffectState(OUTAGE, 1);
    for (const now of [-seconds(20), -1, 0, seconds(5)]) expect(state.armed(now)).toBe(false);
  });

  it("is on from its order until its time to live is over, or it is revoked", () => {
    const state = new EffectState(OUTAGE, 1);
    state.order(seconds(4), seconds(6));
    expect([seconds(4), seconds(9.9), seconds(10)].map((now) => state.armed(now))).toEqual([true, true, false]);
    state.order(seconds(20), seconds(6));
    state.revoke();
    expect([-seconds(1), seconds(21)].map((now) => state.armed(now))).toEqual([false, false]);
  });
});

describe("a defect", () => {
  it("needs no order: its own window is enough", () => {
    const state = new EffectState(DEFECT, 1);
    expect([-seconds(1), seconds(4), seconds(10)].map((now) => state.armed(now))).toEqual([false, true, false]);
  });
});
