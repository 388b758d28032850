// The noise-free twins that the truth is read from: one library per world and script, shared by all seeds and strategies.

import { assert } from "../kernel/assert.js";
import type { Micros } from "../kernel/units.js";
import { cohortRefusals } from "../world/cohort/cohort-world.js";
import { LEDGER_COLUMNS, LEDGER_EDGES, type LedgerCell } from "../world/ledger.js";
import type { Fidelity } from "../world/world.js";
import type { WorldSpec } from "../world/spec.js";
import type { Scenario } from "../scenario/compiled.js";
import type { Driver } from "./driver.js";
import { cellsWhere, type Books } from "./recording.js";
import { worldInputOf, type Simulation } from "./play.js";
import { simulate } from "./simulate.js";
import { releasesOf } from "./stage.js";

/** Noise-free twins draw nothing that matters, so that one seed stands for all. */
const TWIN_SEED = 0;
/** Seeds of the request runs whose mean stands in where cohort has no noise-free mode. */
const REQUEST_TWIN_SEEDS: readonly number[] = Array.from({ length: 20 }, (_, k) => 1_000_003 + k);

/** A twin's books at the edge: rows of expected values. */
export interface Twin {
  /** Edge cells only: what users get is all that truth looks at. */
  readonly cells: readonly LedgerCell[];
  readonly edgesSeconds: Float64Array;
  readonly rows: readonly Books[];
  /** Per release: the first row at which its version has all traffic; null when it never had. */
  readonly exposedAt: readonly (Micros | null)[];
  /** Per release: the first harmed request; null when there was none. */
  readonly firstHarmAt: readonly (Micros | null)[];
  /** Expected values without noise, or the mean of request runs. */
  readonly exact: boolean;
}

export type FullDriver = Driver & { readonly kind: "full" };

/** The twins of one world and script; each is played once, whoever asks. */
export class TwinLibrary {
  readonly #scenario: Scenario;
  readonly #known = new Map<string, Twin>();

  /** Twins that are held against those of another library are of its fidelity. */
  constructor(scenario: Scenario, readonly fidelity: Fidelity = twinFidelity(scenario)) {
    this.#scenario = scenario;
  }

  /** Whether the scenario has the same twins: it may differ in strategy, seed, costs and expectations. */
  fits({ world, script, effects, objectives, duration }: Scenario): boolean {
    const own = this.#scenario;
    return own.world === world && own.script === script && own.effects === effects && own.objectives === objectives && own.duration === duration;
  }

  /** The twin in which just these releases are made, at 100 %. */
  made(releases: readonly number[], forced: FullDriver["forced"] = null): Twin {
    const key = JSON.stringify([releases, forced]);
    const known = this.#known.get(key) ?? runTwin(this.#scenario, { kind: "full", made: releases, forced }, this.fidelity);
    this.#known.set(key, known);
    return known;
  }
}

const libraries = new WeakMap<WorldSpec, TwinLibrary[]>();

/** The library of the scenario's world, script and objectives: the same for another strategy, seed or cost. */
export function twinsOf(scenario: Scenario): TwinLibrary {
  const ofWorld = libraries.get(scenario.world) ?? [];
  libraries.set(scenario.world, ofWorld);
  const known = ofWorld.find((library) => library.fits(scenario));
  if (known !== undefined) return known;
  const library = new TwinLibrary(scenario);
  ofWorld.push(library);
  return library;
}

/** The fidelity that a scenario's twins run in: cohort, unless it cannot express the scenario. */
export function twinFidelity(scenario: Scenario): Fidelity {
  return cohortRefusals(worldInputOf({ ...TWIN, scenario, driver: { kind: "strategy" } })).length === 0 ? "cohort" : "request";
}

const TWIN = { fidelity: "cohort", noiseFree: true, detail: "full", seen: false, seed: TWIN_SEED } as const;

/** Plays the scenario's expected course under `driver`. */
export function runTwin(scenario: Scenario, driver: Driver, fidelity: Fidelity): Twin {
  if (fidelity === "cohort") return twinOf(simulate({ ...TWIN, scenario, driver }));
  const mean = new MeanTwin();
  for (const seed of REQUEST_TWIN_SEEDS) {
    mean.add(twinOf(simulate({ scenario, seed, driver, fidelity: "request", noiseFree: false, detail: "full", seen: false })));
  }
  return mean.twin(REQUEST_TWIN_SEEDS.length);
}

function twinOf({ input, recorder }: Simulation): Twin {
  const edge = cellsWhere(recorder.cells, (cell) => cell.scope === "edge");
  const exposedAt = releasesOf(input.scenario).map(({ index }) => {
    const version = recorder.tracked.findIndex((tracked) => tracked.release === index);
    return recorder.rows.find((row) => row.versions[version].weight >= 1)?.at ?? null;
  });
  return {
    cells: edge.map((cell) => recorder.cells[cell]),
    edgesSeconds: recorder.ledger.edgesSeconds,
    rows: recorder.rows.map(({ at, totals, histogram }) => ({
      at,
      totals: rowsOf(totals, edge, LEDGER_COLUMNS),
      histogram: rowsOf(histogram, edge, LEDGER_EDGES + 1),
    })),
    exposedAt,
    firstHarmAt: exposedAt.map((_, release) => orNull(recorder.ledger.firstHarmAt[release])),
    exact: input.noiseFree,
  };
}

const orNull = (at: number | undefined): Micros | null => (at === undefined || Number.isNaN(at) ? null : at);

/** The rows of a table that `rows` lists, one after the other. */
function rowsOf(table: Float64Array, rows: readonly number[], width: number): Float64Array {
  const kept = new Float64Array(rows.length * width);
  rows.forEach((row, place) => kept.set(table.subarray(row * width, (row + 1) * width), place * width));
  return kept;
}

/** Sums twins of different seeds as they come, so that only two are held at a time. */
class MeanTwin {
  #sum: Twin | null = null;

  add(twin: Twin): void {
    if (this.#sum === null) {
      this.#sum = twin;
      return;
    }
    const sum = this.#sum;
    twin.rows.forEach((row, index) => {
      addTo(sum.rows[index].totals, row.totals);
      addTo(sum.rows[index].histogram, row.histogram);
    });
    this.#sum = {
      ...sum,
      // Warm when the last of them is, harmed when the first of them is.
      exposedAt: sum.exposedAt.map((at, release) => latest(at, twin.exposedAt[release])),
      firstHarmAt: sum.firstHarmAt.map((at, release) => earliest(at, twin.firstHarmAt[release])),
    };
  }

  twin(runs: number): Twin {
    assert(this.#sum !== null, "there is a twin to average");
    for (const { totals, histogram } of this.#sum.rows) {
      for (const column of [totals, histogram]) column.forEach((value, k) => (column[k] = value / runs));
    }
    return this.#sum;
  }
}

function addTo(sum: Float64Array, column: Float64Array): void {
  for (let k = 0; k < sum.length; k += 1) sum[k] += column[k];
}

const latest = (a: Micros | null, b: Micros | null): Micros | null => (a === null || b === null ? null : Math.max(a, b));
const earliest = (a: Micros | null, b: Micros | null): Micros | null => (a === null ? b : b === null ? a : Math.min(a, b));
