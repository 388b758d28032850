// Speed of the cohort world: whole 90-minute canaries of a two-service world at 200 requests per second, and its noise-free mode.

import { minutes, millis, seconds } from "../src/kernel/units.js";
import type { Effect } from "../src/world/effect.js";
import type { EndpointSpec, ServiceSpec, WorldSpec } from "../src/world/spec.js";
import { createCohortWorld } from "../src/world/cohort/cohort-world.js";
import type { WorldInput } from "../src/world/world.js";
import type { BenchRow } from "./row.js";

const RUNS = 60;
const DURATION = minutes(90);
/** A run's world may take this long, so that 60 classified runs per second leave the engines the rest. */
const WORLD_RUNS_PER_SECOND = 72;

const endpoint = (name: string, p50: number, p95: number, calls: EndpointSpec["calls"]): EndpointSpec => ({
  name, share: 0.5, time: { kind: "lognormal", p50: millis(p50), p95: millis(p95) }, errors: 0.001, calls, conversion: 0.1, orderValue: 40,
});

const service = (name: string, version: string, endpoints: readonly EndpointSpec[]): ServiceSpec => ({
  name, version, replicas: 4, zones: 2, slots: 16, queue: 100, endpoints, balancing: "power-of-two",
  healthCheck: { interval: seconds(5), healthyAfter: 2, unhealthyAfter: 3 },
  startup: { kind: "lognormal", p50: seconds(10), p95: seconds(20) }, warmUp: { for: seconds(60), factor: 2 },
  liveness: { interval: seconds(10), failures: 3 }, cpu: { idle: 0.05, busy: 0.6 },
  memory: { base: 400 * 2 ** 20, limit: 1024 * 2 ** 20 }, autoscale: null, cache: null,
});

const charge: EndpointSpec["calls"] = [{
  to: { kind: "endpoint", service: "payments", endpoint: "charge" }, share: 1, timeout: seconds(1),
  retries: { max: 1, backoff: millis(50), budget: 0.2 }, breaker: null, optional: false,
}];

const WORLD: WorldSpec = {
  name: "bench", users: 40_000, databases: [],
  services: [
    service("checkout", "v1", [endpoint("create-order", 45, 140, charge), endpoint("show-cart", 20, 60, [])]),
    service("payments", "p1", [endpoint("charge", 20, 60, []), endpoint("refund", 30, 90, [])]),
  ],
  traffic: [{ enters: "checkout", rate: 200, shape: { kind: "constant" }, bursts: null, spread: { kind: "poisson" } }],
  clients: { timeout: seconds(10), reload: { share: 0.5, after: seconds(3), max: 1 } },
  telemetry: { scrape: seconds(15), lag: seconds(5), missed: 0, init: "lazy", bucketEdgesSeconds: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] },
  flags: { propagation: { min: seconds(1), max: seconds(5) } }, splitPropagation: seconds(2), drain: seconds(30),
};

const DEFECT: Effect = {
  id: "v2: errors +2% on checkout", target: { on: "service", service: "checkout", version: "v2" }, what: { kind: "errors", ratio: 0.02 },
  users: 1, when: { from: 0, to: DURATION, rpsAbove: null, afterWarmLife: 0 },
  carrier: { with: "version", service: "checkout", version: "v2" }, release: 0,
};

/** Deploys v2, raises its weight twice, and reads the books once a scrape, as a run does. */
function canary(seed: number, over: Partial<WorldInput>): void {
  const world = createCohortWorld({
    spec: WORLD, effects: [DEFECT], versions: [{ service: "checkout", version: "v2", flag: null }], seed, horizon: DURATION,
    slowAfterSeconds: 0.5, noiseFree: false, detail: "light", ...over,
  });
  const steps: Readonly<Record<number, readonly [replicas: number, weight: number]>> = { 600: [1, 0.05], 1500: [1, 0.25], 3300: [4, 1] };
  for (let at = 0; at <= 5400; at += 30) {
    world.advanceTo(seconds(at));
    const step = steps[at];
    if (step !== undefined) world.scale("checkout", "v2", step[0]);
    const weight = steps[at - 60]?.[1];
    if (weight !== undefined) world.setWeights("checkout", { v1: 1 - weight, v2: weight });
  }
  world.settle();
}

function perSecond(runs: number, run: (seed: number) => void): number {
  const start = performance.now();
  for (let seed = 1; seed <= runs; seed += 1) run(seed);
  return (runs / (performance.now() - start)) * 1000;
}

/** Runs per second after the laws of the world have been worked out once, which all runs of a study share. */
export async function cohortBench(): Promise<BenchRow[]> {
  perSecond(20, (seed) => canary(1000 + seed, {}));
  const runs = perSecond(RUNS, (seed) => canary(seed, {}));
  const twins = perSecond(10, (seed) => canary(seed, { noiseFree: true, detail: "full" }));
  return [
    { name: "cohort: 90-minute canary, 2 services, 200 rps", value: runs, unit: "runs/s", target: `at least ${WORLD_RUNS_PER_SECOND}, the world alone`, met: runs >= WORLD_RUNS_PER_SECOND },
    { name: "cohort: its noise-free twin, full detail", value: twins, unit: "runs/s", target: "", met: null },
  ];
}
