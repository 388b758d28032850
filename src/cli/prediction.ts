// The `--predict` of a game day: simulates the same scenario on a calibrated world, and lays the observed run over it.

import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { NO_OVERHEAD, type Overhead } from "../live/calibrate/calibration.js";
import { hopIn, overheadIn } from "../live/calibrate/world-text.js";
import { predictGameDay } from "../live/predict/predict-game-day.js";
import type { TelemetrySource } from "../live/gameday/game-day-plan.js";
import type { GameDayResult } from "../live/gameday/run-game-day.js";
import { plannedProcesses } from "../live/safety/plan.js";
import { setInText } from "../lab/variant.js";
import { counted, duration } from "../kernel/format.js";
import { MICROS_PER_SECOND } from "../kernel/units.js";
import { predictedPretty } from "../report/predict/pretty.js";
import type { Scenario } from "../scenario/compiled.js";
import { loadScenario } from "../scenario/load.js";
import { writeWhole } from "./artifacts.js";
import type { CalibrateFlags } from "./commands/calibrate.js";
import { messageOf, UsageError, type ExitCode } from "./exit.js";
import { nodeFiles } from "./files.js";
import { renderProblems } from "./problems.js";
import type { Terminal } from "./terminal.js";

export interface PredictFlags {
  readonly predict?: boolean;
  /** A world that `calibrate` wrote; a fresh one is measured when it is left out. */
  readonly calibrated?: string;
  readonly out: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly allowPath: readonly string[];
}

/** The scenario as it is to be simulated. */
export interface CalibratedScenario {
  /** At its written speed. */
  readonly scenario: Scenario;
  readonly worldFile: string;
  readonly hopSeconds: number;
  /** Null: its world's file does not say. */
  readonly overhead: Overhead | null;
}

/** What can be checked before anything is started: the given world, null when none is given. Throws UsageError. */
export function checkPrediction(written: Scenario, flags: PredictFlags, terminal: Terminal): CalibratedScenario | null {
  if (flags.calibrated === undefined) return null;
  if (flags.predict !== true) throw new UsageError("--calibrated goes with --predict: without it nothing is simulated");
  return onWorld(written, flags.calibrated, flags, terminal);
}

const CALIBRATED_FOR = "60s";

const calibrateFlags = (written: Scenario, out: string, flags: PredictFlags): CalibrateFlags =>
  ({ ...flags, target: "local", for: CALIBRATED_FOR, seed: String(written.seed), out, gameDays: flags.out });

/** What is played before the game day itself, when no calibrated world is given: for the plan. Throws UsageError. */
export async function calibrationAhead(written: Scenario, flags: PredictFlags, terminal: Terminal): Promise<string> {
  const { calibrationPlan } = await import("./commands/calibrate.js");
  const plan = calibrationPlan(written.file, calibrateFlags(written, join(flags.out, "calibrated.yaml"), flags), terminal);
  return [
    `First comes a calibration: a game day of its own, with ${CALIBRATED_FOR} in which nothing is broken and a harmless release, for the world that is simulated.`,
    `  It takes ${duration(plan.takes)}, with ${counted(plannedProcesses(plan), "process", "processes")}, in ${plan.folder}; its own plan is shown and asked for. \`--calibrated WORLD\` leaves it out.`,
    "Then comes what this plan says:", "",
  ].join("\n");
}

/** The scenario on a world that is measured now; an exit code when that did not come to a world. */
export async function freshlyCalibrated(written: Scenario, folder: string, flags: PredictFlags, terminal: Terminal): Promise<CalibratedScenario | ExitCode> {
  const out = join(folder, "calibrated.yaml");
  const { calibratedWorld } = await import("./commands/calibrate.js");
  terminal.print("\nFirst an unfaulted stretch, to calibrate the world that is simulated:\n");
  const world = await calibratedWorld(written.file, calibrateFlags(written, out, flags), terminal);
  if (!world.ok) return world.code;
  writeWhole(out, world.text);
  return onWorld(written, out, flags, terminal);
}

function onWorld(written: Scenario, worldFile: string, { allowPath }: PredictFlags, terminal: Terminal): CalibratedScenario {
  let text: string;
  try {
    text = readFileSync(worldFile, "utf8");
  } catch (error) {
    throw new UsageError(`${worldFile}: can't be read (${messageOf(error)}); \`shakedown calibrate\` writes one`);
  }
  const hop = hopIn(text);
  if (hop === null) terminal.warn(`${worldFile} was not written by \`shakedown calibrate\`: nothing is known of the way by the proxy, and clients' latencies will be off by it`);
  const disk = nodeFiles({ allowPaths: [...allowPath, dirname(resolve(worldFile))] });
  const read: typeof disk.read = (path, root) => {
    const found = disk.read(path, root);
    if (path !== written.file || "error" in found) return found;
    const changed = setInText(found.text, ["world"], resolve(worldFile));
    return { text: changed, bytes: changed.length };
  };
  const loaded = loadScenario(written.file, { ...disk, read });
  if (!loaded.ok) throw new UsageError(`${written.file} can't be simulated on ${worldFile}:\n${renderProblems(loaded.problems, { color: terminal.color })}`);
  return { scenario: { ...loaded.value, seed: written.seed }, worldFile, hopSeconds: (hop ?? 0) / MICROS_PER_SECOND, overhead: overheadIn(text) };
}

/** Simulates, compares, prints, and writes predicted.json and predicted.html into the game day's folder. */
export async function showPrediction(calibrated: CalibratedScenario, speed: number, source: TelemetrySource, result: GameDayResult, folder: string, terminal: Terminal): Promise<void> {
  const { simulation, quality, lasted, early } = result;
  if (simulation === null || quality === null) return terminal.warn("nothing to compare with a prediction: the game day did not begin");
  if (early !== null) terminal.warn("the game day ended early: only what came before is compared");
  if (speed !== 1 && calibrated.overhead === null) terminal.warn(`${calibrated.worldFile} does not say what of its times real processes add, so all of them are divided by ${speed}; \`shakedown calibrate\` writes it again with that`);
  const report = predictGameDay({ simulation, quality, lasted, speed, source, ...calibrated, overhead: calibrated.overhead ?? NO_OVERHEAD });
  const { predictedHtml } = await import("../report/predict/page.js");
  writeWhole(join(folder, "predicted.json"), `${JSON.stringify(report, (_, value: unknown) => (value === Infinity ? "never" : value), 1)}\n`);
  const page = join(folder, "predicted.html");
  writeWhole(page, await predictedHtml(report));
  terminal.print(`\n${predictedPretty(report, { color: terminal.color, width: terminal.width, page: relative(process.cwd(), page) })}`);
}
