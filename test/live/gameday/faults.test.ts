// Faults that overlap, against stand-ins: the end of one is not the end of the other.

import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../src/kernel/clock.js";
import { millis, seconds } from "../../../src/kernel/units.js";
import { EventLog } from "../../../src/live/gameday/event-log.js";
import { planFaults } from "../../../src/live/gameday/fault-acts.js";
import { Faults } from "../../../src/live/gameday/faults.js";
import { startFailureOf } from "../../../src/live/gameday/deaths.js";
import { ReplicaProcess } from "../../../src/live/gameday/replica-process.js";
import type { Supervisor } from "../../../src/live/gameday/supervisor.js";
import type { Order } from "../../../src/live/process/protocol.js";
import type { FaultLease, GameDayGuard } from "../../../src/live/safety/guard.js";
import type { LiveScraper } from "../../../src/live/telemetry/scrape.js";
import { worldInputOf } from "../../../src/sim/play.js";
import { compileModel, type Model } from "../../../src/world/model.js";
import { miniScenario, RELEASE } from "./mini.js";

const modelOf = (script: string): Model =>
  compileModel(worldInputOf({ scenario: miniScenario({ script, lasts: "60s" }), seed: 7, noiseFree: false, detail: "light", fidelity: "live", seen: false, driver: { kind: "strategy" } }));

/** Faults of a script on two replicas, one in each zone; what became of them at each time. */
function playing(script: string) {
  const clock = new VirtualClock();
  const model = modelOf(script);
  const { acts, refusals } = planFaults(miniScenario({ script, lasts: "60s" }), "built-in");
  expect(refusals).toEqual([]);
  const gaps = new Map<string | null, boolean>();
  const lags = new Map<string, number>();
  const orders: Order[] = [];
  const leases: FaultLease[] = [];
  const child = { gone: false, identity: { pid: 2 ** 30, startTicks: 0, bootId: "none" }, order: (order: Order) => orders.push(order) };
  const replicas = [0, 1].map((number) => {
    const replica = new ReplicaProcess(model.services[0], model.versions[0], number);
    return Object.assign(replica, { zone: number, state: "ready", child });
  });
  const stands = {
    guard: {
      beginFault: (lease: FaultLease, apply: () => void) => {
        leases.push(lease);
        apply();
        return Promise.resolve();
      },
    },
    supervisor: { fleet: { replicas }, load: child, proxy: child, flags: null, database: () => null },
    scraper: {
      setGap: (service: string | null, on: boolean) => gaps.set(service, on),
      setLag: (extra: number, service: string | null = null, late = "all") => lags.set(`${service ?? late}`, extra),
    },
  };
  const faults = new Faults({
    acts, model, clock, log: 0, events: new EventLog(clock), common: { seed: 7, epochMillis: 0, releases: 0 },
    guard: stands.guard as unknown as GameDayGuard, supervisor: stands.supervisor as unknown as Supervisor, scraper: stands.scraper as unknown as LiveScraper,
    onTrouble: (error) => {
      throw error;
    },
  });
  faults.schedule();
  return { gaps, lags, orders, leases, replicas, to: (at: number) => clock.runUntil(seconds(at), () => undefined) };
}

const fault = (at: number, lasts: number, effect: string): string => `{ at: ${at}s, fault: { effect: { ${effect} }, for: ${lasts}s } }`;

describe("faults that overlap", () => {
  it("keep telemetry silent to the end of the last", () => {
    const { gaps, to } = playing(`[${fault(5, 30, "on: telemetry shop, scrapes: drop")}, ${fault(10, 5, "on: telemetry shop, scrapes: drop")}]`);
    to(12);
    expect(gaps.get("shop")).toBe(true);
    to(20);
    expect(gaps.get("shop")).toBe(true);
    to(36);
    expect(gaps.get("shop")).toBe(false);
  });

  it("make samples as late as all of them together", () => {
    const { lags, to } = playing(`[${fault(5, 30, "on: telemetry, lag: +10s")}, ${fault(10, 5, "on: telemetry, lag: +20s")}, ${fault(12, 10, "on: telemetry, lag: +400ms")}]`);
    to(13);
    expect([lags.get("all"), lags.get("figures")]).toEqual([seconds(30), millis(400)]);
    to(20);
    expect([lags.get("all"), lags.get("figures")]).toEqual([seconds(10), millis(400)]);
    to(40);
    expect([lags.get("all"), lags.get("figures")]).toEqual([0, 0]);
  });

  it("leave a zone that is still out unwatched", () => {
    const { replicas, to } = playing(`[${fault(5, 30, "on: zone 1, outage: true")}, ${fault(10, 5, "on: shop, outage: true")}]`);
    const unwatched = (): readonly boolean[] => replicas.map((replica) => replica.unwatched);
    for (const [at, expected] of [[4, [false, false]], [6, [false, true]], [12, [false, true]], [20, [false, true]], [40, [false, false]]] as const) {
      to(at);
      expect(unwatched()).toEqual(expected);
    }
  });

  it("are called off each by its own name", async () => {
    const { orders, leases, to } = playing(`[${fault(5, 30, "on: traffic, surge: x2")}, ${fault(10, 5, "on: traffic, surge: x3")}]`);
    to(12);
    await leases[1].tell?.();
    expect(orders).toEqual([
      { type: "surge", id: "fault at 5s: surge x2 of traffic", factor: 2, ttl: seconds(30) },
      { type: "surge", id: "fault at 10s: surge x3 of traffic", factor: 3, ttl: seconds(5) },
      { type: "surge", id: "fault at 10s: surge x3 of traffic", factor: 1, ttl: 0 },
    ]);
  });
});

describe("starts that fail", () => {
  const at = (script: string, number: number, readyAt: number): boolean => {
    const model = modelOf(script);
    const replica = { version: model.versions[0], number, zone: number };
    return startFailureOf(model, { replica, draw: 0.5, readyAt: seconds(readyAt), flagIsOn: false }) !== null;
  };

  it("are those of the replicas and zones that the effect names", () => {
    for (const narrow of ["replica: 1", "zone: 1"]) {
      const script = `[${fault(5, 30, `on: shop, ${narrow}, startup-failure: 100%`)}]`;
      expect([0, 1].map((number) => at(script, number, 10))).toEqual([false, true]);
    }
    expect(at(`[${fault(5, 30, "on: shop, startup-failure: 40%")}]`, 0, 10)).toBe(false);
  });

  it("are those that would get ready while it lasts, whenever they began", () => {
    const script = `[${fault(5, 30, "on: shop, startup-failure: 100%")}]`;
    expect([4, 5, 34, 35].map((readyAt) => at(script, 0, readyAt))).toEqual([false, true, true, false]);
  });

  it("are of the version that brings them, and of no other", () => {
    const model = modelOf(RELEASE.replace("lines: 10", "lines: 10, defects: [{ with: version, startup-failure: 100% }]"));
    const fails = model.versions.map((version) => startFailureOf(model, { replica: { version, number: 0, zone: 0 }, draw: 0.5, readyAt: seconds(20), flagIsOn: false })?.mask ?? null);
    expect(fails).toEqual([null, 1]);
  });
});
