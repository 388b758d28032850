// Who suffers from replicas that a release keeps down: the proxy's refusals, long queues and broken requests name it, as in simulation.

import { afterEach, describe, expect, it } from "vitest";
import { millis } from "../../../src/kernel/units.js";
import { Header } from "../../../src/live/process/protocol.js";
import { ask, askMany, startProxy, startReplica, stopAll } from "./servers.js";
import { effectOn, endpointSpec, proxySetup, replicaSetup, serviceSpec } from "./specs.js";

afterEach(stopAll);

const SHOP = serviceSpec("shop", [endpointSpec("page", { time: { kind: "constant", value: millis(300) } })]);
const CRASH = effectOn("crash", { on: "service", service: "shop" }, { kind: "restart-loop", every: millis(100) }, {
  carrier: { with: "version", service: "shop", version: "v1" }, release: 0,
});

describe("a missing replica", () => {
  it("is blamed on its release where nobody is there to answer, and on nobody once it is back", async () => {
    const { server, ports } = await startProxy(proxySetup([SHOP]));
    server.obey({ type: "losses", service: "shop", version: "v1", mask: 0b101 });
    expect(await ask(ports["shop"], "/page")).toMatchObject({ status: 503, headers: { [Header.blamed]: "0,2", [Header.touched]: "0,2" } });
    server.obey({ type: "losses", service: "shop", version: "v1", mask: 0 });
    expect((await ask(ports["shop"], "/page")).headers[Header.blamed]).toBeUndefined();
  });

  it("is blamed by those who have to wait for the others", async () => {
    const { server, port } = await startReplica(replicaSetup({ ...SHOP, slots: 1, queue: 1 }, { releases: 1 }));
    server.obey({ type: "loss", mask: 1 });
    const replies = await askMany(port, "/page", 3);
    const touched = replies.map(({ status, headers }) => `${status} ${headers[Header.touched] ?? "nobody"}`).sort();
    expect(touched).toEqual(["200 0", "200 nobody", "503 0"]);
  });

  it("tells what it worked on whose fault its end is", async () => {
    const { port, exits } = await startReplica(replicaSetup(SHOP, { releases: 1, effects: [CRASH] }));
    expect(await ask(port, "/page")).toMatchObject({ status: 500, headers: { [Header.blamed]: "0" } });
    expect(exits.length).toBeGreaterThan(0);
  });
});
