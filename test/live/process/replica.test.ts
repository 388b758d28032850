// What one replica does with its requests: slots and queue, service times, effects and their ends, its books and its page.

import { afterEach, describe, expect, it } from "vitest";
import { streamKey, uniform } from "../../../src/kernel/draws.js";
import { millis, minutes, seconds } from "../../../src/kernel/units.js";
import { LedgerColumn } from "../../../src/world/ledger.js";
import { durationSampler } from "../../../src/world/durations.js";
import { drawIndex, Purpose } from "../../../src/world/request/hop-draws.js";
import { Header } from "../../../src/live/process/protocol.js";
import { Waiting } from "../../../src/live/process/shared/waiting.js";
import { processMicros } from "../../../src/live/process/shared/run-clock.js";
import { ask, askMany, sleep, startReplica, stopAll, until } from "./servers.js";
import { effectOn, endpointSpec, replicaSetup, serviceSpec } from "./specs.js";

afterEach(stopAll);

const ON_SHOP = { on: "service", service: "shop" } as const;
const WITH_V1 = { with: "version", service: "shop", version: "v1" } as const;

describe("a replica's slots and queue", () => {
  it("work on as many requests as there are slots, let as many wait as the queue holds, and refuse the rest at once", async () => {
    const service = serviceSpec("shop", [endpointSpec("page", { time: { kind: "constant", value: millis(150) } })], { slots: 2, queue: 3 });
    const { port } = await startReplica(replicaSetup(service));
    const replies = await askMany(port, "/page", 8);
    const refused = replies.filter(({ status }) => status === 503);
    const served = replies.filter(({ status }) => status === 200).map((reply) => reply.millis).sort((a, b) => a - b);
    expect(refused).toHaveLength(3);
    expect(served).toHaveLength(5);
    expect(Math.max(...refused.map((reply) => reply.millis))).toBeLessThan(served[0]);
    // Two at once, three waves.
    expect(served[1]).toBeLessThan(served[2]);
    expect(served[4]).toBeGreaterThan(440);
  });

  it("count what Little's law needs", async () => {
    const service = serviceSpec("shop", [endpointSpec("page", { time: { kind: "constant", value: millis(60) } })], { slots: 2, queue: 10 });
    const { server, port } = await startReplica(replicaSetup(service));
    await askMany(port, "/page", 6);
    const { arrivals, inFlightSeconds, latencySeconds } = server.replica.books.littlesLaw(processMicros());
    expect(arrivals).toBe(6);
    expect(latencySeconds).toBeGreaterThan(2 * (0.06 + 0.12 + 0.18) - 0.02);
    expect(inFlightSeconds).toBeCloseTo(latencySeconds, 6);
  });
});

describe("service times", () => {
  // Two more chances on a machine that was not idle.
  it("are waited with a mean right to a third of a millisecond on an idle machine", { retry: 2 }, async () => {
    const waiting = new Waiting();
    const wait = (delay: number): Promise<number> => new Promise((resolve) => {
      const began = processMicros();
      waiting.after(delay, () => resolve(processMicros() - began - delay));
    });
    // The steering settles first.
    await Promise.all(Array.from({ length: 200 }, (_, n) => wait(3_000 + 97 * n)));
    const off = await Promise.all(Array.from({ length: 400 }, (_, n) => wait(10_000 + 517 * n)));
    const calm = off.sort((a, b) => a - b).slice(20, 360);
    const mean = calm.reduce((sum, one) => sum + one, 0) / calm.length;
    // On a busy machine timers come late in bunches, which no steering of ours can help.
    expect(Math.abs(mean)).toBeLessThan(1_000);
    expect(off[200]).toBeLessThan(1_500);
  });

  it("are the simulator's own draws for the same arrival", async () => {
    const time = { kind: "lognormal", p50: millis(30), p95: millis(80) } as const;
    const { server, port } = await startReplica(replicaSetup(serviceSpec("shop", [endpointSpec("page", { time })], { slots: 100 })));
    const n = 40;
    await askMany(port, "/page", n);
    const key = streamKey(7, "traffic/0/page");
    const drawn = Array.from({ length: n }, (_, i) => durationSampler(time).from(uniform(key, i, drawIndex(i + 1, Purpose.demand))));
    const { totals } = server.replica.books.endpoints[0];
    const meanDrawn = drawn.reduce((sum, one) => sum + one, 0) / n / 1e6;
    expect(totals[LedgerColumn.latencySeconds] / n).toBeGreaterThan(meanDrawn - 0.001);
    expect(totals[LedgerColumn.latencySeconds] / n).toBeLessThan(meanDrawn + 0.02);
  });

  it("are longer while the replica warms up, and for a cache that is cold", async () => {
    const service = serviceSpec("shop", [endpointSpec("page")], {
      warmUp: { for: minutes(10), factor: 3 }, cache: { hit: 1, fill: minutes(10), miss: { kind: "constant", value: millis(100) } },
    });
    const [cold, warm] = await Promise.all([
      startReplica(replicaSetup(service, { warm: false })), startReplica(replicaSetup(service)),
    ]);
    expect((await ask(cold.port, "/page")).millis).toBeGreaterThan(150);
    expect((await ask(warm.port, "/page")).millis).toBeLessThan(150);
  });
});

