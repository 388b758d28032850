// Every named fault loads as it stands in its documentation, in the script and, where it can travel, as a defect.

import { describe, expect, it } from "vitest";

import { PRESETS, PRESET_NAMES } from "../../src/scenario/presets.js";
import { inline, loaded } from "./fixtures.js";

const withScript = (script: string) => loaded({ "/p/basics/slow.yaml": inline({ script }) });
const targetOf = (name: (typeof PRESET_NAMES)[number]): string => (PRESETS[name].needsTarget ? `on: ${PRESETS[name].example}` : "");

describe("presets", () => {
  it.each(PRESET_NAMES.map((name) => [name]))("%s is effects of the grammar with a window", (name) => {
    const { effects, script } = withScript(`  - { at: 10m, fault: { ${name}: { ${targetOf(name)} }, for: 5m } }`);
    expect(effects).toHaveLength(PRESETS[name].effects.length);
    for (const { when, carrier, release } of effects) {
      expect([when.from, when.to, carrier.with, release]).toEqual([600e6, 900e6, "script", null]);
    }
    expect(script[0].kind === "fault" && script[0].text.startsWith(`${name}: `)).toBe(true);
  });

  it("take other figures, a length of their own, and everything an effect may say", () => {
    const { effects } = withScript("  - { at: 10m, fault: { errors: { on: checkout/create-order, version: v1, errors: +9%, users: 3%, for: 2m, when: { rps-above: 8rps, after: 20s, from: 1m } } } }");
    expect(effects[0]).toMatchObject({
      target: { on: "service", service: "checkout", endpoint: "create-order", version: "v1" }, what: { kind: "errors", ratio: 0.09 }, users: 0.03,
      when: { from: 660e6, to: 720e6, rpsAbove: 8, afterWarmLife: 20e6 },
    });
  });

  it("take their share of the pool from the database they act on", () => {
    expect(withScript("  - { at: 10m, fault: { db-pool-exhaustion: { on: orders-db } } }").effects[0].what).toEqual({ kind: "pool", taken: 36 });
  });

  it("name another zone", () => {
    expect(withScript("  - { at: 10m, fault: { zone-outage: { zone: 2 } } }").effects[0].target).toEqual({ on: "zone", zone: 2 });
    expect(withScript("  - { at: 10m, fault: { zone-outage: { zone: 2, on: checkout } } }").effects[0].target).toEqual({ on: "service", service: "checkout", zone: 2 });
  });

  it("travel as defects, on the release's own service unless they say otherwise", () => {
    const { effects } = withScript("  - { at: 10m, release: { service: checkout, version: v2, defects: [{ preset: memory-leak }, { preset: noisy-neighbour, cpu: +70% }, { preset: lock-queue, on: orders-db }] } }");
    expect(effects.map(({ id }) => id)).toEqual([
      "v2: memory +20MB/min on checkout", "v2: cpu +70% on checkout", "v2: latency x1.5 on checkout", "v2: lock 40s on orders-db",
    ]);
    expect(effects.every(({ carrier, release }) => carrier.with === "version" && release === 0)).toBe(true);
  });
});

describe("the grammar of effects", () => {
  it.each([
    ["on: checkout, errors: +2%", { kind: "errors", ratio: 0.02 }],
    ["on: checkout, latency: +200ms", { kind: "latency", factor: 1, add: 200e3 }],
    ["on: checkout, latency: x1.5 +20ms", { kind: "latency", factor: 1.5, add: 20e3 }],
    ["on: checkout, memory: +5MB/min", { kind: "memory-growth", bytesPerMinute: 5e6 }],
    ["on: checkout, cpu: +60%", { kind: "cpu", add: 0.6 }],
    ["on: checkout, conversion: -30%", { kind: "conversion", drop: 0.3 }],
    ["on: checkout, capacity: -50%", { kind: "capacity", loss: 0.5 }],
    ["on: checkout, capacity: -100%", { kind: "outage" }],
    ["on: orders-db, pool: -20", { kind: "pool", taken: 20 }],
    ["on: orders-db, lock: 40s", { kind: "lock", hold: 40e6 }],
    ["on: checkout, restart-loop: 90s", { kind: "restart-loop", every: 90e6 }],
    ["on: checkout, startup-failure: 100%, retry-after: 20s", { kind: "startup-failure", share: 1, retryAfter: 20e6 }],
    ["on: checkout, kill: 2", { kind: "kill", count: 2 }],
    ["on: checkout -> payments, outage: on", { kind: "outage" }],
    ["on: checkout, cache: cold", { kind: "cache-cold" }],
    ["surge: x2", { kind: "surge", factor: 2 }],
    ["on: telemetry checkout, scrapes: drop", { kind: "drop-scrapes" }],
    ["lag: +30s", { kind: "lag", add: 30e6 }],
    ["flag-service: down", { kind: "flag-service-down" }],
    ["on: platform set-weight, action-fails: 2, fails-after: 1s", { kind: "action-fails", times: 2, after: 1e6 }],
  ])("reads { %s }", (text, what) => {
    expect(withScript(`  - { at: 10m, fault: { effect: { ${text} } } }`).effects[0].what).toEqual(what);
  });
});
