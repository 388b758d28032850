// What `tune`, `detect` and `sweep` say to flags that make no sense: one line with what to write, before anything is played.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { detectCommand, type DetectFlags } from "../../src/cli/commands/detect.js";
import { sweepCommand, type SweepFlags } from "../../src/cli/commands/sweep.js";
import { tuneCommand, type TuneFlags } from "../../src/cli/commands/tune.js";
import { UsageError } from "../../src/cli/exit.js";
import type { Terminal } from "../../src/cli/terminal.js";
import { tinyText } from "./support/tiny.js";

const terminal: Terminal = { color: false, width: 100, live: false, print: () => undefined, warn: () => undefined, status: () => undefined };
let folder = "";
let scenario = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "shakedown-flags-"));
  writeFileSync(join(folder, "package.json"), "{}");
  scenario = join(folder, "tiny.yaml");
  writeFileSync(scenario, tinyText());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The line that the command ends with, exit code 2. */
async function refusal(command: Promise<unknown>): Promise<string> {
  const error: unknown = await command.then(() => null, (thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UsageError);
  return error instanceof UsageError ? error.message : "";
}

describe("detect", () => {
  const flags: DetectFlags = { sizes: "1%", in: "95%", longest: "4h", seeds: "1..2", out: "unused", allowPath: [] };
  it.each<readonly [Partial<DetectFlags>, string]>([
    [{ sizes: "1%..5%" }, 'say how many, as in --sizes "1%..5%/8 log"'], [{ sizes: "1%,x2" }, "two questions"], [{ sizes: "0%" }, "no regression"], [{ sizes: "lots" }, "write 2% (more errors) or x1.5 (latency)"],
    [{ rate: "fast" }, "--rate"], [{ within: "soon" }, "--within"], [{ within: "0s" }, "a time above 0"], [{ bakeFor: "2%", in: "0%" }, "a share of the runs"], [{ bakeFor: "x1" }, "--bake-for x1"],
    [{ strategy: "none.yaml" }, "--strategy none.yaml: cannot be read"], [{ seeds: "9..1" }, "runs backwards"], [{ fidelity: "exact" }, "request or cohort"], [{ on: "api/none" }, "none"],
    [{ out: "/proc/self/none" }, "cannot be written"],
    // Before the curve is played: that would take hours.
    [{ bakeFor: "2%", longest: "60d", seeds: "1..100000" }, "too long"],
  ])("%j", async (wrong, line) => {
    expect(await refusal(detectCommand(scenario, { ...flags, out: join(folder, "out"), ...wrong }, terminal))).toContain(line);
  });
});

describe("tune", () => {
  const flags: TuneFlags = { goal: "detect 2% regressions within 3m", vary: ["window=1m,2m"], budget: "100", candidates: "4", seeds: "1..2", heldOut: "1", out: "unused", allowPath: [] };
  it.each<readonly [Partial<TuneFlags>, string]>([
    [{ goal: "detect 2% regresions within 3m" }, "`regressions` for `regresions`"], [{ vary: [] }, "nothing to vary"], [{ vary: ["windows=1m"] }, "write window"],
    [{ budget: "0" }, "--budget 0: write a whole number"], [{ candidates: "many" }, "--candidates many"], [{ heldOut: "-1" }, "from 0 to"], [{ rate: "50" }, "--rate"],
    [{ vary: ["world.services.api.replicas=3..12"] }, "--vary world.services.api.replicas: is no field of the strategy"], [{ vary: ["cost.page=0EUR,50EUR"] }, "is no field of the strategy"],
    [{ vary: ["fidelity=cohort,request"] }, "is no field of the strategy"], [{ vary: ["window=1m,2m", "scenario.strategy.window=3m"] }, "--vary scenario.strategy.window: is given twice"],
    [{ out: "/proc/self/none" }, "cannot be written"],
  ])("%j", async (wrong, line) => {
    expect(await refusal(tuneCommand([scenario], { ...flags, out: join(folder, "out"), ...wrong }, terminal))).toContain(line);
  });
});

describe("sweep", () => {
  const flags: SweepFlags = { set: ["strategy.steps.0.weight=20%,40%"], seeds: "1", design: "grid", out: "unused", allowPath: [] };
  it.each<readonly [Partial<SweepFlags>, string]>([
    [{ set: [] }, "nothing to vary"], [{ set: ["strategy.steps.0.weight=20%", "strategy.steps.0.weight=30%"] }, "given twice"], [{ set: ["window=1m", "strategy.window=2m"] }, "--set strategy.window: is given twice"],
    [{ set: ["seed=1,2"] }, "use --seeds"], [{ design: "sobl" }, "sobol"],
    [{ design: "sobol" }, "--points"], [{ points: "3" }, "a grid has the points of its fields"], [{ set: ["strategy.steps.0.weight=100%"] }, "the weight does not rise"],
  ])("%j", async (wrong, line) => {
    expect(await refusal(sweepCommand([scenario], { ...flags, out: join(folder, "out"), ...wrong }, terminal))).toContain(line);
  });
});
