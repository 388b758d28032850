// What the simulated control plane does, how long it takes, and how it fails when the script says so.

import { describe, expect, it } from "vitest";
import type { ActionEvent, PlatformCommand } from "../../src/delivery/platform.js";
import { VirtualClock } from "../../src/kernel/clock.js";
import { minutes, seconds, type Micros } from "../../src/kernel/units.js";
import { API_LATENCY, POLL_INTERVAL, SimulatedPlatform } from "../../src/sim/simulated-platform.js";
import type { Effect } from "../../src/world/effect.js";
import type { AutoscaleSpec, WorldSpec } from "../../src/world/spec.js";
import type { VersionStatus, World } from "../../src/world/world.js";

const STARTUP: Micros = seconds(15);
const SPLIT: Micros = seconds(2);
const FULL = 6;

/** A cluster of one service that starts replicas after STARTUP and drains at once. */
class FakeCluster {
  readonly calls: string[] = [];
  readonly #ready = new Map<string, number>([["v1", FULL]]);
  readonly #desired = new Map<string, number>([["v1", FULL]]);
  #weights: Record<string, number> = { v1: 1 };
  flagServiceUp = true;

  constructor(readonly clock: VirtualClock) {}

  status(): VersionStatus[] {
    return [...this.#desired].map(([version, desired]) => ({
      version, desired, starting: 0, ready: this.#ready.get(version) ?? 0, draining: 0, weight: this.#weights[version] ?? 0,
    }));
  }

  scale(_service: string, version: string, replicas: number): void {
    this.calls.push(`${this.clock.now() / 1e6}s scale ${version} ${replicas}`);
    this.#desired.set(version, replicas);
    if (replicas <= (this.#ready.get(version) ?? 0)) this.#ready.set(version, replicas);
    else this.clock.setTimer(STARTUP, () => this.#ready.set(version, Math.min(replicas, this.#desired.get(version) ?? 0)));
  }

  setWeights(_service: string, weights: Record<string, number>): void {
    this.#weights = weights;
    this.calls.push(`${this.clock.now() / 1e6}s weights ${JSON.stringify(weights)}`);
  }

  setFlag(): boolean {
    return this.flagServiceUp;
  }
}

function stage(effects: readonly Effect[] = [], stableKeptFor: Micros = minutes(10), autoscale: Partial<AutoscaleSpec> | null = null) {
  const clock = new VirtualClock();
  const cluster = new FakeCluster(clock);
  const spec = {
    services: [{ name: "checkout", version: "v1", replicas: FULL, autoscale }],
    splitPropagation: SPLIT,
    flags: { propagation: { min: seconds(5), max: seconds(10) } },
  } as unknown as WorldSpec;
  const platform = new SimulatedPlatform({
    world: cluster as unknown as World, spec, clock, effects, timeout: minutes(2), stableKeptFor,
  });
  const send = (command: PlatformCommand): ActionEvent => {
    const heard: ActionEvent[] = [];
    platform.send(1, command, (event) => heard.push(event));
    clock.runUntil(clock.now() + minutes(5), () => undefined);
    expect(heard).toHaveLength(1);
    return heard[0];
  };
  return { clock, cluster, platform, send };
}

const failing = (times: number, command?: string): Effect => ({
  id: "rollback-fails", target: { on: "platform", ...(command !== undefined && { command }) },
  what: { kind: "action-fails", times, after: seconds(20) }, users: 1,
  when: { from: 0, to: Infinity, rpsAbove: null, afterWarmLife: 0 }, carrier: { with: "script" }, release: null,
});

describe("the simulated platform", () => {
  it("says that a deploy is done when its replicas are ready, which takes their start", () => {
    const { send } = stage();
    const event = send({ kind: "deploy", service: "checkout", version: "v2", replicas: 1 });
    expect(event.type).toBe("action.done");
    expect(event.at).toBeGreaterThanOrEqual(API_LATENCY + STARTUP);
    expect(event.at).toBeLessThanOrEqual(API_LATENCY + STARTUP + 2 * POLL_INTERVAL);
  });

  it("rolls back at once while stable has its replicas, within SYSTEMS.md's 10 s of a reroute", () => {
    const { send, cluster } = stage();
    const event = send({ kind: "roll-back", service: "checkout", version: "v2", to: "v1" });
    expect(event.at).toBe(API_LATENCY + SPLIT);
    expect(cluster.calls.at(-1)).toBe("3s scale v2 0");
  });

  it("starts a scaled-down stable before it gets the traffic back, within the ladder's 30 to 60 s or less", () => {
    const { send, cluster, clock } = stage([], 0);
    send({ kind: "set-weight", service: "checkout", version: "v2", weight: 1 });
    expect(cluster.calls).toContain("3s scale v1 0");
    const startedAt = clock.now();
    const event = send({ kind: "roll-back", service: "checkout", version: "v2", to: "v1" });
    expect(event.at - startedAt).toBeGreaterThan(STARTUP);
    expect(event.at - startedAt).toBeLessThan(seconds(60));
  });

  it("takes for full what an autoscaler gives: a stable that it shrank is rolled back to at once", () => {
    const { send, cluster, platform } = stage([], minutes(10), { min: 2, max: 9 });
    cluster.scale("checkout", "v1", 2);
    expect(platform.stable("checkout")).toEqual({ version: "v1", replicas: 2 });
    expect(send({ kind: "roll-back", service: "checkout", version: "v2", to: "v1" }).at).toBe(API_LATENCY + SPLIT);
    expect(cluster.calls).toContain("1s scale v1 2");
  });

  it("gives an autoscaled stable back what the canary's weight took, not what was recorded", () => {
    const { send, cluster, platform } = stage([], 0, { min: 2, max: 9 });
    cluster.scale("checkout", "v1", 4);
    send({ kind: "set-weight", service: "checkout", version: "v2", weight: 0.5 });
    send({ kind: "set-weight", service: "checkout", version: "v2", weight: 1 });
    expect(cluster.calls.filter((call) => call.includes("scale v1"))).toEqual(["0s scale v1 4", "3s scale v1 2", "303s scale v1 0"]);
    expect(platform.stable("checkout").replicas).toBe(4);
    expect(send({ kind: "roll-back", service: "checkout", version: "v2", to: "v1" }).type).toBe("action.done");
    expect(cluster.calls).toContain("601s scale v1 4");
  });

  it("is done with a scaling when the autoscaler settles for fewer", () => {
    const { send, cluster, clock } = stage([], minutes(10), { min: 2, max: 9 });
    clock.setTimer(seconds(10), () => cluster.scale("checkout", "v2", 2));
    const event = send({ kind: "scale", service: "checkout", version: "v2", replicas: 12 });
    expect(event.type).toBe("action.done");
  });

  it("keeps stable's replicas for the agreed time after full exposure, and a rollback cancels their removal", () => {
    const { send, cluster, clock } = stage([], minutes(6));
    send({ kind: "set-weight", service: "checkout", version: "v2", weight: 1 });
    send({ kind: "roll-back", service: "checkout", version: "v2", to: "v1" });
    clock.runUntil(minutes(30), () => undefined);
    expect(cluster.calls.filter((call) => call.endsWith("scale v1 0"))).toEqual([]);
  });

  it("removes the old version when its time is over, although the next release has begun", () => {
    const { send, cluster, clock } = stage([], minutes(12));
    cluster.scale("checkout", "v2", FULL);
    send({ kind: "set-weight", service: "checkout", version: "v2", weight: 1 });
    send({ kind: "mark-stable", service: "checkout", version: "v2" });
    send({ kind: "set-weight", service: "checkout", version: "v3", weight: 0.2 });
    clock.runUntil(minutes(60), () => undefined);
    expect(cluster.calls.filter((call) => call.endsWith(" 0"))).toEqual([`${3 + 12 * 60}s scale v1 0`]);
  });

  it.each([["keeps", minutes(4), FULL], ["scales down", 0, FULL - 1]] as const)("starts a stable that left before it gets a share again beside the next version (%s stable)", (_, keptFor, owed) => {
    const { send, cluster, clock } = stage([], keptFor);
    send({ kind: "set-weight", service: "checkout", version: "v2", weight: 1 });
    clock.runUntil(minutes(10), () => undefined);
    expect(cluster.calls.at(-1)).toMatch(/scale v1 0$/);
    const event = send({ kind: "set-weight", service: "checkout", version: "v3", weight: 0.2 });
    expect(event.type).toBe("action.done");
    expect(event.at).toBeGreaterThan(minutes(10) + STARTUP);
    const [scaled, shifted] = cluster.calls.slice(-2 - (keptFor === 0 ? 1 : 0));
    expect(scaled).toBe(`601s scale v1 ${owed}`);
    expect(shifted).toMatch(/weights \{"v3":0.2,"v1":0.8\}$/);
  });

  it("records what it rolled back to as stable, although the other was marked stable on the way", () => {
    const { send, platform, clock } = stage();
    platform.send(7, { kind: "mark-stable", service: "checkout", version: "v2" }, () => undefined);
    clock.runUntil(seconds(0.5), () => undefined);
    send({ kind: "roll-back", service: "checkout", version: "v2", to: "v1" });
    expect(platform.stable("checkout")).toEqual({ version: "v1", replicas: FULL });
  });

  it("breaks a deploy off that still waits for its replicas when the version is rolled back", () => {
    const { clock, platform } = stage();
    const heard: string[] = [];
    platform.send(1, { kind: "deploy", service: "checkout", version: "v2", replicas: 2 }, ({ id, type }) => heard.push(`${id} ${type}`));
    clock.runUntil(seconds(5), () => undefined);
    platform.send(2, { kind: "roll-back", service: "checkout", version: "v2", to: "v1" }, ({ id, type }) => heard.push(`${id} ${type}`));
    clock.runUntil(minutes(10), () => undefined);
    expect(heard).toEqual(["2 action.done"]);
  });

  it("fails scripted commands as often as scripted, only those of the kind, and then works again", () => {
    const { send } = stage([failing(1, "roll-back")]);
    expect(send({ kind: "page", message: "hello" }).type).toBe("action.done");
    expect(send({ kind: "roll-back", service: "checkout", version: "v2", to: "v1" }).type).toBe("action.failed");
    expect(send({ kind: "roll-back", service: "checkout", version: "v2", to: "v1" }).type).toBe("action.done");
  });

  it("fails a flag switch while the flag service is down, and says when one takes effect otherwise", () => {
    const { send, cluster } = stage();
    const event = send({ kind: "set-flag", flag: "new-checkout", on: false });
    expect(event).toMatchObject({ type: "action.done", effectiveAt: event.at + seconds(10) });
    cluster.flagServiceUp = false;
    expect(send({ kind: "set-flag", flag: "new-checkout", on: true }).type).toBe("action.failed");
  });
});
