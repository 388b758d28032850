// `shakedown gameday`: plays a scenario on real processes of this machine, after its plan was shown and agreed to.

import { existsSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { planFaults } from "../../live/gameday/fault-acts.js";
import { planGameDay, type TelemetrySource } from "../../live/gameday/game-day-plan.js";
import { liveView } from "../../live/gameday/live-view.js";
import { runGameDay } from "../../live/gameday/run-game-day.js";
import { scenarioDigest } from "../../live/replay/digest.js";
import { atSpeed, speedRefusal } from "../../live/gameday/speed.js";
import { gameDayFolder } from "../../live/safety/game-days.js";
import { checkPlan, machineNow, type GameDayPlan } from "../../live/safety/plan.js";
import { confirmPlan, planText } from "../../live/safety/plan-text.js";
import { counted } from "../../kernel/format.js";
import { makeFolder } from "../../lab/storage/folder.js";
import type { Scenario } from "../../scenario/compiled.js";
import { slug } from "../artifacts.js";
import { ExitCode, messageOf, UsageError } from "../exit.js";
import { loadAll } from "../load.js";
import { calibrationAhead, checkPrediction, freshlyCalibrated, showPrediction } from "../prediction.js";
import { readers } from "../readers.js";
import { scenarioFiles } from "../targets.js";
import type { Terminal } from "../terminal.js";
import { reportGameDay } from "./gameday-report.js";
import { checkSource, sourceOf } from "./gameday-source.js";

export interface GameDayFlags {
  readonly target: string;
  readonly speed?: string;
  readonly prometheus?: string;
  readonly sdFile?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  /** Simulate it as well, and compare. */
  readonly predict?: boolean;
  /** With `predict`: a world that `calibrate` wrote. */
  readonly calibrated?: string;
  readonly out: string;
  readonly allowPath: readonly string[];
}

/** Runs the command; gives its exit code. */
export async function gameDayCommand(target: string | undefined, flags: GameDayFlags, terminal: Terminal): Promise<ExitCode> {
  const written = scenarioOf(target, flags, terminal);
  const speed = speedOf(flags, written);
  const scenario = atSpeed(written, speed);
  const source = sourceOf(flags);
  const given = checkPrediction(written, flags, terminal);
  const { acts, refusals } = planFaults(scenario, source.kind === "built-in" ? "built-in" : "prometheus");
  if (refusals.length > 0) throw new UsageError([`${written.file}: the local target can't do everything in it`, ...refusals.map((each) => `  ${each}`), "`shakedown run` simulates it"].join("\n"));
  await checkSource(source, scenario);
  const id = newId(written, flags.out);
  const plan = planGameDay({ id, scenario, speed, acts, source, folder: gameDayFolder(flags.out, id) });
  if (flags.predict === true && given === null) terminal.print(await calibrationAhead(written, flags, terminal));
  if (!(await agreed(plan, flags, terminal))) return flags.dryRun === true ? ExitCode.ok : ExitCode.interrupted;
  makeDayFolder(plan.folder);
  readers.goOn();
  const calibrated = flags.predict === true ? (given ?? await freshlyCalibrated(written, plan.folder, flags, terminal)) : null;
  if (typeof calibrated === "number") return calibrated;
  const result = await runGameDay({
    scenario, plan, acts, source, view: liveView(process.stderr, terminal.width),
    replay: replayOf(written, speed, flags), about: aboutOf(written, scenario, speed, source),
  });
  const code = await reportGameDay(result, plan, terminal);
  if (calibrated !== null) await showPrediction(calibrated, speed, source, result, plan.folder, terminal);
  return code;
}

function scenarioOf(target: string | undefined, flags: GameDayFlags, terminal: Terminal): Scenario {
  if (target === undefined) throw new UsageError("which scenario? Write its file, e.g. `shakedown gameday scenarios/game-days/error-spike.yaml --target local`");
  if (flags.target !== "local") throw new UsageError(`--target ${flags.target}: there is one target so far, local`);
  const files = scenarioFiles([target]);
  if (files.length !== 1) throw new UsageError(`${target} holds ${counted(files.length, "scenario")}: a game day plays one`);
  // Nothing is refused for cohort's sake: real processes do what both fidelities do.
  const [scenario] = loadAll(files, { allowPath: flags.allowPath, color: terminal.color, fidelity: "request" });
  return scenario;
}

function speedOf({ speed: text }: GameDayFlags, scenario: Scenario): number {
  const speed = text === undefined ? scenario.gameDay.speed : Number(text);
  const refusal = Number.isFinite(speed) ? speedRefusal(scenario, speed) : `--speed ${text} is no number`;
  if (refusal !== null) throw new UsageError(refusal);
  return speed;
}

/** Unique in the output folder, and speakable: `error-spike-3`. */
export function newId({ name }: Pick<Scenario, "name">, out: string): string {
  const base = slug(name);
  for (let number = 1; ; number += 1) {
    const id = `${base}-${number}`;
    if (!existsSync(gameDayFolder(out, id))) return id;
  }
}

/** Shows the plan; true when it may be carried out. Throws UsageError when it must not. */
export async function agreed(plan: GameDayPlan, flags: Pick<GameDayFlags, "dryRun" | "yes">, terminal: Terminal): Promise<boolean> {
  terminal.print(planText(plan));
  const refusals = checkPlan(plan, machineNow(flags.yes === true || flags.dryRun === true));
  if (refusals.length > 0) throw new UsageError(refusals.map(({ message, instead }) => `refused: ${message}; ${instead}`).join("\n"));
  if (flags.dryRun === true) return false;
  if (flags.yes === true) return true;
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await confirmPlan((question) => asking.question(question));
  } finally {
    asking.close();
  }
}

/** Before anything is started. Throws UsageError. */
export function makeDayFolder(folder: string): void {
  try {
    makeFolder(folder);
  } catch (error) {
    throw new UsageError(`${folder} can't be made: ${messageOf(error)}`);
  }
}

function replayOf({ file }: Scenario, speed: number, { prometheus, sdFile }: GameDayFlags): string {
  return `shakedown gameday ${file} --target local${speed === 1 ? "" : ` --speed ${speed}`}${prometheus === undefined ? "" : ` --prometheus ${prometheus}`}${sdFile === undefined ? "" : ` --sd-file ${sdFile}`}`;
}

function aboutOf({ file, name, seed, worldFile, strategyFile }: Scenario, atItsSpeed: Scenario, speed: number, source: TelemetrySource): unknown {
  return { scenario: file, name, seed, world: worldFile, strategy: strategyFile, speed, telemetry: source.kind, digest: scenarioDigest(atItsSpeed) };
}
