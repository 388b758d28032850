// What the README shows works: its first scenario is loaded from where it says, and its expectation holds.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { nodeFiles } from "../../src/cli/files.js";
import { loadScenario } from "../../src/scenario/load.js";
import { runScenario } from "../../src/sim/run.js";

const ROOT = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "readme-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("the README's first scenario", () => {
  const [, text] = /```yaml\n(shakedown: 1\nkind: scenario[^]*?)```/.exec(readFileSync(join(ROOT, "README.md"), "utf8")) ?? [];

  it("passes in both fidelities", () => {
    cpSync(join(ROOT, "scenarios"), join(folder, "scenarios"), { recursive: true });
    const path = join(folder, "scenarios/mine.yaml");
    writeFileSync(path, text ?? "");
    const loaded = loadScenario(path, nodeFiles({}));
    if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join("\n"));
    const failed = [{ fidelity: "cohort", seeds: [1, 2, 3, 4, 5] } as const, { fidelity: "request", seeds: [1] } as const].flatMap(({ fidelity, seeds }) =>
      seeds.flatMap((seed) => runScenario(loaded.value, { fidelity, seed, detail: "light" }).expectations.filter(({ passed }) => !passed)));
    expect(failed).toEqual([]);
  }, 120_000);
});
