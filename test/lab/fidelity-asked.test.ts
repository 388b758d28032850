// What cohort refuses and request plays: each question of the lab takes the fidelity that was asked for, all the way.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { strategyIn } from "../../src/cli/lab/plan.js";
import { minutes } from "../../src/kernel/units.js";
import { readScenario, scenarioOf } from "../../src/lab/bundle.js";
import { searchBake } from "../../src/lab/detect/bake.js";
import { detect } from "../../src/lab/detect/detect.js";
import { parseRegressionSize } from "../../src/lab/detect/regression.js";
import { parseAxis } from "../../src/lab/sweep/axis.js";
import { parseGoal } from "../../src/lab/tune/goal.js";
import { tune } from "../../src/lab/tune/tune.js";
import { FakeRunner } from "./support/fake-runner.js";
import { tiny } from "./support/tiny.js";

const fidelity = "request";
const scenario = tiny({ rate: "40rps, spread: { gamma: { slot: 500ms } }" });
const size = parseRegressionSize("4%");
if (size === null) throw new Error("no size");
const message = (made: { readonly ok: boolean; readonly problems?: readonly { readonly message: string }[] }): string => made.problems?.[0].message ?? "";

describe("--fidelity request", () => {
  it("is for a world that cohort refuses", () => {
    expect(message(scenarioOf(scenario))).toContain("gamma slots shorter than a second");
    expect(scenarioOf(scenario, { fidelity }).ok).toBe(true);
  });

  it("is what detect and its bake time are played at; with cohort, cohort's reason is told", async () => {
    const common = { scenario, on: null, seeds: [1, 2] };
    expect(message(await detect({ ...common, sizes: [size], within: null, fidelity }, new FakeRunner(() => ({}))))).toBe("");
    expect(message(await searchBake({ ...common, size, share: 0.8, longest: minutes(5), fidelity }, new FakeRunner(() => ({}))))).toBe("");
    expect(message(await detect({ ...common, sizes: [size], within: null, fidelity: "cohort" }, new FakeRunner(() => ({}))))).toContain("gamma slots shorter than a second");
  });

  it("is what a varied field and another strategy are tried at", () => {
    expect(parseAxis("steps.0.weight=20%,40%", scenario).ok).toBe(false);
    expect(parseAxis("steps.0.weight=20%,40%", scenario, { fidelity }).ok).toBe(true);
    const folder = mkdtempSync(join(tmpdir(), "shakedown-asked-"));
    try {
      const path = join(folder, "quick.yaml");
      writeFileSync(path, "shakedown: 1\nkind: strategy\nname: quick\n");
      expect(() => strategyIn(scenario, path, null, { color: false })).toThrow("gamma slots");
      const swapped = readScenario(strategyIn(scenario, path, fidelity, { color: false }));
      expect(swapped.ok && swapped.value.strategy.name).toBe("quick");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("is what tune makes its cases for: as long as the slowest candidate needs, and with noise on fresh seeds", async () => {
    const goal = parseGoal("detect 4% regressions within 3m");
    const axis = parseAxis("steps.0.bake=5m,10m", scenario, { fidelity });
    if (!goal.ok || !axis.ok) throw new Error("not understood");
    const lengths = new Set<number>();
    class Recorded extends FakeRunner {
      override run(...[jobs, ...rest]: Parameters<FakeRunner["run"]>): ReturnType<FakeRunner["run"]> {
        const all = [...jobs];
        for (const { bundle } of all) {
          const loaded = readScenario(bundle);
          if (loaded.ok) lengths.add(loaded.value.duration);
        }
        return super.run(all, ...rest);
      }
    }
    const tuned = await tune({ goal: goal.value, scenarios: [scenario], axes: [axis.value], fidelity, candidates: 2, seeds: [1, 2], budget: 100, heldOutSeeds: 4 }, new Recorded(() => ({})));
    expect(message(tuned)).toBe("");
    // Released at 2 min, 15 min around it, and 10 + 2 min of steps with a tenth of holding.
    expect([...lengths]).toEqual([minutes(31)]);
    expect(tuned.ok && tuned.value.heldOut.map(({ name }) => name)).toContain("healthy release, noisy neighbour");
  });
});
