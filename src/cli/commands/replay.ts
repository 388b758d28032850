// `shakedown replay`: feeds a game day's record back through the engines, under its own strategy or another one.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Decision } from "../../engines/decision.js";
import { atSpeed } from "../../live/gameday/speed.js";
import { scenarioDigest } from "../../live/replay/digest.js";
import { readHistory, type About } from "../../live/replay/history.js";
import { replayOther, type OtherReplay } from "../../live/replay/replay-other.js";
import { replaySame, type SameReplay } from "../../live/replay/replay-same.js";
import { RecordError } from "../../live/telemetry/replay.js";
import { clock, counted, duration } from "../../kernel/format.js";
import { mark, planWords } from "../../report/words.js";
import { loadStrategy } from "../../scenario/load.js";
import type { Scenario } from "../../scenario/compiled.js";
import { releasesOf } from "../../sim/stage.js";
import { ExitCode, UsageError } from "../exit.js";
import { nodeFiles } from "../files.js";
import { loadAll } from "../load.js";
import { standsAt } from "../path-trouble.js";
import { renderProblems } from "../problems.js";
import type { Terminal } from "../terminal.js";

export interface ReplayFlags {
  readonly strategy?: string;
  readonly json?: boolean;
  readonly allowPath: readonly string[];
}

const RECORD = "telemetry.ndjson";

/** Runs the command; gives its exit code. */
export async function replayCommand(target: string, flags: ReplayFlags, terminal: Terminal): Promise<ExitCode> {
  try {
    const path = recordIn(target);
    const history = await readHistory(path);
    const { about, turns } = history;
    const written = scenarioOf(about, flags, terminal);
    if (!history.isWhole) terminal.warn(`this record ends at ${duration(Math.max(0, history.end))} of ${duration(atSpeed(written, about.speed).duration)}, without its end: the game day was killed, or the file was cut`);
    if (flags.strategy !== undefined) return showOther(await replayOther(path, withStrategy(written, flags.strategy, about, flags, terminal)), flags.strategy, flags, terminal);
    if (turns === 0) throw new UsageError(`${path}: this record holds no turns of the engines, so that only another strategy can be tried on it (--strategy FILE)`);
    return showSame(await replaySame(path, atSpeed(written, about.speed)), flags, terminal);
  } catch (error) {
    if (error instanceof RecordError) throw new UsageError(`${target}: ${error.message}`);
    throw error;
  }
}

function recordIn(target: string): string {
  const found = standsAt(target);
  if (found === null) throw new UsageError(`${target}: there is no such record; a game day leaves one in its folder, e.g. shakedown-out/gamedays/NAME-1`);
  return found.isDirectory() ? join(target, RECORD) : target;
}

function scenarioOf(about: About, { allowPath }: ReplayFlags, terminal: Terminal): Scenario {
  if (about.calibration === true) throw new UsageError(`the record is of a calibration, whose scenario was made for it and is in no file: it can't be replayed; name the folder of another game day`);
  if (!existsSync(about.scenario)) throw new UsageError(`the record is of ${about.scenario}, which is not here; replay it from the folder in which the game day was started`);
  const [scenario] = loadAll([about.scenario], { allowPath, color: terminal.color, fidelity: "request" });
  const atItsSpeed = atSpeed({ ...scenario, seed: about.seed }, about.speed);
  if (about.digest !== undefined && about.digest !== scenarioDigest(atItsSpeed)) {
    terminal.warn(`${about.scenario}, its world or its strategy changed since the game day: the replay goes by what they say now`);
  }
  return { ...scenario, seed: about.seed };
}

function withStrategy(scenario: Scenario, file: string, { speed }: About, { allowPath }: ReplayFlags, terminal: Terminal): Scenario {
  const released = new Set(releasesOf(scenario).map(({ release }) => release.service));
  const endpoints = scenario.world.services.flatMap((service) => (released.has(service.name) ? service.endpoints.map(({ name }) => name) : []));
  const loaded = loadStrategy(file, nodeFiles({ allowPaths: allowPath }), endpoints);
  if (!loaded.ok) throw new UsageError(renderProblems(loaded.problems, { color: terminal.color }));
  return atSpeed({ ...scenario, strategy: loaded.value, strategyFile: file }, speed);
}

function showSame(replay: SameReplay, { json }: ReplayFlags, terminal: Terminal): ExitCode {
  const { history, decisions, differences, answers } = replay;
  const isSame = differences.length === 0;
  if (json === true) {
    terminal.print(JSON.stringify({ about: history.about, whole: history.isWhole, same: isSame, differences, answers, decisions }));
    return isSame ? ExitCode.ok : ExitCode.failed;
  }
  terminal.print(titleOf(history.about, replay));
  for (const decision of decisions) terminal.print(lineOf(decision));
  if (answers.computed > 0) terminal.print(`${mark(answers.equal === answers.computed)} ${answers.equal} of ${counted(answers.computed, "answer")} of telemetry came out of the recorded scrapes again`);
  terminal.print(isSame
    ? `${mark(true)} ${history.isWhole ? "" : `up to ${duration(Math.max(0, history.end))}, where the record breaks off, `}the same ${counted(history.decisions.length, "decision")} and ${counted(history.commands.length, "command")} as in the game day: rule, action, reason and every check`
    : `${mark(false)} not as in the game day:\n${differences.map((each) => `  ${each}`).join("\n")}`);
  return isSame ? ExitCode.ok : ExitCode.failed;
}

function showOther({ history, decisions, parting }: OtherReplay, strategy: string, { json }: ReplayFlags, terminal: Terminal): ExitCode {
  if (json === true) {
    terminal.print(JSON.stringify({ about: history.about, whole: history.isWhole, strategy, decisions, parting, recorded: history.decisions }));
    return ExitCode.ok;
  }
  terminal.print(`${titleOf(history.about, { history })}\n\nThe game day decided:`);
  for (const decision of history.decisions) terminal.print(lineOf(decision));
  if (history.decisions.length === 0) terminal.print("  nothing");
  terminal.print(`\n${strategy} on the same telemetry decides:`);
  for (const decision of decisions) terminal.print(lineOf(decision));
  if (decisions.length === 0) terminal.print(parting === null ? "  nothing" : "  nothing until then");
  terminal.print(parting === null
    ? `\nTo the end of the record it does the same, so that the record answers for all of it${history.isWhole ? "" : " that is there"}.`
    : `\nAt ${clock(parting.at)} it parts from the game day: ${parting.text}.\nFrom there on the record does not answer: what it tells of followed from what the game day did. \`shakedown gameday\` or \`shakedown run\` with this strategy does.`);
  return ExitCode.ok;
}

const titleOf = ({ scenario, seed, telemetry }: About, { history }: Pick<SameReplay, "history">): string =>
  `${scenario}  seed ${seed} · recorded with the ${telemetry === "built-in" ? "built-in scraper" : "Prometheus"} · ${clock(history.end)} long`;

const lineOf = ({ id, at, actions, reason }: Decision): string => `  ${clock(at)}  [${id}] ${planWords(actions)}: ${reason}`;
