// The noise-free twins that the truth is read from: computed once per scenario, shared by all its seeds.

import { assert } from "../kernel/assert.js";
import { cohortRefusals } from "../world/cohort/cohort-world.js";
import type { LedgerCell } from "../world/ledger.js";
import type { Fidelity } from "../world/world.js";
import type { Scenario } from "../scenario/compiled.js";
import type { Driver } from "./driver.js";
import type { RecordRow, TrackedVersion } from "./recording.js";
import { simulate, worldInputOf, type Simulation } from "./simulate.js";

/** Seeds of the request runs whose mean stands in where cohort has no noise-free mode. */
const REQUEST_TWIN_SEEDS: readonly number[] = Array.from({ length: 20 }, (_, k) => 1_000_003 + k);

/** A twin's books: rows of expected values. */
export interface Twin {
  readonly cells: readonly LedgerCell[];
  readonly edgesSeconds: Float64Array;
  readonly tracked: readonly TrackedVersion[];
  readonly rows: readonly RecordRow[];
  /** Per release: the first harmed request; NaN when there was none. */
  readonly firstHarmAt: Float64Array;
}

/** The fidelity that a scenario's twins run in: cohort, unless it cannot express the scenario. */
export function twinFidelity(scenario: Scenario): Fidelity {
  return cohortRefusals(worldInputOf({ ...TWIN, scenario, seed: 0, driver: { kind: "strategy" } })).length === 0
    ? "cohort"
    : "request";
}

const TWIN = { fidelity: "cohort", noiseFree: true, detail: "full", seen: false } as const;

/** Plays the scenario's expected course under `driver`. */
export function runTwin(scenario: Scenario, driver: Driver): Twin {
  if (twinFidelity(scenario) === "cohort") {
    return twinOf(simulate({ ...TWIN, scenario, seed: scenario.seed, driver }));
  }
  const runs = REQUEST_TWIN_SEEDS.map((seed) =>
    twinOf(simulate({ scenario, seed, driver, fidelity: "request", noiseFree: false, detail: "full", seen: false })),
  );
  return meanTwin(runs);
}

function twinOf({ recorder }: Simulation): Twin {
  return {
    cells: recorder.cells,
    edgesSeconds: recorder.ledger.edgesSeconds,
    tracked: recorder.tracked,
    rows: recorder.rows,
    firstHarmAt: recorder.ledger.firstHarmAt.slice(),
  };
}

function meanTwin(twins: readonly Twin[]): Twin {
  const [first] = twins;
  assert(first !== undefined, "there is a twin to average");
  return {
    cells: first.cells,
    edgesSeconds: first.edgesSeconds,
    tracked: first.tracked,
    rows: first.rows.map((row, index) => ({
      ...row,
      totals: meanOf(twins.map((twin) => twin.rows[index].totals)),
      histogram: meanOf(twins.map((twin) => twin.rows[index].histogram)),
    })),
    firstHarmAt: first.firstHarmAt.map((_, release) =>
      twins.reduce((earliest, twin) => {
        const at = twin.firstHarmAt[release];
        return Number.isNaN(at) || at > earliest ? earliest : at;
      }, Infinity),
    ).map((at) => (at === Infinity ? NaN : at)),
  };
}

function meanOf(columns: readonly Float64Array[]): Float64Array {
  const mean = new Float64Array(columns[0].length);
  for (const column of columns) {
    for (let k = 0; k < mean.length; k += 1) mean[k] += column[k] / columns.length;
  }
  return mean;
}
