// Whose doing a decision was: what a release's crashes leave behind is the release's, although no request carries the crash itself.

import { describe, expect, it } from "vitest";
import { runScenario } from "../../src/sim/run.js";
import { cornerShop, release } from "./support/corner-shop.js";

const CRASHES = "{ with: version, on: shop, restart-loop: 60s }";
const FIDELITIES = ["cohort", "request"] as const;

describe.each(FIDELITIES)("a release whose replicas crash, in %s", (fidelity) => {
  const played = (strategy: string, shop: string) => {
    const scenario = cornerShop({ script: release(CRASHES), strategy, shop, rate: "60rps" });
    const [outcome] = runScenario(scenario, { fidelity, detail: "light" }).releases;
    return outcome;
  };

  it("is the cause where its replicas are slow because they have just been started again", () => {
    const slow = "{ steps: [{ weight: 20%, bake: 10m }, { weight: 100%, bake: 3m }], window: 1m, every: 15s, gates: {}, triggers: { p95: { above: 150ms, for: 2 of 3 } }, thin-data: { min-requests: 20 } }";
    // Warm again when it crashes; the first start's own coldness is over before the split changes.
    const outcome = played(slow, "warm-up: { for: 55s, factor: x6 }");
    expect(outcome).toMatchObject({ truth: "harmful", cause: "release", classification: "caught", tookRightAction: true });
  });

  it("is the cause where it answers too few requests, because nobody reaches a replica that is down", () => {
    const share = "{ steps: [{ weight: 20%, bake: 5m }, { weight: 100%, bake: 3m }], window: 2m, every: 15s, gates: { throughput: { within: 10% } }, on-gate-fail: roll-back, triggers: {}, thin-data: { min-requests: 20 } }";
    const outcome = played(share, "warm-up: { for: 0s, factor: x1 }");
    expect(outcome).toMatchObject({ truth: "harmful", cause: "release", classification: "caught" });
    expect(outcome.causeReason).toContain("took its replicas down");
  });
});
