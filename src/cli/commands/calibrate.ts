// `shakedown calibrate`: an unfaulted game day whose figures become a world for the simulator.

import { join } from "node:path";
import type { Window } from "../../lab/predict/figures.js";
import type { Calibration } from "../../live/calibrate/calibration.js";
import { fit, SETTLING } from "../../live/calibrate/fit.js";
import { scrapeFigures } from "../../live/calibrate/scrape-figures.js";
import { stretchScenario } from "../../live/calibrate/stretch-scenario.js";
import { calibratedText } from "../../live/calibrate/world-text.js";
import { NoWorldError, writtenWorld, type WrittenWorld } from "../../live/calibrate/written-world.js";
import { planGameDay } from "../../live/gameday/game-day-plan.js";
import { liveView } from "../../live/gameday/live-view.js";
import type { Quality, QualityWindow } from "../../live/gameday/quality.js";
import { runGameDay } from "../../live/gameday/run-game-day.js";
import { gameDayFolder } from "../../live/safety/game-days.js";
import { counted, duration } from "../../kernel/format.js";
import { seconds, type Micros } from "../../kernel/units.js";
import type { GameDayPlan } from "../../live/safety/plan.js";
import type { Scenario } from "../../scenario/compiled.js";
import { loadScenario } from "../../scenario/load.js";
import { parseDuration } from "../../scenario/units.js";
import { checkWritable, writeWhole } from "../artifacts.js";
import { ExitCode, UsageError } from "../exit.js";
import { nodeFiles } from "../files.js";
import { renderProblems } from "../problems.js";
import { readers } from "../readers.js";
import { parseSeed } from "../seeds.js";
import type { Terminal } from "../terminal.js";
import { agreed, makeDayFolder, newId } from "./gameday.js";

export interface CalibrateFlags {
  readonly target: string;
  /** The calibrated world's file. */
  readonly out: string;
  readonly for: string;
  readonly seed: string;
  /** Where the game day's journal and record go. */
  readonly gameDays: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly allowPath: readonly string[];
}

/** Runs the command; gives its exit code. */
export async function calibrateCommand(target: string, flags: CalibrateFlags, terminal: Terminal): Promise<ExitCode> {
  if (flags.dryRun !== true) checkWritable(flags.out);
  const world = await calibratedWorld(target, flags, terminal);
  if (!world.ok) return world.code;
  writeWhole(flags.out, world.text);
  terminal.print(`\n${flags.out}\nnext: shakedown gameday SCENARIO --predict --calibrated ${flags.out}`);
  return ExitCode.ok;
}

/** The text of the calibrated world's file, or how the command ends without one. */
export type CalibratedWorld = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly code: ExitCode };

/** Says why when there is none. Throws UsageError. */
export async function calibratedWorld(target: string, flags: CalibrateFlags, terminal: Terminal): Promise<CalibratedWorld> {
  if (flags.target !== "local") throw new UsageError(`--target ${flags.target}: there is one target so far, local`);
  const written = worldIn(target, flags);
  const calibration = await calibrate(written, flags, terminal);
  if (typeof calibration === "number") return { ok: false, code: calibration };
  terminal.print(inWords(calibration));
  return { ok: true, text: calibratedText(written, calibration, flags.out) };
}

function worldIn(target: string, { allowPath }: CalibrateFlags): WrittenWorld {
  try {
    return writtenWorld(target, nodeFiles({ allowPaths: allowPath }));
  } catch (error) {
    throw error instanceof NoWorldError ? new UsageError(error.message) : error;
  }
}

const SHORTEST: Micros = seconds(20);
const LONGEST: Micros = seconds(3_600);

function stretchOf({ for: text }: CalibrateFlags): Micros {
  const parsed = parseDuration(text);
  if (!parsed.ok) throw new UsageError(`--for ${text}: ${parsed.message}; ${parsed.instead}`);
  if (parsed.value < SHORTEST || parsed.value > LONGEST) throw new UsageError(`--for ${text}: write at least ${duration(SHORTEST)} and at most ${duration(LONGEST)}`);
  return parsed.value;
}

/** The plan of a calibration, before it is asked for. Throws UsageError. */
export const calibrationPlan = (target: string, flags: CalibrateFlags, terminal: Terminal): GameDayPlan => planned(worldIn(target, flags), flags, terminal).plan;

function planned(written: WrittenWorld, flags: CalibrateFlags, terminal: Terminal): { readonly scenario: Scenario; readonly path: string; readonly plan: GameDayPlan } {
  const { path, access } = stretchScenario(written, { stretch: stretchOf(flags), seed: parseSeed(flags.seed) }, nodeFiles({ allowPaths: flags.allowPath }));
  const loaded = loadScenario(path, access);
  if (!loaded.ok) throw new UsageError(renderProblems(loaded.problems, { color: terminal.color }));
  const scenario = loaded.value;
  const id = newId(scenario, flags.gameDays);
  return { scenario, path, plan: planGameDay({ id, scenario, speed: 1, acts: [], source: { kind: "built-in" }, folder: gameDayFolder(flags.gameDays, id) }) };
}

