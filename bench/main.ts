// `npm run bench`: every speed claim of the project, as ratios measured in one run; `--json` for machines.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { classifiedBench } from "./classified.js";
import { cohortBench } from "./cohort.js";
import { labBench } from "./lab.js";
import { kernelBench } from "./kernel.js";
import { proxyBench } from "./proxy.js";
import { requestBench } from "./request.js";
import type { BenchRow } from "./row.js";
import { sweepBench } from "./sweep.js";
import { telemetryBench } from "./telemetry.js";

const SUITES: readonly (readonly [name: string, run: () => Promise<readonly BenchRow[]>])[] = [
  ["kernel", kernelBench],
  ["telemetry", telemetryBench],
  ["request", requestBench],
  ["cohort", cohortBench],
  ["classified", classifiedBench],
  ["lab", labBench],
  ["sweep", sweepBench],
  ["proxy", proxyBench],
];

const args = process.argv.slice(2);
const asJson = args.includes("--json");
const wanted = args.filter((arg) => !arg.startsWith("--"));
const unknown = wanted.find((name) => !SUITES.some(([known]) => known === name));
if (unknown !== undefined) {
  process.stderr.write(`no bench suite ${unknown}: write ${SUITES.map(([name]) => name).join(", ")}\n`);
  process.exit(2);
}

const chosen = SUITES.filter(([name]) => wanted.length === 0 || wanted.includes(name));
const rows: BenchRow[] = [];
for (const [name, run] of chosen) {
  if (!asJson) process.stderr.write(`${name} …\n`);
  rows.push(...(chosen.length === 1 ? await run() : inItsOwnProcess(name)));
}
process.stdout.write(asJson ? `${JSON.stringify(rows, null, 1)}\n` : table(rows));
process.exitCode = rows.some((row) => row.met === false) ? 1 : 0;

/** What one suite teaches the compiler and leaves in the heap would slow the next. */
function inItsOwnProcess(name: string): readonly BenchRow[] {
  const { stdout, status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), name, "--json"], { stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" });
  if (status !== 0 && status !== 1) throw new Error(`the suite ${name} ended with ${status}`);
  return JSON.parse(stdout) as readonly BenchRow[];
}

function table(lines: readonly BenchRow[]): string {
  const width = Math.max(...lines.map((row) => row.name.length));
  const shown = lines.map(({ name, value, unit, target, met }) => {
    const mark = met === null ? " " : met ? "✓" : "✗";
    const figure = value >= 100 ? value.toFixed(0) : value.toPrecision(3);
    return `${mark} ${name.padEnd(width)}  ${figure.padStart(10)} ${unit}${target === "" ? "" : `   (${target})`}`;
  });
  return `${shown.join("\n")}\n`;
}
