// What the game day's proxy costs: requests per second of one core, and what it adds to a request at 1,000 per second.

import { fork, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { Header, type Order, type ProxySetup, type Report } from "../src/live/process/protocol.js";
import { Wire } from "../src/live/process/shared/wire.js";
import type { ServiceSpec } from "../src/world/spec.js";
import type { BenchRow } from "./row.js";

const RATE_TARGET = 10_000;
const ADDED_TARGET_MILLIS = 1;
const PACED_RPS = 1_000;
/** Direct and proxied requests take turns by blocks of this many, so that both meet the same machine. */
const BLOCK = 250;
const BLOCKS = 24;
const CONCURRENT = 64;
/** Three processes take turns at each request: where others want the cores, blocks measure the scheduler. Judged is this quantile. */
const QUIET = 0.25;
/** Kernel ticks per second in /proc/PID/stat. */
const TICKS = 100;

const SERVICE: ServiceSpec = {
  name: "shop", version: "v1", replicas: 1, zones: 1, slots: 64, queue: 64, balancing: "power-of-two",
  endpoints: [{ name: "page", share: 1, time: { kind: "constant", value: 0 }, errors: 0, calls: [], conversion: 0, orderValue: 0 }],
  healthCheck: { interval: 20_000, healthyAfter: 2, unhealthyAfter: 3 }, startup: { kind: "constant", value: 0 },
  warmUp: { for: 0, factor: 1 }, liveness: { interval: 1e7, failures: 3 }, cpu: { idle: 0, busy: 1 },
  memory: { base: 1, limit: 2 }, autoscale: null, cache: null,
};

/** What the backend's own process runs: an answer at once, as little as a server can. */
function serveEcho(): void {
  const server = createServer({ keepAliveTimeout: 0 }, (_, response) => {
    response.sendDate = false;
    response.writeHead(200, ["content-length", "0", Header.version, "v1"]);
    response.end();
  });
  process.on("disconnect", () => process.exit(0));
  server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
}

/** The backend, in a process of its own as the replicas of a game day are. */
function startEcho(): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const child = fork(fileURLToPath(import.meta.url), ["echo"]);
  return new Promise((resolve) => child.once("message", (port) => resolve({ child, port: Number(port) })));
}

/** The proxy's own process, sharing users over two versions of one replica each. */
async function startProxy(backend: number): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const entry = fileURLToPath(new URL("../src/live/process/proxy-main.js", import.meta.url));
  const child = fork(entry, { serialization: "advanced" });
  const order = (what: Order): boolean => child.send(what);
  const setup: ProxySetup = { role: "proxy", seed: 7, epochMillis: Date.now(), releases: 1, services: [SERVICE] };
  return new Promise((resolve, reject) => {
    let port = 0;
    child.on("message", (message) => {
      const report = message as Report;
      if (report.type === "failed") reject(new Error(report.why));
      if (report.type === "listening") {
        port = report.ports[SERVICE.name];
        order({ type: "weights", service: SERVICE.name, weights: { v1: 0.8, v2: 0.2 } });
        order({ type: "backends", service: SERVICE.name, backends: ["v1", "v2"].map((version) => ({ replica: `shop-${version}-0`, version, port: backend })) });
      }
      if (report.type === "proxy-state" && report.admitted[SERVICE.name].length === 2) resolve({ child, port });
    });
    order({ type: "setup", setup });
  });
}

const headersOf = (n: number): string[] =>
  [Header.user, String(n % 997), Header.request, `0.${n}.77`, Header.from, "client", Header.reload, "0"];

const ask = (wire: Wire, n: number): Promise<void> => new Promise((resolve, reject) => {
  wire.ask("/page", headersOf(n), ({ status }) => (status === 200 ? resolve() : reject(new Error(`answered ${status}`))));
});

/** Processor time of another process; the machine's other work does not blur it. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Requests per second of the proxy's processor time, with `CONCURRENT` under way all the time. */
async function capacity(child: ChildProcess, wire: Wire, requests: number): Promise<number> {
  const before = cpuSeconds(child.pid!);
  let sent = 0;
  const worker = async (): Promise<void> => {
    while (sent < requests) await ask(wire, sent++);
  };
  await Promise.all(Array.from({ length: CONCURRENT }, worker));
  return requests / (cpuSeconds(child.pid!) - before);
}

/** One block of requests at a steady pace; latencies in milliseconds. */
async function paced(wire: Wire): Promise<number[]> {
  const latencies: number[] = [];
  const began = performance.now();
  const answers: Promise<void>[] = [];
  while (answers.length < BLOCK) {
    const due = Math.min(BLOCK, Math.floor(((performance.now() - began) * PACED_RPS) / 1000) + 1);
    while (answers.length < due) {
      const sent = performance.now();
      answers.push(ask(wire, answers.length).then(() => void latencies.push(performance.now() - sent)));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(answers);
  return latencies;
}

/** The median over blocks: a burst of other work on the machine spoils one block, not the figure. */
const median = (values: readonly number[]): number => percentile(values, 0.5);

const percentile = (values: readonly number[], p: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))];

/** Rows about the proxy of game days. */
export async function proxyBench(): Promise<BenchRow[]> {
  const backend = await startEcho();
  const { child, port } = await startProxy(backend.port);
  const direct = new Wire(backend.port, 256);
  const proxied = new Wire(port, 256);
  try {
    await capacity(child, proxied, 10_000);
    const rate = await capacity(child, proxied, 40_000);
    const blocks: { readonly directP95: number; readonly p50: number; readonly p95: number }[] = [];
    for (let block = 0; block < BLOCKS; block++) {
      const directly = await paced(direct);
      const through = await paced(proxied);
      const [p50, p95] = [0.5, 0.95].map((p) => percentile(through, p) - percentile(directly, p));
      blocks.push({ directP95: percentile(directly, 0.95), p50, p95 });
    }
    const added = blocks.map((block) => block.p95);
    const quiet = percentile(added, QUIET);
    return [
      { name: "proxy: requests per second of one core", value: rate, unit: "requests/s", target: `>= ${RATE_TARGET}`, met: rate >= RATE_TARGET },
      { name: "proxy: direct call, p95 at 1,000 per second", value: median(blocks.map(({ directP95 }) => directP95)), unit: "ms", target: "", met: null },
      { name: "proxy: added at the median", value: median(blocks.map(({ p50 }) => p50)), unit: "ms", target: "", met: null },
      { name: "proxy: added at p95, all blocks", value: median(added), unit: "ms", target: "", met: null },
      { name: "proxy: added at p95, the quieter blocks", value: quiet, unit: "ms", target: `< ${ADDED_TARGET_MILLIS}`, met: quiet < ADDED_TARGET_MILLIS },
    ];
  } finally {
    child.kill("SIGKILL");
    direct.destroy();
    proxied.destroy();
    backend.child.kill("SIGKILL");
  }
}

if (process.argv[2] === "echo" && process.send !== undefined) serveEcho();
