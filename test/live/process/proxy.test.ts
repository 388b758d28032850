// The proxy before a service: its sticky split, its health checks, its policies, what it refuses, and what passes through.

import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { millis, seconds } from "../../../src/kernel/units.js";
import { Header, type Backend } from "../../../src/live/process/protocol.js";
import { Balancing } from "../../../src/live/process/proxy/balancing.js";
import { VERSION_PATH } from "../../../src/live/process/proxy/front.js";
import { Split } from "../../../src/live/process/proxy/split.js";
import { PageKeys } from "../../../src/live/process/shared/identity.js";
import { ask, askMany, sleep, startProxy, startReplica, stopAll, until } from "./servers.js";
import { endpointSpec, proxySetup, replicaSetup, serviceSpec } from "./specs.js";

const servers: Server[] = [];
afterEach(async () => {
  await stopAll();
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

/** A backend that answers as told, and probes with 200 unless `healthy` says otherwise. */
async function backend(replica: string, version: string, more: { healthy?: () => boolean; page?: RequestListener } = {}): Promise<Backend & { readonly seen: () => number }> {
  let seen = 0;
  const server = createServer((request, response) => {
    if (request.url === "/healthz") {
      response.writeHead(more.healthy?.() === false ? 503 : 200).end();
      return;
    }
    seen += 1;
    if (more.page !== undefined) more.page(request, response);
    else response.writeHead(200, { [Header.version]: version, "x-replica": replica }).end();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { replica, version, port: (server.address() as AddressInfo).port, seen: () => seen };
}

const SHOP = serviceSpec("shop", [endpointSpec("page")]);

/** A proxy before these backends, once it admits `admitted` of them. */
async function proxyBefore(backends: readonly Backend[], admitted = backends.length, service = SHOP): Promise<Awaited<ReturnType<typeof startProxy>> & { readonly port: number }> {
  const proxy = await startProxy(proxySetup([service]));
  proxy.server.obey({ type: "backends", service: "shop", backends });
  await until(() => (proxy.admitted()["shop"] ?? []).length === admitted);
  return { ...proxy, port: proxy.ports["shop"] };
}

describe("the split", () => {
  const place = (weight: number): number[] => {
    const split = new Split(7, "shop", "v1");
    split.setWeights({ v1: 1 - weight, v2: weight });
    return Array.from({ length: 20_000 }, (_, user) => split.placeFor(user));
  };

  it("gives each version its weight of the users, within chance", () => {
    for (const weight of [0.05, 0.25, 0.5]) {
      const share = place(weight).filter((version) => version === 1).length / 20_000;
      expect(Math.abs(share - weight)).toBeLessThan(4 * Math.sqrt((weight * (1 - weight)) / 20_000));
    }
  });

  it("moves users only to the version whose weight rises", () => {
    const [before, after] = [place(0.2), place(0.5)];
    expect(before.every((version, user) => version === 0 || after[user] === 1)).toBe(true);
  });

  it("keeps a user on a version, request after request, and says which it is", async () => {
    const { server, port } = await proxyBefore([await backend("a", "v1"), await backend("b", "v2")]);
    server.obey({ type: "weights", service: "shop", weights: { v1: 0.5, v2: 0.5 } });
    const [first, second] = [await askMany(port, "/page", 40), await askMany(port, "/page", 40)];
    const versions = first.map(({ headers }) => headers[Header.version]);
    expect(new Set(versions).size).toBe(2);
    expect(second.map(({ headers }) => headers[Header.version])).toEqual(versions);
    expect((await ask(port, VERSION_PATH, 3)).headers[Header.version]).toBe(versions[3]);
  });
});

describe("health checks", () => {
  it("admit a new replica after good probes in a row, expel it after bad ones, and take it back", async () => {
    let healthy = false;
    const { port, admitted } = await proxyBefore([await backend("a", "v1", { healthy: () => healthy })], 0);
    await sleep(150);
    expect((await ask(port, "/page")).status).toBe(503);
    healthy = true;
    await until(() => admitted()["shop"].length === 1);
    expect((await ask(port, "/page")).status).toBe(200);
    healthy = false;
    await until(() => admitted()["shop"].length === 0);
    expect((await ask(port, "/page")).status).toBe(503);
    healthy = true;
    await until(() => admitted()["shop"].length === 1);
    expect((await ask(port, "/page")).status).toBe(200);
  });

  it("expel a replica that hangs, as one that is stopped does", async () => {
    let hangs = false;
    const held: (() => void)[] = [];
    const server = createServer((_, response) => {
      const answer = (): void => void response.writeHead(200).end();
      if (hangs) held.push(answer);
      else answer();
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { admitted } = await proxyBefore([{ replica: "a", version: "v1", port: (server.address() as AddressInfo).port }]);
    hangs = true;
    await until(() => admitted()["shop"].length === 0);
    hangs = false;
    held.forEach((answer) => answer());
    await until(() => admitted()["shop"].length === 1);
  });

  it("send no request to a replica that was taken out, and let it finish what it has", async () => {
    const slow = await backend("a", "v1", { page: (_, response) => void setTimeout(() => response.writeHead(200).end("done"), 300) });
    const other = await backend("b", "v1");
    const { server, port } = await proxyBefore([slow]);
    const running = ask(port, "/page");
    await until(() => slow.seen() === 1);
    server.obey({ type: "backends", service: "shop", backends: [other] });
    await sleep(150);
    expect((await askMany(port, "/page", 5)).every(({ headers }) => headers["x-replica"] === "b")).toBe(true);
    expect((await running).text).toBe("done");
    expect(slow.seen()).toBe(1);
  });
});

describe("balancing", () => {
  const keys = new PageKeys(7);
  const draw = (policy: "random" | "power-of-two" | "round-robin" | "least-request", loads: readonly number[]): number[] => {
    const replicas = loads.map((inFlight, index) => ({ inFlight, index }));
    const balancing = new Balancing<(typeof replicas)[number]>(policy, keys);
    const counts = loads.map(() => 0);
    for (let n = 0; n < 6_000; n++) counts[balancing.pick(replicas, `0.${n}.55`)!.index] += 1;
    return counts;
  };

  it("takes replicas in turn, by chance, the least busy, or the better of two", () => {
    expect(draw("round-robin", [0, 5, 9])).toEqual([2_000, 2_000, 2_000]);
    for (const count of draw("random", [0, 5, 9])) expect(Math.abs(count - 2_000)).toBeLessThan(160);
    expect(draw("least-request", [0, 5, 9])).toEqual([6_000, 0, 0]);
    expect(draw("least-request", [3, 3, 3])).toEqual([2_000, 2_000, 2_000]);
    const [best, middle, worst] = draw("power-of-two", [0, 5, 9]);
    expect(Math.abs(best - 4_000)).toBeLessThan(200);
    expect(Math.abs(middle - 2_000)).toBeLessThan(200);
    expect(worst).toBe(0);
  });
});

describe("what the proxy refuses", () => {
  it("breaks connections from one service to another for as long as it was told, and no others", async () => {
    const { server, port } = await proxyBefore([await backend("a", "v1")]);
    const from = (service: string): Promise<{ readonly status: number }> => ask(port, "/page", 0, { [Header.from]: service });
    server.obey({ type: "refuse", id: "short", from: "front", to: "shop", ttl: millis(300) });
    expect((await from("front")).status).toBe(0);
    expect((await from("client")).status).toBe(200);
    await sleep(310);
    expect((await from("front")).status).toBe(200);
    server.obey({ type: "refuse", id: "long", from: "front", to: "shop", ttl: seconds(60) });
    expect((await from("front")).status).toBe(0);
    server.obey({ type: "refuse", id: "other", from: "front", to: "shop", ttl: seconds(60) });
    server.obey({ type: "allow", id: "other", to: "shop" });
    expect((await from("front")).status).toBe(0);
    server.obey({ type: "allow", id: "long", to: "shop" });
    expect((await from("front")).status).toBe(200);
  });

  it("answers 503 at once, with the version, when the replica's port is closed or breaks in the middle", async () => {
    const breaking = await backend("a", "v1", { page: (request) => void request.socket.destroy() });
    const { port } = await proxyBefore([breaking]);
    const broken = await ask(port, "/page");
    expect(broken.status).toBe(503);
    expect(broken.headers[Header.version]).toBe("v1");
    for (const server of servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
    const refused = await ask(port, "/page");
    expect(refused.status).toBe(503);
    expect(refused.headers[Header.version]).toBe("v1");
    expect(refused.millis).toBeLessThan(2_000);
  });
});

describe("what passes through", () => {
  it("is the replica's answer with its headers and body, and the proxy's own time", async () => {
    const text = "x".repeat(300_000);
    const { port } = await proxyBefore([await backend("a", "v1", {
      page: (request, response) => response.writeHead(201, { "x-path": request.url, "x-from": request.headers[Header.from] }).end(text),
    })]);
    const reply = await ask(port, "/page?x=1");
    expect(reply.status).toBe(201);
    expect(reply.headers["x-path"]).toBe("/page?x=1");
    expect(reply.headers["x-from"]).toBe("client");
    expect(reply.text).toBe(text);
    expect(Number(reply.headers[Header.proxyMicros])).toBeGreaterThan(0);
  });

  it("is a real replica's page, by the least busy of two", async () => {
    const service = serviceSpec("shop", [endpointSpec("page", { time: { kind: "constant", value: millis(80) } })], { balancing: "least-request" });
    const replicas = await Promise.all([0, 1].map((n) => startReplica(replicaSetup(service, { replica: `shop-v1-${n}` }))));
    const { port } = await proxyBefore(replicas.map((replica, n) => ({ replica: `shop-v1-${n}`, version: "v1", port: replica.port })), 2, service);
    expect((await askMany(port, "/page", 10)).every(({ status }) => status === 200)).toBe(true);
    for (const { server } of replicas) expect(server.replica.books.endpoints[0].totals[0]).toBe(5);
  });
});
