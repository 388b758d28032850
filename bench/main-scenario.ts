// How fast the shipped main scenario runs end to end in `request` fidelity: engines, scrapes, records and all.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeFiles } from "../src/cli/files.js";
import { loadScenario } from "../src/scenario/load.js";
import { simulate } from "../src/sim/simulate.js";
import type { BenchRow } from "./row.js";

const HOPS_TARGET = 1_000_000;
const ROUNDS = 3;
/** From dist-bench/bench. */
const MAIN_SCENARIO = join(dirname(fileURLToPath(import.meta.url)), "../../scenarios/basics/error-spike.yaml");

/** Hops per second of the whole run (median of three) and hops per client page. */
export async function mainScenarioBench(): Promise<readonly BenchRow[]> {
  const loaded = loadScenario(MAIN_SCENARIO, nodeFiles({}));
  if (!loaded.ok) throw new Error("the main scenario loads");
  const scenario = loaded.value;
  const rounds = Array.from({ length: ROUNDS }, (_, seed) => {
    const before = process.cpuUsage();
    const { world } = simulate({ scenario, seed, fidelity: "request", noiseFree: false, detail: "light", seen: false, driver: { kind: "strategy" } });
    // Processor time: what one core would take, also where other work shares the machine.
    const { user, system } = process.cpuUsage(before);
    const elapsedSeconds = (user + system) / 1e6;
    const pages = scenario.world.traffic.reduce((sum, { enters }) => sum + world.littlesLaw(enters).arrivals, 0);
    return { hopsPerSecond: world.hops() / elapsedSeconds, hopsPerPage: world.hops() / pages };
  }).sort((a, b) => a.hopsPerSecond - b.hopsPerSecond);
  const { hopsPerSecond, hopsPerPage } = rounds[Math.floor(ROUNDS / 2)];
  return [
    { name: "request: hops per second, main scenario end to end", value: hopsPerSecond, unit: "hops/s", target: `>= ${HOPS_TARGET}`, met: hopsPerSecond >= HOPS_TARGET },
    { name: "request: hops per request, main scenario", value: hopsPerPage, unit: "hops", target: "", met: null },
  ];
}
