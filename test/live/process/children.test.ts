// The children of a game day as real processes: set up over their channels, serving each other, ending with their parent.

import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { millis, seconds } from "../../../src/kernel/units.js";
import { LEDGER_COLUMNS, LedgerColumn } from "../../../src/world/ledger.js";
import type { Order, Report, Role, Setup } from "../../../src/live/process/protocol.js";
import { callSpec, common, databaseSetup, databaseSpec, endpointSpec, loadSetup, proxySetup, replicaSetup, serviceSpec, worldSpec } from "./specs.js";

const PROCESS_DIR = process.env["SHAKEDOWN_PROCESS_DIR"] ?? join(import.meta.dirname, "../../../dist/live/process");

class Child {
  readonly reports: Report[] = [];
  readonly process: ChildProcess;
  readonly #waiting: { type: Report["type"]; resolve: (report: Report) => void }[] = [];

  constructor(role: Role, setup: Setup) {
    this.process = fork(join(PROCESS_DIR, `${role}-main.js`), { serialization: "advanced", stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.process.on("message", (message) => {
      const report = message as Report;
      this.reports.push(report);
      for (const wait of this.#waiting.filter(({ type }) => type === report.type)) {
        this.#waiting.splice(this.#waiting.indexOf(wait), 1);
        wait.resolve(report);
      }
    });
    this.process.send({ type: "setup", setup });
  }

  send(order: Order): void {
    this.process.send(order);
  }

  next<T extends Report["type"]>(type: T): Promise<Extract<Report, { readonly type: T }>> {
    return new Promise((resolve) => this.#waiting.push({ type, resolve: resolve as (report: Report) => void }));
  }

  exit(): Promise<number | null> {
    if (this.process.exitCode !== null) return Promise.resolve(this.process.exitCode);
    return new Promise((resolve) => this.process.once("exit", (code) => resolve(code)));
  }
}

const children: Child[] = [];
const start = (role: Role, setup: Setup): Child => {
  const child = new Child(role, setup);
  children.push(child);
  return child;
};

afterEach(() => {
  for (const child of children.splice(0)) child.process.kill("SIGKILL");
});

describe("a game day's children", () => {
  it("carry pages from the load through the proxy to replicas, a database and back", async () => {
    const page = endpointSpec("page", {
      time: { kind: "constant", value: millis(10) }, conversion: 0.5,
      calls: [callSpec({ kind: "database", database: "db" })],
    });
    const service = serviceSpec("shop", [page]);
    const world = worldSpec([service], [databaseSpec("db")], 60);
    const [database, proxy, flags] = [
      start("database", databaseSetup(world.databases[0])), start("proxy", proxySetup([service])),
      start("flags", { ...common(), role: "flags", flags: ["new"] }),
    ];
    const [db, front, flag] = await Promise.all([database.next("listening"), proxy.next("listening"), flags.next("listening")]);
    const versions = [{ service: "shop", version: "v2", flag: "new" }];
    const replicas = [["v1", 0], ["v2", 0]].map(([version, number]) => start("replica", replicaSetup(service, {
      version: String(version), replica: `shop-${version}-${number}`, databasePorts: { db: db.ports["http"] },
      servicePorts: front.ports, flag: version === "v2" ? "new" : null, flagPort: flag.ports["http"],
    })));
    const ports = await Promise.all(replicas.map((replica) => Promise.all([replica.next("listening"), replica.next("ready")])));
    proxy.send({ type: "weights", service: "shop", weights: { v1: 0.5, v2: 0.5 } });
    proxy.send({ type: "backends", service: "shop", backends: ports.map(([{ ports: { http } }], i) => ({ replica: `shop-v${i + 1}-0`, version: `v${i + 1}`, port: http })) });
    let state = await proxy.next("proxy-state");
    while (state.admitted["shop"].length < 2) state = await proxy.next("proxy-state");
    const setup = loadSetup(world, front.ports, seconds(30), { versions });
    const load = start("load", setup);
    await load.next("listening");
    load.send({ type: "begin", at: millis(Date.now() - setup.epochMillis + 20) });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    load.send({ type: "end" });
    await load.next("load-books");
    const books = await load.next("load-books");
    const column = (index: number): number => books.totals.filter((_, i) => i % LEDGER_COLUMNS === index).reduce((a, b) => a + b, 0);
    expect(books.sent).toBe(books.intended);
    expect(books.sent).toBeGreaterThan(50);
    expect(column(LedgerColumn.requests)).toBe(books.sent);
    expect(column(LedgerColumn.errors)).toBe(0);
    expect(column(LedgerColumn.conversions)).toBeGreaterThan(10);
    expect(books.totals[LedgerColumn.requests]).toBeGreaterThan(0);
    expect(books.totals[LEDGER_COLUMNS + LedgerColumn.requests]).toBeGreaterThan(0);
    // 10 ms of its own and 5 ms in the database; what a busy machine adds is not what this test is about.
    expect(books.latencyP50).toBeGreaterThan(millis(14));
    expect(books.latencyP50).toBeLessThan(millis(500));
    const replicaBooks = await Promise.all(replicas.map((replica) => replica.next("replica-books")));
    expect(replicaBooks.reduce((sum, { arrivals }) => sum + arrivals, 0)).toBe(books.sent);
    replicas[1].send({ type: "drain", limit: seconds(1) });
    expect(await replicas[1].exit()).toBe(0);
  });

  it("end when their parent's channel closes", async () => {
    const flags = start("flags", { ...common(), role: "flags", flags: [] });
    await flags.next("listening");
    const replica = start("replica", replicaSetup(serviceSpec("shop", [endpointSpec("page")])));
    await replica.next("ready");
    flags.process.disconnect();
    replica.process.disconnect();
    expect(await Promise.all([flags.exit(), replica.exit()])).toEqual([0, 0]);
  });

  it("say that a replica that can't start failed by its exit code, after its startup time", async () => {
    const began = performance.now();
    const replica = start("replica", replicaSetup(serviceSpec("shop", [endpointSpec("page")]), { failsToStart: true, startup: millis(200) }));
    expect(await replica.exit()).toBe(1);
    expect(performance.now() - began).toBeGreaterThan(200);
    expect(replica.reports.some(({ type }) => type === "ready")).toBe(false);
  });

  it("burn half a core, and no longer than they were told", async () => {
    const burner = start("burner", { ...common(), role: "burner", share: 0.5, ttl: millis(600) });
    await burner.next("listening");
    const began = performance.now();
    expect(await burner.exit()).toBe(0);
    expect(performance.now() - began).toBeLessThan(1500);
  });
});
