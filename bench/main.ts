// `npm run bench`: every speed claim of the project, as ratios measured in one run; `--json` for machines.

import { classifiedBench } from "./classified.js";
import { cohortBench } from "./cohort.js";
import { labBench } from "./lab.js";
import { kernelBench } from "./kernel.js";
import { proxyBench } from "./proxy.js";
import { requestBench } from "./request.js";
import type { BenchRow } from "./row.js";
import { telemetryBench } from "./telemetry.js";

const SUITES: readonly (readonly [name: string, run: () => Promise<readonly BenchRow[]>])[] = [
  ["kernel", kernelBench],
  ["telemetry", telemetryBench],
  ["request", requestBench],
  ["cohort", cohortBench],
  ["classified", classifiedBench],
  ["lab", labBench],
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

const rows: BenchRow[] = [];
for (const [name, run] of SUITES) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  if (!asJson) process.stderr.write(`${name} …\n`);
  rows.push(...(await run()));
}
process.stdout.write(asJson ? `${JSON.stringify(rows, null, 1)}\n` : table(rows));
process.exitCode = rows.some((row) => row.met === false) ? 1 : 0;

function table(lines: readonly BenchRow[]): string {
  const width = Math.max(...lines.map((row) => row.name.length));
  const shown = lines.map(({ name, value, unit, target, met }) => {
    const mark = met === null ? " " : met ? "✓" : "✗";
    const figure = value >= 100 ? value.toFixed(0) : value.toPrecision(3);
    return `${mark} ${name.padEnd(width)}  ${figure.padStart(10)} ${unit}${target === "" ? "" : `   (${target})`}`;
  });
  return `${shown.join("\n")}\n`;
}
