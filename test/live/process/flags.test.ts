// The flag service and the replicas that follow it: flagd's format, evaluation, and a change that is believed after a while.

import { afterEach, describe, expect, it } from "vitest";
import { millis, seconds } from "../../../src/kernel/units.js";
import { FlagServer } from "../../../src/live/process/flags/flag-server.js";
import type { Order, Report } from "../../../src/live/process/protocol.js";
import { ask, sleep, startReplica, stopAll, until } from "./servers.js";
import { common, effectOn, endpointSpec, replicaSetup, serviceSpec } from "./specs.js";

const flagServers: FlagServer[] = [];
afterEach(async () => {
  await stopAll();
  await Promise.all(flagServers.splice(0).map((server) => server.stop()));
});

const change = (flag: string, on: boolean, until = Infinity): Extract<Order, { readonly type: "flag" }> => ({ type: "flag", change: 1, flag, on, until });

async function startFlags(flags: readonly string[]): Promise<{ server: FlagServer; port: number; reports: Report[] }> {
  const reports: Report[] = [];
  const server = new FlagServer({ ...common(), role: "flags", flags }, (report) => reports.push(report));
  flagServers.push(server);
  return { server, port: await server.start(), reports };
}

const NEW_CHECKOUT = [effectOn("broken", { on: "service", service: "shop" }, { kind: "errors", ratio: 1 },
  { carrier: { with: "flag", service: "shop", version: "v1", flag: "new-checkout" }, release: 0 })];
const SERVICE = serviceSpec("shop", [endpointSpec("page", { time: { kind: "constant", value: 0 } })]);

describe("the flag service", () => {
  it("speaks flagd's format, with every flag on at first", async () => {
    const { port } = await startFlags(["new-checkout"]);
    const { flags } = JSON.parse((await ask(port, "/flags.json")).text) as { flags: Record<string, unknown> };
    expect(flags).toEqual({ "new-checkout": { state: "ENABLED", variants: { on: true, off: false }, defaultVariant: "on" } });
  });

  it("evaluates by flagd's core, and knows what it does not know", async () => {
    const { server, port, reports } = await startFlags(["new-checkout"]);
    expect(JSON.parse((await ask(port, "/resolve?flag=new-checkout")).text)).toMatchObject({ value: true, variant: "on", reason: "STATIC" });
    server.obey(change("new-checkout", false));
    expect(JSON.parse((await ask(port, "/resolve?flag=new-checkout")).text)).toMatchObject({ value: false, variant: "off" });
    expect(reports).toContainEqual({ type: "flag-set", change: 1, accepted: true });
    expect((await ask(port, "/resolve?flag=other")).status).toBe(404);
    server.obey(change("other", false));
    expect(reports.at(-1)).toMatchObject({ type: "failed" });
  });
});

describe("a change that the flag service finds too late", () => {
  it("is refused by its number, and changes nothing: whoever asked has reported it as failed", async () => {
    const { server, port, reports } = await startFlags(["new-checkout"]);
    server.obey({ ...change("new-checkout", false, -1), change: 7 });
    expect(reports.at(-1)).toEqual({ type: "flag-set", change: 7, accepted: false });
    expect(JSON.parse((await ask(port, "/resolve?flag=new-checkout")).text)).toMatchObject({ value: true });
    server.obey({ ...change("new-checkout", false, seconds(60)), change: 8 });
    expect(reports.at(-1)).toEqual({ type: "flag-set", change: 8, accepted: true });
  });
});

describe("a replica with a flag", () => {
  it("reads it before it is ready, and believes a change only after its own delay", async () => {
    const flags = await startFlags(["new-checkout"]);
    const { port } = await startReplica(replicaSetup(SERVICE, { flag: "new-checkout", flagPort: flags.port, flagDelay: millis(250), effects: NEW_CHECKOUT }));
    expect((await ask(port, "/page")).status).toBe(500);
    const changedAt = performance.now();
    flags.server.obey(change("new-checkout", false));
    while ((await ask(port, "/page")).status === 500) await sleep(5);
    const took = performance.now() - changedAt;
    expect(took).toBeGreaterThan(248);
    expect(took).toBeLessThan(2_000);
    flags.server.obey(change("new-checkout", true));
    await sleep(100);
    expect((await ask(port, "/page")).status).toBe(200);
  });

  it("starts with the flag as it is by then, and without a flag service it is off", async () => {
    const flags = await startFlags(["new-checkout"]);
    flags.server.obey(change("new-checkout", false));
    const off = await startReplica(replicaSetup(SERVICE, { flag: "new-checkout", flagPort: flags.port, effects: NEW_CHECKOUT }));
    expect((await ask(off.port, "/page")).status).toBe(200);
    await flags.server.stop();
    const alone = await startReplica(replicaSetup(SERVICE, { flag: "new-checkout", flagPort: flags.port, effects: NEW_CHECKOUT }));
    expect((await ask(alone.port, "/page")).status).toBe(200);
  });

  it("believes the last of quick changes, and keeps what it knows while the flag service is away", async () => {
    const flags = await startFlags(["new-checkout"]);
    const { server, port } = await startReplica(replicaSetup(SERVICE, { flag: "new-checkout", flagPort: flags.port, effects: NEW_CHECKOUT }));
    flags.server.obey(change("new-checkout", false));
    flags.server.obey(change("new-checkout", true));
    flags.server.obey(change("new-checkout", false));
    await until(() => !server.replica.effects.self.flagOn);
    await flags.server.stop();
    await sleep(100);
    expect((await ask(port, "/page")).status).toBe(200);
  });
});
