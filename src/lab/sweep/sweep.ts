// Plays a sweep and writes a row per run, in a stream: memory does not grow with the number of runs.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { Classification } from "../../sim/outcome.js";
import type { Runner, RunResult } from "../runner.js";
import { StorageError } from "../storage/storage-error.js";
import { writeFileWhole } from "../storage/whole-file.js";
import { finishedParts, keptRows, PartWriter } from "./parts.js";
import { jobsFrom, keyAt, manifestOf, manifestText, runsOf, variantAt, type Manifest, type SweepPlan, type SweepVariant } from "./plan.js";

export const MANIFEST = "manifest.json";

export interface SweepOptions {
  readonly out: string;
  /** Go on with what an interrupted sweep left in `out`. */
  readonly resume: boolean;
  readonly signal?: AbortSignal;
  /** Rows written so far, those of before included, and what this command's runs came to. */
  readonly onProgress?: (rows: number, tally: Tally) => void;
}

/** How the releases of some runs ended, as far as they are scored. */
export interface Tally {
  harmful: number;
  caught: number;
  harmless: number;
  falseRollbacks: number;
}

export interface SweepSummary {
  readonly rows: number;
  /** Of these, taken over from before. */
  readonly kept: number;
  /** Runs of this command without a result, with their reasons. */
  readonly lost: number;
  readonly firstLoss: string | null;
  readonly aborted: boolean;
}

/** Plays what is not yet in the folder. Throws StorageError when the disk refuses; what was written stays. */
export async function sweep(plan: SweepPlan, runner: Runner, options: SweepOptions): Promise<SweepSummary> {
  const kept = prepare(plan, options);
  const writer = new PartWriter(options.out, plan.rowsPerPart, kept);
  const prefixes = new Prefixes(plan);
  let lost = 0;
  let firstLoss: string | null = null;
  const tally: Tally = { harmful: 0, caught: 0, harmless: 0, falseRollbacks: 0 };
  const { aborted } = await runner.run(
    jobsFrom(plan, kept),
    (result) => {
      if (!result.ok) {
        lost += 1;
        firstLoss ??= `${result.key}: ${result.failure.message}`;
      }
      writer.add(rowLine(prefixes.of(variantAt(plan, writer.rows)), result));
      if (result.ok) for (const { classification } of result.row.releases) count(tally, classification);
      options.onProgress?.(writer.rows, tally);
    },
    options.signal === undefined ? {} : { signal: options.signal },
  );
  if (aborted) writer.pause();
  else writer.end();
  return { rows: writer.rows, kept, lost, firstLoss, aborted };
}

function count(tally: Tally, classification: Classification): void {
  if (classification === "caught" || classification === "late" || classification === "missed") tally.harmful += 1;
  if (classification === "caught" || classification === "late") tally.caught += 1;
  if (classification === "clean" || classification === "false-rollback") tally.harmless += 1;
  if (classification === "false-rollback") tally.falseRollbacks += 1;
}

/** Writes the manifest, or finds the same one; gives the number of rows that are there. */
function prepare(plan: SweepPlan, { out, resume }: SweepOptions): number {
  const path = join(out, MANIFEST);
  const text = manifestText(plan);
  if (existsSync(path)) {
    if (!resume) throw new StorageError(`${out}: holds a sweep already; add --resume to go on with it, or choose another --out`);
    if (readFileSync(path, "utf8") !== text) throw new StorageError(`${path}: ${difference(readManifest(out), manifestOf(plan))}; choose another --out`);
    return keptRows(out, plan.rowsPerPart, runsOf(plan), (row, line) => (line.includes(`"key":"${keyAt(plan, row)}"`) ? null : `row ${row + 1} is not the run ${keyAt(plan, row)}`));
  }
  writeFileWhole(path, text);
  if (finishedParts(out).length > 0) throw new StorageError(`${out}: holds parts of another sweep; choose another --out`);
  return 0;
}

/** The manifest of a sweep's folder. Throws StorageError when there is none. */
export function readManifest(folder: string): Manifest {
  const path = join(folder, MANIFEST);
  if (!existsSync(path)) throw new StorageError(`${folder}: no sweep here (it has no ${MANIFEST})`);
  try {
    // We wrote it, whole.
    return JSON.parse(readFileSync(path, "utf8")) as Manifest;
  } catch {
    throw new StorageError(`${path}: is not a sweep's manifest`);
  }
}

/** Why a manifest isn't this plan's. */
function difference(before: Manifest, now: Manifest): string {
  const { package: code, modelVersion } = before;
  // Manifests of before named no code.
  const words = (manifest: Pick<Manifest, "modelVersion"> & { readonly package?: string }): string => `shakedown ${manifest.package ?? "of before"}, model ${manifest.modelVersion}`;
  if (code !== now.package || modelVersion !== now.modelVersion) return `is of another version of the simulator (${words(before)}; this is ${words(now)})`;
  return "is of another sweep";
}

/** What stands before a run's own row: which point it is, and the varied fields as written and as numbers. */
export function rowPrefix(plan: Pick<SweepPlan, "axes">, { point, twin, values }: Pick<SweepVariant, "point" | "twin" | "values">): string {
  const written = Object.fromEntries(plan.axes.map(({ path }, k) => [path, values[k].text]));
  const numbers = Object.fromEntries(plan.axes.map(({ path }, k) => [path, values[k].number]));
  return JSON.stringify({ point, twin, written, numbers }).slice(0, -1);
}

/** One line of a part. A run that gave no result says why. */
export function rowLine(prefix: string, result: RunResult): string {
  if (result.ok) return `${prefix},${result.text.slice(1)}`;
  const { key, job, failure } = result;
  return `${prefix},${JSON.stringify({ key, seed: job.seed, fidelity: job.fidelity, failure }).slice(1)}`;
}

/** The prefix of the variant at hand, which stays for all its seeds. */
class Prefixes {
  readonly #plan: SweepPlan;
  #variant: SweepVariant | null = null;
  #text = "";

  constructor(plan: SweepPlan) {
    this.#plan = plan;
  }

  of(variant: SweepVariant): string {
    if (variant !== this.#variant) {
      this.#variant = variant;
      this.#text = rowPrefix(this.#plan, variant);
    }
    return this.#text;
  }
}
