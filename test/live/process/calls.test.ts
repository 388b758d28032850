// Calls from replica to replica and database: timeouts, retries, breakers, links, and effects that travel up with answers.

import { afterEach, describe, expect, it } from "vitest";
import { millis, seconds } from "../../../src/kernel/units.js";
import type { CallSpec } from "../../../src/world/spec.js";
import type { Effect } from "../../../src/world/effect.js";
import { LedgerColumn } from "../../../src/world/ledger.js";
import { Header } from "../../../src/live/process/protocol.js";
import { ask, askMany, sleep, startDatabase, startReplica, stopAll, until } from "./servers.js";
import { callSpec, databaseSetup, databaseSpec, effectOn, endpointSpec, replicaSetup, serviceSpec } from "./specs.js";

afterEach(stopAll);

const INSTANT = { kind: "constant", value: 0 } as const;
const TO_BACK = { kind: "endpoint", service: "back", endpoint: "do" } as const;
const TO_DB = { kind: "database", database: "db" } as const;
const BACK_V1 = { with: "version", service: "back", version: "v1" } as const;
const FRONT_V1 = { with: "version", service: "front", version: "v1" } as const;

interface Pair {
  readonly call: Partial<CallSpec>;
  readonly backTime?: number;
  readonly effects?: readonly Effect[];
}

/** A front replica that calls a back one; the effects are known to both. */
async function pair({ call, backTime = 0, effects = [] }: Pair): Promise<{ front: Awaited<ReturnType<typeof startReplica>>; back: Awaited<ReturnType<typeof startReplica>> }> {
  const backSpec = serviceSpec("back", [endpointSpec("do", { time: { kind: "constant", value: backTime } })]);
  const back = await startReplica(replicaSetup(backSpec, { effects }));
  const frontSpec = serviceSpec("front", [endpointSpec("page", { time: INSTANT, calls: [callSpec(TO_BACK, call)] })]);
  const front = await startReplica(replicaSetup(frontSpec, { effects, servicePorts: { back: back.port } }));
  return { front, back };
}

const requestsOf = (replica: Awaited<ReturnType<typeof startReplica>>): number =>
  replica.server.replica.books.endpoints[0].totals[LedgerColumn.requests];

describe("a call", () => {
  it("is given up after its timeout, while the callee goes on working", async () => {
    const { front, back } = await pair({ call: { timeout: millis(100) }, backTime: millis(1_200) });
    const reply = await ask(front.port, "/page");
    expect(reply.status).toBe(504);
    expect(reply.millis).toBeLessThan(1_150);
    await until(() => requestsOf(back) === 1);
    expect(back.server.replica.books.endpoints[0].totals[LedgerColumn.errors]).toBe(0);
  });

  it("that fails is tried again as often as it may, each try with its own draws", async () => {
    const effects = [effectOn("fails", { on: "service", service: "back" }, { kind: "errors", ratio: 1 }, { carrier: BACK_V1, release: 0 })];
    const { front, back } = await pair({ call: { retries: { max: 2, backoff: millis(10), budget: 10 } }, effects });
    expect((await ask(front.port, "/page")).status).toBe(500);
    expect(requestsOf(back)).toBe(3);
  });

  it("stays within its retry budget", async () => {
    const effects = [effectOn("fails", { on: "service", service: "back" }, { kind: "errors", ratio: 1 }, { carrier: BACK_V1, release: 0 })];
    const { front, back } = await pair({ call: { retries: { max: 1, backoff: 0, budget: 0.2 } }, effects });
    await askMany(front.port, "/page", 20);
    expect(requestsOf(back)).toBe(24);
  });

  it("stops at an open breaker, and goes out again after a pause", async () => {
    const effects = [effectOn("fails", { on: "service", service: "back" }, { kind: "errors", ratio: 1 })];
    const { front, back } = await pair({
      call: { breaker: { failureRatio: 0.5, minRequests: 5, window: seconds(10), openFor: millis(300) } }, effects,
    });
    back.server.obey({ type: "effect", id: "fails", on: true, ttl: seconds(60) });
    for (let n = 0; n < 10; n++) await ask(front.port, "/page", n);
    expect(requestsOf(back)).toBe(5);
    back.server.obey({ type: "effect", id: "fails", on: false });
    await sleep(320);
    expect((await ask(front.port, "/page")).status).toBe(200);
    expect((await ask(front.port, "/page")).status).toBe(200);
  });

  it("that is optional may fail, that is made by a share is made by that share", async () => {
    const effects = [effectOn("fails", { on: "service", service: "back" }, { kind: "errors", ratio: 1 }, { carrier: BACK_V1, release: 0 })];
    const { front, back } = await pair({ call: { optional: true, share: 0.4 }, effects });
    const replies = await askMany(front.port, "/page", 60);
    expect(replies.every(({ status }) => status === 200)).toBe(true);
    expect(requestsOf(back)).toBeGreaterThan(10);
    expect(requestsOf(back)).toBeLessThan(40);
    expect(replies.filter(({ headers }) => headers[Header.touched] === "0")).toHaveLength(requestsOf(back));
  });

  it("to a replica that is gone fails at once", async () => {
    const { front, back } = await pair({ call: { timeout: seconds(5) } });
    await back.server.stop();
    const reply = await ask(front.port, "/page");
    expect(reply.status).toBe(502);
    expect(reply.millis).toBeLessThan(2_000);
  });
});

