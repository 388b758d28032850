// Who answers the engines of a game day, as its flags say: checked before anything is started.

import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { TelemetrySource } from "../../live/gameday/game-day-plan.js";
import { findOnPath } from "../../live/safety/children.js";
import { checkBeforehand } from "../../live/telemetry/external-prometheus.js";
import type { Scenario } from "../../scenario/compiled.js";
import { messageOf, UsageError } from "../exit.js";

const PROMETHEUS = "prometheus";

export interface SourceFlags {
  readonly prometheus?: string;
  readonly sdFile?: string;
}

/** The source that the flags name. Throws UsageError when they don't go together. */
export function sourceOf({ prometheus, sdFile }: SourceFlags): TelemetrySource {
  if (prometheus === undefined) {
    if (sdFile !== undefined) throw new UsageError("--sd-file goes with --prometheus URL: without it nobody reads the file");
    return { kind: "built-in" };
  }
  if (prometheus === "auto") {
    if (sdFile !== undefined) throw new UsageError("--sd-file goes with --prometheus URL: with auto, Prometheus gets a file of its own");
    if (findOnPath(PROMETHEUS) === null) throw new UsageError("--prometheus auto: there is no program prometheus on PATH; leave it out, and the built-in scraper answers the engines");
    return { kind: "prometheus", program: PROMETHEUS };
  }
  if (!/^https?:\/\//.test(prometheus)) throw new UsageError(`--prometheus ${prometheus}: write auto, or the address of a Prometheus, e.g. http://127.0.0.1:9090`);
  if (sdFile === undefined) throw new UsageError("--prometheus URL needs --sd-file PATH: a file that this Prometheus reads its targets from (file_sd_configs)");
  return { kind: "external", url: prometheus.replace(/\/+$/, ""), sdFile };
}

/** Somebody else's Prometheus is there, reads the file, and scrapes as often as the game day needs. Throws UsageError. */
export async function checkSource(source: TelemetrySource, { world }: Scenario): Promise<void> {
  if (source.kind !== "external") return;
  refuseForeignFile(source.sdFile);
  const problem = await checkBeforehand(source.url, source.sdFile, world.telemetry.scrape);
  if (problem !== null) throw new UsageError(problem);
}

/** The file is overwritten with the game day's targets: it may hold nobody else's. */
function refuseForeignFile(sdFile: string): void {
  try {
    accessSync(dirname(sdFile), constants.W_OK);
    if (!existsSync(sdFile)) return;
    if (!/^\s*(\[\s*\]\s*)?$/.test(readFileSync(sdFile, "utf8"))) throw new UsageError(`--sd-file ${sdFile}: it holds targets already, and a game day would overwrite them; name an empty file, or one that is not there yet (what a killed game day left in it, \`shakedown gameday recover\` takes out)`);
    accessSync(sdFile, constants.W_OK);
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(`--sd-file ${sdFile} can't be written: ${messageOf(error)}`);
  }
}