describe("effects on a replica", () => {
  it("of a version act always, name their release on the answer, and leave its lane", async () => {
    const effects = [effectOn("v1 fails", ON_SHOP, { kind: "errors", ratio: 1 }, { carrier: WITH_V1, release: 0 })];
    const { port } = await startReplica(replicaSetup(serviceSpec("shop", [endpointSpec("page")]), { effects }));
    const reply = await ask(port, "/page");
    expect(reply.status).toBe(500);
    expect(reply.headers[Header.touched]).toBe("0");
    expect(reply.headers[Header.blamed]).toBe("0");
    const [all, without] = await Promise.all([ask(port, "/metrics"), ask(port, "/metrics?lane=1")]);
    expect(all.text).toContain('http_requests_total{endpoint="page",code="5xx"} 1');
    expect(without.text).not.toMatch(/^http_requests_total\{/m);
  });

  it("of the script wait for an order, and end by themselves when their time is over", async () => {
    const effects = [effectOn("slow", ON_SHOP, { kind: "latency", factor: 1, add: millis(300) })];
    const { server, port } = await startReplica(replicaSetup(serviceSpec("shop", [endpointSpec("page")]), { effects }));
    expect((await ask(port, "/page")).millis).toBeLessThan(300);
    server.obey({ type: "effect", id: "slow", on: true, ttl: millis(500) });
    expect((await ask(port, "/page")).millis).toBeGreaterThan(310);
    await sleep(520);
    expect((await ask(port, "/page")).millis).toBeLessThan(300);
    server.obey({ type: "effect", id: "slow", on: true, ttl: seconds(60) });
    server.obey({ type: "effect", id: "slow", on: false });
    expect((await ask(port, "/page")).millis).toBeLessThan(300);
  });

  it("touch the share of users that the simulator's hash picks", async () => {
    const effects = [effectOn("some fail", ON_SHOP, { kind: "errors", ratio: 1 }, { carrier: WITH_V1, users: 0.3, release: 0 })];
    const { port } = await startReplica(replicaSetup(serviceSpec("shop", [endpointSpec("page", { time: { kind: "constant", value: 0 } })]), { effects }));
    const replies = await askMany(port, "/page", 60);
    const key = streamKey(7, "effect/some fail/users");
    expect(replies.map(({ status }) => status)).toEqual(replies.map((_, user) => (uniform(key, user, 0) < 0.3 ? 500 : 200)));
  });

  it("with a rate condition act only while more than that arrives", async () => {
    const effects = [effectOn("busy", ON_SHOP, { kind: "errors", ratio: 1 }, { carrier: WITH_V1, when: { from: 0, to: Infinity, rpsAbove: 20, afterWarmLife: 0 } })];
    const service = serviceSpec("shop", [endpointSpec("page", { time: { kind: "constant", value: 0 } })]);
    const { port } = await startReplica(replicaSetup(service, { effects }));
    expect((await ask(port, "/page")).status).toBe(200);
    for (let i = 0; i < 20; i++) {
      await askMany(port, "/page", 12);
      await sleep(60);
    }
    expect((await ask(port, "/page")).status).toBe(500);
  });

  // Other tests of this process may free memory of theirs meanwhile.
  it("take real memory as far as a leak goes, show it on the page, and kill at the limit", { retry: 2 }, async () => {
    const effects = [effectOn("leak", ON_SHOP, { kind: "memory-growth", bytesPerMinute: 60 * 4e7 }, { carrier: WITH_V1, release: 0 })];
    const { port, exits } = await startReplica(replicaSetup(serviceSpec("shop", [endpointSpec("page")], { memory: { base: 1e8, limit: 1.4e8 } }), { effects }));
    const before = process.memoryUsage.rss();
    await sleep(500);
    const ratio = Number(/^memory_usage_ratio ([\d.]+)/m.exec((await ask(port, "/metrics")).text)![1]);
    expect(ratio).toBeGreaterThan(0.8);
    expect(process.memoryUsage.rss() - before).toBeGreaterThan(5e6);
    await until(() => exits.length > 0);
    expect(exits[0]).toBe(137);
  });

  it("take slots away, crash it in a loop, and silence it", async () => {
    const effects = [
      effectOn("half", ON_SHOP, { kind: "capacity", loss: 0.5 }), effectOn("loop", ON_SHOP, { kind: "restart-loop", every: millis(50) }),
      effectOn("out", ON_SHOP, { kind: "outage" }),
    ];
    const service = serviceSpec("shop", [endpointSpec("page", { time: { kind: "constant", value: millis(100) } })], { slots: 4, queue: 0 });
    const { server, port, exits } = await startReplica(replicaSetup(service, { effects }));
    server.obey({ type: "effect", id: "half", on: true, ttl: seconds(60) });
    expect((await askMany(port, "/page", 4)).filter(({ status }) => status === 200)).toHaveLength(2);
    server.obey({ type: "effect", id: "out", on: true, ttl: millis(200) });
    const silent = ask(port, "/page");
    expect(await Promise.race([silent, sleep(150).then(() => null)])).toBeNull();
    await sleep(250);
    expect((await ask(port, "/healthz")).status).toBe(200);
    server.obey({ type: "effect", id: "loop", on: true, ttl: seconds(60) });
    await until(() => exits.length > 0);
    expect(exits[0]).toBe(1);
  });

  it("lose orders in truth and in lane 0, not in their release's lane", async () => {
    const effects = [effectOn("worse", ON_SHOP, { kind: "conversion", drop: 0.5 }, { carrier: WITH_V1, release: 0 })];
    const service = serviceSpec("shop", [endpointSpec("page", { time: { kind: "constant", value: 0 }, conversion: 0.8 })]);
    const { port } = await startReplica(replicaSetup(service, { effects }));
    const replies = await askMany(port, "/page", 60);
    const orders = replies.filter(({ headers }) => headers[Header.order] === "40").length;
    const lost = replies.filter(({ headers }) => headers[Header.lostOrder] === "1").length;
    expect(lost).toBeGreaterThan(10);
    const count = async (lane: number): Promise<number> =>
      Number(/^conversions_total\{endpoint="page"\} (\d+)/m.exec((await ask(port, `/metrics?lane=${lane}`)).text)![1]);
    expect(await count(0)).toBe(orders);
    expect(await count(1)).toBe(orders + lost);
    expect(Number(replies[0].headers[Header.lostEuro])).toBeCloseTo(0.5 * 0.8 * 40, 9);
  });
});

describe("a replica's metrics page", () => {
  it("equals what was sent, bucket by bucket, with the catalogue's names", async () => {
    const service = serviceSpec("shop", [endpointSpec("page", { time: { kind: "constant", value: millis(30) }, errors: 0.4 }), endpointSpec("other")]);
    const { port, server } = await startReplica(replicaSetup(service));
    const replies = await askMany(port, "/page", 16);
    const failed = replies.filter(({ status }) => status === 500).length;
    const { text } = await ask(port, "/metrics");
    const value = (series: string): number => Number(new RegExp(`^${series.replace(/[{}"+.]/g, "\\$&")} (\\S+)`, "m").exec(text)?.[1]);
    expect(value('http_requests_total{endpoint="page",code="5xx"}')).toBe(failed);
    expect(value('http_requests_total{endpoint="page",code="2xx"}')).toBe(16 - failed);
    expect(value('http_request_duration_seconds_count{endpoint="page"}')).toBe(16);
    expect(value('http_request_duration_seconds_bucket{le="0.025",endpoint="page"}')).toBe(0);
    expect(value('http_request_duration_seconds_bucket{le="+Inf",endpoint="page"}')).toBe(16);
    expect(value('http_request_duration_seconds_sum{endpoint="page"}')).toBeCloseTo(server.replica.books.endpoints[0].totals[LedgerColumn.latencySeconds], 9);
    expect(text).not.toContain('endpoint="other"');
    expect(value("memory_usage_ratio")).toBeCloseTo(0.25, 9);
    expect(value("http_requests_in_flight")).toBe(0);
    expect(text).not.toMatch(/\b(service|version|replica)="/);
  });

  it("has every series from the start where the world says so", async () => {
    const { port } = await startReplica(replicaSetup(serviceSpec("shop", [endpointSpec("page")]), { seriesInit: "zero" }));
    const { text } = await ask(port, "/metrics");
    expect(text).toContain('http_requests_total{endpoint="page",code="5xx"} 0');
    expect(text).toContain('http_request_duration_seconds_bucket{le="+Inf",endpoint="page"} 0');
    expect(text).toContain('conversions_total{endpoint="page"} 0');
  });

  it("comes late or not at all for as long as main says", async () => {
    const { server, port } = await startReplica(replicaSetup(serviceSpec("shop", [endpointSpec("page")])));
    server.obey({ type: "metrics", id: "late", delay: millis(120), ttl: millis(100) });
    expect((await ask(port, "/metrics")).millis).toBeGreaterThan(115);
    expect((await ask(port, "/metrics")).millis).toBeLessThan(115);
    server.obey({ type: "metrics", id: "gap", delay: "silent", ttl: seconds(60) });
    expect(await Promise.race([ask(port, "/metrics"), sleep(200).then(() => null)])).toBeNull();
  });

  it("comes as late as all that is on together, and the end of one fault is not the end of the others", async () => {
    const { server, port } = await startReplica(replicaSetup(serviceSpec("shop", [endpointSpec("page")])));
    server.obey({ type: "metrics", id: "gap", delay: "silent", ttl: seconds(60) });
    server.obey({ type: "metrics", id: "late", delay: millis(120), ttl: seconds(60) });
    server.obey({ type: "metrics", id: "later", delay: millis(100), ttl: seconds(60) });
    server.obey({ type: "metrics", id: "gap of all", delay: "silent", ttl: seconds(60) });
    server.obey({ type: "metrics", id: "gap of all", delay: 0, ttl: 0 });
    expect(await Promise.race([ask(port, "/metrics"), sleep(300).then(() => null)])).toBeNull();
    server.obey({ type: "metrics", id: "gap", delay: 0, ttl: 0 });
    expect((await ask(port, "/metrics")).millis).toBeGreaterThan(215);
    server.obey({ type: "metrics", id: "later", delay: 0, ttl: 0 });
    const { millis: took } = await ask(port, "/metrics");
    expect(took).toBeGreaterThan(115);
    expect(took).toBeLessThan(215);
  });
});

describe("a replica that drains", () => {
  it("is not ready any more, finishes what it has, and ends", async () => {
    const service = serviceSpec("shop", [endpointSpec("page", { time: { kind: "constant", value: millis(600) } })]);
    const { server, port, exits } = await startReplica(replicaSetup(service));
    const running = ask(port, "/page");
    await sleep(50);
    server.obey({ type: "drain", limit: seconds(5) });
    expect((await ask(port, "/healthz")).status).toBe(503);
    await sleep(350);
    expect((await ask(port, "/page")).status).toBe(503);
    expect(exits).toEqual([]);
    expect((await running).status).toBe(200);
    await until(() => exits.length > 0);
    expect(exits[0]).toBe(0);
  });
});
