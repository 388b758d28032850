// What every Platform port must do, whatever is behind it: one set of behaviours for the simulated cluster and for real processes.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ActionEvent, Platform, PlatformCommand } from "../../src/delivery/platform.js";
import { millis, seconds, type Micros } from "../../src/kernel/units.js";
import type { Scenario } from "../../src/scenario/compiled.js";
import { loadScenario } from "../../src/scenario/load.js";
import type { PlayedWorld } from "../../src/sim/stage.js";
import { LEDGER_COLUMNS, LedgerColumn } from "../../src/world/ledger.js";
import type { VersionStatus } from "../../src/world/world.js";
import { memoryFiles } from "../scenario/fixtures.js";

/** Where the behaviours are tried, under traffic from 0 on. Time is run time; a rig makes it pass. */
export interface Rig {
  readonly platform: Platform;
  readonly world: Pick<PlayedWorld, "now" | "status" | "ledger" | "events">;
  pass(duration: Micros): Promise<void>;
  close(): Promise<void>;
}

const STARTUP: Micros = seconds(1);
const TIMEOUT: Micros = seconds(5);
/** The flag service does not answer before this. */
const FLAGS_BACK: Micros = seconds(8);
const STEP: Micros = millis(100);

/** `shop` with v1 in two replicas; v2 comes with a flag, v3 never starts, the first scaling fails, the flag service is down at first. */
function platformScenario(): Scenario {
  const path = "/p/platform.yaml";
  const loaded = loadScenario(path, memoryFiles({ [path]: `shakedown: 1
kind: scenario
name: platform
for: 5m
objectives: { error-rate: 5% }
strategy:
  steps: [{ weight: 50%, bake: 10s }, { weight: 100%, bake: 10s }]
  every: 1s
  window: 2s
  gates: { error-rate: { below: 5% } }
  triggers: { error-rate: { above: 20%, for: 2 of 3 } }
  rollback: { stable-kept-for: 0s }
  action-timeout: ${TIMEOUT / seconds(1)}s
world:
  users: 5000
  services:
    shop:
      replicas: 2
      startup: { constant: ${STARTUP / seconds(1)}s }
      warm-up: { for: 0s, factor: x1 }
      health-check: { interval: 250ms, healthy-after: 1, unhealthy-after: 2 }
      endpoints: { order: { p50: 5ms, p95: 10ms } }
  traffic: { enters: shop, rate: 60rps }
  clients: { timeout: 1s, reload: { share: 0% } }
  telemetry: { scrape: 1s, lag: 0s }
  flags: { propagation: 500ms-1s }
  split-propagation: 100ms
  drain: 1s
script:
  - at: 0s
    fault: { flag-service-down: { for: ${FLAGS_BACK / seconds(1)}s } }
  - at: 0s
    fault: { effect: { on: platform scale, action-fails: 1, fails-after: 500ms }, for: 5m }
  - at: 0s
    release: { service: shop, version: v2, lines: 10, flag: { name: new-shop, endpoints: [shop/order] } }
  - at: 1s
    release: { service: shop, version: v3, lines: 10, defects: [{ with: version, on: shop, startup-failure: 100%, retry-after: 20s }] }
` }));
  if (!loaded.ok) throw new Error(loaded.problems.map(({ line, message, instead }) => `${line}: ${message}; ${instead}`).join("\n"));
  return loaded.value;
}

/** What was heard of a command, and what the cluster was like at that very moment. */
interface Heard {
  readonly sentAt: Micros;
  readonly event: ActionEvent;
  readonly shop: readonly VersionStatus[];
}

