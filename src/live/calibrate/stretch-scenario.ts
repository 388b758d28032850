// The scenario of a calibration: the world as it is, nothing broken, and at the end a harmless release whose replicas start.

import { basename, dirname, join } from "node:path";
import { stringify } from "yaml";
import type { FileAccess } from "../../scenario/access.js";
import type { Micros } from "../../kernel/units.js";
import { formatDuration } from "../../scenario/units.js";
import { isMap, type WrittenWorld } from "./written-world.js";

/** After the stretch: the release's replicas start, all at once, and take everything. */
export const RELEASE_TAKES: Micros = 40_000_000;

export interface StretchScenario {
  readonly path: string;
  /** Reads this scenario, and everything else from the disk. */
  readonly access: FileAccess;
}

export interface StretchOptions {
  readonly stretch: Micros;
  readonly seed: number;
}

/** A strategy that finds nothing wrong: it is the platform that is looked at, with as many starts as there can be. */
const STRATEGY = {
  steps: [{ weight: "100%", bake: "5s" }], every: "1s", window: "3s",
  gates: { "error-rate": { below: "99%" } }, "thin-data": { "min-requests": 1, "max-hold": "60s" }, "action-timeout": "60s",
};

/** A scenario beside the world's file that exists only in memory. */
export function stretchScenario({ file, reference, world }: WrittenWorld, { stretch, seed }: StretchOptions, disk: FileAccess): StretchScenario {
  const path = join(dirname(file), `calibrate-${basename(file)}`);
  const text = stringify({
    shakedown: 1, kind: "scenario", name: `calibrate-${basename(file).replace(/\.ya?ml$/, "")}`,
    about: "Nothing is wrong; a release at the end shows how long the platform takes.",
    seed, for: formatDuration(stretch + RELEASE_TAKES), world: reference === null ? world : basename(reference), strategy: STRATEGY,
    objectives: { "error-rate": "99%", p95: "60s" },
    script: [{ at: formatDuration(stretch), release: { service: entryOf(world), version: "calibration", lines: 1 } }],
    "game-day": { "steady-state": { "error-rate": "50%", p95: "60s" } },
  }, { aliasDuplicateObjects: false });
  return { path, access: { ...disk, read: (asked, root) => (asked === path ? { text, bytes: text.length } : disk.read(asked, root)) } };
}

/** The service that clients call; the loader says it when there is none. */
function entryOf({ traffic }: WrittenWorld["world"]): string {
  const first: unknown = Array.isArray(traffic) ? traffic[0] : traffic;
  return isMap(first) && typeof first["enters"] === "string" ? first["enters"] : "";
}
