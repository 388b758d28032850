// Detection against a baseline: what is never detected is later than any, so whoever gives up the slow cases is not called quicker.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { notStorable, readBaseline, storedWords } from "../../src/cli/lab/baseline-file.js";
import { testCommand } from "../../src/cli/commands/test.js";
import type { Terminal } from "../../src/cli/terminal.js";
import { againstBaseline, baselineOf, type Baseline } from "../../src/lab/baseline.js";
import { scenarioOf } from "../../src/lab/bundle.js";
import { suiteOf, testScenario } from "../../src/lab/suite.js";
import { changeWords } from "../../src/report/lab/regression-words.js";
import { FakeRunner } from "./support/fake-runner.js";
import { tiny, tinyText } from "./support/tiny.js";

/** A suite of one scenario with 60 seeds, each detected after so many seconds or never. */
async function suite(detection: (seed: number) => number | null) {
  const bundle = tiny();
  const scenario = scenarioOf(bundle);
  if (!scenario.ok) throw new Error("the scenario loads");
  const seeds = Array.from({ length: 60 }, (_, k) => k + 1);
  // Caught or missed is not what is looked at here: a run passes all the same.
  const runner = new FakeRunner((seed) => ({ detection: detection(seed), classification: "caught", passed: true, digest: `${seed}-${detection(seed)}` }));
  return suiteOf([await testScenario({ bundle, scenario: scenario.value, fidelity: "cohort", seeds, stopEarly: false }, runner)]);
}

const changes = async (before: (seed: number) => number | null, after: (seed: number) => number | null) => againstBaseline(await suite(after), baselineOf(await suite(before)))[0].changes;

describe("detection against a baseline", () => {
  it("is worse when the slow cases are no longer detected, though those that are left are quicker", async () => {
    const [change, ...others] = await changes((seed) => 60 + seed, (seed) => (seed > 15 ? null : 50 + seed));
    expect(others).toEqual([]);
    expect(change).toEqual({ metric: "detection", direction: "worse", before: 90, after: null, seeds: 60, later: 45, sooner: 15, neverBefore: 0, neverNow: 45 });
    expect(changeWords(change)).toBe("detection: worse, median 1m 30s before and never now (later on 45 of 60 seeds, sooner on 15; never on 0 before and 45 now)");
  });

  it("is better when it comes sooner, and when it comes at all", async () => {
    const [change] = await changes((seed) => (seed > 50 ? null : 60 + seed), (seed) => 50 + seed);
    expect(change).toMatchObject({ direction: "better", before: 90, after: 80, later: 0, sooner: 60, neverBefore: 10, neverNow: 0 });
    expect(changeWords(change)).toContain("sooner on 60; never on 10 before and 0 now");
  });

  it("is the same when it moves by less than anybody needs to hear of, or as often this way as that", async () => {
    expect(await changes(() => 100, () => 100.5)).toEqual([]);
    expect(await changes(() => 100, (seed) => (seed % 2 === 0 ? null : 50))).toEqual([]);
    expect(await changes(() => null, () => null)).toEqual([]);
  });
});

describe("runs that were lost when a baseline was made", () => {
  const suiteWith = async (lost: (seed: number) => boolean) => {
    const bundle = tiny();
    const scenario = scenarioOf(bundle);
    if (!scenario.ok) throw new Error("the scenario loads");
    const runner = new FakeRunner((seed) => (lost(seed) ? "its worker vanished" : {}));
    return suiteOf([await testScenario({ bundle, scenario: scenario.value, fidelity: "cohort", seeds: [1, 2, 3], stopEarly: false }, runner)]);
  };

  it("are told, and no baseline is made without a single run of a scenario", async () => {
    const some = await suiteWith((seed) => seed < 3);
    expect(notStorable(some)).toBeNull();
    expect(storedWords("ref.json", some)).toBe("stored the baseline ref.json, without 2 runs that did not come to an end");
    expect(storedWords("ref.json", await suiteWith(() => false))).toBe("stored the baseline ref.json");
    expect(notStorable(await suiteWith(() => true))).toBe("no run of tiny came to its end");
  });

  it("leave no scenario behind that passes later without being played", async () => {
    const folder = mkdtempSync(join(tmpdir(), "shakedown-baseline-"));
    const printed: string[] = [];
    const terminal: Terminal = { color: false, width: 100, live: false, print: (text) => printed.push(text), warn: () => undefined, status: () => undefined };
    const [file, lost, flags] = [join(folder, "ref.json"), join(folder, "lost.yaml"), { reporter: [], out: folder, against: join(folder, "ref.json"), allowPath: [] }];
    try {
      writeFileSync(join(folder, "package.json"), "{}");
      for (const name of ["kept", "lost"]) writeFileSync(join(folder, `${name}.yaml`), tinyText({ name }));
      expect(await testCommand([folder], { ...flags, seeds: "1..2", update: true }, terminal)).toBe(0);
      const stored = JSON.parse(readFileSync(file, "utf8")) as Baseline;
      writeFileSync(file, JSON.stringify({ ...stored, scenarios: stored.scenarios.map((each) => (each.name === "lost" ? { ...each, runs: [] } : each)) }));
      expect(readBaseline(file, false).scenarios.map(({ name }) => name)).toEqual(["kept"]);
      printed.length = 0;
      expect(await testCommand([folder], flags, terminal)).toBe(0);
      expect(printed.join("\n")).toMatch(/lost\b.* 20 of 20 /);
      await expect(testCommand([lost], flags, terminal)).rejects.toThrow("nothing can be compared: it holds kept.yaml at cohort (paths from its folder), and this would test lost.yaml at cohort");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