/** Runs the behaviours, in their order: they are one cluster's story. */
export function conformsToPlatform(open: (scenario: Scenario) => Promise<Rig>): void {
  let rig: Rig;
  let sent = 0;
  /** Commands that wait while others are tried. */
  let hopeless: readonly Heard[] = [];
  let brokenOff: readonly Heard[] = [];
  const shop = (): readonly VersionStatus[] => rig.world.status("shop");
  const of = (version: string, status = shop()): VersionStatus | undefined => status.find((each) => each.version === version);
  const until = async (what: string, holds: () => boolean, atMost: Micros): Promise<void> => {
    const deadline = rig.world.now() + atMost;
    for (; !holds(); await rig.pass(STEP)) if (rig.world.now() > deadline) throw new Error(`${what}: not within ${atMost / seconds(1)} s; ${JSON.stringify(shop())}`);
  };
  /** Sends it now; what is heard comes into the list. */
  const begin = (command: PlatformCommand): Heard[] => {
    const heard: Heard[] = [];
    const sentAt = rig.world.now();
    rig.platform.send((sent += 1), command, (event) => heard.push({ sentAt, event, shop: shop() }));
    expect(heard).toEqual([]);
    return heard;
  };
  const send = async (command: PlatformCommand): Promise<Heard> => {
    const heard = begin(command);
    const id = sent;
    await until(`${command.kind} is heard of`, () => heard.length > 0, seconds(20));
    expect(heard[0].event.id).toBe(id);
    expect(heard[0].event.at).toBeGreaterThanOrEqual(heard[0].sentAt);
    return heard[0];
  };
  const answeredBy = (version: string): number =>
    rig.world.ledger.cells.reduce((sum, cell, place) => (cell.scope === "service" && cell.version === version ? sum + rig.world.ledger.totals[place * LEDGER_COLUMNS + LedgerColumn.requests] : sum), 0);
  /** The share of v2 in what is answered from now on. */
  const share = async (): Promise<number> => {
    // Books of real processes are half a second old at most.
    await rig.pass(seconds(1));
    const before = [answeredBy("v1"), answeredBy("v2")];
    await rig.pass(seconds(2));
    const [one, two] = [answeredBy("v1") - before[0], answeredBy("v2") - before[1]];
    expect(one + two).toBeGreaterThan(20);
    return two / (one + two);
  };

  describe("behind the Platform port", { timeout: 60_000 }, () => {
    beforeAll(async () => {
      rig = await open(platformScenario());
      hopeless = begin({ kind: "deploy", service: "shop", version: "v3", replicas: 1 });
    }, 60_000);
    afterAll(() => rig?.close());

    it("the stable version of a service is the one that it began with, at its full size", () => {
      expect(rig.platform.stable("shop")).toEqual({ version: "v1", replicas: 2 });
      expect(of("v1")).toMatchObject({ desired: 2, ready: 2, starting: 0, draining: 0, weight: 1 });
      expect(of("v2") ?? { desired: 0, ready: 0, weight: 0 }).toMatchObject({ desired: 0, ready: 0, weight: 0 });
    });

    it("a flag can't be switched while the flag service does not answer, and the command says so", async () => {
      const { event } = await send({ kind: "set-flag", flag: "new-shop", on: false });
      expect(event).toMatchObject({ type: "action.failed", why: "the flag service does not answer" });
      expect(rig.world.events.filter(({ kind }) => kind === "flag-changed")).toEqual([]);
    });

    it("a deploy is done when its replicas are ready, and they have no traffic", async () => {
      const { sentAt, event, shop: then } = await send({ kind: "deploy", service: "shop", version: "v2", replicas: 1 });
      expect(event.type).toBe("action.done");
      expect(event.at - sentAt).toBeGreaterThanOrEqual(STARTUP);
      expect(of("v2", then)).toMatchObject({ desired: 1, ready: 1, weight: 0 });
      expect(of("v1", then)).toMatchObject({ ready: 2, weight: 1 });
      expect(answeredBy("v2")).toBe(0);
    });

    it("a command that is scripted to fail says so, changes nothing, and works the next time", async () => {
      const scale: PlatformCommand = { kind: "scale", service: "shop", version: "v2", replicas: 2 };
      const failed = await send(scale);
      expect(failed.event).toMatchObject({ type: "action.failed", why: "the control plane answered with an error" });
      expect(of("v2")).toMatchObject({ desired: 1, ready: 1 });
      const done = await send(scale);
      expect(done.event.type).toBe("action.done");
      expect(of("v2", done.shop)).toMatchObject({ desired: 2, ready: 2 });
    });

    it("fewer replicas: the others drain, and are gone", async () => {
      const { event } = await send({ kind: "scale", service: "shop", version: "v2", replicas: 1 });
      expect(event.type).toBe("action.done");
      await until("one has drained", () => of("v2")?.ready === 1 && of("v2")?.draining === 0, seconds(5));
      expect(of("v2")).toMatchObject({ desired: 1, starting: 0 });
    });

    it("a weight is done when the balancer has it: that share of the requests, the rest to stable, whose replicas leave with it", async () => {
      const { event, shop: then } = await send({ kind: "set-weight", service: "shop", version: "v2", weight: 0.5 });
      expect(event.type).toBe("action.done");
      expect([of("v1", then)?.weight, of("v2", then)?.weight]).toEqual([0.5, 0.5]);
      expect(Math.abs((await share()) - 0.5)).toBeLessThan(0.2);
      await until("stable has shrunk", () => of("v1")?.desired === 1 && of("v1")?.ready === 1, seconds(5));
    });

    it("a deploy that never gets ready times out, and says after how long", async () => {
      await until("the deploy of v3 is heard of", () => hopeless.length > 0, TIMEOUT + seconds(5));
      const [{ event, shop: then }] = hopeless;
      expect(event.type).toBe("action.timed-out");
      if (event.type === "action.timed-out") expect(event.after).toBeGreaterThanOrEqual(TIMEOUT);
      expect(of("v3", then)).toMatchObject({ desired: 1, ready: 0, weight: 0 });
    });

    it("a flag is switched off and on when the flag service accepts it, effective after its propagation", async () => {
      await until("the flag service is back", () => rig.world.now() > FLAGS_BACK + seconds(0.5), FLAGS_BACK + seconds(1));
      for (const on of [false, true]) {
        const { event } = await send({ kind: "set-flag", flag: "new-shop", on });
        expect(event).toMatchObject({ type: "action.done", effectiveAt: event.at + seconds(1) });
        expect(rig.world.events.findLast(({ kind }) => kind === "flag-changed")?.text).toBe(`flag new-shop ${on ? "on" : "off"}`);
      }
    });

    it("a rollback brings the recorded stable version back to full size before it gets all traffic, and removes the other", async () => {
      brokenOff = begin({ kind: "scale", service: "shop", version: "v2", replicas: 2 });
      await rig.pass(seconds(0.5));
      const { event, shop: then } = await send({ kind: "roll-back", service: "shop", version: "v2", to: rig.platform.stable("shop").version });
      expect(event.type).toBe("action.done");
      expect(of("v1", then)).toMatchObject({ desired: 2, ready: 2, weight: 1 });
      expect(of("v2", then)).toMatchObject({ desired: 0, weight: 0 });
      expect(await share()).toBe(0);
      await until("v2 is gone", () => of("v2")?.ready === 0 && of("v2")?.draining === 0, seconds(5));
      expect(rig.platform.stable("shop")).toEqual({ version: "v1", replicas: 2 });
    });

    it("a version that is marked stable is the recorded one from then on, at the size of the one before", async () => {
      const { event } = await send({ kind: "mark-stable", service: "shop", version: "v2" });
      expect(event.type).toBe("action.done");
      expect(rig.platform.stable("shop")).toEqual({ version: "v2", replicas: 2 });
    });

    it("a page is done when it was sent", async () => {
      expect((await send({ kind: "page", message: "look at this" })).event.type).toBe("action.done");
    });

    it("a command that still waits when its version is rolled back is broken off: nothing more is heard of it, nor twice of any", () => {
      expect(brokenOff).toEqual([]);
      expect(hopeless).toHaveLength(1);
    });
  });
}
