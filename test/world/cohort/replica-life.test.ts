// Outages, warm life and kills of replicas in the cohort world: what effects do together, and that none leaves a replica behind.

import { describe, expect, it } from "vitest";
import { minutes, seconds, type Micros } from "../../../src/kernel/units.js";
import { createCohortWorld } from "../../../src/world/cohort/cohort-world.js";
import type { Effect, EffectKind } from "../../../src/world/effect.js";
import { LEDGER_COLUMNS, LedgerColumn } from "../../../src/world/ledger.js";
import type { World } from "../../../src/world/world.js";
import { effect, input, service, world } from "./small-world.js";

const on = { on: "service", service: "checkout" } as const;
const versions = [{ service: "checkout", version: "v2", flag: "new" }];
const span = (from: Micros, to: Micros) => ({ when: { from, to, rpsAbove: null, afterWarmLife: 0 } });
const outage: EffectKind = { kind: "outage" };

const made = (effects: readonly Effect[], replicas = 4, noiseFree = true): World =>
  createCohortWorld(input(world({ services: [service({ replicas })] }), { effects, versions, noiseFree }));

/** A release's defect that its second version carries. */
const defect = (what: EffectKind, afterWarmLife: Micros): Effect => effect({ ...on, version: "v2" }, what,
  { release: 0, carrier: { with: "version", service: "checkout", version: "v2" }, when: { from: 0, to: minutes(600), rpsAbove: null, afterWarmLife } });

const readyOf = (of: World, version: string): number => of.status("checkout").find((one) => one.version === version)!.ready;

/** Pages that failed between two moments. */
function failed(of: World, from: Micros, to: Micros): number {
  const errors = (): number => {
    of.settle();
    return of.ledger.cells.reduce((sum, { scope }, i) => sum + (scope === "edge" ? of.ledger.totals[i * LEDGER_COLUMNS + LedgerColumn.errors] : 0), 0);
  };
  of.advanceTo(from);
  const before = errors();
  of.advanceTo(to);
  return errors() - before;
}

describe("an effect that waits for warm life", () => {
  const canary = (effects: readonly Effect[]): World => {
    const run = made(effects);
    run.scale("checkout", "v2", 2);
    run.advanceTo(minutes(2));
    run.setWeights("checkout", { v1: 0.5, v2: 0.5 });
    return run;
  };

  it("keeps no replica out of the balancer when it begins before the balancer admits it", () => {
    expect(readyOf(canary([defect({ kind: "errors", ratio: 0.05 }, seconds(2))]), "v2")).toBe(2);
  });

  it("begins as an outage once the replica is warm", () => {
    const run = canary([defect(outage, minutes(5))]);
    run.advanceTo(minutes(5));
    expect(readyOf(run, "v2")).toBe(2);
    run.advanceTo(minutes(5) + seconds(40));
    expect(readyOf(run, "v2")).toBe(0);
  });

  it("empties the cache once the replica is warm", () => {
    const cached = world({ services: [service({ cache: { hit: 0.9, fill: minutes(1), miss: { kind: "constant", value: seconds(1) } } })] });
    const slow = (effects: readonly Effect[]): number => {
      const run = createCohortWorld(input(cached, { effects, versions, noiseFree: true }));
      run.scale("checkout", "v2", 4);
      run.advanceTo(minutes(1));
      run.setWeights("checkout", { v1: 0, v2: 1 });
      run.advanceTo(minutes(20));
      run.settle();
      return run.ledger.cells.reduce((sum, { scope }, i) => sum + (scope === "edge" ? run.ledger.totals[i * LEDGER_COLUMNS + LedgerColumn.slow] : 0), 0);
    };
    expect(slow([defect({ kind: "cache-cold" }, minutes(12))])).toBeGreaterThan(slow([]) * 1.2);
  });
});