async function calibrate(written: WrittenWorld, flags: CalibrateFlags, terminal: Terminal): Promise<Calibration | ExitCode> {
  const stretch = stretchOf(flags);
  const source = { kind: "built-in" } as const;
  const { scenario, path, plan } = planned(written, flags, terminal);
  if (!(await agreed(plan, flags, terminal))) return flags.dryRun === true ? ExitCode.ok : ExitCode.interrupted;
  makeDayFolder(plan.folder);
  readers.goOn();
  const about = { scenario: path, name: scenario.name, seed: scenario.seed, world: scenario.worldFile, strategy: scenario.strategyFile, speed: 1, telemetry: source.kind, calibration: true };
  const { simulation, quality, early, cleaned } = await runGameDay({
    scenario, plan, acts: [], source, view: liveView(process.stderr, terminal.width), replay: `shakedown calibrate ${written.file} --target local`, about,
  });
  for (const left of cleaned.left) terminal.warn(`still there: ${left}; \`shakedown gameday recover\` tries again`);
  if (early?.kind === "error") throw early.error;
  if (early?.kind === "asked") return ExitCode.interrupted;
  const windows = wellMeasured(quality, stretch);
  const why = early?.why ?? (simulation === null ? "the game day did not begin" : windows.length === 0 ? badWindows(quality, stretch) : null);
  if (simulation === null || why !== null) {
    terminal.warn(`nothing was calibrated: ${why}`);
    return ExitCode.failed;
  }
  const scrape = await scrapeFigures(join(plan.folder, "telemetry.ndjson"), SETTLING, stretch);
  // Those that the world misses by chance left no trace to count.
  const made = 1 - scenario.world.telemetry.missed;
  const missed = 1 - made * (scrape.scrapes === 0 ? 1 : 1 - scrape.failed / scrape.scrapes);
  return { ...fit(scenario, simulation, windows), from: SETTLING, to: stretch, seed: scenario.seed, scrape, missed, quality: [badWindows(quality, stretch) ?? []].flat() };
}

const PIECE: Micros = seconds(5);
/** With less of the stretch measured well, its figures are those of a busy machine. */
const ENOUGH = 0.3;

const piecesOf = (quality: Quality | null, stretch: Micros): readonly QualityWindow[] => (quality?.windows(PIECE, stretch) ?? []).filter(({ from }) => from >= SETTLING);

/** The pieces of the stretch in which the load was sent as it should be; none when they are too few. */
function wellMeasured(quality: Quality | null, stretch: Micros): readonly Window[] {
  const pieces = piecesOf(quality, stretch);
  const good = pieces.filter(({ comparable }) => comparable);
  return good.length >= ENOUGH * pieces.length ? good : [];
}

/** What was measured badly, in words; null when nothing was. */
function badWindows(quality: Quality | null, stretch: Micros): string | null {
  const pieces = piecesOf(quality, stretch);
  const bad = pieces.filter(({ comparable }) => !comparable);
  if (bad.length === 0) return null;
  const used = pieces.length - bad.length >= ENOUGH * pieces.length ? "they are left out" : "wait until the machine is less busy, or give the world less traffic";
  return `${bad.length} of ${counted(pieces.length, "piece")} of ${duration(PIECE)} were measured badly (the first: ${bad[0].why}); ${used}`;
}

function inWords({ endpoints, hop, startup, split, scrape, quality }: Calibration): string {
  const change = (from: Micros, to: Micros): string => `${duration(from)} -> ${duration(to)}`;
  return [
    "",
    "answers as written -> as measured",
    ...endpoints.map(({ service, endpoint, requests, before, observed, fitted }) =>
      `  ${`${service}/${endpoint}`.padEnd(24)} p50 ${change(before.p50, observed.p50)}, p95 ${change(before.p95, observed.p95)} of ${counted(requests, "request")}${fitted === null ? "; too few to fit" : ""}`),
    `client to replica and back: ${duration(hop.by)} more than the replica's own, mean of ${counted(hop.samples, "page")}`,
    startup === null ? "no replica started" : `start-up: ${duration(startup.by)} more than written, mean of ${startup.samples}`,
    ...(split === null ? [] : [`a new split: ${duration(Math.abs(split.by))} ${split.by < 0 ? "less" : "more"} than written, mean of ${split.samples}`]),
    `scrapes: seen after ${duration(scrape.lagP50)} (p95 ${duration(scrape.lagP95)}), ${scrape.failed} of ${scrape.scrapes} failed`,
    ...quality.map((why) => why),
  ].join("\n");
}
