// The plan of a sweep: its points as bundles, its runs in one fixed order, and the manifest that says so.

import type { LoadResult } from "../../scenario/problem.js";
import type { Fidelity } from "../../world/world.js";
import { MODEL_VERSION } from "../../world/model-version.js";
import { thisBuild } from "../build.js";
import type { Bundle } from "../bundle.js";
import { testedRelease, withRegression } from "../detect/regression.js";
import { runKey, type Job } from "../runner.js";
import { variantOf } from "../variant.js";
import { isOfStrategy, type Axis } from "./axis.js";
import type { Design, DesignPoint } from "./design.js";

/** As written, or with the defects of its release taken out. */
export type Twin = "as written" | "healthy";

/** One setting of the varied fields, as something to play. */
export interface SweepVariant {
  /** Counted from 1 in the order of the design; a healthy twin has the number of its point. */
  readonly point: number;
  readonly twin: Twin;
  readonly values: DesignPoint;
  readonly bundle: Bundle;
}

export interface RefusedPoint {
  readonly point: number;
  readonly values: readonly string[];
  readonly why: string;
}

export interface SweepPlan {
  readonly axes: readonly Axis[];
  readonly design: Design;
  readonly scenario: Bundle;
  readonly fidelity: Fidelity;
  readonly seeds: readonly number[];
  readonly healthy: boolean;
  readonly rowsPerPart: number;
  /** In the order in which they are played and written. */
  readonly variants: readonly SweepVariant[];
  /** Points that the loader does not take, such as weights that fall. */
  readonly refused: readonly RefusedPoint[];
}

export interface PlanInput extends Pick<SweepPlan, "axes" | "design" | "scenario" | "fidelity" | "seeds" | "healthy"> {
  readonly points: readonly DesignPoint[];
  readonly rowsPerPart?: number;
}

/** The same for any number of workers, so that the parts of a sweep are cut at the same rows. */
export const ROWS_PER_PART = 10_000;
export const MANIFEST_VERSION = 1;

/**
 * Loads every point. The rows' order is the world's, then the run key's: points that share a world and a script stand
 * together, because they share the twins that say what is true, which cost as much as forty runs.
 */
export function planSweep(input: PlanInput): SweepPlan {
  const { axes, points, scenario, healthy } = input;
  const worldAxes = axes.flatMap(({ path }, k) => (isOfStrategy(scenario, path) ? [] : [k]));
  const worlds = new Map<string, number>();
  const variants: (SweepVariant & { readonly world: number })[] = [];
  const refused: RefusedPoint[] = [];
  for (const [index, values] of points.entries()) {
    for (const twin of healthy ? (["as written", "healthy"] as const) : (["as written"] as const)) {
      const made = variantFor(input, values, twin);
      if (made.ok) {
        const name = JSON.stringify([twin, ...worldAxes.map((k) => values[k].text)]);
        const world = worlds.get(name) ?? worlds.size;
        worlds.set(name, world);
        variants.push({ point: index + 1, twin, values, bundle: made.value, world });
      } else if (twin === "as written") {
        const [{ message, instead }] = made.problems;
        refused.push({ point: index + 1, values: values.map(({ text }) => text), why: instead === null ? message : `${message}; ${instead}` });
      }
    }
  }
  variants.sort((a, b) => a.world - b.world || (a.bundle.hash < b.bundle.hash ? -1 : a.bundle.hash > b.bundle.hash ? 1 : 0));
  return {
    axes, design: input.design, scenario, fidelity: input.fidelity, healthy,
    seeds: [...input.seeds].sort((a, b) => a - b),
    rowsPerPart: input.rowsPerPart ?? ROWS_PER_PART,
    variants: variants.map(({ point, twin, values, bundle }) => ({ point, twin, values, bundle })),
    refused,
  };
}

function variantFor({ axes, scenario, fidelity }: PlanInput, values: DesignPoint, twin: Twin): LoadResult<Bundle> {
  const changes = axes.map(({ path }, k) => ({ path, value: values[k].text }));
  const changed = variantOf(scenario, changes, { fidelity });
  if (!changed.ok || twin === "as written") return changed;
  const tested = testedRelease(changed.value);
  return tested.ok ? withRegression(changed.value, tested.value, null, null, { fidelity }) : changed;
}

export const runsOf = ({ variants, seeds }: SweepPlan): number => variants.length * seeds.length;

/** The key of the run whose row has this place, counted from 0. */
export function keyAt(plan: SweepPlan, row: number): string {
  const { bundle } = plan.variants[Math.floor(row / plan.seeds.length)];
  return runKey({ bundle, fidelity: plan.fidelity, seed: plan.seeds[row % plan.seeds.length] });
}

export const variantAt = (plan: SweepPlan, row: number): SweepVariant => plan.variants[Math.floor(row / plan.seeds.length)];

/** The runs from this row on. */
export function* jobsFrom(plan: SweepPlan, row: number): Generator<Job> {
  const { variants, seeds, fidelity } = plan;
  for (let place = row; place < variants.length * seeds.length; place += 1) {
    yield { bundle: variantAt(plan, place).bundle, seed: seeds[place % seeds.length], fidelity, detail: "row" };
  }
}

/** What stands in manifest.json; the same bytes for the same sweep, interrupted or not. */
export interface Manifest {
  readonly manifestVersion: typeof MANIFEST_VERSION;
  /** The code that plays, as a build names it. */
  readonly package: string;
  readonly modelVersion: string;
  readonly scenario: string;
  readonly bundle: string;
  readonly fidelity: Fidelity;
  readonly design: Design;
  readonly axes: readonly { readonly path: string; readonly written: string }[];
  readonly seeds: readonly number[];
  readonly healthy: boolean;
  readonly rowsPerPart: number;
  readonly runs: number;
  readonly variants: readonly { readonly point: number; readonly twin: Twin; readonly values: readonly string[]; readonly bundle: string }[];
  readonly refused: readonly RefusedPoint[];
}

export const manifestOf = (plan: SweepPlan): Manifest => ({
  manifestVersion: MANIFEST_VERSION,
  package: thisBuild().package,
  modelVersion: MODEL_VERSION,
  scenario: plan.scenario.entry,
  bundle: plan.scenario.hash,
  fidelity: plan.fidelity,
  design: plan.design,
  axes: plan.axes.map(({ path, written }) => ({ path, written })),
  seeds: plan.seeds,
  healthy: plan.healthy,
  rowsPerPart: plan.rowsPerPart,
  runs: runsOf(plan),
  variants: plan.variants.map(({ point, twin, values, bundle }) => ({ point, twin, values: values.map(({ text }) => text), bundle: bundle.hash })),
  refused: plan.refused,
});

export const manifestText = (plan: SweepPlan): string => `${JSON.stringify(manifestOf(plan), null, 1)}\n`;
