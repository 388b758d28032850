// Plays the same scenarios on several Nodes, twice and in reversed order, and holds that all say the same to the last digit.
//
//   node test/digest/check.mjs NODE...     each NODE a node executable; without any, this one
//
// Prints one line per Node with a digest over all runs, then whether they agree. Needs dist/ (npm run build).

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const command = join(root, "dist", "cli", "main.js");

/** One of each kind: both rollbacks, a load-dependent and a conversion defect, the web shop with its caches and breakers. */
const scenarios = ["basics/error-spike", "basics/flag-is-enough", "basics/slow-creep", "blind-spots/conversion-watched", "false-alarms/cold-start", "rollback/fails-once"].map(
  (name) => `scenarios/${name}.yaml`,
);

/** Runs one command line; the outcomes it prints, by scenario file, whatever the expectations say (exit 0 or 1). */
const outcomes = (node, files, options) => {
  const out = mkdtempSync(join(tmpdir(), "shakedown-digest-"));
  let printed;
  try {
    printed = execFileSync(node, [command, "run", ...files, "--json", "--out", out, ...options], { cwd: root, encoding: "utf8", maxBuffer: 1 << 30 });
  } catch (error) {
    if (error.status !== 1) throw error;
    printed = error.stdout;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
  const lines = printed.split("\n").filter((line) => line.startsWith("{"));
  if (lines.length === 0) throw new Error(`${node} printed no outcome for ${files.join(" ")}`);
  return lines;
};

/** What two runs of one scenario must share: the trace's digest, and every figure of the outcome. */
const fingerprints = (lines) =>
  lines
    .map((line) => {
      const { scenario, fidelity, seed, digest } = JSON.parse(line);
      return `${scenario.name} ${fidelity} seed ${seed}: ${digest} ${createHash("sha256").update(line).digest("hex").slice(0, 16)}`;
    })
    .sort();

/** All runs on one Node, sorted, one line each. */
const play = (node) => {
  const inOrder = fingerprints(outcomes(node, scenarios, ["--seed", "1", "--fidelity", "cohort"]));
  const reversed = fingerprints(outcomes(node, [...scenarios].reverse(), ["--seed", "1", "--fidelity", "cohort"]));
  const walked = fingerprints(outcomes(node, scenarios.slice(0, 1), ["--seed", "1", "--fidelity", "request"]));
  return { runs: [...inOrder, ...walked], orderMatters: inOrder.join() !== reversed.join() };
};

const nodes = process.argv.slice(2).length > 0 ? process.argv.slice(2) : [process.execPath];
const played = nodes.map((node) => {
  const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
  const { runs, orderMatters } = play(node);
  const digest = createHash("sha256").update(runs.join("\n")).digest("hex").slice(0, 16);
  console.log(`${version.padEnd(9)} ${digest}  ${runs.length} runs${orderMatters ? ", BUT the order of the files matters" : ""}`);
  return { version, runs, digest, orderMatters };
});

const [first, ...others] = played;
for (const other of others) {
  for (const [index, run] of other.runs.entries()) {
    if (run !== first.runs[index]) console.log(`${other.version} says ${run}, ${first.version} says ${first.runs[index]}`);
  }
}
const agree = played.every(({ digest, orderMatters }) => digest === first.digest && !orderMatters);
console.log(agree ? "all agree" : "they DISAGREE");
process.exitCode = agree ? 0 : 1;