describe("effects on a link", () => {
  it("silence, delay and break it", async () => {
    const link = { on: "link", from: "front", to: "back" } as const;
    const { front } = await pair({
      call: { timeout: millis(200) },
      effects: [effectOn("cut", link, { kind: "outage" }), effectOn("slow", link, { kind: "latency", factor: 1, add: millis(100) }), effectOn("flaky", link, { kind: "errors", ratio: 1 })],
    });
    const during = async (id: string): Promise<Awaited<ReturnType<typeof ask>>> => {
      front.server.obey({ type: "effect", id, on: true, ttl: seconds(60) });
      const reply = await ask(front.port, "/page");
      front.server.obey({ type: "effect", id, on: false });
      return reply;
    };
    const [cut, slow, flaky] = [await during("cut"), await during("slow"), await during("flaky")];
    expect(cut.status).toBe(504);
    expect(cut.millis).toBeGreaterThan(195);
    expect(slow.status).toBe(200);
    expect(slow.millis).toBeGreaterThan(98);
    expect(flaky.status).toBe(502);
    expect((await ask(front.port, "/page")).status).toBe(200);
  });
});

describe("word of effects", () => {
  it("travels up through calls with the answer", async () => {
    const effects = [effectOn("slow", { on: "service", service: "back" }, { kind: "latency", factor: 1, add: millis(50) }, { carrier: BACK_V1, release: 0 })];
    const { front } = await pair({ call: {}, effects });
    const reply = await ask(front.port, "/page");
    expect(reply.status).toBe(200);
    expect(reply.headers[Header.touched]).toBe("0");
    expect(reply.headers[Header.blamed]).toBeUndefined();
    const { text } = await ask(front.port, "/metrics?lane=1");
    expect(text).not.toMatch(/^http_requests_total\{/m);
  });

  it("is there even when the caller gives up before the answer", async () => {
    const effects = [effectOn("hangs", { on: "service", service: "back" }, { kind: "latency", factor: 1, add: seconds(2) }, { carrier: BACK_V1, release: 0 })];
    const { front } = await pair({ call: { timeout: millis(150) }, effects });
    const reply = await ask(front.port, "/page");
    expect(reply.status).toBe(504);
    expect(reply.headers[Header.blamed]).toBe("0");
  });

  it("reaches whoever waits in the queue behind a slowed request", async () => {
    const effects = [effectOn("slow", { on: "service", service: "shop" }, { kind: "latency", factor: 1, add: millis(100) }, { carrier: { with: "version", service: "shop", version: "v1" }, users: 0.5, release: 0 })];
    const service = serviceSpec("shop", [endpointSpec("page", { time: { kind: "constant", value: millis(5) } })], { slots: 1, queue: 20 });
    const { port } = await startReplica(replicaSetup(service, { effects }));
    const asked: ReturnType<typeof ask>[] = [];
    for (let n = 0; n < 12; n++) {
      asked.push(ask(port, "/page", n));
      await sleep(3);
    }
    const replies = await Promise.all(asked);
    const slowed = replies.findIndex(({ headers }) => headers[Header.touched] === "0");
    expect(slowed).toBeGreaterThanOrEqual(0);
    // Behind the first one that is slow all are.
    expect(replies.slice(slowed).every(({ headers }) => headers[Header.touched] === "0")).toBe(true);
  });

  it("of a defect that acts on another service is heeded there only on calls from its carrier", async () => {
    const effects = [effectOn("remote", { on: "service", service: "back" }, { kind: "errors", ratio: 1 }, { carrier: FRONT_V1, release: 0 })];
    const { front, back } = await pair({ call: {}, effects });
    expect((await ask(front.port, "/page")).status).toBe(500);
    expect((await ask(back.port, "/do")).status).toBe(200);
  });
});

describe("a database", () => {
  it("serves as many queries at once as it has connections, and lets none wait longer than it says", async () => {
    const spec = databaseSpec("db", { pool: 2, wait: millis(150), time: { kind: "constant", value: millis(100) } });
    const { port } = await startDatabase(databaseSetup(spec));
    const replies = await askMany(port, "/query", 6);
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(4);
    expect(replies.filter(({ status }) => status === 503)).toHaveLength(2);
    const { text } = await ask(port, "/metrics");
    expect(text).toMatch(/^db_queries_total 4$/m);
    expect(text).toMatch(/^db_pool_timeouts_total 2$/m);
    expect(text).toMatch(/^db_pool_waiting 0$/m);
  });

  it("loses connections and locks as ordered, and gets them back when the time is over", async () => {
    const effects = [
      effectOn("taken", { on: "database", database: "db" }, { kind: "pool", taken: 3 }),
      effectOn("lock", { on: "database", database: "db" }, { kind: "lock", hold: millis(250) }),
    ];
    const { server, port } = await startDatabase(databaseSetup(databaseSpec("db", { pool: 4, wait: seconds(5), time: INSTANT }), effects));
    server.obey({ type: "effect", id: "taken", on: true, ttl: millis(200) });
    expect((await ask(port, "/metrics")).text).toMatch(/^db_pool_in_use_ratio 0.75$/m);
    await sleep(250);
    expect((await ask(port, "/metrics")).text).toMatch(/^db_pool_in_use_ratio 0$/m);
    server.obey({ type: "effect", id: "lock", on: true, ttl: seconds(10) });
    expect((await ask(port, "/query")).millis).toBeGreaterThan(200);
    expect((await ask(port, "/query")).millis).toBeLessThan(200);
  });

  it("gives back the lock of one fault and keeps that of another", async () => {
    const effects = [
      effectOn("long", { on: "database", database: "db" }, { kind: "lock", hold: seconds(3) }),
      effectOn("short", { on: "database", database: "db" }, { kind: "lock", hold: millis(400) }),
    ];
    const { server } = await startDatabase(databaseSetup(databaseSpec("db", { time: INSTANT }), effects));
    const held = (): number => server.effects.lockedUntil;
    server.obey({ type: "effect", id: "short", on: true, ttl: seconds(10) });
    const short = held();
    server.obey({ type: "effect", id: "long", on: true, ttl: seconds(10) });
    const long = held();
    expect(long).toBeGreaterThan(short + seconds(2));
    server.obey({ type: "effect", id: "short", on: false });
    expect(held()).toBe(long);
    server.obey({ type: "effect", id: "short", on: true, ttl: seconds(10) });
    server.obey({ type: "effect", id: "long", on: false });
    expect(held()).toBeGreaterThanOrEqual(short);
    expect(held()).toBeLessThan(short + seconds(1));
    server.obey({ type: "effect", id: "short", on: false });
    expect(held()).toBe(0);
  });

  it("hears from callers that gave up, and says which release made its queries slow", async () => {
    const effects = [effectOn("heavy", { on: "database", database: "db" }, { kind: "latency", factor: 1, add: seconds(1) }, { carrier: FRONT_V1, release: 0 })];
    const database = await startDatabase(databaseSetup(databaseSpec("db", { time: INSTANT }), effects));
    const service = serviceSpec("front", [endpointSpec("page", { time: INSTANT, calls: [callSpec(TO_DB, { timeout: millis(100) })] })]);
    const front = await startReplica(replicaSetup(service, { databasePorts: { db: database.port } }));
    const reply = await ask(front.port, "/page");
    expect(reply.status).toBe(504);
    expect(reply.headers[Header.blamed]).toBe("0");
    await sleep(50);
    expect((await ask(database.port, "/metrics")).text).toMatch(/^db_query_timeouts_total 1$/m);
    expect((await ask(database.port, "/metrics?lane=1")).text).toMatch(/^db_query_timeouts_total 0$/m);
    // Asked by somebody who does not carry the defect it is quick.
    expect((await ask(database.port, "/query")).millis).toBeLessThan(900);
  });
});
