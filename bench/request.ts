// How fast the request world walks, whether its cost grows linearly, and whether its memory stays flat.

import { nodeFiles } from "../src/cli/files.js";
import { millis, minutes, seconds } from "../src/kernel/units.js";
import { loadScenario } from "../src/scenario/load.js";
import { simulate } from "../src/sim/simulate.js";
import { createRequestWorld, type RequestWorld } from "../src/world/request/request-world.js";
import { bucketEdgesSeconds } from "../src/telemetry/catalogue.js";
import { LEDGER_COLUMNS, LedgerColumn, type Ledger } from "../src/world/ledger.js";
import type { CallSpec, EndpointSpec, ServiceSpec, WorldSpec } from "../src/world/spec.js";
import type { WorldInput } from "../src/world/world.js";
import type { BenchRow } from "./row.js";

/** The demand: service hops per second per core, end to end. */
const HOPS_TARGET = 1_000_000;
const RPS = 400;
/** What `npm start` plays, from the project's root. */
const MAIN_SCENARIO = "scenarios/basics/error-spike.yaml";

const call = (to: CallSpec["to"]): CallSpec => ({
  to, share: 1, timeout: seconds(2), retries: { max: 1, backoff: millis(50), budget: 0.2 }, breaker: null, optional: false,
});

const lognormal = (p50: number, p95: number): EndpointSpec["time"] => ({ kind: "lognormal", p50: millis(p50), p95: millis(p95) });

function service(name: string, endpoint: EndpointSpec): ServiceSpec {
  return {
    name, version: "v1", replicas: 6, zones: 3, slots: 16, queue: 200, endpoints: [endpoint], balancing: "power-of-two",
    healthCheck: { interval: seconds(10), healthyAfter: 2, unhealthyAfter: 3 },
    startup: { kind: "constant", value: seconds(20) }, warmUp: { for: minutes(1), factor: 2 },
    liveness: { interval: seconds(10), failures: 3 }, cpu: { idle: 0.1, busy: 0.7 },
    memory: { base: 4e8, limit: 1e9 }, autoscale: null, cache: null,
  };
}

/** Two services and a database, a sticky split over two versions, power of two choices, timeouts on every call. */
function benchWorld(): WorldSpec {
  const endpoint = (name: string, time: EndpointSpec["time"], calls: readonly CallSpec[]): EndpointSpec =>
    ({ name, share: 1, time, errors: 0.001, calls, conversion: 0.05, orderValue: 40 });
  return {
    name: "bench", users: 40_000,
    services: [
      service("front", endpoint("page", lognormal(20, 60), [call({ kind: "endpoint", service: "back", endpoint: "do" })])),
      service("back", endpoint("do", lognormal(15, 45), [call({ kind: "database", database: "db" })])),
    ],
    databases: [{ name: "db", time: lognormal(4, 12), errors: 0, pool: 40, wait: seconds(1) }],
    traffic: [{ enters: "front", rate: RPS, shape: { kind: "constant" }, bursts: null, spread: { kind: "poisson" } }],
    clients: { timeout: seconds(10), reload: { share: 0.5, after: seconds(3), max: 2 } },
    telemetry: { scrape: seconds(15), lag: seconds(5), missed: 0, init: "lazy", bucketEdgesSeconds: bucketEdgesSeconds([0.5]) },
    flags: { propagation: { min: seconds(1), max: seconds(10) } },
    splitPropagation: seconds(2), drain: seconds(30),
  };
}

/** Plays `requests` pages of the bench world with half the users on the new version. */
function play(requests: number): { readonly world: RequestWorld; readonly seconds: number } {
  const end = Math.round((requests / RPS) * 1e6);
  const input: WorldInput = {
    spec: benchWorld(), effects: [], versions: [{ service: "front", version: "v2", flag: null }], seed: 7, horizon: end,
    slowAfterSeconds: 0.5, noiseFree: false, detail: "full",
  };
  const started = process.cpuUsage();
  const world = createRequestWorld(input);
  world.scale("front", "v2", 6);
  world.advanceTo(minutes(1));
  world.setWeights("front", { v1: 0.5, v2: 0.5 });
  world.advanceTo(end);
  // Processor time, since the claim is per core: other work on the machine does not blur it.
  const { user, system } = process.cpuUsage(started);
  return { world, seconds: (user + system) / 1e6 };
}

interface Pace {
  readonly hops: number;
  readonly pages: number;
  readonly seconds: number;
}

/** The main scenario end to end: world, telemetry, engines and records; the first seed warms the compiler up. */
function playMainScenario(): Pace {
  const loaded = loadScenario(MAIN_SCENARIO, nodeFiles());
  if (!loaded.ok) throw new Error(`run the bench from the project's root: ${MAIN_SCENARIO} does not load`);
  let [hops, pages, seconds] = [0, 0, 0];
  for (let seed = 1; seed <= 4; seed++) {
    const started = process.cpuUsage();
    const { world } = simulate({
      scenario: loaded.value, seed, fidelity: "request", noiseFree: false, detail: "full", seen: true, driver: { kind: "strategy" },
    });
    const { user, system } = process.cpuUsage(started);
    if (seed === 1) continue;
    hops += world.hops();
    pages += edgePages(world.ledger);
    seconds += (user + system) / 1e6;
  }
  return { hops, pages, seconds };
}

function edgePages({ cells, totals }: Ledger): number {
  return cells.reduce((sum, { scope }, i) =>
    scope === "edge" ? sum + totals[i * LEDGER_COLUMNS + LedgerColumn.requests] : sum, 0);
}

function memoryMegabytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1e6;
}

/** Rows about speed, linear cost and memory of the request world. */
export async function requestBench(): Promise<BenchRow[]> {
  const main = playMainScenario();
  const mainRate = main.hops / main.seconds;
  play(200_000);
  const small = play(2_500_000);
  const afterSmall = memoryMegabytes();
  const large = play(5_000_000);
  const afterLarge = memoryMegabytes();
  const rate = large.world.hops() / large.seconds;
  const ratio = large.seconds / small.seconds;
  const residentMegabytes = process.memoryUsage().rss / 1e6;
  return [
    { name: "request: hops per second, main scenario end to end", value: mainRate, unit: "hops/s", target: `>= ${HOPS_TARGET}`, met: mainRate >= HOPS_TARGET },
    { name: "request: hops per page, main scenario", value: main.hops / main.pages, unit: "hops", target: "", met: null },
    { name: "request: hops per second, long run", value: rate, unit: "hops/s", target: `>= ${HOPS_TARGET}`, met: rate >= HOPS_TARGET },
    { name: "request: hops per page, long run", value: large.world.hops() / 5_000_000, unit: "hops", target: "", met: null },
    { name: "request: time of twice the pages", value: ratio, unit: "x", target: "2 +- 0.4", met: Math.abs(ratio - 2) <= 0.4 },
    { name: "request: growth of heap and arrays from 2.5 to 5 M pages", value: afterLarge - afterSmall, unit: "MB", target: "< 20", met: afterLarge - afterSmall < 20 },
    { name: "request: resident memory after 5 M pages", value: residentMegabytes, unit: "MB", target: "< 300", met: residentMegabytes < 300 },
  ];
}
