// From evaluation to evaluation: which alerts are raised, and when everything has looked well for a full window.

import { describe, expect, it } from "vitest";
import type { CheckResult } from "../../src/engines/evidence.js";
import { minutes, seconds } from "../../src/kernel/units.js";
import { AlarmLog } from "../../src/sim/alarm-log.js";
import { runScenario } from "../../src/sim/run.js";
import { cornerShop, release } from "./support/corner-shop.js";

const WINDOW = minutes(2);

/** An error rate as one gate and one trigger see it. */
function results(ratio: number, gate: CheckResult["status"] = ratio < 0.01 ? "pass" : "breach", fired = false): CheckResult[] {
  const base = {
    metric: "error-rate", series: "error rate of shop v2", observed: ratio, threshold: 0.01, baseline: null, sampleSize: 1000, baselineSampleSize: 0,
    window: { from: 0, to: 1 }, breaches: 0, persistence: { need: 1, of: 1 }, reason: "It was so.",
  } as const;
  return [
    { ...base, check: "gate", role: "gate", status: gate, fired: false },
    { ...base, check: "trigger", role: "trigger", status: ratio > 0.01 ? "breach" : "pass", fired },
  ];
}

/** One evaluation every 30 s. */
function heard(evaluations: readonly CheckResult[][]): AlarmLog {
  const log = new AlarmLog();
  evaluations.forEach((results, place) => log.hear(results, { at: seconds(30 * place), heardAt: seconds(30 * place), window: WINDOW }));
  return log;
}

const well = (count: number) => Array.from({ length: count }, () => results(0.001));

describe("recovery", () => {
  it("is told once, when everything has looked well for a full window", () => {
    expect(heard([results(0.2), ...well(10)])).toMatchObject({ recovered: [seconds(30 * 5)], raised: [{ at: 0, alert: { severity: "critical" } }] });
    expect(heard([results(0.2), ...well(4)]).recovered).toEqual([]);
  });

  it.each([
    ["a gate in breach", results(0.02)],
    ["a trigger that fires", results(0.005, "pass", true)],
    ["a gate without data", results(0.001, "missing")],
    ["a critical alert though the gates are content", results(0.2, "pass")],
  ])("begins anew after %s", (_, bad) => {
    expect(heard([...well(4), bad, ...well(5)]).recovered).toEqual([seconds(30 * 9)]);
  });
});

it("closes the incident of an outage that a release was not to blame for, long before the release is done", () => {
  const strategy = "{ steps: [{ weight: 50%, bake: 14m }, { weight: 100%, bake: 3m }], every: 15s, window: 1m, gates: { error-rate: { below: 5% } }, triggers: { error-rate: { times-baseline: 3, for: 3 of 5 } }, thin-data: { min-requests: 20 } }";
  const outcome = runScenario(cornerShop({ script: `${release()}\n  - { at: 6m, fault: { errors: { on: shop/order, errors: +50% }, for: 2m } }`, strategy, lasts: "25m" }), { seed: 1, detail: "light" });
  expect(outcome.releases[0].result).toBe("promoted");
  expect(outcome.incidents).toHaveLength(1);
  const [{ openedAt, closedAt }] = outcome.incidents;
  expect(openedAt).toBeGreaterThan(minutes(6));
  expect(openedAt).toBeLessThan(minutes(8));
  // The outage ends in minute 8; its requests leave the window in minute 9, and a window later all has looked well.
  expect(closedAt).toBeGreaterThan(minutes(9));
  expect(closedAt).toBeLessThan(minutes(12));
  expect(closedAt).toBeLessThan(outcome.releases[0].times.finishedAt ?? 0);
});