describe("outages of the same replicas", () => {
  it("count failed liveness probes from when there are any: a zone's host probes nobody, and what ended in between begins anew", () => {
    const killedAt = (effects: readonly Effect[]): number | undefined => {
      const run = made(effects);
      run.advanceTo(minutes(20));
      return run.events.find(({ kind }) => kind === "replica-killed")?.at;
    };
    const zone = (from: Micros, to: Micros) => effect({ on: "zone", zone: 0 }, outage, span(from, to));
    const own = (from: Micros, to: Micros) => effect({ ...on, replica: 0 }, outage, { id: "own", ...span(from, to) });
    const alone = killedAt([own(minutes(12), minutes(19))])! - minutes(12);
    expect(alone).toBeGreaterThan(seconds(5));
    expect(killedAt([zone(minutes(10), minutes(18)), own(minutes(12), minutes(19))])).toBe(minutes(12) + alone);
    expect(killedAt([own(minutes(10), minutes(10) + seconds(5)), zone(minutes(10) + seconds(2), minutes(18))])).toBeUndefined();
  });

  it("cost the second time what they cost the first: the balancer must find out anew", () => {
    const run = made([effect({ on: "zone", zone: 0 }, outage, span(minutes(10), minutes(12))), effect({ on: "zone", zone: 0 }, outage, { id: "again", ...span(minutes(40), minutes(42)) })]);
    const first = failed(run, minutes(10), minutes(14));
    expect(first).toBeGreaterThan(300);
    expect(failed(run, minutes(40), minutes(44)) / first).toBeCloseTo(1, 2);
  });

  it("last until none of them is on", () => {
    const run = made([
      effect({ on: "zone", zone: 0 }, outage, span(minutes(10), minutes(20))),
      effect({ ...on, replica: 0 }, outage, { id: "one", ...span(minutes(12), minutes(42)) }),
    ]);
    const readyAt = (at: Micros): number => {
      run.advanceTo(at);
      return readyOf(run, "v1");
    };
    expect(readyAt(minutes(15))).toBe(2);
    expect(readyAt(minutes(25))).toBe(3);
    expect(readyAt(minutes(45))).toBe(4);
  });

  it("do not end by the end of one that never acted", () => {
    const idle = effect(on, outage, { id: "idle", when: { from: minutes(11), to: minutes(12), rpsAbove: null, afterWarmLife: minutes(600) } });
    const run = made([effect({ on: "zone", zone: 0 }, outage, span(minutes(10), minutes(20))), { ...idle, carrier: { with: "version", service: "checkout", version: "v2" } }, { ...idle, id: "cold" }]);
    run.advanceTo(minutes(15));
    expect(readyOf(run, "v1")).toBe(2);
  });

  it("follow the flag that carries them, off and on", () => {
    const run = made([effect({ ...on, version: "v2" }, outage, { release: 0, carrier: { with: "flag", service: "checkout", version: "v2", flag: "new" } })], 2);
    expect(run.setFlag("new", false)).toBe(true);
    run.scale("checkout", "v2", 2);
    const switched = (flag: boolean, at: Micros): number => {
      run.advanceTo(at - seconds(15));
      run.setFlag("new", flag);
      run.advanceTo(at);
      return readyOf(run, "v2");
    };
    run.advanceTo(minutes(2));
    expect(readyOf(run, "v2")).toBe(2);
    expect(switched(true, minutes(3))).toBe(0);
    expect(switched(false, minutes(3) + seconds(15))).toBe(2);
  });
});

it("a killed replica leaves the balancer though its starts fail again and again", () => {
  const run = made([
    effect(on, { kind: "startup-failure", share: 1, retryAfter: seconds(1) }, span(minutes(9), minutes(40))),
    effect({ ...on, replica: 1 }, { kind: "kill", count: 1 }, span(minutes(10) + seconds(1), minutes(11))),
  ]);
  expect(failed(run, minutes(10), minutes(11))).toBeGreaterThan(100);
  expect(failed(run, minutes(11), minutes(12))).toBeLessThan(50);
});

it("orders end where a fault takes them all", () => {
  for (const noiseFree of [true, false]) {
    const run = made([effect(on, { kind: "conversion", drop: 1 }, span(minutes(5), minutes(10)))], 4, noiseFree);
    const orders = (at: Micros): number => {
      run.advanceTo(at);
      run.settle();
      return run.ledger.cells.reduce((sum, _, i) => sum + run.ledger.totals[i * LEDGER_COLUMNS + LedgerColumn.conversions], 0);
    };
    const [before, meanwhile, after] = [orders(minutes(5)), orders(minutes(10)), orders(minutes(15))];
    expect(before).toBeGreaterThan(2000);
    expect(meanwhile).toBe(before);
    expect(after / before).toBeCloseTo(2, 0);
  }
});
