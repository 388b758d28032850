// The load: the simulator's own arrivals, measured from when they were meant to leave, whatever the answers do.

import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { millis, seconds, type Micros } from "../../../src/kernel/units.js";
import type { LoadSetup, Report } from "../../../src/live/process/protocol.js";
import { Header } from "../../../src/live/process/protocol.js";
import { Arrivals, endedAt, loadModel, orderedSurge } from "../../../src/live/process/load/arrivals.js";
import { LoadGenerator } from "../../../src/live/process/load/load-generator.js";
import { HarmColumn, LEDGER_COLUMNS, LedgerColumn, type LedgerBook } from "../../../src/world/ledger.js";
import { VERSION_PATH } from "../../../src/live/process/proxy/front.js";
import { createRequestWorld } from "../../../src/world/request/request-world.js";
import { sleep, until } from "./servers.js";
import { endpointSpec, loadSetup, serviceSpec, worldSpec } from "./specs.js";

const servers: Server[] = [];
const loads: LoadGenerator[] = [];
afterEach(() => {
  for (const load of loads.splice(0)) load.stop();
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

const SHOP = serviceSpec("shop", [endpointSpec("page", { share: 0.7 }), endpointSpec("buy", { share: 0.3, conversion: 0.5 })]);

/** A load that begins now. */
function begin(setup: LoadSetup): { readonly load: LoadGenerator; readonly books: () => Extract<Report, { type: "load-books" }> } {
  let last: Extract<Report, { type: "load-books" }> | null = null;
  const load = new LoadGenerator(setup, (report) => {
    if (report.type === "load-books") last = report;
  });
  loads.push(load);
  load.start();
  load.obey({ type: "begin", at: (Date.now() - setup.epochMillis) * 1000 });
  return { load, books: () => last! };
}

const total = (ledger: LedgerBook, column: number): number =>
  ledger.totals.filter((_, i) => i % LEDGER_COLUMNS === column).reduce((sum, value) => sum + value, 0);

describe("arrivals", () => {
  const world = worldSpec([SHOP], [], 50);
  const setup = loadSetup(world, { shop: 1 }, seconds(60));

  it("are those of the simulator for the same seed: time by time", () => {
    const model = loadModel(setup, []);
    const arrivals = new Arrivals(model.traffic[0], model, setup.duration);
    const mine: Micros[] = [];
    for (; mine.length < 200; arrivals.advance()) mine.push(arrivals.at);
    const simulated = createRequestWorld({
      spec: world, effects: [], versions: [], seed: 7, horizon: setup.duration, slowAfterSeconds: null, noiseFree: false, detail: "full",
    });
    for (const n of [0, 1, 57, 199]) {
      simulated.advanceTo(mine[n] - 1);
      expect(simulated.littlesLaw("shop").arrivals).toBe(n);
      simulated.advanceTo(mine[n]);
      expect(simulated.littlesLaw("shop").arrivals).toBe(n + 1);
    }
  });

  it("come faster while a surge lasts, and are as they were before it began", () => {
    const calm = loadModel(setup, []);
    const busy = loadModel(setup, [orderedSurge("surge", 3, seconds(10), seconds(20))]);
    const [one, other] = [new Arrivals(calm.traffic[0], calm, setup.duration), new Arrivals(calm.traffic[0], calm, setup.duration)];
    while (one.at < seconds(10)) {
      expect(other.at).toBe(one.at);
      one.advance();
      other.advance();
    }
    other.follow(busy);
    const counted = (arrivals: Arrivals, end: Micros): number => {
      let count = 0;
      for (; arrivals.at < end; arrivals.advance()) count += 1;
      return count;
    };
    const [few, many] = [counted(one, seconds(20)), counted(other, seconds(20))];
    expect(many / few).toBeGreaterThan(2.4);
    expect(many / few).toBeLessThan(3.6);
    expect(counted(other, seconds(40)) / counted(one, seconds(40))).toBeLessThan(1.3);
  });

  it("go on at the plain rate when a surge is called off: what it brought stays among them", () => {
    const surge = orderedSurge("surge", 3, seconds(10), seconds(40));
    const busy = loadModel(setup, [surge]);
    const arrivals = new Arrivals(busy.traffic[0], busy, setup.duration);
    while (arrivals.at < seconds(20)) arrivals.advance();
    arrivals.follow(loadModel(setup, [endedAt(surge, seconds(20))]));
    expect(arrivals.at).toBeGreaterThanOrEqual(seconds(20));
    let count = 0;
    for (; arrivals.at < seconds(30); arrivals.advance()) count += 1;
    expect(count).toBeGreaterThan(400);
    expect(count).toBeLessThan(600);
  });
});

describe("the load", () => {
  it("sends every page with its user and its arrival, and books what came back by version and endpoint", async () => {
    const seen: string[] = [];
    const port = await serve((request, response) => {
      seen.push(`${request.url} ${String(request.headers[Header.request])} ${String(request.headers[Header.user])}`);
      response.writeHead(200, { [Header.version]: "v2", ...(request.url === "/buy" ? { [Header.order]: "40" } : {}) }).end();
    });
    const { load, books } = begin(loadSetup(worldSpec([SHOP], [], 150), { shop: port }, seconds(60), { versions: [{ service: "shop", version: "v2", flag: null }] }));
    await sleep(1_000);
    load.obey({ type: "end" });
    await sleep(600);
    const { intended, sent, refused } = books();
    expect(sent).toBe(intended);
    expect(refused).toBe(0);
    expect(seen).toHaveLength(sent);
    expect(new Set(seen.map((line) => line.split(" ")[1])).size).toBe(sent);
    expect(total(load.ledger, LedgerColumn.requests)).toBe(sent);
    const bought = seen.filter((line) => line.startsWith("/buy")).length;
    const cell = load.ledger.edgeCell(1, 1, 0) * LEDGER_COLUMNS;
    expect(load.ledger.totals[cell + LedgerColumn.requests]).toBe(bought);
    expect(load.ledger.totals[cell + LedgerColumn.orderEuro]).toBe(40 * bought);
    expect(bought / sent).toBeGreaterThan(0.12);
    expect(bought / sent).toBeLessThan(0.48);
  });

  it("goes on as before when a surge's time is over and main says so, and with those that are still on", async () => {
    const port = await serve((_, response) => void response.writeHead(200, { [Header.version]: "v1" }).end());
    const { load, books } = begin(loadSetup(worldSpec([SHOP], [], 100), { shop: port }, seconds(60)));
    load.obey({ type: "surge", id: "short", factor: 2, ttl: millis(700) });
    load.obey({ type: "surge", id: "long", factor: 3, ttl: seconds(30) });
    await sleep(700);
    load.obey({ type: "surge", id: "short", factor: 1, ttl: 0 });
    await until(() => books().rate < 599);
    expect(books().rate).toBe(300);
    load.obey({ type: "surge", id: "long", factor: 1, ttl: 0 });
    await until(() => books().rate < 299);
    const { intended } = books();
    await sleep(1_000);
    expect(books().rate).toBe(100);
    // A second, give or take a report: silence would be none at all.
    expect(books().intended - intended).toBeGreaterThan(30);
    expect(books().intended - intended).toBeLessThan(250);
  });

  it("counts from the intended start, so that a stalled server shows in the tail", async () => {
    let stalled = true;
    const held: (() => void)[] = [];
    const port = await serve((_, response) => {
      const answer = (): void => void response.writeHead(200, { [Header.version]: "v1" }).end();
      if (stalled) held.push(answer);
      else answer();
    });
    const { books } = begin(loadSetup(worldSpec([SHOP], [], 100), { shop: port }, seconds(60)));
    await sleep(600);
    stalled = false;
    held.forEach((answer) => answer());
    await sleep(1_400);
    const { latencyP50, latencyP99, sent, intended } = books();
    // A closed loop would have sent one request and seen one slow answer; open arrivals wait 300 ms on average.
    expect(held.length).toBeGreaterThan(25);
    expect(latencyP99).toBeGreaterThan(millis(400));
    expect(latencyP50).toBeLessThan(millis(300));
    expect(sent).toBe(intended);
  });

  it("counts its own lateness, when its event loop is blocked, as latency and as lag", async () => {
    const port = await serve((_, response) => void response.writeHead(200, { [Header.version]: "v1" }).end());
    const { books } = begin(loadSetup(worldSpec([SHOP], [], 100), { shop: port }, seconds(60)));
    await sleep(120);
    const end = performance.now() + 300;
    while (performance.now() < end);
    await sleep(600);
    expect(books().latencyP99).toBeGreaterThan(millis(150));
  });

  it("gives up after the client's patience, and loads failed pages again as often as clients do", async () => {
    const reloads: string[] = [];
    const port = await serve((request, response) => {
      if (request.url === VERSION_PATH) {
        response.writeHead(204, { [Header.version]: "v2" }).end();
        return;
      }
      reloads.push(String(request.headers[Header.reload]));
      if (request.headers[Header.reload] === "0") response.writeHead(500, { [Header.version]: "v1", [Header.blamed]: "0", [Header.touched]: "0" }).end();
      else if (request.url === "/buy") return;
      else response.writeHead(200, { [Header.version]: "v1" }).end();
    });
    const world = { ...worldSpec([SHOP], [], 60), clients: { timeout: millis(150), reload: { share: 1, after: millis(50), max: 1 } } };
    const effect = loadSetup(world, { shop: port }, millis(700), { versions: [{ service: "shop", version: "v2", flag: null }] });
    const { load } = begin(effect);
    await sleep(700);
    await until(() => total(load.ledger, LedgerColumn.requests) === reloads.length && reloads.length > 20);
    const first = reloads.filter((count) => count === "0").length;
    expect(reloads.filter((count) => count === "1")).toHaveLength(first);
    expect(load.ledger.harmBy[HarmColumn.pages]).toBe(first);
    expect(total(load.ledger, LedgerColumn.harmedErrors)).toBe(first);
    // Those that asked to buy again got no answer at all, and the proxy told which version was to serve them.
    const unanswered = total(load.ledger, LedgerColumn.errors) - first;
    expect(unanswered).toBeGreaterThan(0);
    expect(load.ledger.totals[load.ledger.edgeCell(1, 1, 0) * LEDGER_COLUMNS + LedgerColumn.errors]).toBe(unanswered);
  });
});
