// `shakedown gameday stop ID`: ends a running game day from elsewhere, as Ctrl-C in its own terminal does.

import { gameDays, gameDaysFolder } from "../../live/safety/game-days.js";
import { requestStop } from "../../live/safety/stop.js";
import { adviseName } from "../../scenario/nearest.js";
import { duration } from "../../kernel/format.js";
import { ExitCode, UsageError } from "../exit.js";
import type { Terminal } from "../terminal.js";
import { refused } from "./gameday-recover.js";

interface GameDayFlags {
  /** The output folder that the game day was given. */
  readonly out?: string;
}

const MICROS_PER_MS = 1_000;

/** Asks the game day to revert and report, and waits until it has. */
export async function stopGameDay(id: string, terminal: Terminal, { out = "shakedown-out" }: GameDayFlags = {}): Promise<ExitCode> {
  const all = gameDays(gameDaysFolder(out));
  const place = all.find((each) => each.id === id);
  if (place === undefined) throw new UsageError(`there is no game day ${id} in ${gameDaysFolder(out)}: ${adviseName(id, all.map((each) => each.id), "game days")}`);
  terminal.status(`asked ${id} to end ...`);
  const result = await requestStop(place).catch(refused);
  terminal.status("");
  switch (result.kind) {
    case "ended":
      terminal.print(`${id} ended after ${duration(Math.round(result.afterMs) * MICROS_PER_MS)}: ${result.reason}`);
      return ExitCode.ok;
    case "had ended":
      terminal.print(`${id} had ended already, at ${result.at}: ${result.reason}`);
      return ExitCode.ok;
    case "main is gone":
      terminal.warn(`${id} was killed before it could end; clean up with \`shakedown gameday recover\``);
      return ExitCode.failed;
    case "still ending":
      terminal.warn(`${id} was asked to end and has not ended after ${duration(result.afterMs * MICROS_PER_MS)}`);
      return ExitCode.failed;
    case "not permitted":
      throw new UsageError(`${id} belongs to another user: stop it as that user`);
    case "unreadable":
      throw new UsageError(`the journal of ${id} has no first line: it never started`);
  }
}
